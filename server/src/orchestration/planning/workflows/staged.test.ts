/** Graphs of checks, rollback, and of single stages, printed. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../../dsl/plan.js';
import type { DeploymentModel } from '../model.js';
import { unitKey } from '../modification.js';
import { printGraph } from '../print.js';
import type { PastStage, Situation, Step } from '../staged.js';
import { aDeployment } from '../testdata/a-deployment.js';
import { printed as onLines } from '../testdata/printed.js';
import { checkDrift, checkStatus } from './check.js';
import { heal } from './heal.js';
import { rollback } from './rollback.js';
import { scale } from './scale.js';
import { uninstallRecursively } from './uninstall-recursively.js';

const NOBODY: ReadonlySet<string> = new Set();

function situation(
  model: DeploymentModel,
  parameters: JsonObject,
  past: readonly PastStage[] = [],
  more: Partial<Situation> = {},
): Situation {
  let count = 100;
  return {
    model,
    parameters,
    past,
    health: new Map(),
    multiplicities: new Map(
      [...model.nodes.values()].map((node) => [unitKey('node', node.name), Number(node.scaling.default)]),
    ),
    modification: null,
    update: null,
    children: [],
    newSuffix: () => {
      count += 1;
      return String(count);
    },
    ...more,
  };
}

const show = (step: Step | { problem: string } | null): string => {
  if (step === null) return 'done';
  if ('problem' in step) return step.problem;
  const changes = (step.changes ?? []).map(({ kind }) => `\n+ ${kind}`).join('');
  return printGraph({ workflow: step.name, tasks: step.tasks }) + changes;
};
const printed = (built: Parameters<typeof onLines>[0]) => onLines(built).trim();
const ended = (name: string, more: Partial<PastStage> = {}): PastStage => ({
  name,
  memo: {},
  failed: false,
  error: '',
  left: [],
  ...more,
});

describe('uninstall of a deployment with what is inside it', () => {
  const model = aDeployment({ a: { operations: ['lifecycle.delete'], state: 'started' } });
  const child = { deployment: 'b', execution: 'x', failed: false, error: '' };

  it('waits for what is inside, then takes the deployment down', () => {
    const first = uninstallRecursively(situation(model, { recursive: true }));
    assert.deepEqual(first, { name: 'inside', tasks: [], children: true });
    const second = situation(model, { recursive: true }, [ended('inside')], { children: [child] });
    assert.match(show(uninstallRecursively(second)), /^uninstall: 1 tasks?\n0 a_1 lifecycle\.delete/);
    const third = situation(model, { recursive: true }, [ended('inside'), ended('uninstall')]);
    assert.equal(uninstallRecursively(third), null);
  });

  it('does nothing where something inside failed, unless failures are ignored', () => {
    const children = [child, { ...child, failed: true, error: 'it is stuck' }];
    const past = [ended('inside')];
    assert.equal(
      show(uninstallRecursively(situation(model, { recursive: true }, past, { children }))),
      'Deployments inside this one could not be uninstalled: b (execution x): it is stuck',
    );
    const ignoring = situation(model, { recursive: true, ignore_failure: true }, past, { children });
    assert.match(show(uninstallRecursively(ignoring)), /^uninstall: /);
  });
});

describe('check_status', () => {
  it('runs the check once where there is one, and notes those without as well', () => {
    const model = aDeployment({ a: { operations: ['validation.check_status'], state: 'started' }, b: {} });
    assert.equal(
      printed(checkStatus(model, {})),
      `check_status: 2 tasks
0 a_1 validation.check_status, others go on after a failure, 0 retries, kept as status on a_1
1 b_2 marker
  < status {"ok":true,"task":null,"result":null}`,
    );
  });
});

describe('check_drift', () => {
  it('asks the instance, then both sides of each of its relationships', () => {
    const model = aDeployment({
      db: {},
      web: {
        operations: ['lifecycle.check_drift'],
        relationships: [{ to: 'db', source: ['check_drift'], target: ['check_drift'] }],
      },
    });
    assert.equal(
      printed(checkDrift(model, { node_ids: ['web'] })),
      `check_drift: 3 tasks
0 web_2 lifecycle.check_drift, others go on after a failure, 0 retries, kept as configuration_drift on web_2
1 web_2 relationship_lifecycle.check_drift of 0 at source, after 0, others go on after a failure, 0 retries, kept as source_relationships_configuration_drift of db_1 on web_2
2 web_2 relationship_lifecycle.check_drift of 0 at target, after 0, others go on after a failure, 0 retries, kept as target_relationships_configuration_drift of web_2 on db_1`,
    );
  });
});

describe('rollback', () => {
  it('takes half-done instances back, sources before targets, and says of the others that nothing is to do', () => {
    const model = aDeployment({
      db: { operations: ['lifecycle.stop', 'lifecycle.delete'], state: 'starting' },
      web: { operations: ['lifecycle.delete'], relationships: [{ to: 'db' }], state: 'creating' },
      other: { state: 'started' },
    });
    assert.equal(
      printed(rollback(model, {})),
      `rollback: 3 tasks
0 other_3 marker
  < "Rollback Stop: nothing to do, instance state is started"
1 web_2 lifecycle.delete, failure ignored
  > deleting, "Deleting node instance"
  < uninitialized, "Rollbacked node instance"
2 db_1 lifecycle.stop, after 1, failure ignored
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", configured, "Rollbacked node instance"`,
    );
  });
});

describe('scale', () => {
  const model = aDeployment({
    vm: { operations: ['lifecycle.create', 'lifecycle.delete'], state: 'started' },
    app: { relationships: [{ to: 'vm', source: ['establish', 'unlink'] }], state: 'started' },
  });

  it('installs what it adds, and lets those who stay meet it', () => {
    assert.equal(
      show(scale(situation(model, { scalable_entity_name: 'vm' }))),
      `scale: 2 tasks
0 vm_101 lifecycle.create
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", creating, "Creating node instance"
  < created, "Node instance created", "Configuring node instance: nothing to do", "Starting node instance: nothing to do", "Poststarting node instance: nothing to do", started, "Node instance started"
1 app_2 relationship_lifecycle.establish of 1 at source, after 0
+ start-modification`,
    );
  });

  it('finishes its modification, or undoes it when the stage has failed', () => {
    const wishes = { scalable_entity_name: 'vm' };
    const modification = { id: 'm', added: ['vm_1'], removed: [] };
    const after = (...past: PastStage[]) => show(scale(situation(model, wishes, past, { modification })));
    assert.equal(after(ended('scale')), 'finish: 0 tasks\n+ finish-modification');
    assert.equal(after(ended('scale'), ended('finish')), 'done');
    const failed = ended('scale', { failed: true, error: 'Task failed: x' });
    assert.match(after(failed), /^rollback: \d tasks\n0 marker\n {2}< "Scale out failed, scaling back in."/);
    assert.equal(after(failed, ended('rollback')), 'undo: 0 tasks\n+ rollback-modification');
    assert.equal(after(failed, ended('rollback'), ended('undo')), 'Task failed: x');
  });

  it('refuses wishes that cannot be met', () => {
    for (const [wishes, problem] of [
      [{ scalable_entity_name: 'vm', delta: 'many' }, /delta parameter must be a number/],
      [{ scalable_entity_name: 'vm', include_instances: ['vm_1'] }, /only be named when scaling in/],
      [{ scalable_entity_name: 'vm', delta: -1, exclude_instances: ['vm_1'] }, /Too many instances/],
      [{ scalable_entity_name: 'vm', delta: -1, include_instances: ['app_2'] }, /not of vm: app_2/],
      [
        { scalable_entity_name: 'vm', delta: -1, include_instances: 'vm_1', exclude_instances: 'vm_1' },
        /both/,
      ],
      [{ delta: 1 }, /scalable_entity_name/],
    ] as const) {
      assert.match(show(scale(situation(model, wishes as JsonObject))), problem);
    }
  });
});

describe('heal', () => {
  it('does nothing more when everybody is well', () => {
    const model = aDeployment({ a: { operations: ['validation.check_status'], state: 'started' } });
    assert.match(
      show(heal(situation(model, {}))),
      /^check: 1 task\n0 a_1 validation.check_status, failure ignored/,
    );
    const well = {
      status: { ok: true, task: 'x', empty: true },
      drift: null,
      driftedTo: NOBODY,
      driftedFrom: NOBODY,
    };
    const health = new Map([['a_1', well]]);
    assert.equal(show(heal(situation(model, {}, [ended('check')], { health }))), 'done');
  });

  it('leaves the chain of an instance that cannot be healed', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.preheal', 'lifecycle.heal'], state: 'started' },
    });
    const ill = {
      status: { ok: false, task: 'x', empty: false },
      drift: null,
      driftedTo: NOBODY,
      driftedFrom: NOBODY,
    };
    assert.equal(
      show(heal(situation(model, {}, [ended('check')], { health: new Map([['a_1', ill]]) }))),
      `heal: 2 tasks
0 a_1 lifecycle.preheal, left on failure
  > "Healing node instance"
1 a_1 lifecycle.heal, after 0, left on failure
  < status {"ok":true,"task":null,"result":null,"healed":true}, "Node instance healed"`,
    );
  });

  it('knows no instance of other deployments', () => {
    assert.match(
      show(heal(situation(aDeployment({ a: {} }), { node_instance_id: 'b_1' }))),
      /No node instance with id b_1/,
    );
  });
});
