import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { inTransaction } from '../store/transaction.js';
import { CloudAccounts } from './cloud-accounts.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ann = await house.member('ann', { red: 'manager' });
const bob = await house.member('bob', { blue: 'manager' });
const eve = await house.member('eve', { red: 'user' });
const accounts = new CloudAccounts({ pool, safe: null });
const red = ann.tenant!.id;

async function cloudsOf(tenant: number): Promise<number> {
  const { rows } = await pool.query<{ sum: string | null }>(
    `select sum(difference) from row_counts where tenant_id = $1 and collection = 'clouds'`,
    [tenant],
  );
  return Number(rows[0]!.sum ?? 0);
}

test('a change names what changes, and the rest stays', async () => {
  const made = await accounts.create(ann, {
    name: 'Depot',
    kind: 'azure',
    settings: { tenant: 't', app: 'a' },
  });
  const changed = await accounts.update(ann, made.id, {
    name: 'Depot 2',
    settings: { app: 'b', tenant: null },
  });
  assert.deepEqual([changed.name, changed.settings, changed.uid], ['Depot 2', { app: 'b' }, made.uid]);
});

test("one account of a provider within tenant and kind; another tenant's is nobody's business", async () => {
  const account = { name: 'Twice', kind: 'gcp', providerAccount: 'project-1' };
  const own = await accounts.create(ann, account);
  await assert.rejects(accounts.create(ann, account), { kind: 'conflict', reason: 'cloud-account-exists' });
  const theirs = await accounts.create(bob, account);
  for (const key of [theirs.uid, theirs.id]) {
    await assert.rejects(accounts.get(ann, key), { kind: 'not-found' });
    await assert.rejects(accounts.update(ann, key, { name: 'x' }), { kind: 'not-found' });
    await assert.rejects(accounts.setStatus(ann, [own.uid, key], 'paused'), { kind: 'not-found' });
    await assert.rejects(accounts.remove(ann, key), { kind: 'not-found' });
  }
  assert.equal((await accounts.get(ann, own.uid)).status, 'pending', 'nothing is half done');
});

test('whoever may not write accounts reads them', async () => {
  const made = await accounts.create(ann, { name: 'Read', kind: 'ssh' });
  assert.equal((await accounts.get(eve, made.uid)).name, 'Read');
  await assert.rejects(accounts.create(eve, { name: 'No', kind: 'ssh' }), { kind: 'forbidden' });
  await assert.rejects(accounts.remove(eve, made.uid), { kind: 'forbidden' });
});

test('how many clouds a tenant has is kept while they come and go, and services are none', async () => {
  const before = await cloudsOf(red);
  const cloud = await accounts.create(ann, { name: 'Cloud', kind: 'kubernetes' });
  const service = await accounts.create(ann, { name: 'Repository', kind: 'github', isCloud: false });
  assert.equal(await cloudsOf(red), before + 1);
  await accounts.remove(ann, cloud.uid);
  await accounts.remove(ann, service.uid);
  assert.equal(await cloudsOf(red), before);
});

test('the account of the platform itself is made once, whoever asks first', async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(() => inTransaction(pool, (client) => accounts.platform(client, red))),
  );
  assert.equal(one!.uid, two!.uid);
  assert.equal(one!.kind, 'platform');
});
