/** The SSH handler against Debian's sshd, which scripts/interop.mjs installs: three "hosts" of it on ports of their own. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { call, handlerConforms, settled, succeeded } from '../../src/inventory/handlers/conformance.js';
import type { ServerHands, ServerWish } from '../../src/inventory/handlers/handler.js';
import { createSshHandler } from '../../src/inventory/handlers/ssh/ssh-handler.js';
import { parseAllowlist } from '../../src/net/allowlist.js';

const SSHD = '/usr/sbin/sshd';
assert.ok(existsSync(SSHD), `${SSHD} is missing: it is in the package openssh-server`);
const folder = mkdtempSync(join(tmpdir(), 'orrery-sshd-'));
const user = userInfo().username;
const ended: (() => void)[] = [];
after(() => {
  for (const end of ended) end();
  rmSync(folder, { recursive: true, force: true });
});

const keygen = (path: string) => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
keygen(join(folder, 'client'));
const privateKey = readFileSync(join(folder, 'client'), 'utf8');
writeFileSync(join(folder, 'authorized'), readFileSync(join(folder, 'client.pub')), { mode: 0o600 });
if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startHost(name: string) {
  const port = await freePort();
  const key = join(folder, `host-${name}`);
  keygen(key);
  const config = join(folder, `config-${name}`);
  writeFileSync(
    config,
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${key}
PidFile none
AuthorizedKeysFile ${join(folder, 'authorized')}
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
`,
  );
  const sshd = spawn(SSHD, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  ended.push(() => sshd.kill('SIGTERM'));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    sshd.stderr.on('data', (chunk) => {
      said += chunk;
      if (/Server listening/.test(said)) resolve();
    });
    sshd.once('exit', () => reject(new Error(said)));
  });
  const blob = Buffer.from(readFileSync(`${key}.pub`, 'utf8').split(' ')[1]!, 'base64');
  const hostKey = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
  return { host: '127.0.0.1', port, user, host_key: hostKey, folder: join(folder, `lease-${name}`) };
}

const hosts = [await startHost('a'), await startHost('b'), await startHost('c')];
const marks = join(folder, 'marks');
const settings = {
  prepare: `echo "prepared $2" >> ${marks}`,
  clean: `echo "cleaned $1" >> ${marks}`,
};

function open(
  parts: { hosts?: object[]; allowed?: string; secrets?: Record<string, string> } = {},
): ServerHands {
  return createSshHandler({ allowlist: parseAllowlist(parts.allowed ?? '127.0.0.1:*') }).open({
    accountId: 'ssh-1',
    settings: JSON.parse(JSON.stringify({ ...settings, hosts: parts.hosts ?? hosts })),
    secrets: parts.secrets ?? { private_key: privateKey },
  });
}

const wish = (parts: Partial<ServerWish> = {}): ServerWish => ({
  uuid: randomUUID(),
  hostname: 'web01',
  image: '',
  cpus: 1,
  memoryMb: 512,
  diskGb: 1,
  networks: [],
  username: null,
  password: null,
  script: '',
  tags: {},
  ...parts,
});

handlerConforms({
  name: 'a pool of hosts behind sshd',
  open: async () => ({ hands: open(), close: async () => {} }),
  image: '',
  sizes: [
    { cpus: 1, memoryMb: 512 },
    { cpus: 2, memoryMb: 1024 },
  ],
  lacks: ['power', 'suspend', 'resize', 'grow-disk', 'add-disk', 'snapshot', 'revert'],
});

describe('hosts of a pool', () => {
  const hands = open();

  it('are leased one by one, prepared, and refused when none is free; two who want the last do not both get it', async () => {
    const wishes = [wish(), wish(), wish(), wish()];
    const answers = await Promise.all(wishes.map((one) => hands.build(one, call())));
    const built = answers.filter((answer) => answer.kind === 'done');
    assert.equal(built.length, 3);
    assert.equal(new Set(built.map((answer) => answer.kind === 'done' && answer.value.providerId)).size, 3);
    const refused = answers.find((answer) => answer.kind === 'failed');
    assert.ok(
      refused?.kind === 'failed' && refused.retryable && /no host of the pool is free/.test(refused.message),
    );
    assert.match(readFileSync(marks, 'utf8'), /prepared web01/);
    for (const one of wishes)
      await succeeded(() => hands.remove({ uuid: one.uuid, providerId: null }, call()));
    assert.equal(
      readFileSync(marks, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('cleaned')).length >= 3,
      true,
    );
    assert.deepEqual(await succeeded(() => hands.list(call())), []);
  });

  it('are not spoken to when they show another key than the pinned one', async () => {
    const strange = open({ hosts: [{ ...hosts[0]!, host_key: `SHA256:${'A'.repeat(43)}` }] });
    const answer = await strange.build(wish(), call());
    assert.ok(answer.kind === 'failed' && !answer.retryable);
    assert.match(answer.message, /another host key/);
  });

  it('are not spoken to where their address is not allowed', async () => {
    const answer = await open({ allowed: '' }).build(wish(), call());
    assert.ok(answer.kind === 'failed' && !answer.retryable);
    assert.match(answer.message, /CLOUD_ENDPOINT_ALLOWLIST/);
  });

  it('that are down are passed over, and nothing says that their servers are gone', async () => {
    const port = await freePort();
    const half = open({ hosts: [{ ...hosts[0]!, port }, hosts[1]!] });
    const one = wish();
    const server = await succeeded(() => half.build(one, call()));
    assert.match(server.providerId, new RegExp(String(hosts[1]!.port)));
    const listed = await settled(() => half.list(call()));
    assert.ok(listed.kind === 'failed' && listed.retryable);
    await succeeded(() => half.remove({ uuid: one.uuid, providerId: server.providerId }, call()));
  });

  it('that cannot be prepared say why, without the secret', async () => {
    const one = wish({ script: 'echo broken >&2; exit 7' });
    const answer = await hands.build(one, call());
    assert.ok(answer.kind === 'failed' && answer.retryable);
    assert.match(answer.message, /status 7, broken/);
    assert.ok(!answer.message.includes('PRIVATE KEY'));
    await succeeded(() => hands.remove({ uuid: one.uuid, providerId: null }, call()));
  });

  it('need a pinned key and a secret', () => {
    assert.throws(() => open({ hosts: [{ ...hosts[0]!, host_key: '' }] }), /host_key/);
    assert.throws(() => open({ secrets: {} }), /private_key/);
    assert.throws(() => open({ hosts: [] }), /hosts/);
  });
});
