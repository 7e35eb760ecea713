import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aDeployment } from '../testdata/a-deployment.js';
import { printed } from '../testdata/printed.js';
import { install } from './install.js';

describe('install, by what an instance is', () => {
  it('goes on with an instance that was created and not configured, without calling it initializing again', () => {
    const model = aDeployment({
      db: {
        operations: ['lifecycle.create', 'lifecycle.configure', 'lifecycle.start'],
        state: 'created',
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 2 tasks
0 db_1 lifecycle.configure
  > "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", configuring, "Configuring node instance"
  < configured, "Node instance configured"
1 db_1 lifecycle.start, after 0
  > starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('creates an instance again that was left creating', () => {
    const model = aDeployment({
      db: { operations: ['validation.create', 'lifecycle.create'], state: 'creating' },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 1 task
0 db_1 lifecycle.create
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", creating, "Creating node instance"
  < created, "Node instance created", "Configuring node instance: nothing to do", "Starting node instance: nothing to do", "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('only starts an instance that was left starting', () => {
    const model = aDeployment({
      db: { operations: ['lifecycle.create', 'lifecycle.configure', 'lifecycle.start'], state: 'starting' },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 1 task
0 db_1 lifecycle.start
  > "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('waits until a host says it runs, then installs its agent and waits for it', () => {
    const model = aDeployment({
      vm: {
        kind: 'host',
        properties: { agent_config: { install_method: 'init_script' } },
        operations: [
          'lifecycle.start',
          'host.get_state',
          'cloudify_agent.create',
          'cloudify_agent.start',
          'monitoring_agent.install',
          'monitoring_agent.start',
        ],
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 6 tasks
0 vm_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
1 vm_1 host.get_state, after 0, until truthy
2 vm_1 cloudify_agent.create, after 1
  > "Creating agent"
  < "Agent created"
3 vm_1 cloudify_agent.start, after 2
  > "Waiting for agent to start"
  < "Agent started"
4 vm_1 monitoring_agent.install, after 3
5 vm_1 monitoring_agent.start, after 4
  < "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('installs no agent on a host that wants none, and lets the old property decide', () => {
    const model = aDeployment({
      vm: {
        kind: 'host',
        properties: { agent_config: { install_method: 'none' } },
        operations: ['lifecycle.start', 'cloudify_agent.create'],
      },
      old: {
        kind: 'host',
        properties: { install_agent: true, agent_config: { install_method: 'none' } },
        operations: ['lifecycle.start', 'cloudify_agent.create', 'cloudify_agent.start'],
      },
    });
    assert.equal(
      printed(install(model, {})),
      `
install: 3 tasks
0 vm_1 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
1 old_2 lifecycle.start
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
2 old_2 cloudify_agent.create, after 1
  > "Creating agent"
  < "Agent created", "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });
});
