import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aDeployment, inState } from '../testdata/a-deployment.js';
import { printed } from '../testdata/printed.js';
import { installNewAgents, validateAgents } from './agents.js';

const AGENT = ['cloudify_agent.create_amqp', 'cloudify_agent.validate_amqp', 'monitoring_agent.start'];
const host = (install_method: string) => ({
  kind: 'host' as const,
  operations: AGENT,
  properties: { agent_config: { install_method } },
});
const model = inState(
  aDeployment({
    vm: host('remote'),
    bare: host('none'),
    given: host('provided'),
    app: {
      operations: ['monitoring.start'],
      relationships: [{ to: 'vm', kind: 'contained_in' }],
    },
  }),
  { '*': 'started' },
);

describe('install_new_agents', () => {
  it('asks every agent, then replaces each, then starts the monitoring of what is on their hosts', () => {
    assert.equal(
      printed(installNewAgents(model, { install_agent_timeout: 60 })),
      `
install_new_agents: 5 tasks
0 vm_1 cloudify_agent.validate_amqp
  > "Validating agent connection."
  < "Validation done"
1 vm_1 cloudify_agent.create_amqp, after 0, overriding {"install_agent_timeout":60}
  > "Installing new agent"
  < "New agent installed."
2 vm_1 cloudify_agent.validate_amqp, after 1
3 vm_1 monitoring_agent.start, after 2
4 app_4 monitoring.start, after 3
`,
    );
  });

  it('leaves out what is not wanted, and takes other ways of installing where they are named', () => {
    const graph = installNewAgents(model, { validate: false, install_methods: ['provided'] });
    assert.ok('tasks' in graph);
    assert.deepEqual([...new Set(graph.tasks.map((task) => task.instance))], ['given_3']);
    assert.deepEqual(
      graph.tasks.map((task) => task.call?.operation.split('.').slice(-1)[0]),
      ['create_amqp', 'validate_amqp', 'start'],
    );
    const asked = installNewAgents(model, { install: false });
    assert.ok('tasks' in asked && asked.tasks.length === 1);
  });

  it('refuses who has no agent, and hosts that are not started', () => {
    for (const node of ['bare', 'app']) {
      const refused = installNewAgents(model, { node_ids: [node] });
      assert.ok('problem' in refused && /is not a host with an agent/.test(refused.problem));
    }
    const stopped = validateAgents(inState(model, { vm: 'stopped', '*': 'started' }), {});
    assert.deepEqual(stopped, { problem: 'Node vm_1 is not started (state: stopped)' });
  });
});

describe('validate_agents', () => {
  it('asks, and changes nothing', () => {
    assert.equal(
      printed(validateAgents(model, { node_instance_ids: ['vm_1'] })),
      `
validate_agents: 1 task
0 vm_1 cloudify_agent.validate_amqp
  > "Validating agent connection."
  < "Validation done"
`,
    );
  });
});
