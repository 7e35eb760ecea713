/**
 * What an approved order needs is done once, wherever whoever does it dies: a worker is cut off before each of its steps, another
 * goes on, also two at once; and what cannot be done ends the order with the reason.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aServer } from '../../test/support/a-server.js';
import type { Step } from './carry-out.js';
import { orderingServices } from './ordering-services.js';
import type { NewOrder } from './orders.js';

const { core, pool } = await aServer({}, { selfService: true });
const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');

const place = (await core.environments.orderable(admin, await core.groups.find(admin, { number: 2 })))[0]!;
const offers = await pool.query(`select number from offers where name = 'Custom Server'`);
const offer = { number: offers.rows[0].number as number };

function anOrder(more: Partial<NewOrder> = {}): NewOrder {
  const wish = {
    environment: { number: place.number },
    parameters: {},
    preconfigurations: {},
    applications: [],
  };
  return {
    group: { number: 2 },
    items: [{ kind: 'deploy', offer, name: '', parameters: {}, parts: { Server: wish } }],
    submit: true,
    ...more,
  };
}

/** The services of another process, which `before` may end. */
function another(before?: (step: Step) => Promise<void>) {
  const parts = { ...core, pool, uploads: core.blueprintUploads, servers: core.serverBook };
  return orderingServices({
    ...parts,
    sendWebhook: () => Promise.reject(new Error('nothing is sent here')),
    ...(before === undefined ? {} : { before }),
  });
}

/** As if the lease of whoever died had run out. */
async function afterwards(): Promise<void> {
  await pool.query(`update order_errands set lease_until = null where state = 'due'`);
}

async function standing(order: number) {
  const { rows } = await pool.query(
    `select e.state, (select count(*) from deployments d where d.id = e.deployment_id) as deployments,
       (select count(*) from blueprints b where b.id = e.deployment_id) as blueprints,
       (select count(*) from executions x join deployments d on d.uid = x.deployment_uid where d.id = e.deployment_id and x.workflow = 'install') as installs,
       (select count(distinct j.execution_uid) from jobs j where j.errand_uid = e.uid) as bound,
       (select count(*) from servers s join deployments d on d.uid = s.deployment_uid where d.id = e.deployment_id) as servers
     from order_errands e join orders o on o.uid = e.order_uid where o.number = $1`,
    [order],
  );
  return rows;
}

const WHOLE = [{ state: 'begun', deployments: 1, blueprints: 1, installs: 1, bound: 1, servers: 1 }];

