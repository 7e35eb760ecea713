import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DomainError } from '../../errors.js';
import { instantiate } from './instances.js';
import { aPlan, type NodeSketch } from './testdata/a-deployment.js';
import { aRandomDeployment } from './testdata/a-random-deployment.js';

type Groups = Parameters<typeof aPlan>[1];

describe('instantiate', () => {
  it('makes as many instances as asked for, counted from one, in the order of the blueprint', () => {
    assert.deepEqual(drawn({ web: { instances: 2 }, none: { instances: 0 }, db: {} }), [
      'web_1 is 1',
      'web_2 is 2',
      'db_3 is 1',
    ]);
  });

  it('multiplies what is contained by its container, at every depth', () => {
    const drawing = drawn({
      app: { instances: 2, relationships: [{ to: 'server', kind: 'contained_in' }] },
      server: { relationships: [{ to: 'vm', kind: 'contained_in' }] },
      vm: { kind: 'host', instances: 2 },
    });
    assert.deepEqual(drawing, [
      'app_5 is 1 on vm_1 -> server_3',
      'app_6 is 2 on vm_1 -> server_3',
      'app_7 is 3 on vm_2 -> server_4',
      'app_8 is 4 on vm_2 -> server_4',
      'server_3 is 1 on vm_1 -> vm_1',
      'server_4 is 2 on vm_2 -> vm_2',
      'vm_1 is 1 on vm_1',
      'vm_2 is 2 on vm_2',
    ]);
  });

  it('connects every source to every target, also across the hosts that hold them', () => {
    const drawing = drawn({
      vm: { kind: 'host', instances: 2 },
      db: { relationships: [{ to: 'vm', kind: 'contained_in' }] },
      web: { relationships: [{ to: 'vm', kind: 'contained_in' }, { to: 'db' }] },
    });
    assert.deepEqual(drawing.slice(4), [
      'web_5 is 1 on vm_1 -> vm_1 db_3 db_4',
      'web_6 is 2 on vm_2 -> vm_2 db_3 db_4',
    ]);
  });

  it('connects all to the one target whose id is smallest', () => {
    const suffixes = ['b', 'c', 'a', 'd', 'e'];
    const instances = instantiate(
      aPlan({
        db: { instances: 3 },
        web: {
          instances: 2,
          relationships: [{ to: 'db', properties: { connection_type: 'all_to_one' } }],
        },
      }),
      () => suffixes.shift()!,
    );
    assert.deepEqual(
      instances.slice(3).map(({ relationships }) => relationships.map((to) => to.targetInstance)),
      [['db_a'], ['db_a']],
    );
  });

  it('connects members of one scaling group within the same instance of it', () => {
    const drawing = drawn(
      {
        db: { instances: 2 },
        web: { relationships: [{ to: 'db' }] },
        log: { relationships: [{ to: 'web' }] },
      },
      { pod: { members: ['db', 'web'], instances: 2 } },
    );
    assert.deepEqual(drawing, [
      'db_3 is 1 in pod_1',
      'db_4 is 2 in pod_1',
      'db_5 is 3 in pod_2',
      'db_6 is 4 in pod_2',
      'web_7 is 1 in pod_1 -> db_3 db_4',
      'web_8 is 2 in pod_2 -> db_5 db_6',
      'log_9 is 1 -> web_7 web_8',
    ]);
  });

  it('tells of scaling groups from the innermost to the outermost', () => {
    const drawing = drawn(
      { db: {}, web: { relationships: [{ to: 'db' }] } },
      { inner: { members: ['db'], instances: 2 }, outer: { members: ['inner', 'web'], instances: 2 } },
    );
    assert.deepEqual(drawing, [
      'db_7 is 1 in inner_3 outer_1',
      'db_8 is 2 in inner_4 outer_1',
      'db_9 is 3 in inner_5 outer_2',
      'db_10 is 4 in inner_6 outer_2',
      'web_11 is 1 in outer_1 -> db_7 db_8',
      'web_12 is 2 in outer_2 -> db_9 db_10',
    ]);
  });

  it('grows a group of contained nodes in each instance of what contains them', () => {
    const nodes: Record<string, NodeSketch> = {
      vm: { kind: 'host', instances: 2 },
      web: { relationships: [{ to: 'vm', kind: 'contained_in' }] },
      app: { relationships: [{ to: 'vm', kind: 'contained_in' }, { to: 'web' }] },
    };
    assert.deepEqual(drawn(nodes, { pair: { members: ['web', 'app'], instances: 2 } }).slice(2), [
      'web_7 is 1 on vm_1 in pair_3 -> vm_1',
      'web_8 is 2 on vm_1 in pair_4 -> vm_1',
      'web_9 is 3 on vm_2 in pair_5 -> vm_2',
      'web_10 is 4 on vm_2 in pair_6 -> vm_2',
      'app_11 is 1 on vm_1 in pair_3 -> vm_1 web_7',
      'app_12 is 2 on vm_1 in pair_4 -> vm_1 web_8',
      'app_13 is 3 on vm_2 in pair_5 -> vm_2 web_9',
      'app_14 is 4 on vm_2 in pair_6 -> vm_2 web_10',
    ]);
  });

  it('scales a member that is contained in another member with that one alone', () => {
    const nodes: Record<string, NodeSketch> = {
      vm: { kind: 'host' },
      web: { relationships: [{ to: 'vm', kind: 'contained_in' }] },
    };
    assert.deepEqual(drawn(nodes, { pod: { members: ['vm', 'web'], instances: 2 } }), [
      'vm_3 is 1 on vm_3 in pod_1',
      'vm_4 is 2 on vm_4 in pod_2',
      'web_5 is 1 on vm_3 in pod_1 -> vm_3',
      'web_6 is 2 on vm_4 in pod_2 -> vm_4',
    ]);
  });

  it('refuses all to one between members of one scaling group', () => {
    const nodes: Record<string, NodeSketch> = {
      db: {},
      web: { relationships: [{ to: 'db', properties: { connection_type: 'all_to_one' } }] },
    };
    assert.throws(
      () => drawn(nodes, { pod: { members: ['db', 'web'], instances: 2 } }),
      refused('invalid', 'all-to-one-in-group'),
    );
  });

  it('refuses connections and numbers of instances that mean nothing', () => {
    const odd = { connection_type: 'one_to_some' };
    assert.throws(
      () => drawn({ db: {}, web: { relationships: [{ to: 'db', properties: odd }] } }),
      refused('invalid', 'connection-type-invalid'),
    );
    for (const instances of [-1, 1.5, Number.NaN]) {
      assert.throws(() => drawn({ db: { instances } }), refused('invalid', 'instance-count-invalid'));
    }
  });

  it('refuses more instances or relationships than anybody could want, before making any', () => {
    const contained = (to: string): NodeSketch => ({
      instances: 1000,
      relationships: [{ to, kind: 'contained_in' }],
    });
    assert.throws(
      () => drawn({ a: { instances: 1000 }, b: contained('a'), c: contained('b'), d: contained('c') }),
      refused('limit', 'too-many-node-instances'),
    );
    assert.throws(
      () => drawn({ a: { instances: 50_000 }, b: { instances: 50_000, relationships: [{ to: 'a' }] } }),
      refused('limit', 'too-many-instance-relationships'),
    );
  });

  it('refuses containment in a circle', () => {
    const nodes: Record<string, NodeSketch> = {
      a: { relationships: [{ to: 'b', kind: 'contained_in' }] },
      b: { relationships: [{ to: 'a', kind: 'contained_in' }] },
    };
    assert.throws(() => drawn(nodes), refused('invalid', 'containment-circle'));
  });

  it('never gives an id twice, whatever the suffixes', () => {
    const suffixes = ['x', 'x', 'x', 'y', 'x', 'z'];
    const ids = instantiate(aPlan({ a: { instances: 3 } }), () => suffixes.shift()!).map(({ id }) => id);
    assert.deepEqual(ids, ['a_x', 'a_y', 'a_z']);
    assert.throws(() => instantiate(aPlan({ a: { instances: 2 } }), () => 'x'), /No unused id/);
  });

  it('makes 10,000 instances contained in each other', () => {
    const nodes: Record<string, NodeSketch> = { n0: { kind: 'host' } };
    for (let n = 1; n < 10_000; n += 1) {
      nodes[`n${n}`] = { relationships: [{ to: `n${n - 1}`, kind: 'contained_in' }] };
    }
    const instances = drawn(nodes);
    assert.equal(instances.length, 10_000);
    assert.equal(instances[9_999], 'n9999_10000 is 1 on n0_1 -> n9998_9999');
  });

  it('gives instances that always fit together', () => {
    fc.assert(
      fc.property(aRandomDeployment, ({ instances, nodes }) => {
        const byId = new Map(instances.map((instance) => [instance.id, instance]));
        assert.equal(byId.size, instances.length);
        for (const instance of instances) {
          const node = nodes.get(instance.node)!;
          assert.equal(instance.host === null, node.host === null);
          if (instance.host !== null) assert.equal(byId.get(instance.host)?.node, node.host);
          for (const { relationship, targetInstance, targetNode } of instance.relationships) {
            assert.equal(node.relationships[relationship]?.target, targetNode);
            assert.equal(byId.get(targetInstance)?.node, targetNode);
          }
          const places = instance.relationships.map(({ relationship }) => relationship);
          assert.deepEqual(places, [...places].sort());
        }
        for (const name of nodes.keys()) {
          const indexes = instances.filter(({ node }) => node === name).map(({ index }) => index);
          assert.deepEqual(
            indexes,
            [...indexes.keys()].map((place) => place + 1),
          );
        }
      }),
    );
  });
});

/** `<id> is <index> on <host> in <groups> -> <targets>`; suffixes count from 1. */
function drawn(nodes: Readonly<Record<string, NodeSketch>>, groups?: Groups): string[] {
  let count = 0;
  const newSuffix = () => {
    count += 1;
    return String(count);
  };
  return instantiate(aPlan(nodes, groups), newSuffix).map((instance) =>
    [
      `${instance.id} is ${instance.index}`,
      ...(instance.host === null ? [] : [`on ${instance.host}`]),
      ...(instance.scalingGroups.length === 0
        ? []
        : [`in ${instance.scalingGroups.map(({ id }) => id).join(' ')}`]),
      ...(instance.relationships.length === 0
        ? []
        : [`-> ${instance.relationships.map((to) => to.targetInstance).join(' ')}`]),
    ].join(' '),
  );
}

function refused(kind: string, reason: string) {
  return (error: unknown) => error instanceof DomainError && error.kind === kind && error.reason === reason;
}
