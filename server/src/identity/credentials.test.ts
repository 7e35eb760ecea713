import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ADMIN_PASSWORD, people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { DomainError } from '../errors.js';
import { type CredentialSettings, Credentials } from './credentials.js';
import { PASSWORD_HASH_DEFAULTS, PasswordHash } from './password-hash.js';

const { pool } = await testDatabase();
const house = await people(pool);

const MINUTE = 60_000;
let now = Date.parse('2026-01-01T00:00:00Z');
let person = '';

beforeEach(async () => {
  person = `person-${Math.floor(now / 1000)}`;
  now += 60 * MINUTE;
  await house.member(person, { default_tenant: 'user' });
});

/** Counts real checks, so that a test can tell a remembered answer from a computed one. */
class CountingHash extends PasswordHash {
  checks = 0;
  /** Against a stored hash, not against the stand-in. */
  realChecks = 0;
  /** Checks wait for this. */
  gate: Promise<unknown> = Promise.resolve();
  override async verify(stored: string | null, password: string): Promise<boolean> {
    this.checks++;
    if (stored !== null) this.realChecks++;
    await this.gate;
    return super.verify(stored, password);
  }
}

function replica(
  settings: Partial<CredentialSettings> = {},
  hash = counting(),
  pause: () => Promise<unknown> = () => Promise.resolve(),
) {
  return {
    hash,
    credentials: new Credentials({ pool, passwordHash: hash, settings, now: () => now, pause }),
  };
}

function counting(passes = 1): CountingHash {
  return new CountingHash({ ...PASSWORD_HASH_DEFAULTS, memoryKib: 64, passes });
}

const refusal = { name: 'DomainError', kind: 'unauthenticated', reason: 'bad-credentials' };
const right = () => `${person} password`;

async function fail(credentials: Credentials, times: number, address = '192.0.2.1'): Promise<void> {
  for (let time = 0; time < times; time++) {
    await assert.rejects(credentials.verifyPassword(person, `wrong ${time}`, address), refusal);
  }
}

async function storedFor(username: string) {
  const { rows } = await pool.query(
    'select failed_logins, locked_until, password_hash, first_login_at, last_login_at from users where username = $1',
    [username],
  );
  return rows[0];
}

test('a right password signs in, whatever the case of the name, and tells the standing in the tenant', async () => {
  const { credentials } = replica();
  const who = await credentials.verifyPassword(person.toUpperCase(), right(), '192.0.2.1', 'default_tenant');
  assert.equal(who.username, person);
  assert.equal(who.systemRole, 'member');
  assert.equal(who.standing.tenant?.name, 'default_tenant');
  assert.deepEqual(who.standing.roles, ['user']);
  await credentials.close();
});

test('a remembered pair is not hashed again until the time is over', async () => {
  const { credentials, hash } = replica({ rememberSeconds: 60 });
  for (let call = 0; call < 5; call++) await credentials.verifyPassword(person, right(), '192.0.2.1');
  assert.equal(hash.checks, 1);
  now += 61_000;
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  assert.equal(hash.checks, 2);
  await credentials.close();
});

test('no more pairs are remembered than the settings say; the oldest go first', async () => {
  const { credentials, hash } = replica({ rememberPairs: 1 });
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.verifyPassword('admin', ADMIN_PASSWORD, '192.0.2.1');
  await credentials.verifyPassword('admin', ADMIN_PASSWORD, '192.0.2.1');
  assert.equal(hash.checks, 2);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  assert.equal(hash.checks, 3);
  await credentials.close();
});

test('requests that come at once with the same pair share one check', async () => {
  const { credentials, hash } = replica();
  await Promise.all(
    Array.from({ length: 50 }, () => credentials.verifyPassword(person, right(), '192.0.2.1')),
  );
  assert.equal(hash.checks, 1);
  await credentials.close();
});

test('a changed password counts at once on a replica that remembers the old one', async () => {
  const { credentials } = replica();
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await house.users.setPassword(house.admin, person, 'another one');
  await assert.rejects(credentials.verifyPassword(person, right(), '192.0.2.1'), refusal);
  await credentials.verifyPassword(person, 'another one', '192.0.2.1');
  await credentials.close();
});

test('a deactivated user is out at once, and in again when activated', async () => {
  const { credentials } = replica();
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await house.users.deactivate(house.admin, person);
  await assert.rejects(credentials.verifyPassword(person, right(), '192.0.2.1'), refusal);
  await house.users.activate(house.admin, person);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.close();
});

