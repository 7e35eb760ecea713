import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { foldRowCounts } from '../store/row-counts.js';
import { CloudAccounts } from './cloud-accounts.js';
import { Harvests, type ImportFormat } from './harvest.js';
import { Regions } from './regions.js';
import { InventoryResources } from './resources.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ann = await house.member('ann', { red: 'manager' });
const bob = await house.member('bob', { blue: 'manager' });
const accounts = new CloudAccounts({ pool, safe: null });
const regions = new Regions({ pool, accounts });
const harvests = new Harvests({ pool, accounts, regions });
const resources = new InventoryResources({ pool });

let made = 0;
async function account(caller = ann, signIn = 'import') {
  made += 1;
  return accounts.create(caller, { name: `a${made}`, kind: 'aws', signIn });
}
const document = (...instances: readonly (readonly [id: string, zone: string, tags?: object])[]) => ({
  version: 4,
  resources: instances.map(([id, zone, tags = {}]) => ({
    mode: 'managed',
    type: 'aws_instance',
    name: id,
    instances: [{ attributes: { id, availability_zone: zone, tags } }],
  })),
});
const bring = (uid: number, body: unknown, caller = ann, format: ImportFormat = 'terraform-state') =>
  harvests.importDocument(caller, uid, { format, document: body, region: null });
const name = (uid: number, providerId: string) => ({
  account: uid,
  type: 'instance',
  providerId,
  region: null,
});

async function countOf(uid: number): Promise<number> {
  const { rows } = await pool.query<{ sum: string | null }>(
    'select sum(difference) from row_counts where collection = $1',
    [`resources ${uid}`],
  );
  return Number(rows[0]!.sum ?? 0);
}

test('each import is the whole truth: new, changed, gone and as before are told apart, and counted as they come', async () => {
  const { uid } = await account();
  const first = await bring(
    uid,
    document(['i-1', 'eu-west-1a'], ['i-2', 'eu-west-1a'], ['i-3', 'eu-west-1b']),
  );
  assert.deepEqual(first, { created: 3, modified: 0, destroyed: 0, unchanged: 0, total: 3, skipped: [] });
  assert.equal((await accounts.get(ann, uid)).status, 'ready');
  assert.equal(await countOf(uid), 3);
  const before = await resources.get(ann, name(uid, 'i-1'));

  const second = await bring(uid, document(['i-1', 'eu-west-1a'], ['i-2', 'eu-west-1a', { env: 'prod' }]));
  assert.deepEqual(second, { created: 0, modified: 1, destroyed: 1, unchanged: 1, total: 2, skipped: [] });
  assert.deepEqual(await resources.get(ann, name(uid, 'i-1')), before, 'what did not change is not touched');
  assert.deepEqual((await resources.get(ann, name(uid, 'i-2'))).tags, { env: 'prod' });
  await assert.rejects(resources.get(ann, name(uid, 'i-3')), { kind: 'not-found' });
  assert.equal(await countOf(uid), 2);

  const third = await bring(uid, JSON.stringify(document(['i-3', 'eu-west-1b'])));
  assert.deepEqual([third.created, third.destroyed], [1, 2], 'what was destroyed may come back');
  await foldRowCounts(pool);
  assert.equal(await countOf(uid), 1);
});

test('a disabled region is left alone: nothing comes from it, and nothing of it goes', async () => {
  const { uid } = await account();
  await bring(uid, document(['i-1', 'eu-west-1a'], ['i-2', 'us-east-1a']));
  await regions.setDisabled(ann, uid, 'us-east-1', true);
  const report = await bring(uid, document(['i-1', 'eu-west-1a'], ['i-9', 'us-east-1a']));
  assert.deepEqual(report.skipped, [{ address: 'instance i-9', reason: 'region us-east-1 is disabled' }]);
  assert.equal(report.destroyed, 0);
  assert.equal((await resources.get(ann, name(uid, 'i-2'))).region, 'us-east-1');
  await regions.setDisabled(ann, uid, 'us-east-1', false);
  assert.equal((await bring(uid, document(['i-9', 'us-east-1a']))).destroyed, 2);
});

test('a document that cannot be read changes nothing', async () => {
  const { uid } = await account();
  await bring(uid, document(['i-1', 'eu-west-1a']));
  for (const body of ['{', { version: 3 }, [1], null]) {
    await assert.rejects(bring(uid, body), { reason: 'import-unreadable' });
  }
  await assert.rejects(bring(uid, document(['i-\u0000', 'eu-west-1a'])), { reason: 'text-unstorable' });
  assert.equal(await countOf(uid), 1);
});

test('an account of another sign-in, or one that is paused, takes no import', async () => {
  await assert.rejects(bring((await account(ann, 'standard')).uid, document()), {
    reason: 'account-not-imported',
  });
  const { uid } = await account();
  await accounts.setStatus(ann, [uid], 'paused');
  await assert.rejects(bring(uid, document()), { reason: 'account-paused' });
});

test("another tenant's accounts and resources are nobody's business", async () => {
  const { uid } = await account(bob);
  await bring(uid, document(['i-1', 'eu-west-1a']), bob);
  await assert.rejects(bring(uid, document()), { kind: 'not-found' });
  await assert.rejects(resources.get(ann, name(uid, 'i-1')), { kind: 'not-found' });
  await assert.rejects(resources.setOwner(ann, [name(uid, 'i-1')], ann.userId), { kind: 'not-found' });
  await assert.rejects(harvests.last(ann, uid), { kind: 'not-found' });
  assert.deepEqual(await resources.countByType(ann, [uid]), {});
});

test('two imports of one account at once end as if one came after the other', async () => {
  const { uid } = await account();
  const one = document(...Array.from({ length: 50 }, (_, at) => [`i-${at}`, 'eu-west-1a'] as const));
  const reports = await Promise.all([bring(uid, one), bring(uid, one), bring(uid, one)]);
  assert.deepEqual(
    reports.map(({ created }) => created).sort((a, b) => a - b),
    [0, 0, 50],
  );
  assert.equal(await countOf(uid), 50);
});

test('removing an account takes its resources and their counts with it', async () => {
  const { uid } = await account();
  await bring(uid, document(['i-1', 'eu-west-1a']));
  await accounts.remove(ann, uid);
  assert.equal(await countOf(uid), 0);
  assert.equal(
    (await pool.query('select from inventory_resources where cloud_account_uid = $1', [uid])).rowCount,
    0,
  );
});
