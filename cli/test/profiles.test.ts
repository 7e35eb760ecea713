import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { run } from '../src/run.js';
import { aWorld, type HeldWorld } from './support/a-world.js';
import { json, PlayedServer, refuse } from './support/played-server.js';

let server: PlayedServer;
let other: PlayedServer;
let here: HeldWorld;

before(async () => {
  server = await PlayedServer.start();
  other = await PlayedServer.start();
});
after(async () => {
  await server.stop();
  await other.stop();
});
beforeEach(() => {
  for (const each of [server, other]) {
    each.asked.length = 0;
    each.routes.clear();
  }
  here = aWorld();
});
afterEach(() => here.remove());

const stored = (): string => `${here.home}/.config/orrery/profiles.json`;

async function add(name: string, ...more: string[]): Promise<number> {
  writeFileSync(`${here.cwd}/word`, 'secret-word\n');
  return run(
    ['profiles', 'add', name, '--url', server.url, '-u', 'ada', '--password-file', 'word', ...more],
    here,
  );
}

test('a password is exchanged for a token, and the token kept where only its owner can read', async () => {
  server.routes.set('POST /tokens', (_asked, response) => json(response, 200, { value: 'ctok-1-secret' }));
  assert.equal(await add('work'), 0, here.err());
  const text = readFileSync(stored(), 'utf8');
  assert.match(text, /ctok-1-secret/);
  assert.doesNotMatch(text, /secret-word/);
  assert.equal(statSync(stored()).mode & 0o777, 0o600);
  await run(['status'], here);
  assert.equal(server.askedFor('GET', '/status').at(-1)?.headers['authentication-token'], 'ctok-1-secret');
});

test('where there are no tokens the password is kept', async () => {
  assert.equal(await add('work'), 0, here.err());
  await run(['status'], here);
  const sentHeader = server.askedFor('GET', '/status').at(-1)?.headers.authorization ?? '';
  assert.equal(Buffer.from(sentHeader.replace('Basic ', ''), 'base64').toString(), 'ada:secret-word');
});

test('credentials that the server refuses are not kept', async () => {
  server.routes.set('*', (_asked, response) => refuse(response, 401, 'unauthorized_error', 'no'));
  assert.equal(await add('work'), 5);
  assert.match(here.err(), /--no-check/);
  assert.throws(() => readFileSync(stored()));
});

test('what a profile keeps is never sent to another server, nor shown', async () => {
  assert.equal(await add('work', '--no-check'), 0);
  await run(['status', '--url', other.url], here);
  const { headers } = other.asked[0] ?? {};
  assert.equal(headers?.authorization, undefined);
  assert.equal(headers?.['authentication-token'], undefined);
  for (const words of [
    ['list'],
    ['list', '-o', 'json'],
    ['show'],
    ['show', 'work'],
    ['show', 'work', '-o', 'yaml'],
  ]) {
    assert.equal(await run(['profiles', ...words], here), 0, here.err());
  }
  assert.doesNotMatch(here.out(), /secret-word/);
});

test('profiles are listed, used, and removed; an unknown one is named', async () => {
  await add('one', '--no-check');
  await add('two', '--no-check', '--keep-current');
  await run(['profiles', 'list'], here);
  assert.match(here.out(), /\* +one .*\n +two /);
  assert.equal(await run(['profiles', 'use', 'two'], here), 0);
  assert.equal(await run(['profiles', 'remove', 'two'], here), 0);
  const kept = JSON.parse(readFileSync(stored(), 'utf8')) as { current: unknown; profiles: object };
  assert.equal(kept.current, null);
  assert.deepEqual(Object.keys(kept.profiles), ['one']);
  assert.equal(await run(['profiles', 'use', 'two'], here), 2);
  assert.match(here.err(), /Known: one/);
});

test('the environment wins over the profile, a flag over the environment', async () => {
  await add('work', '--no-check');
  const also = aWorld({ env: { ORRERY_URL: other.url, ORRERY_TOKEN: 'from-env', ORRERY_TENANT: 'red' } });
  mkdirSync(`${also.home}/.config/orrery`, { recursive: true });
  writeFileSync(`${also.home}/.config/orrery/profiles.json`, readFileSync(stored()), { mode: 0o600 });
  await run(['status'], also);
  assert.equal(other.asked[0]?.headers['authentication-token'], 'from-env');
  assert.equal(other.asked[0]?.headers.tenant, 'red');
  await run(['status', '--url', server.url, '--tenant', 'blue'], also);
  assert.equal(server.asked[0]?.headers.tenant, 'blue');
  also.remove();
});

test('on this machine the password that the server left in its data folder is used, and nowhere else', async () => {
  mkdirSync(`${here.home}/.orrery`);
  writeFileSync(`${here.home}/.orrery/admin-password`, 'generated\n');
  await run(['status', '--url', server.url], here);
  const sentHeader = server.asked[0]?.headers.authorization ?? '';
  assert.equal(Buffer.from(sentHeader.replace('Basic ', ''), 'base64').toString(), 'admin:generated');
  await run(['profiles', 'show', '--url', 'https://far.example.org'], here);
  assert.match(here.out(), /credentials +none/);
  const elsewhere = aWorld({ env: { ORRERY_DATA_DIR: `${here.home}/.orrery`, ORRERY_PORT: '4711' } });
  await run(['profiles', 'show'], elsewhere);
  assert.match(elsewhere.out(), /127\.0\.0\.1:4711/);
  assert.match(elsewhere.out(), /password from .*admin-password/);
  elsewhere.remove();
});

test('a profile file that others can read is warned about, a broken one is not overwritten', async () => {
  await add('work', '--no-check');
  chmodSync(stored(), 0o644);
  await run(['profiles', 'list'], here);
  assert.match(here.err(), /others can read .*chmod 600/);
  writeFileSync(stored(), 'not json', { mode: 0o600 });
  assert.equal(await add('more', '--no-check'), 2);
  assert.equal(readFileSync(stored(), 'utf8'), 'not json');
});

test('a password is never asked for where nobody can type', async () => {
  assert.equal(await run(['profiles', 'add', 'x', '--url', server.url, '-u', 'ada'], here), 2);
  assert.match(here.err(), /no terminal to type it at/);
});
