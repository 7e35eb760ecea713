/**
 * What is asked of large deployments touches no more rows than it tells, whatever the planner takes the tables to be: joined with their
 * nodes, the instances of a deployment of ten thousand nodes once took minutes, when the tables had grown since they were analyzed.
 * Counted by rows touched, not by time.
 */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { DeploymentUid, TenantId } from '../src/ids.js';
import { selectHosts, selectNew } from '../src/inventory/follow-instances.store.js';
import { selectInstanceFacts } from '../src/inventory/servers.store.js';
import { nodesByName } from '../src/orchestration/evaluation.store.js';
import { pictureInstanceNodes, pictureInstances } from '../src/orchestration/pictures.store.js';
import { selectHostNode } from '../src/orchestration/running/dispatch/host-agents.store.js';
import type { Client } from '../src/store/pool.js';
import { inTransaction } from '../src/store/transaction.js';
import { testDatabase } from './support/test-database.js';

const { pool } = await testDatabase();

const NODES = 2000;

describe('a deployment of 2,000 nodes, which nobody has analyzed since there were two', () => {
  let tenant: TenantId;
  let uid: DeploymentUid;
  const ids = (count: number) => Array.from({ length: count }, (_, at) => `n${at + 1}_x`);

  before(async () => {
    const { rows } = await pool.query<{ tenant: TenantId; user: number; blueprint: number }>(
      `with t as (insert into tenants (name) values ('large') returning id),
         u as (insert into users (username, system_role) values ('someone', 'member') returning id),
         b as (insert into blueprints (tenant_id, id, main_file, state, created_by)
           select t.id, 'b', 'b.yaml', 'pending', u.id from t, u returning uid)
       select t.id as tenant, u.id as "user", b.uid as blueprint from t, u, b`,
    );
    const { user, blueprint } = rows[0]!;
    tenant = rows[0]!.tenant;
    const deploy = async (id: string, prefix: string, nodes: number) => {
      const made = await pool.query<{ uid: DeploymentUid }>(
        `insert into deployments (tenant_id, id, display_name, blueprint_uid, created_by, types, inputs, outputs, capabilities, workflows, rest)
         values ($1, $2, $2, $3, $4, '{"nodeTypes": {"T": {"hierarchy": ["T"]}}}', '{}', '{}', '{}', '{}', '{}') returning uid`,
        [tenant, id, blueprint, user],
      );
      const [one] = made.rows;
      await pool.query(
        `insert into nodes (tenant_id, deployment_uid, name, ordinal, type, host, definition, default_instances, min_instances, max_instances,
           instances, planned_instances)
         select $1, $2, 'n' || g, g, 'T', 'n' || g, '{"properties": {}, "relationships": []}', 1, 0, -1, 1, 1 from generate_series(1, $3::int) g`,
        [tenant, one!.uid, nodes],
      );
      await pool.query(
        `insert into node_instances (tenant_id, deployment_uid, id, node, index, host, relationships, state)
         select $1, $2, $4 || g || '_x', 'n' || g, 1, $4 || g || '_x', '[]', 'started' from generate_series(1, $3::int) g`,
        [tenant, one!.uid, nodes, prefix],
      );
      return one!.uid;
    };
    await pool.query(
      'alter table nodes set (autovacuum_enabled = false); alter table node_instances set (autovacuum_enabled = false)',
    );
    await deploy('small', 's', 2);
    await pool.query('analyze nodes, node_instances, deployments');
    uid = await deploy('large', 'n', NODES);
  });

  /** How many rows of nodes and instances this connection has read, and has not reported yet. */
  const rowsRead = async (client: Client) => {
    const { rows } = await client.query<{ rows: number }>(
      `select sum(coalesce(s.seq_tup_read, 0) + coalesce(s.idx_tup_fetch, 0))::integer as rows from pg_stat_xact_user_tables s
       where s.relname in ('nodes', 'node_instances')`,
    );
    return rows[0]!.rows;
  };
  const touched = (work: (client: Client) => Promise<readonly object[]>) =>
    inTransaction(pool, async (client) => {
      const before = await rowsRead(client);
      const told = (await work(client)).length;
      return { told, rows: (await rowsRead(client)) - before };
    });

  const QUESTIONS: readonly (readonly [
    what: string,
    told: number,
    most: number,
    work: (client: Client) => Promise<readonly object[]>,
  ])[] = [
    [
      'a slice of its instances, as snapshots tell them',
      1000,
      1000,
      (client) => pictureInstances.all(client, [uid, '', 0, 1000]),
    ],
    [
      'nodes of a slice of its instances',
      1000,
      1000,
      (client) => pictureInstanceNodes.all(client, [uid, '', 0, 1000]),
    ],
    // Sorting all of them is allowed, once for each slice.
    ['a slice of its hosts', 1000, 2 * NODES + 10, (client) => selectHosts.all(client, [tenant, '', 1000])],
    [
      'which of its instances have no server yet',
      1000,
      2000,
      (client) => selectNew.all(client, tenant, [ids(1000)]),
    ],
    ['what a server is made from', 1, 2, (client) => selectInstanceFacts.all(client, tenant, ['n700_x'])],
    ['the node of a host', 1, 2, (client) => selectHostNode.all(client, tenant, ['n700_x', 1, true])],
    ['a few of its nodes', 2, 2, (client) => nodesByName.all(client, tenant, [uid, ['n7', 'n1700']])],
  ];
  for (const [what, told, most, work] of QUESTIONS) {
    it(`is asked for ${what} without touching others`, async () => {
      const seen = await touched(work);
      assert.equal(seen.told, told);
      assert.ok(seen.rows <= most, `${seen.rows} rows were read for ${seen.told}`);
    });
  }
});
