/** Pages behind the middle are read from the end; nobody may notice. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { deploymentList } from '../orchestration/deployments.store.js';
import { type ListQuery, listPage } from './list.js';

const THING = `
node_templates:
  thing: {type: cloudify.nodes.Root}
`;

describe('pages of a counted collection', () => {
  let engine: Engine;
  before(async () => {
    engine = await anEngine([]);
    await engine.deploy('d', THING);
    await copies(1, 250);
    // Of another tenant, shared with all: they lie between the others.
    const { pool } = engine.database;
    await pool.query(`insert into tenants (name) values ('beta')`);
    await copies(1000, 1006);
    await pool.query(
      `update deployments set tenant_id = (select id from tenants where name = 'beta'), visibility = 'global',
         created_at = created_at - interval '900 s' where uid > 1000`,
    );
    // The counts follow rows that come and go; a tenant is never changed.
    await pool.query(
      `insert into row_counts (tenant_id, collection, difference) select id, 'deployments', case name when 'beta' then 7 else -7 end from tenants`,
    );
  });
  after(() => engine.close());

  const copies = (from: number, to: number) =>
    engine.database.pool.query(
      `insert into deployments overriding system value
       select made.* from deployments d, generate_series($1::integer, $2::integer) copy,
         jsonb_populate_record(d, jsonb_build_object('uid', d.uid + copy, 'id', 'd' || copy, 'latest_execution_uid', null,
           'created_at', d.created_at + make_interval(secs => copy / 3), 'create_execution_uid', null)) made where d.id = 'd'`,
      [from, to],
    );

  const scope = () => ({
    tenantId: engine.caller.tenant!.id,
    tenantName: 'acme',
    userId: engine.caller.userId,
    seesPrivate: true,
  });

  async function ids(
    query: Partial<ListQuery<'id' | 'createdAt'>>,
  ): Promise<{ ids: string[]; total: number }> {
    const page = await listPage(engine.database.pool, deploymentList, scope(), {
      shape: { id: 'id' },
      filters: [],
      sort: [],
      offset: 0,
      size: null,
      ...query,
    });
    return { ids: (JSON.parse(page.items) as { id: string }[]).map((one) => one.id), total: page.total };
  }

  for (const descending of [false, true]) {
    it(`are what lies there in the whole of it, ${descending ? 'newest' : 'oldest'} first`, async () => {
      const sort = [{ field: 'createdAt', descending }] as const;
      const whole = await ids({ sort });
      assert.equal(whole.ids.length, 258);
      assert.equal(whole.total, 258);
      for (const size of [1, 7, 100]) {
        for (const offset of [0, 1, 128, 129, 130, 150, 157, 158, 200, 250, 251, 257, 258, 300]) {
          const page = await ids({ sort, size, offset });
          assert.deepEqual(
            page,
            { ids: whole.ids.slice(offset, offset + size), total: 258 },
            `${size} from ${offset}`,
          );
        }
      }
    });
  }

  it('are right however many rows have come or gone since somebody counted', async () => {
    const whole = (await ids({})).ids;
    await copies(2000, 2600);
    const more = await ids({ size: 5, offset: 200 });
    assert.deepEqual(more, { ids: (await ids({})).ids.slice(200, 205), total: 859 });
    await ids({ size: 5, offset: 700 });
    await engine.database.pool.query('delete from deployments where uid > 2000');
    assert.deepEqual(await ids({ size: 5, offset: 700 }), { ids: [], total: 258 });
    assert.deepEqual((await ids({ size: 5, offset: 255 })).ids, whole.slice(255));
  });
});
