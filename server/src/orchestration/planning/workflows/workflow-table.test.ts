import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aDeployment } from '../testdata/a-deployment.js';
import { workflowFor } from './workflow-table.js';

describe('workflowFor', () => {
  it('finds every workflow of ours by its function, and its graph carries its name', () => {
    const model = aDeployment({ db: {} });
    for (const name of [
      'install',
      'uninstall',
      'reinstall',
      'start',
      'stop',
      'restart',
      'pull',
      'execute_operation',
      'rollback',
      'check_status',
      'check_drift',
      'install_new_agents',
      'validate_agents',
    ]) {
      const workflow = workflowFor(`cloudify.plugins.workflows.${name}`);
      assert.ok(workflow !== undefined && 'build' in workflow, name);
      const graph = workflow.build(model, { operation: 'cloudify.interfaces.lifecycle.start' });
      assert.ok('workflow' in graph, name);
      assert.equal(graph.workflow, name);
    }
  });

  it('has those that are planned stage by stage', () => {
    for (const name of ['heal', 'scale', 'update']) {
      const workflow = workflowFor(`cloudify.plugins.workflows.${name}`);
      assert.ok(workflow !== undefined && 'next' in workflow, name);
    }
  });

  it('knows no other function, not even by the names of objects', () => {
    for (const name of ['install', 'script_runner.tasks.execute_workflow', 'constructor', '__proto__']) {
      assert.equal(workflowFor(name), undefined);
    }
  });
});
