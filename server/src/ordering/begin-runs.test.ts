/** What people have the server run is begun once, wherever whoever does it dies; and what cannot be begun ends with the reason. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../test/support/a-server.js';
import { inTransaction } from '../store/transaction.js';
import { foundIn, verdictIn } from './action-script.js';
import { orderingServices } from './ordering-services.js';

const { core, pool } = await aServer({}, { selfService: true });
const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');
const tenant = admin.tenant!;
const scope = { tenantId: tenant.id, tenantName: tenant.name, userId: admin.userId, seesPrivate: true };

const rule = await inTransaction(pool, async (client) => {
  const action = { kind: 'script', source: 'echo x' } as const;
  const condition = await core.actions.insert(client, scope, { ...action, name: 'Condition' });
  const then = await core.actions.insert(client, scope, { ...action, name: 'Then' });
  return core.conditionRules.insert(client, scope, {
    name: 'A rule',
    conditionUid: condition.uid,
    actionUid: then.uid,
  });
});

/** The services of another process, which `beforeBegun` may end. */
function another(beforeBegun?: () => Promise<void>) {
  const parts = { ...core, pool, uploads: core.blueprintUploads, servers: core.serverBook };
  return orderingServices({
    ...parts,
    beforeBegun,
    sendWebhook: () => Promise.reject(new Error('nothing is sent here')),
  }).beginRuns;
}
/** As if the lease of whoever died had run out. */
const afterwards = () => pool.query(`update action_runs set lease_until = null where state = 'due'`);
const executions = async () =>
  (await pool.query(`select count(*)::integer as count from executions where workflow = 'run_action'`))
    .rows[0].count;

test('a run is begun once, though the worker dies before it, twice', async () => {
  const { job } = await core.actionRuns.rule(admin, { number: rule.number });
  assert.equal((await core.jobs.get(admin, { number: job! })).status, 'PENDING');
  for (let deaths = 0; deaths < 2; deaths += 1) {
    const dying = another(async () => {
      throw new Error('cut off');
    });
    await assert.rejects(dying.all(), /cut off/);
    assert.equal(await executions(), 0);
    await afterwards();
  }
  assert.equal(await another().all(), 1);
  assert.equal(await executions(), 1);
  assert.equal(await another().all(), 0, 'nothing is left to do');
  assert.equal((await core.jobs.get(admin, { number: job! })).status, 'QUEUED');
});

test('a run that was canceled before it began is over, and does not begin', async () => {
  const { job } = await core.actionRuns.rule(admin, { number: rule.number });
  await core.jobs.cancel(admin, { number: job! });
  const before = await executions();
  await another().all();
  assert.equal(await executions(), before);
  assert.equal((await core.jobs.get(admin, { number: job! })).status, 'CANCELED');
});

test('a run whose place somebody else has taken ends with the reason', async () => {
  const other = await inTransaction(pool, async (client) => {
    const [one] = await core.actions.byKeys(client, scope, [1, 2, 3, 4]);
    const uids = { conditionUid: one!.uid, actionUid: one!.uid };
    return core.conditionRules.insert(client, scope, { name: 'Another rule', ...uids });
  });
  await core.deployments.create(admin, {
    id: `rule-${other.number}`,
    blueprintId: 'orrery-actions',
    inputs: {},
  });
  const { job } = await core.actionRuns.rule(admin, { number: other.number });
  await another().all();
  const { status, errors } = await core.jobs.get(admin, { number: job! });
  assert.equal(status, 'FAILURE');
  assert.match(errors, /that was not made for/);
});

test('a rule on a schedule runs once at its time, as whoever keeps it, by whomever looks', async () => {
  const keep = (schedule: string | null) =>
    inTransaction(pool, async (client) => {
      const found = (await core.conditionRules.byName(client, scope, 'A rule'))!;
      await core.conditionRules.replace(client, scope, found.uid, { ...found, schedule });
    });
  await assert.rejects(keep('FREQ=SOMETIMES'), { reason: 'schedule-rule-invalid' });
  await keep('FREQ=DAILY;BYHOUR=2;BYMINUTE=0;BYSECOND=0');
  assert.equal(await core.ruleSchedules.runDue(), 0);
  const jobs = async () =>
    (
      await pool.query(
        `select count(*)::integer as count from jobs where type = 'rule' and subject = 'A rule'`,
      )
    ).rows[0].count;
  const before = await jobs();
  await pool.query(`update ordering_rules set next_at = now() - interval '3 days' where name = 'A rule'`);
  const ran = await Promise.all([core.ruleSchedules.runDue(), core.ruleSchedules.runDue()]);
  assert.deepEqual(ran.sort(), [0, 1]);
  assert.equal(await jobs(), before + 1);
  const { rows } = await pool.query(
    `select next_at > now() as ahead from ordering_rules where name = 'A rule'`,
  );
  assert.deepEqual(rows, [{ ahead: true }]);
  await pool.query(`update ordering_rules set next_at = now(), owner_id = null where name = 'A rule'`);
  assert.equal(await core.ruleSchedules.runDue(), 0, 'nobody is there to act as');
  assert.equal(await core.ruleSchedules.runDue(), 0);
  await keep(null);
});

test('an action runs by itself when the day of a server has come', async () => {
  await inTransaction(pool, async (client) => {
    const action = await core.actions.insert(client, scope, {
      name: 'Farewell',
      kind: 'script',
      source: 'echo x',
    });
    const runs = { actionUid: action.uid };
    await core.actionUses.insert(client, scope, 'trigger', {
      label: 'Farewell',
      runs,
      triggerPoint: 'expire',
    });
  });
  await pool.query(
    `insert into servers (tenant_id, number, hostname, status, owner_id, expires_on) values ($1, 900, 'old', 'active', $2, current_date - 3)`,
    [tenant.id, admin.userId],
  );
  await core.expiry.scan();
  await core.expiry.scan();
  const { rows } = await pool.query(
    `select r.trigger_point, r.task ->> 'label' as label, j.owner_id = $1 as ours from action_runs r join jobs j on j.uid = r.job_uid
     where j.type = 'orchestration_hook'`,
    [admin.userId],
  );
  assert.deepEqual(rows, [{ trigger_point: 'expire', label: 'Farewell', ours: true }]);
});

test('what a step has found is what its plug-in answered, else its last line, else its lines', () => {
  assert.deepEqual(foundIn(['looked', '::found::{"ids": [1]}']), { ids: [1] });
  for (const nothing of ['::found::null', '::found::[]', '::found::{}', '::found::false', '::found::""'])
    assert.equal(foundIn(['looked', nothing]), null);
  assert.deepEqual(foundIn(['a', '{"b": 1}']), { b: 1 });
  assert.deepEqual(foundIn(['a', ' b ', '']), ['a', 'b']);
  assert.equal(foundIn([]), null);
  assert.equal(foundIn([`::found::"${'x'.repeat(70_000)}"`]), undefined);
});

test('a verdict is said in a word, or as an answer', () => {
  assert.deepEqual(verdictIn(['checked', 'approve']), { approve: true });
  assert.deepEqual(verdictIn('Approved'), { approve: true });
  assert.deepEqual(verdictIn({ approve: true }), { approve: true });
  assert.deepEqual(verdictIn('deny: too much'), { deny: 'too much' });
  assert.deepEqual(verdictIn({ deny: 'no' }), { deny: 'no' });
  assert.deepEqual(verdictIn({ approve: true, deny: 'no' }), { deny: 'no' });
  for (const none of [null, 'maybe', {}, { approve: 'yes' }, ['approved by nobody'], 5, { deny: false }])
    assert.equal(verdictIn(none), null);
});