test('wrong password, unknown user, inactive user and impossible names get the same answer after one check', async () => {
  const { credentials, hash } = replica();
  await house.users.deactivate(house.admin, person);
  const messages = new Set<string>();
  const attempts = [
    ['admin', 'wrong'],
    ['nobody-at-all', 'wrong'],
    [person, right()],
    ['nul\0', 'wrong'],
    ['x'.repeat(10_000), 'wrong'],
    ['admin', 'x'.repeat(100_000)],
    ['', ''],
  ] as const;
  for (const [index, [username, password]] of attempts.entries()) {
    await assert.rejects(
      credentials.verifyPassword(username, password, '192.0.2.1'),
      (error: DomainError) => {
        messages.add(`${error.kind} ${error.reason} ${error.message} ${JSON.stringify(error.details)}`);
        return error instanceof DomainError;
      },
    );
    assert.equal(hash.checks, index + 1);
  }
  assert.equal(messages.size, 1);
  assert.match([...messages][0]!, /User unauthorized/);
  await credentials.close();
});

test('a failure is counted before it is answered, and whatever was wrong is answered after the same pause', async () => {
  const { credentials: waited } = replica();
  await fail(waited, 1);
  assert.equal((await storedFor(person)).failed_logins, 1);
  await waited.close();
  await house.member(`idle-${person}`, { default_tenant: 'user' });
  await house.users.deactivate(house.admin, `idle-${person}`);
  const pauses: (() => void)[] = [];
  const { credentials } = replica({}, counting(), () => new Promise<void>((resolve) => pauses.push(resolve)));
  const answered: string[] = [];
  const attempts = [person, 'nobody-at-all', `idle-${person}`, ''].map((name) =>
    credentials.verifyPassword(name, 'wrong', '192.0.2.1').catch(() => answered.push(name)),
  );
  while (pauses.length < attempts.length || (await storedFor(person)).failed_logins < 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(answered, []);
  for (const end of pauses) end();
  await Promise.all(attempts);
  assert.equal(answered.length, 4);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  assert.equal(pauses.length, 4, 'whoever is right does not wait');
  await credentials.close();
});

test('the fifth failure in a row locks the account on every replica; the lock ends by itself', async () => {
  const one = replica();
  const other = replica();
  await other.credentials.verifyPassword(person, right(), '192.0.2.9');
  await fail(one.credentials, 4);
  await one.credentials.close();
  await other.credentials.verifyPassword(person, right(), '192.0.2.9');
  await fail(one.credentials, 5);
  await one.credentials.close();
  for (const { credentials } of [one, other]) {
    await assert.rejects(credentials.verifyPassword(person, right(), '192.0.2.9'), refusal);
  }
  now += 14 * MINUTE;
  await assert.rejects(one.credentials.verifyPassword(person, right(), '192.0.2.9'), refusal);
  now += 2 * MINUTE;
  await one.credentials.verifyPassword(person, right(), '192.0.2.9');
  assert.equal((await storedFor(person)).failed_logins, 0);
  const audit = await pool.query(`select action, details from audit where thing = 'user' and thing_id = $1`, [
    person,
  ]);
  assert.deepEqual(
    audit.rows.filter((row) => row.action === 'lock').map((row) => row.details),
    [{ failures: 5, minutes: 15 }],
  );
  await one.credentials.close();
  await other.credentials.close();
});

test('only failures within the time count together, whenever the first of them was', async () => {
  const { credentials } = replica();
  const failAt = async (minute: number) => {
    now = began + minute * MINUTE;
    await fail(credentials, 1);
    await credentials.close();
  };
  const began = now;
  for (const minute of [0, 12, 13, 14, 15.5]) await failAt(minute);
  assert.equal((await storedFor(person)).locked_until, null, 'the first is too long ago');
  assert.equal((await storedFor(person)).failed_logins, 5, 'and still one of those in a row');
  await failAt(16);
  assert.equal((await storedFor(person)).locked_until.getTime(), now + 15 * MINUTE);
  now += 16 * MINUTE;
  await fail(credentials, 4);
  await credentials.close();
  assert.equal((await storedFor(person)).failed_logins, 4, 'a lock that is over starts the count anew');
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await fail(credentials, 4);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.close();
});

test('how many failures lock, within which time and for how long, is what the settings say', async () => {
  const { credentials } = replica({ failures: 2, failureMinutes: 1, lockMinutes: 3 });
  await fail(credentials, 1);
  await credentials.close();
  now += 2 * MINUTE;
  await fail(credentials, 1);
  await credentials.close();
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await fail(credentials, 2);
  await credentials.close();
  assert.equal((await storedFor(person)).locked_until.getTime(), now + 3 * MINUTE);
  await credentials.close();
});

test('an address may fail as often as it likes, unless a setting says otherwise', async () => {
  const { credentials } = replica();
  for (let index = 0; index < 40; index++) {
    await assert.rejects(credentials.verifyPassword(`unknown-${index}`, 'guess', '192.0.2.1'), refusal);
  }
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.close();
});

test('a success between failures starts the count anew, remembered or not', async () => {
  for (const rememberSeconds of [0, 60]) {
    const { credentials } = replica({ rememberSeconds });
    for (let round = 0; round < 3; round++) {
      await fail(credentials, 4);
      await credentials.close();
      await credentials.verifyPassword(person, right(), '192.0.2.1');
      assert.equal((await storedFor(person)).failed_logins, 0);
    }
    await credentials.close();
  }
});

test('a lock without end stays until an administrator unlocks', async () => {
  const { credentials } = replica({ lockMinutes: 0 });
  await fail(credentials, 5);
  await credentials.close();
  now += 365 * 24 * 60 * MINUTE;
  await assert.rejects(credentials.verifyPassword(person, right(), '192.0.2.1'), refusal);
  assert.equal((await house.users.get(house.admin, person)).locked, true);
  await house.users.unlock(house.admin, person);
  assert.equal((await house.users.get(house.admin, person)).locked, false);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.close();
});

test('parallel guesses gain nothing over the lock: only five are held against the password', async () => {
  const { credentials, hash } = replica();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, index) =>
      credentials.verifyPassword(person, `guess ${index}`, `192.0.2.${index}`),
    ),
  );
  assert.ok(outcomes.every((outcome) => outcome.status === 'rejected'));
  await credentials.close();
  assert.equal(hash.checks, 12);
  assert.equal(hash.realChecks, 5);
  await assert.rejects(credentials.verifyPassword(person, right(), '192.0.2.99'), refusal);
});

