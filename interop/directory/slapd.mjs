// A real directory: Debian's slapd, unpacked under .cache/ where the machine has none, on free ports of the loopback.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const BASE = 'dc=example,dc=com';
export const READER = { dn: `cn=reader,${BASE}`, password: 'reader password' };

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (done.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${done.stderr ?? ''}${done.error?.message ?? ''}`);
  return done.stdout;
}

/** The folder that the package is unpacked in; it is got once. */
function unpacked(cache) {
  const folder = join(cache, 'slapd');
  const root = join(folder, 'root');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return root;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const libraries = run('apt-cache', ['depends', 'slapd'])
    .split('\n')
    .map((line) => /^\s*Depends: (lib\S+)$/.exec(line)?.[1])
    .filter((name) => name !== undefined);
  run('apt-get', ['download', 'slapd', ...libraries], { cwd: folder });
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb')))
    run('dpkg-deb', ['-x', file, root], { cwd: folder });
  writeFileSync(finished, '');
  return root;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** An authority, and a certificate of it for localhost. */
function certificates(folder) {
  const openssl = (...args) => run('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const key = ['-newkey', 'rsa:2048', '-nodes', '-subj'];
  openssl('req', '-x509', '-days', '2', ...key, '/CN=Test authority', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', ...key, '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(join(folder, 'ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-extfile',
    'ext',
    '-out',
    'server.pem',
  );
}

export async function startDirectory(cache, ldif) {
  const root = unpacked(cache);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-slapd-'));
  mkdirSync(join(folder, 'data'));
  certificates(folder);
  const schemas = ['core', 'cosine', 'inetorgperson'].map(
    (name) => `include ${root}/etc/ldap/schema/${name}.schema`,
  );
  writeFileSync(
    join(folder, 'slapd.conf'),
    `${schemas.join('\n')}
pidfile ${folder}/slapd.pid
modulepath ${root}/usr/lib/ldap
moduleload back_mdb
TLSCACertificateFile ${folder}/ca.pem
TLSCertificateFile ${folder}/server.pem
TLSCertificateKeyFile ${folder}/server.key
sizelimit 500
database mdb
suffix "${BASE}"
rootdn "cn=root,${BASE}"
rootpw root
directory ${folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn="${READER.dn}" read by * none
`,
  );
  writeFileSync(join(folder, 'first.ldif'), ldif);
  const libraries = ['usr/lib', 'lib'].flatMap((part) => {
    const at = join(root, part);
    return existsSync(at)
      ? readdirSync(at)
          .filter((name) => name.endsWith('-linux-gnu'))
          .map((name) => join(at, name))
      : [];
  });
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(':') };
  const slapd = join(root, 'usr/sbin/slapd');
  run(slapd, ['-T', 'add', '-f', join(folder, 'slapd.conf'), '-l', join(folder, 'first.ldif')], { env });
  const [plain, secure] = [await freePort(), await freePort()];
  const child = spawn(
    slapd,
    [
      '-d',
      '0',
      '-f',
      join(folder, 'slapd.conf'),
      '-h',
      `ldap://127.0.0.1:${plain} ldaps://127.0.0.1:${secure}`,
    ],
    { env, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let tries = 0; ; tries++) {
    const open = await new Promise((resolve) => {
      const socket = connect(plain, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) break;
    if (tries > 200 || child.exitCode !== null) throw new Error('slapd does not answer');
    await delay(50);
  }
  return {
    plain,
    secure,
    folder,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
