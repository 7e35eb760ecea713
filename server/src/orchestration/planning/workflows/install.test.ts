import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../../dsl/plan.js';
import { aDeployment, inState, type NodeSketch } from '../testdata/a-deployment.js';
import { printed } from '../testdata/printed.js';
import { install } from './install.js';

describe('install', () => {
  it('runs every phase of one instance in order and tells each with its operation', () => {
    const model = aDeployment({
      db: {
        operations: [
          'validation.create',
          'lifecycle.precreate',
          'lifecycle.create',
          'lifecycle.configure',
          'lifecycle.start',
          'lifecycle.poststart',
          'monitoring.start',
        ],
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 7 tasks
0 db_1 validation.create
  > initializing, "Validating node instance before creation"
  < "Node instance validated before creation"
1 db_1 lifecycle.precreate, after 0
  > "Precreating node instance"
  < "Node instance precreated"
2 db_1 lifecycle.create, after 1
  > creating, "Creating node instance"
  < created, "Node instance created"
3 db_1 lifecycle.configure, after 2
  > configuring, "Configuring node instance"
  < configured, "Node instance configured"
4 db_1 lifecycle.start, after 3
  > starting, "Starting node instance"
5 db_1 lifecycle.poststart, after 4
  > "Poststarting node instance"
  < "Node instance poststarted"
6 db_1 monitoring.start, after 5
  < started, "Node instance started"
`,
    );
  });

  it('is one marker for an instance whose operations have nothing to run', () => {
    const model = aDeployment({ db: { noops: ['lifecycle.create', 'lifecycle.start'] } });
    assert.equal(
      printed(install(model, {})),
      `
install: 1 task
0 db_1 marker
  < started, "Node instance started (nothing to do)"
`,
    );
  });

  it('installs hosts and other targets before what relates to them', () => {
    const model = aDeployment({
      web: {
        operations: ['lifecycle.start'],
        relationships: [{ to: 'vm', kind: 'contained_in' }, { to: 'db' }],
      },
      vm: { kind: 'host', operations: ['lifecycle.create'] },
      db: { operations: ['lifecycle.configure'] },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 3 tasks
0 vm_1 lifecycle.create
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", creating, "Creating node instance"
  < created, "Node instance created", "Configuring node instance: nothing to do", "Starting node instance: nothing to do", "Poststarting node instance: nothing to do", started, "Node instance started"
1 db_3 lifecycle.configure
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", configuring, "Configuring node instance"
  < configured, "Node instance configured", "Starting node instance: nothing to do", "Poststarting node instance: nothing to do", started, "Node instance started"
2 web_2 lifecycle.start, after 0 1
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('serves the relationships to one target at once, and target after target', () => {
    const model = aDeployment({
      db: { operations: ['lifecycle.start'], instances: 2 },
      cache: {},
      web: {
        operations: ['lifecycle.start'],
        relationships: [
          { to: 'db', source: ['preconfigure', 'establish'], target: ['establish'] },
          { to: 'cache', target: ['establish'] },
        ],
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 14 tasks
0 db_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
1 db_2 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
2 cache_3 marker
  < started, "Node instance started (nothing to do)"
3 web_4 marker, after 0 1 2
  < initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Pre-configuring relationships"
4 web_4 relationship_lifecycle.preconfigure of 0 at source, after 3
5 web_4 relationship_lifecycle.preconfigure of 1 at source, after 3
6 web_4 marker, after 4 5
  < "Relationships pre-configured"
7 web_4 lifecycle.start, after 6
  > "Configuring node instance: nothing to do", starting, "Starting node instance"
8 web_4 marker, after 7
  < "Poststarting node instance: nothing to do", "Establishing relationships"
9 web_4 relationship_lifecycle.establish of 0 at source, after 8
10 web_4 relationship_lifecycle.establish of 0 at target, after 8
11 web_4 relationship_lifecycle.establish of 1 at source, after 8
12 web_4 relationship_lifecycle.establish of 1 at target, after 8
13 web_4 relationship_lifecycle.establish of 2 at target, after 9 10 11 12
  < "Relationships established", started, "Node instance started"
`,
    );
  });

  it('connects all to one where the blueprint says so', () => {
    const model = aDeployment({
      db: { operations: ['lifecycle.start'], instances: 2 },
      web: {
        operations: ['lifecycle.start'],
        instances: 2,
        relationships: [{ to: 'db', properties: { connection_type: 'all_to_one' } }],
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 4 tasks
0 db_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
1 db_2 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
2 web_3 lifecycle.start, after 0
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
3 web_4 lifecycle.start, after 0
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('keeps the order of selected instances through one that is not selected', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start'] },
      b: { operations: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start'], relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(install(model, { node_ids: ['a', 'c'] })),
      `
install: 2 tasks
0 a_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
1 c_3 lifecycle.start, after 0
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('waits for many behind an instance that is not selected through one marker', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start'], instances: 2 },
      b: { operations: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start'], instances: 2, relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(install(model, { node_ids: ['a', 'c'] })),
      `
install: 5 tasks
0 a_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
1 a_2 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
2 b_3 marker, after 0 1
3 c_4 lifecycle.start, after 2
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
4 c_5 lifecycle.start, after 2
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('renews the links of a started instance to newly installed targets, and only those', () => {
    const model = inState(
      aDeployment({
        db: { operations: ['lifecycle.start'], instances: 2 },
        cache: {},
        web: {
          operations: ['lifecycle.start'],
          relationships: [
            { to: 'db', source: ['preconfigure', 'establish'], target: ['establish'] },
            { to: 'cache', target: ['establish'] },
          ],
        },
      }),
      { web: 'started' },
    );
    assert.equal(
      printed(install(model, { node_ids: ['db'] })),
      `
install: 6 tasks
0 db_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
1 db_2 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
2 web_4 relationship_lifecycle.establish of 0 at source, after 0 1
3 web_4 relationship_lifecycle.establish of 0 at target, after 2
4 web_4 relationship_lifecycle.establish of 1 at source, after 3
5 web_4 relationship_lifecycle.establish of 1 at target, after 4
`,
    );
  });

  it('leaves the links of an instance that is not installed yet to its own install', () => {
    const model = aDeployment({
      db: { operations: ['lifecycle.start'] },
      web: { relationships: [{ to: 'db', source: ['establish'] }] },
    });
    assert.equal(
      printed(install(model, { node_ids: ['db'] })),
      `
install: 1 task
0 db_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('waits for one operation of the target where the relationship names it', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.create', 'lifecycle.start'] },
      b: {
        operations: ['lifecycle.start'],
        relationships: [
          { to: 'a', kind: 'depends_on_lifecycle_operation', properties: { operation: 'create' } },
        ],
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 3 tasks
0 a_1 lifecycle.create
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", creating, "Creating node instance"
  < created, "Node instance created"
1 a_1 lifecycle.start, after 0
  > "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
2 b_2 lifecycle.start, after 0
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('joins the instances of a big node before many that wait for them all', () => {
    const model = aDeployment({
      a: { noops: ['lifecycle.start'], instances: 8 },
      b: { instances: 2, relationships: [{ to: 'a' }] },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 11 tasks
0 a_1 marker
  < started, "Node instance started (nothing to do)"
1 a_2 marker
  < started, "Node instance started (nothing to do)"
2 a_3 marker
  < started, "Node instance started (nothing to do)"
3 a_4 marker
  < started, "Node instance started (nothing to do)"
4 a_5 marker
  < started, "Node instance started (nothing to do)"
5 a_6 marker
  < started, "Node instance started (nothing to do)"
6 a_7 marker
  < started, "Node instance started (nothing to do)"
7 a_8 marker
  < started, "Node instance started (nothing to do)"
8 marker, after 0 1 2 3 4 5 6 7
9 b_9 marker, after 8
  < started, "Node instance started (nothing to do)"
10 b_10 marker, after 8
  < started, "Node instance started (nothing to do)"
`,
    );
  });

  it('selects what matches every filter that is not empty', () => {
    const model = aDeployment({ vm: { kind: 'host', instances: 2 }, db: {}, web: {} });
    const instances = (parameters: JsonObject) => {
      const graph = install(model, parameters);
      return 'problem' in graph ? graph.problem : graph.tasks.map(({ instance }) => instance).join(' ');
    };
    assert.equal(instances({ type_names: [], node_ids: [], node_instance_ids: [] }), 'vm_1 vm_2 db_3 web_4');
    assert.equal(instances({ type_names: ['cloudify.nodes.Compute'] }), 'vm_1 vm_2');
    assert.equal(
      instances({ type_names: ['cloudify.nodes.Root'], node_ids: ['web', 'vm'] }),
      'vm_1 vm_2 web_4',
    );
    assert.equal(instances({ node_ids: ['vm', 'db'], node_instance_ids: ['vm_2', 'web_4'] }), 'vm_2');
    assert.equal(instances({ node_ids: ['nobody'] }), '');
    assert.equal(instances({ node_ids: 'web' }), 'Parameter "node_ids" must be a list of strings');
    assert.equal(instances({ type_names: [1] }), 'Parameter "type_names" must be a list of strings');
  });

  it('says so when relationships run in a circle', () => {
    const model = aDeployment({
      a: { relationships: [{ to: 'b' }] },
      b: { relationships: [{ to: 'a' }] },
    });
    assert.deepEqual(install(model, {}), {
      problem:
        'The relationships of the node instances run in a circle, so there is no order to treat them in',
    });
  });

  it('plans a chain of 10,000 instances that each wait for the last', () => {
    const sketches: Record<string, NodeSketch> = {};
    for (let n = 0; n < 10_000; n += 1) {
      sketches[`n${n}`] = {
        operations: ['lifecycle.start'],
        relationships: n === 0 ? [] : [{ to: `n${n - 1}`, kind: 'contained_in' }],
      };
    }
    const graph = install(aDeployment(sketches), {});
    assert.ok('tasks' in graph);
    assert.equal(graph.tasks.length, 10_000);
    assert.deepEqual(graph.tasks[9_999]?.dependsOn, [9_998]);
  });

  it('keeps edges linear between nodes of many instances that all connect', () => {
    const graph = install(
      aDeployment({
        a: { operations: ['lifecycle.start'], instances: 300 },
        b: { operations: ['lifecycle.start'], instances: 300, relationships: [{ to: 'a' }] },
      }),
      {},
    );
    assert.ok('tasks' in graph);
    const edges = graph.tasks.reduce((sum, { dependsOn }) => sum + dependsOn.length, 0);
    assert.equal(edges, 600);
  });
});
