// The web server of the site: one page, and what it knows of itself. Usage: node server.mjs FOLDER PORT
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [folder, port] = process.argv.slice(2);
const key = randomBytes(16).toString('hex');
const began = Date.now();
let visits = 0;

const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:",
};

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  const reply = (status, type, body) => {
    response.writeHead(status, { ...HEADERS, 'content-type': `${type}; charset=utf-8` });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return reply(405, 'text/plain', 'GET only\n');
  if (pathname === '/status.json') {
    const seconds = Math.floor((Date.now() - began) / 1000);
    return reply(200, 'application/json', JSON.stringify({ key, pid: process.pid, seconds, visits }));
  }
  if (pathname !== '/') return reply(404, 'text/plain', 'There is one page here: /\n');
  visits += 1;
  return reply(200, 'text/html', readFileSync(join(folder, 'index.html')));
});

server.listen(Number(port), '127.0.0.1', () => {
  const { port: taken } = server.address();
  const state = { pid: process.pid, port: taken, url: `http://127.0.0.1:${taken}/`, key };
  // Written beside and renamed: who reads it reads it whole.
  writeFileSync(join(folder, 'server.json.new'), JSON.stringify(state));
  renameSync(join(folder, 'server.json.new'), join(folder, 'server.json'));
  console.log(`listening on ${state.url}`);
});

process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
