import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import type { Pool } from '../store/pool.js';
import { bootstrap } from './bootstrap.js';
import { Callers } from './callers.js';
import { Credentials } from './credentials.js';
import { PASSWORD_HASH_DEFAULTS, PasswordHash } from './password-hash.js';
import { Users } from './users.js';

const hash = new PasswordHash({ ...PASSWORD_HASH_DEFAULTS, memoryKib: 64, passes: 1 });

async function fixture(t: { after(work: () => Promise<void>): void }) {
  const { pool } = await testDatabase(t);
  const folder = await mkdtemp(join(tmpdir(), 'bootstrap-'));
  t.after(() => rm(folder, { recursive: true }));
  const passwordFile = join(folder, 'data', 'admin-password');
  const start = (adminPassword: string | null) => bootstrap(pool, { adminPassword, passwordFile }, hash);
  return { pool, passwordFile, start };
}

async function signsIn(pool: Pool, password: string): Promise<boolean> {
  const credentials = new Credentials({ pool, passwordHash: hash, settings: { throttle: 'off' } });
  try {
    await credentials.verifyPassword('admin', password, '192.0.2.1');
    return true;
  } catch {
    return false;
  } finally {
    await credentials.close();
  }
}

test('an empty store gets the first tenant and an administrator with a made-up password, kept for its owner alone', async (t) => {
  const { pool, passwordFile, start } = await fixture(t);
  const { first, generatedPassword } = await start(null);
  assert.equal(first, true);
  assert.match(generatedPassword!, /^[a-z0-9]{24}$/);
  assert.equal(await readFile(passwordFile, 'utf8'), `${generatedPassword}\n`);
  assert.equal((await stat(passwordFile)).mode & 0o777, 0o600);
  assert.equal(await signsIn(pool, generatedPassword!), true);
  const caller = await new Callers({ pool }).actingAs('admin', 'default_tenant', 'test');
  assert.ok(caller.permissions.has('users.manage'));
  assert.deepEqual(await start(null), { first: false, generatedPassword: null, passwordApplied: false });
  assert.equal(await signsIn(pool, generatedPassword!), true);
});

test('a file that an earlier store left is replaced, and is not readable by others', async (t) => {
  const { passwordFile, start } = await fixture(t);
  await mkdir(dirname(passwordFile));
  await writeFile(passwordFile, 'old', { mode: 0o644 });
  const { generatedPassword } = await start(null);
  assert.equal(await readFile(passwordFile, 'utf8'), `${generatedPassword}\n`);
  assert.equal((await stat(passwordFile)).mode & 0o777, 0o600);
});

test('a given password is used and written nowhere', async (t) => {
  const { pool, passwordFile, start } = await fixture(t);
  assert.deepEqual(await start('given password'), {
    first: true,
    generatedPassword: null,
    passwordApplied: false,
  });
  assert.equal(await signsIn(pool, 'given password'), true);
  await assert.rejects(stat(passwordFile), { code: 'ENOENT' });
});

test('many processes that start at once on an empty store make one administrator with one password', async (t) => {
  const { pool, passwordFile, start } = await fixture(t);
  const all = await Promise.all(Array.from({ length: 6 }, () => start(null)));
  const generated = all.filter(({ generatedPassword }) => generatedPassword !== null);
  assert.equal(generated.length, 1);
  assert.equal(await readFile(passwordFile, 'utf8'), `${generated[0]!.generatedPassword}\n`);
  const { rows } = await pool.query('select username from users');
  assert.deepEqual(rows, [{ username: 'admin' }]);
});

test('a setting left in place does not undo a password chosen since; a new setting is applied once', async (t) => {
  const { pool, start } = await fixture(t);
  await start('from setting');
  const admin = await new Callers({ pool }).actingAs('admin', null, 'test');
  const users = new Users({ pool, passwordHash: hash });
  await users.setPassword(admin, 'admin', 'chosen since');
  assert.equal((await start('from setting')).passwordApplied, false);
  assert.equal(await signsIn(pool, 'from setting'), false);
  assert.equal(await signsIn(pool, 'chosen since'), true);
  assert.equal((await start('newer setting')).passwordApplied, true);
  assert.equal(await signsIn(pool, 'newer setting'), true);
  assert.equal((await start('newer setting')).passwordApplied, false);
  const { rows } = await pool.query(`select username from audit where action = 'set-password' order by id`);
  assert.deepEqual(
    rows.map((row) => row.username),
    ['admin', 'orrery'],
  );
});

test('a setting given after a password was made up is applied, frees a locked account and removes the file', async (t) => {
  const { pool, passwordFile, start } = await fixture(t);
  const { generatedPassword } = await start(null);
  await pool.query(`update users set locked_until = 'infinity', failed_logins = 9`);
  assert.equal((await start('from setting')).passwordApplied, true);
  assert.equal(await signsIn(pool, generatedPassword!), false);
  assert.equal(await signsIn(pool, 'from setting'), true);
  await assert.rejects(stat(passwordFile), { code: 'ENOENT' });
});

test('an unacceptable setting stops the start and changes nothing', async (t) => {
  const { pool, start } = await fixture(t);
  await assert.rejects(start('four'), { kind: 'invalid', reason: 'password-invalid' });
  assert.equal((await pool.query('select from users')).rowCount, 0);
});