test('more checks of one account than its line holds are refused as a limit; when it has moved on, there is room', async () => {
  const { credentials, hash } = replica({ failuresPerAddress: 1000 });
  let open = () => {};
  hash.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let refused = 0;
  const guesses = Array.from({ length: 40 }, (_, index) =>
    credentials.verifyPassword(person, `guess ${index}`, '192.0.2.1').catch((error: DomainError) => {
      if (error.kind === 'limit' && ++refused === 24) open();
      return error.kind;
    }),
  );
  const kinds = await Promise.all(guesses);
  assert.equal(kinds.filter((kind) => kind === 'unauthenticated').length, 16);
  for (let again = 0; again < 20; again++) await fail(credentials, 1);
  await credentials.close();
});

test('an address with too many failures waits, over all accounts, while those remembered still come through', async () => {
  const { credentials, hash } = replica({ failuresPerAddress: 3 });
  await credentials.verifyPassword('admin', ADMIN_PASSWORD, '192.0.2.1');
  for (let index = 0; index < 3; index++) {
    await assert.rejects(credentials.verifyPassword(`unknown-${index}`, 'guess', '192.0.2.1'), refusal);
  }
  const before = hash.checks;
  await assert.rejects(credentials.verifyPassword(person, right(), '192.0.2.1'), {
    kind: 'limit',
    reason: 'sign-in-throttled',
  });
  assert.equal(hash.checks, before, 'what is throttled costs no hash');
  await credentials.verifyPassword('admin', ADMIN_PASSWORD, '192.0.2.1');
  await credentials.verifyPassword(person, right(), '192.0.2.2');
  now += MINUTE;
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.close();
});

test('with throttling off nothing is counted, locked or delayed', async () => {
  const { credentials } = replica({ throttle: 'off', failuresPerAddress: 1 });
  await fail(credentials, 10);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  assert.deepEqual((await storedFor(person)).failed_logins, 0);
  await credentials.close();
});

test('a hash of older parameters is replaced at the next sign-in', async () => {
  const before = (await storedFor(person)).password_hash;
  const { credentials } = replica({}, counting(2));
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  const after = (await storedFor(person)).password_hash;
  assert.match(before, /t=1/);
  assert.match(after, /t=2/);
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  assert.equal((await storedFor(person)).password_hash, after);
  await credentials.close();
});

test('the times of the first and last sign-in are written a moment later, the last at most once a minute', async () => {
  const { credentials } = replica();
  const first = now;
  for (const step of [0, 10_000, 30_000, 30_000]) {
    now += step;
    await credentials.verifyPassword(person, right(), '192.0.2.1');
    await credentials.close();
  }
  const stored = await storedFor(person);
  assert.equal(stored.first_login_at.getTime(), first);
  assert.equal(stored.last_login_at.getTime(), first + 70_000);
});

test('neither the memory of good pairs nor the store holds a password', async () => {
  const { credentials } = replica();
  await credentials.verifyPassword(person, right(), '192.0.2.1');
  await credentials.close();
  const { rows } = await pool.query(
    'select (select json_agg(u)::text from users u) || (select json_agg(a)::text from audit a) as all',
  );
  assert.ok(!rows[0].all.includes(right()));
  assert.ok(rows[0].all.includes(person));
});