describe('an approved order', () => {
  for (const fatal of ['blueprint', 'deployment', 'execution', 'begun'] as const) {
    test(`is carried out once when the worker dies before the step ${fatal}, and again before it`, async () => {
      const order = await core.orders.create(admin, anOrder());
      for (let deaths = 0; deaths < 2; deaths += 1) {
        const dying = another(async (step) => {
          if (step === fatal) throw new Error('cut off');
        });
        await assert.rejects(dying.carryOut.all(), /cut off/);
        assert.notDeepEqual(await standing(order.number), WHOLE);
        await afterwards();
      }
      assert.equal(await another().carryOut.all(), 1);
      assert.deepEqual(await standing(order.number), WHOLE);
      assert.equal(await another().carryOut.all(), 0, 'nothing is left to do');
    });
  }

  test('is carried out once by two workers who believe to be alone', async () => {
    const order = await core.orders.create(admin, anOrder());
    // The first one pauses before each step until its lease has run out and the other has done it all.
    let overtaken: Promise<unknown> | null = null;
    const slow = another(async (step) => {
      if (step !== 'deployment') return;
      await afterwards();
      overtaken ??= another().carryOut.all();
      await overtaken;
    });
    await slow.carryOut.all();
    assert.deepEqual(await standing(order.number), WHOLE);
  });

  test('ends with the reason when it cannot be carried out, and its servers count no more', async () => {
    await core.deployments.create({ ...admin }, { id: 'order-999-1', blueprintId: 'order-1-1' });
    await pool.query(`update tenant_numbers set last = 998 where kind = 'order'`);
    const order = await core.orders.create(admin, anOrder());
    assert.equal(order.number, 999);
    await another().carryOut.all();
    const ended = await core.orders.get(admin, { number: 999 });
    assert.equal(ended.status, 'FAILURE');
    assert.match(ended.failures[0]!, /A deployment order-999-1 is there that was not made for this order/);
    const jobs = await core.jobs.ofOrders(admin, [order.uid]);
    assert.deepEqual([...new Set(jobs.map(({ status }) => status))], ['FAILURE']);
    const held = await pool.query('select from quota_holds where order_item_uid = $1', [order.items[0]!.uid]);
    assert.equal(held.rowCount, 0);
    const servers = await pool.query('select status from servers s where uid = $1', [
      jobs.find(({ serverUid }) => serverUid !== null)!.serverUid,
    ]);
    assert.equal(servers.rows[0].status, 'build-failed');
  });

  test('whose job is canceled before it began is canceled, and nothing is built', async () => {
    const order = await core.orders.create(admin, anOrder());
    const [job] = await core.jobs.ofOrders(admin, [order.uid]);
    assert.equal((await core.jobs.cancel(admin, { number: job!.number })).status, 'TO_CANCEL');
    await another().carryOut.all();
    assert.equal((await core.jobs.get(admin, { number: job!.number })).status, 'CANCELED');
    assert.equal((await core.orders.get(admin, { number: order.number })).status, 'FAILURE');
    const [errand] = await standing(order.number);
    assert.deepEqual([errand.state, errand.deployments, errand.installs], ['ended', 0, 0]);
  });
});

describe('the end of an execution', () => {
  async function begun() {
    const order = await core.orders.create(admin, anOrder());
    await another().carryOut.all();
    const { rows } = await pool.query(
      'select x.uid, x.id from executions x join order_errands e on e.execution_uid = x.uid where e.order_uid = $1',
      [order.uid],
    );
    return { order, execution: rows[0] as { uid: number; id: string } };
  }

  for (const [status, job, ending] of [
    ['terminated', 'SUCCESS', 'SUCCESS'],
    ['failed', 'FAILURE', 'FAILURE'],
    ['cancelled', 'CANCELED', 'FAILURE'],
  ] as const) {
    test(`that is ${status} makes the job ${job} and the order ${ending}, once`, async () => {
      const { order, execution } = await begun();
      if (status === 'terminated') {
        await pool.query(
          `update node_instances i set state = 'started' from executions x where x.deployment_uid = i.deployment_uid and x.uid = $1`,
          [execution.uid],
        );
      }
      await pool.query('update executions set status = $2, error = $3 where uid = $1', [
        execution.uid,
        status,
        status === 'failed' ? 'no room' : '',
      ]);
      const running = await core.orders.get(admin, { number: order.number });
      assert.equal(running.status, 'ACTIVE');
      await Promise.all([another().settlement.all(), another().settlement.all()]);
      const ended = await core.orders.get(admin, { number: order.number });
      assert.equal(ended.status, ending);
      const [top] = await core.jobs.ofOrders(admin, [order.uid]);
      assert.equal(top!.status, job);
      assert.ok(top!.endedAt !== null);
      if (status === 'failed') assert.match(ended.failures.join(), /no room/);
      assert.equal((await pool.query('select from job_news')).rowCount, 0);
    });
  }

  test('that is deleted with its deployment is not lost', async () => {
    const { order, execution } = await begun();
    await pool.query(`update executions set status = 'failed' where uid = $1`, [execution.uid]);
    await core.deployments.remove(admin, `order-${order.number}-1`, { force: true });
    await another().settlement.all();
    assert.equal((await core.orders.get(admin, { number: order.number })).status, 'FAILURE');
  });
});
