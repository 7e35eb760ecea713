import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { Safe } from '../secrets/safe.js';
import { masterKeyFrom, newMasterKey, Vault } from '../secrets/vault.js';
import { Credentials } from './credentials.js';
import { Profiles } from './profiles.js';
import { SecondFactors } from './second-factors.js';
import { SecurityTokens } from './security-tokens.js';
import { Sessions } from './sessions.js';
import { Tokens } from './tokens.js';

const { pool } = await testDatabase();
const house = await people(pool);
let now = 1_700_000_000_000;
const clock = () => now;
const safe = new Safe({ vault: new Vault(masterKeyFrom(newMasterKey())) });
const factors = new SecondFactors({ pool, safe, now: clock });
const credentials = new Credentials({
  pool,
  passwordHash: house.passwordHash,
  secondFactors: factors,
  now: clock,
});
const profiles = new Profiles({ pool });
const missing = { kind: 'unauthenticated', reason: 'second-factor-missing' };
const refused = { kind: 'unauthenticated', reason: 'bad-credentials' };

const codeOf = (secret: string, steps = 0): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now + steps * 30_000 });
const signIn = (name: string, code?: string, password = `${name} password`) =>
  credentials.verifyPassword(name, password, '127.0.0.1', null, code);

test('once enabled, a password alone is not enough, and a code is', async () => {
  const ada = await house.member('ada');
  await signIn('ada');
  const { secret, uri } = await factors.enable(ada, { confirmed: true });
  assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.match(uri, /^otpauth:\/\/totp\/Orrery:ada\?/);
  await assert.rejects(signIn('ada'), missing);
  await assert.rejects(signIn('ada', ''), missing);
  const who = await signIn('ada', codeOf(secret));
  assert.deepEqual([who.username, who.secondFactor], ['ada', true]);
  assert.deepEqual(await factors.state(ada, { id: ada.userId }), { enabled: true, required: false });
});

test('a wrong password is refused in the same words whether there is a second factor or not', async () => {
  await assert.rejects(signIn('ada', undefined, 'wrong'), refused);
  await assert.rejects(signIn('ada', '000000', 'wrong'), refused);
});

test('a code is good one step early or late, no further, and never twice', async () => {
  const bob = await house.member('bob');
  const { secret } = await factors.enable(bob, { confirmed: true });
  await assert.rejects(signIn('bob', codeOf(secret, -2)), refused);
  await assert.rejects(signIn('bob', codeOf(secret, 2)), refused);
  await signIn('bob', codeOf(secret, -1));
  await assert.rejects(signIn('bob', codeOf(secret, -1)), refused);
  const spaced = codeOf(secret, 0).replace(/^(...)/, '$1 ');
  await signIn('bob', spaced);
  await signIn('bob', codeOf(secret, 1));
  // All of these steps are used up now, also the earlier ones.
  for (const steps of [-1, 0, 1]) await assert.rejects(signIn('bob', codeOf(secret, steps)), refused);
});

test('twenty sign-ins with one code at once: one succeeds', async () => {
  const cid = await house.member('cid');
  const { secret } = await factors.enable(cid, { confirmed: true });
  const off = new Credentials({
    pool,
    passwordHash: house.passwordHash,
    secondFactors: factors,
    now: clock,
    settings: { throttle: 'off' },
  });
  const code = codeOf(secret);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => off.verifyPassword('cid', 'cid password', '127.0.0.1', null, code)),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('guessing codes with the right password locks the account as guessing passwords does, in a burst too', async () => {
  const dan = await house.member('dan');
  const { secret } = await factors.enable(dan, { confirmed: true });
  const guesses = await Promise.allSettled(
    Array.from({ length: 12 }, (_, i) =>
      credentials.verifyPassword('dan', 'dan password', `10.0.0.${i}`, null, String(100_000 + i)),
    ),
  );
  assert.ok(guesses.every(({ status }) => status === 'rejected'));
  await assert.rejects(signIn('dan', codeOf(secret)), refused);
  const { rows } = await pool.query(`select failed_logins as n from users where username = 'dan'`);
  assert.equal(rows[0].n, 5, 'guesses after the lock are not looked at');
  now += 16 * 60_000;
  await signIn('dan', codeOf(secret));
  const after = await pool.query(`select failed_logins as n from users where username = 'dan'`);
  assert.equal(after.rows[0].n, 0);
});

test('an offered factor asks for nothing until its first code was shown', async () => {
  const eva = await house.member('eva');
  const sessions = new Sessions({ pool });
  const tokens = new Tokens({ pool });
  const old = await sessions.begin(await signIn('eva'), 'browser', 'r');
  const offered = await factors.enable(eva, { confirmed: false });
  await signIn('eva');
  const { secret } = await factors.enable(eva, { confirmed: false });
  assert.notEqual(secret, offered.secret);
  await assert.rejects(factors.confirm(eva, '000000'), { kind: 'invalid', reason: 'second-factor-wrong' });
  await factors.confirm(eva, codeOf(secret));
  await assert.rejects(signIn('eva'), missing);
  await assert.rejects(tokens.verify(old.value, null, ['browser']), refused);
  await assert.rejects(factors.enable(eva, { confirmed: false }), { kind: 'conflict' });
  await assert.rejects(factors.confirm(eva, codeOf(secret, 1)), { kind: 'not-found' });
});

test('tokens need no code: they were made behind one', async () => {
  const security = new SecurityTokens({ pool });
  const { value } = await security.create(await house.as('eva', null), { name: 'ci' });
  assert.equal((await new Tokens({ pool }).verify(value, null, ['security'])).username, 'eva');
});

test('it is disabled by oneself unless it is required, and by those with authority', async () => {
  const eva = await house.as('eva', null);
  const bob = await house.as('bob', null);
  await assert.rejects(factors.disable(bob, { username: 'eva' }), { kind: 'forbidden' });
  await profiles.update(house.admin, { username: 'eva' }, { secondFactorRequired: true });
  await assert.rejects(factors.disable(eva, { id: eva.userId }), { reason: 'second-factor-required' });
  assert.equal(await factors.disable(house.admin, { username: 'eva' }), true);
  assert.equal(await factors.disable(house.admin, { username: 'eva' }), false);
  await signIn('eva');
  const { rows } = await pool.query(
    `select count(*)::int as n from sealed_values where place like 'users/' || $1 || '/%'`,
    [eva.userId],
  );
  assert.equal(rows[0].n, 0);
});

test('the secret is nowhere in the clear', async () => {
  const fay = await house.member('fay');
  const { secret } = await factors.enable(fay, { confirmed: true });
  const { rows } =
    await pool.query(`select (select json_agg(s)::text from sealed_values s) || (select json_agg(f)::text from second_factors f)
    || (select json_agg(a)::text from audit a) || (select json_agg(u)::text from users u) as all`);
  assert.ok(!rows[0].all.includes(secret));
});
