import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { archiveOf, BLUEPRINT, catalog } from '../../test/support/catalog.js';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { Caller } from '../caller.js';
import type { BlueprintField, Visibility } from './blueprints.js';

const { pool } = await testDatabase();
const house = await people(pool);
const { admin } = house;
const ada = await house.member('ada', { red: 'user', blue: 'user' });
const bob = await house.member('bob', { red: 'user' });
const max = await house.member('max', { red: 'manager' });
const eve = await house.member('eve', { blue: 'user' });
const vic = await house.member('vic', { red: 'viewer' });
const root = await house.as('admin', 'red');
const { uploads, blueprints } = catalog(pool, { inUse: async () => ['shop', 'shop-test'] });

function upload(caller: Caller, id: string, visibility: Visibility = 'tenant') {
  return uploads.upload(caller, { id, visibility, source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) });
}

const SHAPE: Record<string, BlueprintField> = {
  id: 'id',
  by: 'createdBy',
  visibility: 'visibility',
  tenant: 'tenantName',
};
async function idsFor(caller: Caller, more: Partial<Parameters<typeof blueprints.list>[1]> = {}) {
  const page = await blueprints.list(caller, {
    shape: SHAPE,
    filters: [],
    sort: [{ field: 'id' }],
    offset: 0,
    size: null,
    ...more,
  });
  return (JSON.parse(page.items) as { id: string }[]).map(({ id }) => id);
}

async function gone(caller: Caller, id: string): Promise<void> {
  await assert.rejects(blueprints.get(caller, id), { kind: 'not-found', reason: 'blueprint-not-found' });
}

describe('who sees what', () => {
  test('private: its maker and the managers of the tenant; tenant: everybody in it; global: every tenant', async () => {
    await upload(ada, 'p', 'private');
    await upload(ada, 't', 'tenant');
    await upload(root, 'g', 'global');
    assert.deepEqual(await idsFor(ada), ['g', 'p', 't']);
    assert.deepEqual(await idsFor(max), ['g', 'p', 't']);
    assert.deepEqual(await idsFor(root), ['g', 'p', 't']);
    assert.deepEqual(await idsFor(bob), ['g', 't']);
    assert.deepEqual(await idsFor(vic), ['g', 't']);
    assert.deepEqual(await idsFor(eve), ['g']);
    assert.equal((await blueprints.get(vic, 't')).id, 't');
    assert.equal((await blueprints.plan(eve, 'g')).nodes.length, 1);
    assert.equal((await blueprints.get(eve, 'g')).tenantName, 'red');
    await gone(bob, 'p');
    await gone(eve, 't');
    await gone(eve, 'p');
    await assert.rejects(blueprints.archive(bob, 'p'), { kind: 'not-found' });
    await assert.rejects(blueprints.plan(eve, 't'), { kind: 'not-found' });
  });

  test('a caller without a tenant, or without the right to read, sees nothing', async () => {
    await assert.rejects(blueprints.get({ ...ada, tenant: null }, 't'), {
      kind: 'forbidden',
      reason: 'tenant-missing',
    });
    await assert.rejects(idsFor({ ...ada, permissions: new Set() }), { kind: 'forbidden' });
  });

  test('an id is taken by what one cannot see, too', async () => {
    await assert.rejects(upload(bob, 'p'), { reason: 'already-exists' });
    await assert.rejects(upload(eve, 'g'), { reason: 'already-exists' });
    assert.equal((await upload(eve, 't')).tenantName, 'blue');
    await assert.rejects(upload(await house.as('admin', 'blue'), 'p', 'global'), {
      reason: 'already-exists',
    });
  });

  test('a failed upload that somebody else keeps private is not replaced', async () => {
    const broken = {
      id: 'mine',
      source: archiveOf({ 'blueprint.yaml': 'a: [' }),
      visibility: 'private' as const,
    };
    await assert.rejects(uploads.upload(ada, broken), { reason: 'invalid-blueprint' });
    await assert.rejects(upload(bob, 'mine'), { reason: 'already-exists' });
    assert.equal((await upload(max, 'mine')).createdBy, 'max');
  });
});

