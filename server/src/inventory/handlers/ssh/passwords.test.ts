/** Passwords of accounts on leased hosts. The host is this machine behind SSH, with a `chpasswd` that only writes down what it is told. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { aHost } from '../../../../test/support/a-host.js';
import { parseAllowlist } from '../../../net/allowlist.js';
import { call, succeeded } from '../conformance.js';
import type { CloudAccess } from '../handler.js';
import { createSshHandler } from './ssh-handler.js';

const host = await aHost();
after(() => host.close());
const told = join(host.home, 'told');
program(
  'chpasswd',
  `{ echo "$# $*"; cat; } >> '${told}'; [ ! -e '${told}.refused' ] || { cat '${told}' >&2; exit 1; }`,
);
program('sudo', '[ "$1" = -n ] && shift && exec "$@"');

const handler = createSshHandler({ allowlist: parseAllowlist('127.0.0.1:*') });
const access = (secrets: CloudAccess['secrets']): CloudAccess => ({
  accountId: 'pool',
  settings: { hosts: [{ host: '127.0.0.1', port: host.port, user: host.user, host_key: host.hostKey }] },
  secrets,
});
const hands = handler.open(access({ private_key: host.privateKey }));
const wish = {
  uuid: randomUUID(),
  ...{ hostname: 'web01', image: '', cpus: 1, memoryMb: 512, diskGb: 1, networks: [], tags: {} },
  ...{ username: null, password: null, script: '' },
};
const PASSWORD = `it's "a" $(password): \\n 7f3a`;

function program(name: string, lines: string): void {
  mkdirSync(join(host.home, 'bin'), { recursive: true });
  writeFileSync(join(host.home, 'bin', name), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
}

test('a password is told to chpasswd as it is, on its standard input alone, and taken away with the lease', async () => {
  const built = await succeeded(() => hands.build(wish, call()));
  const server = { uuid: wish.uuid, providerId: built.providerId };
  const asked = call();
  const seen = await succeeded(() => hands.setPassword(server, PASSWORD, asked));
  assert.equal(readFileSync(told, 'utf8'), `0 \nada:${PASSWORD}\n`);
  assert.ok(!JSON.stringify([asked.lines, seen]).includes('7f3a'));
  await succeeded(() => hands.remove(server, call()));
  assert.equal(readFileSync(told, 'utf8'), `0 \nada:${PASSWORD}\n1 -e\nada:*\n`);
  const again = await hands.setPassword(server, PASSWORD, call());
  assert.ok(again.kind === 'failed' && !again.retryable, 'a host that is not leased is left alone');
});

test('what chpasswd says when it refuses is told without the password', async () => {
  const built = await succeeded(() => hands.build({ ...wish, uuid: randomUUID() }, call()));
  writeFileSync(`${told}.refused`, '');
  const answer = await hands.setPassword({ uuid: null, providerId: built.providerId }, PASSWORD, call());
  assert.ok(answer.kind === 'failed' && answer.retryable);
  assert.match(answer.message, /cannot be set: status 1, ada:\*{6}/);
});

test('a pool that Orrery signs in to by password gives none to others', () => {
  assert.equal(handler.passwordProblem(access({ private_key: host.privateKey })), null);
  assert.match(handler.passwordProblem(access({ password: 'own' })) ?? '', /locked out/);
});
