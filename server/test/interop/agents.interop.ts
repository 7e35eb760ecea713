/** Agents on a host behind Debian's sshd, which scripts/interop.mjs installs. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Host } from '../support/a-host.js';
import { agentsConform } from '../support/agents-conform.js';
import { hostsWithoutNode } from './without-node.js';

const SSHD = '/usr/sbin/sshd';
assert.ok(existsSync(SSHD), `${SSHD} is missing: it is in the package openssh-server`);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function aHostBehindSshd(): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-sshd-'));
  const home = join(folder, 'home');
  mkdirSync(home);
  const keygen = (path: string) => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  keygen(join(folder, 'client'));
  keygen(join(folder, 'host'));
  writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'client.pub')), { mode: 0o600 });
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const port = await freePort();
  // Node as this suite runs with, and a home of its own: nothing else of the user's is touched.
  writeFileSync(
    join(folder, 'config'),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(folder, 'host')}
PidFile none
AuthorizedKeysFile ${join(folder, 'authorized')}
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
SetEnv HOME=${home} PATH=${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin
`,
  );
  const sshd = spawn(SSHD, ['-D', '-e', '-f', join(folder, 'config')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    sshd.stderr.on('data', (chunk) => {
      said += chunk;
      if (/Server listening/.test(said)) resolve();
    });
    sshd.once('exit', () => reject(new Error(said)));
  });
  const blob = Buffer.from(readFileSync(join(folder, 'host.pub'), 'utf8').split(' ')[1]!, 'base64');
  return {
    port,
    user: userInfo().username,
    privateKey: readFileSync(join(folder, 'client'), 'utf8'),
    hostKey: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
    home,
    async close() {
      sshd.kill('SIGTERM');
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

await agentsConform('sshd', aHostBehindSshd);
await hostsWithoutNode(await freePort());