describe('listing', () => {
  test('filters, searches, sorts and pages', async () => {
    assert.deepEqual(
      await idsFor(ada, { filters: [{ field: 'visibility', anyOf: ['private', 'global'] }] }),
      ['g', 'p'],
    );
    assert.deepEqual(await idsFor(ada, { search: 'MIN' }), ['mine']);
    assert.deepEqual(await idsFor(ada, { sort: [{ field: 'id', descending: true }], size: 2, offset: 1 }), [
      'p',
      'mine',
    ]);
    assert.deepEqual(await idsFor(ada, { filters: [{ field: 'createdBy', anyOf: ['max'] }] }), ['mine']);
  });

  test('every field can be shown', async () => {
    const fields: readonly BlueprintField[] = [
      'id',
      'tenantName',
      'visibility',
      'private',
      'createdBy',
      'createdAt',
      'updatedAt',
      'description',
      'mainFile',
      'state',
      'error',
      'errorDetail',
      'hidden',
      'labels',
      'requirements',
    ];
    const shape = Object.fromEntries(fields.map((field) => [field, field]));
    const page = await blueprints.list(ada, {
      shape,
      filters: [{ field: 'id', anyOf: ['p'] }],
      sort: [],
      offset: 0,
      size: null,
    });
    const [shown] = JSON.parse(page.items);
    const stored = await blueprints.get(ada, 'p');
    assert.deepEqual(shown, {
      id: 'p',
      tenantName: 'red',
      visibility: 'private',
      private: true,
      createdBy: 'ada',
      createdAt: stored.createdAt,
      updatedAt: stored.updatedAt,
      description: 'one node that does nothing',
      mainFile: 'blueprint.yaml',
      state: 'uploaded',
      error: null,
      errorDetail: null,
      hidden: false,
      labels: [],
      requirements: { secrets: [], parentCapabilities: [] },
    });
  });
});

describe('visibility', () => {
  test('only widens', async () => {
    await upload(ada, 'v', 'private');
    assert.equal((await blueprints.setVisibility(ada, 'v', 'tenant')).visibility, 'tenant');
    for (const visibility of ['tenant', 'private'] as const) {
      await assert.rejects(blueprints.setVisibility(ada, 'v', visibility), {
        kind: 'invalid',
        reason: 'visibility-not-wider',
      });
    }
    await assert.rejects(blueprints.setVisibility(ada, 'v', 'global'), { kind: 'forbidden' });
    assert.equal((await blueprints.setVisibility(root, 'v', 'global')).visibility, 'global');
    assert.equal((await blueprints.get(eve, 'v')).visibility, 'global');
  });

  test('does not become global while another tenant has the id', async () => {
    await assert.rejects(blueprints.setVisibility(root, 't', 'global'), { reason: 'already-exists' });
  });

  test('what is global is changed in its own tenant alone', async () => {
    for (const change of [
      () => blueprints.remove(eve, 'g'),
      () => blueprints.setLabels(eve, 'g', []),
      () => blueprints.setVisibility(eve, 'g', 'tenant'),
    ]) {
      await assert.rejects(change(), { kind: 'invalid', reason: 'belongs-to-other-tenant' });
    }
  });
});

test('labels are replaced, and what stays keeps its date and its author', async () => {
  const first = await blueprints.setLabels(ada, 't', [
    { key: 'Env', value: 'test' },
    { key: 'env', value: 'dev' },
  ]);
  assert.deepEqual(
    first.labels.map(({ key, value }) => `${key}=${value}`),
    ['env=dev', 'env=test'],
  );
  const second = await blueprints.setLabels(bob, 't', [
    { key: 'env', value: 'dev' },
    { key: 'owner', value: 'bob' },
  ]);
  assert.deepEqual(
    second.labels.map(({ key, value, createdBy }) => [key, value, createdBy]),
    [
      ['env', 'dev', 'ada'],
      ['owner', 'bob', 'bob'],
    ],
  );
  assert.equal(second.labels[0]!.createdAt, first.labels[0]!.createdAt);
  assert.deepEqual((await blueprints.setLabels(ada, 't', [])).labels, []);
  await assert.rejects(
    blueprints.setLabels(ada, 't', [
      { key: 'a', value: 'b' },
      { key: 'A', value: 'b ' },
    ]),
    { reason: 'label-invalid' },
  );
  await assert.rejects(blueprints.setLabels(vic, 't', []), { kind: 'forbidden' });
});

