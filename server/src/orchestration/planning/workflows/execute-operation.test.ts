import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aDeployment } from '../testdata/a-deployment.js';
import { printed } from '../testdata/printed.js';
import { executeOperation } from './execute-operation.js';
import { pull } from './pull.js';
import { restart } from './restart.js';
import { start } from './start.js';
import { stop } from './stop.js';

describe('execute_operation and its kin', () => {
  it('runs the operation on all instances that declare it at once', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
      b: { noops: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start', 'lifecycle.stop'], relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(
        executeOperation(model, { operation: 'cloudify.interfaces.lifecycle.stop', operation_kwargs: {} }),
      ),
      `
execute_operation: 2 tasks
0 a_1 lifecycle.stop
  > "Starting operation cloudify.interfaces.lifecycle.stop"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
1 c_3 lifecycle.stop
  > "Starting operation cloudify.interfaces.lifecycle.stop"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
`,
    );
  });

  it('gives parameters with the operation and tells them', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
      b: { noops: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start', 'lifecycle.stop'], relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(
        executeOperation(model, {
          operation: 'cloudify.interfaces.lifecycle.stop',
          operation_kwargs: { grace: 5 },
          allow_kwargs_override: null,
          node_ids: ['c'],
        }),
      ),
      `
execute_operation: 1 task
0 c_3 lifecycle.stop, with {"grace":5}
  > "Starting operation cloudify.interfaces.lifecycle.stop (Operation parameters: {"grace":5})"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
`,
    );
  });

  it('runs targets before sources by dependency order, through instances that do not have it', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
      b: { noops: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start', 'lifecycle.stop'], relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(
        executeOperation(model, {
          operation: 'cloudify.interfaces.lifecycle.stop',
          run_by_dependency_order: true,
          allow_kwargs_override: true,
        }),
      ),
      `
execute_operation: 2 tasks
0 a_1 lifecycle.stop
  > "Starting operation cloudify.interfaces.lifecycle.stop"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
1 c_3 lifecycle.stop, after 0
  > "Starting operation cloudify.interfaces.lifecycle.stop"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
`,
    );
  });

  it('start keeps dependency order, tells of operations with nothing to run, and lets parameters replace inputs', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
      b: { noops: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start', 'lifecycle.stop'], relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(start(model, { operation_parms: { fast: true } })),
      `
start: 3 tasks
0 a_1 lifecycle.start, overriding {"fast":true}
  > "Starting operation cloudify.interfaces.lifecycle.start (Operation parameters: {"fast":true})"
  < "Finished operation cloudify.interfaces.lifecycle.start"
1 b_2 marker, after 0
  < "Starting operation cloudify.interfaces.lifecycle.start (Operation parameters: {"fast":true})", "Finished operation cloudify.interfaces.lifecycle.start"
2 c_3 lifecycle.start, after 1, overriding {"fast":true}
  > "Starting operation cloudify.interfaces.lifecycle.start (Operation parameters: {"fast":true})"
  < "Finished operation cloudify.interfaces.lifecycle.start"
`,
    );
  });

  it('stop runs in the same order as start', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
      b: { noops: ['lifecycle.start'], relationships: [{ to: 'a' }] },
      c: { operations: ['lifecycle.start', 'lifecycle.stop'], relationships: [{ to: 'b' }] },
    });
    assert.equal(
      printed(stop(model, {})),
      `
stop: 2 tasks
0 a_1 lifecycle.stop
  > "Starting operation cloudify.interfaces.lifecycle.stop"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
1 c_3 lifecycle.stop, after 0
  > "Starting operation cloudify.interfaces.lifecycle.stop"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
`,
    );
  });

  it('pull runs in dependency order too', () => {
    const model = aDeployment({
      b: { operations: ['lifecycle.pull'], relationships: [{ to: 'a' }] },
      a: { operations: ['lifecycle.pull'] },
    });
    assert.equal(
      printed(pull(model, {})),
      `
pull: 2 tasks
0 a_2 lifecycle.pull
  > "Starting operation cloudify.interfaces.lifecycle.pull"
  < "Finished operation cloudify.interfaces.lifecycle.pull"
1 b_1 lifecycle.pull, after 0
  > "Starting operation cloudify.interfaces.lifecycle.pull"
  < "Finished operation cloudify.interfaces.lifecycle.pull"
`,
    );
  });

  it('restart stops all before it starts any', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
      b: { operations: ['lifecycle.start', 'lifecycle.stop'] },
    });
    assert.equal(
      printed(restart(model, { stop_parms: { slow: true }, start_parms: {} })),
      `
restart: 5 tasks
0 a_1 lifecycle.stop, overriding {"slow":true}
  > "Starting operation cloudify.interfaces.lifecycle.stop (Operation parameters: {"slow":true})"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
1 b_2 lifecycle.stop, overriding {"slow":true}
  > "Starting operation cloudify.interfaces.lifecycle.stop (Operation parameters: {"slow":true})"
  < "Finished operation cloudify.interfaces.lifecycle.stop"
2 marker, after 0 1
3 a_1 lifecycle.start, after 2
  > "Starting operation cloudify.interfaces.lifecycle.start"
  < "Finished operation cloudify.interfaces.lifecycle.start"
4 b_2 lifecycle.start, after 2
  > "Starting operation cloudify.interfaces.lifecycle.start"
  < "Finished operation cloudify.interfaces.lifecycle.start"
`,
    );
  });

  it('says so when the operation is not named, or parameters are none', () => {
    const model = aDeployment({ a: {} });
    assert.deepEqual(executeOperation(model, {}), {
      problem: 'Parameter "operation" must be the name of an operation',
    });
    assert.deepEqual(executeOperation(model, { operation: 'x.y', operation_kwargs: [1] }), {
      problem: 'Parameter "operation_kwargs" must be of type dict',
    });
  });

  it('takes the last word of a name for it where only one interface of the node declares it', () => {
    const model = aDeployment({
      a: { operations: ['lifecycle.configure'] },
      b: { operations: ['lifecycle.configure', 'custom.configure'] },
      c: { operations: ['lifecycle.create'] },
      d: { operations: ['lifecycle.reconfigure'] },
      e: { operations: ['custom.configure'], relationships: [{ to: 'a' }] },
    });
    assert.equal(
      printed(executeOperation(model, { operation: 'configure', operation_kwargs: { fast: true } })),
      `
execute_operation: 2 tasks
0 a_1 lifecycle.configure, with {"fast":true}
  > "Starting operation configure (Operation parameters: {"fast":true})"
  < "Finished operation configure"
1 e_5 custom.configure, with {"fast":true}
  > "Starting operation configure (Operation parameters: {"fast":true})"
  < "Finished operation configure"
`,
    );
    assert.deepEqual(executeOperation(model, { operation: 'lifecycle.configure' }), {
      workflow: 'execute_operation',
      tasks: [],
    });
  });

  it('is an empty graph where no instance declares the operation', () => {
    assert.deepEqual(executeOperation(aDeployment({ a: {} }), { operation: 'custom.backup' }), {
      workflow: 'execute_operation',
      tasks: [],
    });
  });
});
