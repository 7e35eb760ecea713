// The program that a local server is: it answers HTTP with what it knows of itself, counts how often it was asked, and keeps
// that count on its disk, so that power, snapshots and resizing can be seen to do something. Read from standard input by
// Node, so that no path of Orrery's need be readable to the user it runs as. Its folder is its whole world.
//
// Arguments: --uuid, --hostname, --ip, --port, --cpus, --memory. Ends with 98 when the address is taken.
import { scryptSync, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const given = Object.fromEntries(
  process.argv.slice(2).map((each) => /^--([a-z]+)=(.*)$/.exec(each)?.slice(1) ?? []),
);
const began = new Date();
mkdirSync('disk', { recursive: true });

function visits() {
  try {
    return Number(readFileSync('disk/visits', 'utf8')) || 0;
  } catch {
    return 0;
  }
}

function keep(name, text) {
  writeFileSync(`${name}.new`, text);
  renameSync(`${name}.new`, name);
}

/** Whether who asks knows the password, where there is one. HTTP Basic; the name is not looked at. */
function knows({ headers }) {
  let login;
  try {
    login = JSON.parse(readFileSync('login.json', 'utf8'));
  } catch (error) {
    return error.code === 'ENOENT';
  }
  const [, basic] = /^basic +([a-z0-9+/=_-]{1,4000})$/i.exec(headers.authorization ?? '') ?? [];
  if (basic === undefined) return false;
  const said = Buffer.from(basic, 'base64').toString('utf8');
  const password = said.slice(said.indexOf(':') + 1).normalize('NFC');
  const hash = Buffer.from(login.hash, 'base64');
  return timingSafeEqual(scryptSync(password, Buffer.from(login.salt, 'base64'), hash.length), hash);
}

const server = createServer((request, response) => {
  if (!knows(request)) {
    response.writeHead(401, {
      'www-authenticate': 'Basic realm="server"',
      'content-type': 'application/json',
    });
    response.end('{"error": "password wanted"}\n');
    return;
  }
  const count = visits() + 1;
  keep('disk/visits', String(count));
  const body = {
    hostname: given.hostname,
    uuid: given.uuid,
    cpus: Number(given.cpus),
    memory_mb: Number(given.memory),
    up_since: began.toISOString(),
    visits: count,
    path: request.url,
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body, null, 2)}\n`);
});
server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(error.code === 'EADDRINUSE' || error.code === 'EADDRNOTAVAIL' ? 98 : 1);
});
server.listen(Number(given.port), given.ip, () => {
  const { address, port } = server.address();
  keep('answer.json', JSON.stringify({ pid: process.pid, ip: address, port }));
});
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  process.exit(0);
});
