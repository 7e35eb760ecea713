import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aDeployment, inState } from '../testdata/a-deployment.js';
import { printed } from '../testdata/printed.js';
import { uninstall } from './uninstall.js';

describe('uninstall', () => {
  it('runs every phase of one instance in order and tells each with its operation', () => {
    const model = aDeployment({
      db: {
        state: 'started',
        operations: [
          'validation.delete',
          'monitoring.stop',
          'lifecycle.prestop',
          'lifecycle.stop',
          'lifecycle.delete',
          'lifecycle.postdelete',
        ],
      },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 6 tasks
0 db_1 validation.delete
  > stopping, "Stopping node instance", "Validating node instance before deletion"
  < "Node instance validated before deletion"
1 db_1 monitoring.stop, after 0
2 db_1 lifecycle.prestop, after 1
  > "Prestopping node instance"
  < "Node instance prestopped"
3 db_1 lifecycle.stop, after 2
  < "Stopped node instance", stopped
4 db_1 lifecycle.delete, after 3
  > deleting, "Deleting node instance"
5 db_1 lifecycle.postdelete, after 4
  > "Postdeleting node instance"
  < "Node instance postdeleted", deleted, "Deleted node instance"
`,
    );
  });

  it('is one marker for an instance whose operations have nothing to run', () => {
    const model = aDeployment({ db: { state: 'started', noops: ['lifecycle.stop'] } });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 1 task
0 db_1 marker
  < stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do", "Stopped node instance: nothing to do", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
`,
    );
  });

  it('takes back relationships from the last to the first, and sources go before targets', () => {
    const model = inState(
      aDeployment({
        db: { operations: ['lifecycle.delete'] },
        cache: {},
        web: {
          operations: ['lifecycle.stop', 'lifecycle.delete'],
          relationships: [
            { to: 'db', source: ['unlink'], target: ['unlink'] },
            { to: 'cache', target: ['unlink'] },
          ],
        },
      }),
      { '*': 'started' },
    );
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 8 tasks
0 web_3 lifecycle.stop
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped
1 web_3 relationship_lifecycle.unlink of 1 at target, after 0
  > "Unlinking relationships"
2 web_3 relationship_lifecycle.unlink of 0 at source, after 1
3 web_3 relationship_lifecycle.unlink of 0 at target, after 1
4 web_3 marker, after 2 3
  < "Relationships unlinked"
5 web_3 lifecycle.delete, after 4
  > deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
6 cache_2 marker, after 5
  < stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do", "Stopped node instance: nothing to do", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
7 db_1 lifecycle.delete, after 5
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do", "Stopped node instance: nothing to do", stopped, deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
`,
    );
  });

  it('ignores failures of every operation when asked to', () => {
    const model = aDeployment({
      db: { state: 'started', operations: ['lifecycle.stop', 'lifecycle.delete'] },
    });
    assert.equal(
      printed(uninstall(model, { ignore_failure: true })),
      `
uninstall: 2 tasks
0 db_1 lifecycle.stop, failure ignored
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped
1 db_1 lifecycle.delete, after 0, failure ignored
  > deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
`,
    );
  });

  it('takes back the links of instances that stay, and ignores failures there', () => {
    const model = inState(
      aDeployment({
        db: { operations: ['lifecycle.stop'] },
        cache: {},
        web: {
          relationships: [
            { to: 'cache', source: ['unlink'] },
            { to: 'db', source: ['unlink'], target: ['unlink'] },
          ],
        },
        gone: { state: 'uninitialized', relationships: [{ to: 'db', source: ['unlink'] }] },
      }),
      { db: 'started', cache: 'started', web: 'started' },
    );
    assert.equal(
      printed(uninstall(model, { node_ids: ['db'] })),
      `
uninstall: 3 tasks
0 web_3 relationship_lifecycle.unlink of 1 at source, failure ignored
1 web_3 relationship_lifecycle.unlink of 1 at target, after 0, failure ignored
2 db_1 lifecycle.stop, after 1
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
`,
    );
  });

  it('waits for one operation of the source where the relationship names it', () => {
    const model = inState(
      aDeployment({
        a: { operations: ['lifecycle.stop', 'lifecycle.delete'] },
        b: {
          operations: ['lifecycle.stop', 'lifecycle.delete'],
          relationships: [
            { to: 'a', kind: 'depends_on_lifecycle_operation', properties: { operation: 'stop' } },
          ],
        },
      }),
      { '*': 'started' },
    );
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 4 tasks
0 b_2 lifecycle.stop
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped
1 b_2 lifecycle.delete, after 0
  > deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
2 a_1 lifecycle.stop, after 0
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped
3 a_1 lifecycle.delete, after 2
  > deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
`,
    );
  });

  it('does not stop an instance that never started', () => {
    const model = aDeployment({
      db: { state: 'configured', operations: ['lifecycle.stop', 'lifecycle.delete'] },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 1 task
0 db_1 lifecycle.delete
  > "Validating node instance after deletion: nothing to do", "Stop: instance already configured", stopped, deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
`,
    );
  });

  it('only deletes an instance that was left stopped', () => {
    const model = aDeployment({
      db: { state: 'stopped', operations: ['lifecycle.stop', 'lifecycle.delete'] },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 1 task
0 db_1 lifecycle.delete
  > "Validating node instance after deletion: nothing to do", "Stop: instance already stopped", deleting, "Deleting node instance"
  < deleted, "Deleted node instance"
`,
    );
  });

  it('runs nothing for an instance that was never installed', () => {
    const model = aDeployment({ db: { operations: ['lifecycle.stop', 'lifecycle.delete'] } });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 1 task
0 db_1 marker
  < "Validating node instance after deletion: nothing to do", "Stop: instance already uninitialized", stopped, "Delete: instance already uninitialized", deleted, "Deleted node instance"
`,
    );
  });

  it('runs nothing for an instance that is deleted', () => {
    const model = aDeployment({
      db: { state: 'deleted', operations: ['lifecycle.stop', 'lifecycle.delete'] },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 1 task
0 db_1 marker
  < "Validating node instance after deletion: nothing to do", "Stop: instance already deleted", "Delete: instance already deleted"
`,
    );
  });

  it('stops and deletes the agent of a host before the host', () => {
    const model = aDeployment({
      vm: {
        kind: 'host',
        state: 'started',
        properties: { agent_config: { install_method: 'remote' } },
        operations: [
          'lifecycle.stop',
          'cloudify_agent.stop',
          'cloudify_agent.stop_amqp',
          'cloudify_agent.delete',
          'monitoring_agent.stop',
        ],
      },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 4 tasks
0 vm_1 monitoring_agent.stop
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
1 vm_1 cloudify_agent.stop, after 0
  > "Stopping agent"
2 vm_1 cloudify_agent.delete, after 1
  > "Deleting agent"
  < "Agent deleted"
3 vm_1 lifecycle.stop, after 2
  < "Stopped node instance", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
`,
    );
  });

  it('stops an agent that a script installed in its own way', () => {
    const model = aDeployment({
      vm: {
        kind: 'host',
        state: 'started',
        properties: { agent_config: { install_method: 'init_script' } },
        operations: [
          'lifecycle.stop',
          'cloudify_agent.stop',
          'cloudify_agent.stop_amqp',
          'cloudify_agent.delete',
          'monitoring_agent.stop',
        ],
      },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 4 tasks
0 vm_1 monitoring_agent.stop
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
1 vm_1 cloudify_agent.stop_amqp, after 0
  > "Stopping agent"
2 vm_1 cloudify_agent.delete, after 1
  > "Deleting agent"
  < "Agent deleted"
3 vm_1 lifecycle.stop, after 2
  < "Stopped node instance", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
`,
    );
  });

  it('has no agent to stop on a host that wants none', () => {
    const model = aDeployment({
      vm: {
        kind: 'host',
        state: 'started',
        properties: { agent_config: { install_method: 'none' } },
        operations: [
          'lifecycle.stop',
          'cloudify_agent.stop',
          'cloudify_agent.stop_amqp',
          'cloudify_agent.delete',
          'monitoring_agent.stop',
        ],
      },
    });
    assert.equal(
      printed(uninstall(model, {})),
      `
uninstall: 2 tasks
0 vm_1 monitoring_agent.stop
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
1 vm_1 lifecycle.stop, after 0
  < "Stopped node instance", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
`,
    );
  });

  it('says so when a flag is none', () => {
    assert.deepEqual(uninstall(aDeployment({ db: {} }), { ignore_failure: 'yes' }), {
      problem: 'Parameter "ignore_failure" must be of type boolean',
    });
    assert.deepEqual(uninstall(aDeployment({ db: {} }), { recursive: 'yes' }), {
      problem: 'Parameter "recursive" must be of type boolean',
    });
  });
});
