/** Deployments too large for one statement. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../test/support/an-engine.js';
import { slices } from './planning/instances.js';
import { aPlan } from './planning/testdata/a-deployment.js';

const inside = (target: string) =>
  `relationships: [{type: cloudify.relationships.contained_in, target: ${target}}]`;

describe('a large deployment', () => {
  let engine: Engine;
  before(async () => {
    engine = await anEngine([]);
  });
  after(() => engine.close());
  const count = async (text = '') =>
    (await engine.database.pool.query(`select count(*)::integer as n from node_instances i ${text}`)).rows[0]
      .n;

  it('is planned in slices that are small, also where one instance has many relationships', () => {
    const plan = aPlan({
      few: { instances: 50 },
      many: { instances: 3000, relationships: [{ to: 'few' }] },
    });
    let suffix = 0;
    const next = () => {
      suffix += 1;
      return String(suffix);
    };
    const sizes: number[] = [];
    for (const slice of slices(plan, next)) {
      sizes.push(slice.length);
      const related = slice.reduce((sum, { relationships }) => sum + relationships.length, 0);
      assert.ok(slice.length <= 2000 && related < 20_000 + 50, `${slice.length}, ${related}`);
    }
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      3050,
    );
    assert.ok(sizes.filter((size) => size > 0).length >= 7);
  });

  it('is stored whole, and others are answered meanwhile', async () => {
    const turns: number[] = [];
    const timer = setInterval(() => turns.push(performance.now()), 1);
    const of = `node_templates:
  rack: {type: cloudify.nodes.Root, instances: {deploy: 45}}
  machine: {type: cloudify.nodes.Root, instances: {deploy: 100}, ${inside('rack')}}
`;
    await engine.deploy('large', of);
    clearInterval(timer);
    assert.equal(await count(), 4545);
    assert.equal(
      await count(`where node = 'machine' and exists (select from node_instances r where r.node = 'rack'
        and r.id = i.relationships -> 0 ->> 'targetInstance')`),
      4500,
    );
    assert.ok(turns.length > 3);
  });

  it('is not there at all where the last of it cannot be made', async () => {
    const before = await count();
    await assert.rejects(
      engine.deploy(
        'broken',
        `node_templates:
  first: {type: cloudify.nodes.Root, instances: {deploy: 2500}}
  one: {type: cloudify.nodes.Root}
  other:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.connected_to, target: one, properties: {connection_type: all_to_one}}]
groups: {both: {members: [one, other]}}
policies: {scaled: {type: cloudify.policies.scaling, targets: [both]}}
`,
      ),
      { reason: 'all-to-one-in-group' },
    );
    assert.equal(await count(), before);
  });
});