test('labels that a blueprint gives itself are there as well', async () => {
  const stored = await uploads.upload(ada, {
    id: 'labelled',
    labels: [{ key: 'env', value: 'dev' }],
    source: archiveOf({
      'blueprint.yaml': `${BLUEPRINT}blueprint_labels:\n  env: { values: [dev, test] }\n`,
    }),
  });
  assert.deepEqual(
    stored.labels.map(({ key, value }) => `${key}=${value}`),
    ['env=dev', 'env=test'],
  );
});

describe('removing', () => {
  test('takes the blueprint with all that belongs to it, and leaves an audit row', async () => {
    await upload(ada, 'bye');
    const removed = await blueprints.remove(ada, 'bye');
    assert.equal(removed.id, 'bye');
    await gone(ada, 'bye');
    for (const table of ['blueprint_plans', 'blueprint_files', 'blueprint_labels']) {
      const { rowCount } = await pool.query(`select from ${table} where blueprint_uid = $1`, [removed.uid]);
      assert.equal(rowCount, 0, table);
    }
    const audit = await pool.query("select username from audit where action = 'delete' and thing_id = 'bye'");
    assert.deepEqual(audit.rows, [{ username: 'ada' }]);
    await assert.rejects(blueprints.remove(ada, 'bye'), { kind: 'not-found' });
    await upload(ada, 'bye');
  });

  test('is refused while deployments exist, by name, even with force', async () => {
    const { uid, tenantId } = await blueprints.get(ada, 't');
    await pool.query(
      `insert into deployments (tenant_id, id, blueprint_uid, display_name, created_by, inputs, outputs, capabilities, workflows, types, rest)
       values ($1, 'shop', $2, 'shop', $3, '{}', '{}', '{}', '{}', '{}', '{}')`,
      [tenantId, uid, ada.userId],
    );
    for (const force of [false, true]) {
      await assert.rejects(
        blueprints.remove(ada, 't', { force }),
        (error: Error & { kind?: string; reason?: string }) => {
          assert.deepEqual([error.kind, error.reason], ['conflict', 'blueprint-in-use']);
          assert.match(error.message, /shop, shop-test/);
          return true;
        },
      );
    }
    assert.equal((await blueprints.get(ada, 't')).state, 'uploaded');
  });

  test('of a failed upload needs no force, of one under way it does', async () => {
    await assert.rejects(uploads.upload(ada, { id: 'bad', source: archiveOf({ x: 'y' }) }), {
      reason: 'archive-layout',
    });
    await blueprints.remove(ada, 'bad');
    await assert.rejects(uploads.upload(ada, { id: 'bad', source: archiveOf({ x: 'y' }) }), {
      reason: 'archive-layout',
    });
    await pool.query(
      "update blueprints set state = 'parsing', alive_until = now() + interval '1 minute' where id = 'bad'",
    );
    await assert.rejects(blueprints.remove(ada, 'bad'), { kind: 'conflict', reason: 'blueprint-under-way' });
    await blueprints.remove(ada, 'bad', { force: true });
    await gone(ada, 'bad');
  });

  test('needs the right to write, and what one cannot see is not there', async () => {
    await assert.rejects(blueprints.remove(vic, 't'), { kind: 'forbidden' });
    await assert.rejects(blueprints.remove(bob, 'p'), { kind: 'not-found' });
    await assert.rejects(blueprints.remove(eve, 'v'), { reason: 'belongs-to-other-tenant' });
  });
});

test('the administrator in another tenant sees that tenant alone', async () => {
  assert.ok(!(await idsFor(admin)).includes('p'));
});
