/** More and fewer instances: what comes, what goes, and who relates to whom. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { withAdded } from './changes.js';
import { instantiate } from './instances.js';
import type { DeploymentModel, InstanceModel } from './model.js';
import { type Hints, type Modification, modify, NO_HINTS, unitKey, withCounts } from './modification.js';
import { aDeployment } from './testdata/a-deployment.js';
import { aRandomDeployment } from './testdata/a-random-deployment.js';

function counter(from: number): () => string {
  let count = from;
  return () => {
    count += 1;
    return String(count);
  };
}

const planOf = (model: DeploymentModel) => ({ ...model.types, nodes: [...model.nodes.values()] });

function scaled(model: DeploymentModel, counts: Record<string, number>, hints: Hints = NO_HINTS) {
  return modify(
    withCounts(planOf(model), new Map(Object.entries(counts))),
    model.instances,
    hints,
    counter(100),
  );
}

/** The instances once the modification is finished. */
function finished(model: DeploymentModel, outcome: Modification): DeploymentModel {
  const removed = new Set(outcome.removed);
  const after = new Map(outcome.rewired.map((one) => [one.id, one.after]));
  const instances = withAdded(model, outcome)
    .instances.filter(({ id }) => !removed.has(id))
    .map((one) => ({ ...one, relationships: after.get(one.id) ?? one.relationships }));
  return { ...model, instances };
}

const sketch = ({ id, relationships }: InstanceModel) =>
  `${id} -> ${relationships.map(({ targetInstance }) => targetInstance).join(' ')}`;

const WEB = () =>
  aDeployment({
    vm: { kind: 'host', instances: 2 },
    db: {},
    web: { instances: 2, relationships: [{ to: 'vm', kind: 'contained_in' }, { to: 'db' }] },
    proxy: { relationships: [{ to: 'web' }] },
  });

describe('a modification', () => {
  it('adds on every container, with everything that is contained, and connects it', () => {
    const { added, removed, rewired } = scaled(WEB(), { [unitKey('node', 'vm')]: 3 });
    assert.deepEqual(added.map(sketch), ['vm_101 -> ', 'web_102 -> vm_101 db_3', 'web_103 -> vm_101 db_3']);
    assert.deepEqual([removed, added.map(({ host }) => host)], [[], ['vm_101', 'vm_101', 'vm_101']]);
    assert.deepEqual(
      rewired.map(({ id, during }) => `${id} ${during.map((one) => one.targetInstance).join(' ')}`),
      ['proxy_8 web_4 web_5 web_6 web_7 web_102 web_103'],
    );
  });

  it('takes the newest first, unless others are named or spared', () => {
    const model = aDeployment({ a: { instances: 4 } });
    const key = unitKey('node', 'a');
    const gone = (hints: Hints) => scaled(model, { [key]: 2 }, hints).removed;
    const set = (...ids: string[]) => new Set(ids);
    assert.deepEqual(gone(NO_HINTS), ['a_3', 'a_4']);
    assert.deepEqual(gone({ include: set('a_1'), exclude: set() }), ['a_1', 'a_4']);
    assert.deepEqual(gone({ include: set(), exclude: set('a_4') }), ['a_2', 'a_3']);
    assert.deepEqual(gone({ include: set(), exclude: set('a_1', 'a_2', 'a_3') }), ['a_3', 'a_4']);
  });

  it('grows a group as a whole, and relates its members to each other alone', () => {
    const model = aDeployment(
      { db: {}, app: { relationships: [{ to: 'db' }] } },
      { stack: { members: ['db', 'app'], instances: 2 } },
    );
    const { added, rewired } = scaled(model, { [unitKey('group', 'stack')]: 3 });
    assert.deepEqual([added.map(({ node }) => node), rewired], [['db', 'app'], []]);
    const [db, app] = added;
    assert.deepEqual(
      app!.relationships.map((one) => one.targetInstance),
      [db!.id],
    );
    assert.deepEqual(app!.scalingGroups, db!.scalingGroups);
    assert.ok(
      !model.instances.some(({ scalingGroups }) => scalingGroups[0]!.id === db!.scalingGroups[0]!.id),
    );
  });

  it('lets all to one stay with the one that was chosen', () => {
    const model = aDeployment({
      a: { instances: 2 },
      b: { relationships: [{ to: 'a', properties: { connection_type: 'all_to_one' } }] },
    });
    // An id that comes before the chosen one's in the alphabet.
    const plan = withCounts(
      planOf(model),
      new Map([
        [unitKey('node', 'a'), 3],
        [unitKey('node', 'b'), 2],
      ]),
    );
    const outcome = modify(plan, model.instances, NO_HINTS, counter(-100));
    assert.deepEqual(outcome.rewired, []);
    const b = outcome.added.find(({ node }) => node === 'b')!;
    assert.equal(b.relationships[0]!.targetInstance, 'a_1');
  });

  it('to the same numbers is none', () => {
    fc.assert(
      fc.property(aRandomDeployment, (model) => {
        assert.deepEqual(scaled(model, {}), { added: [], removed: [], rewired: [] });
      }),
    );
  });

  it('out and in again leaves everything as it was', () => {
    fc.assert(
      fc.property(aRandomDeployment, fc.nat(), fc.integer({ min: 1, max: 3 }), (model, pick, more) => {
        const node = [...model.nodes.values()][pick % model.nodes.size]!;
        const key = unitKey('node', node.name);
        const now = Number(node.scaling.default);
        const out = finished(model, scaled(model, { [key]: now + more }));
        const back = finished(out, modify(planOf(model), out.instances, NO_HINTS, counter(200)));
        assert.deepEqual(back.instances.map(sketch).sort(), model.instances.map(sketch).sort());
      }),
    );
  });

  it('brings about what a new deployment of those numbers would have', () => {
    fc.assert(
      fc.property(aRandomDeployment, fc.nat(), fc.integer({ min: 0, max: 4 }), (model, pick, wanted) => {
        const node = [...model.nodes.keys()][pick % model.nodes.size]!;
        const plan = withCounts(planOf(model), new Map([[unitKey('node', node), wanted]]));
        const changed = finished(model, modify(plan, model.instances, NO_HINTS, counter(100)));
        const fresh = instantiate(plan, counter(1000));
        const shape = (instances: readonly InstanceModel[]) =>
          instances
            .map((one) => `${one.node} ${one.relationships.map(({ targetNode }) => targetNode).join(' ')}`)
            .sort();
        assert.deepEqual(shape(changed.instances), shape(fresh));
        const ids = new Set(changed.instances.map(({ id }) => id));
        const places = changed.instances.map((one) => `${one.node} ${one.index}`);
        assert.equal(new Set(places).size, places.length, 'every place is taken once');
        for (const { relationships } of changed.instances)
          for (const { targetInstance } of relationships) assert.ok(ids.has(targetInstance));
      }),
    );
  });
});
