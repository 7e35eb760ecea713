import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PlanWorkflow } from '../../dsl/plan.js';
import { isAvailable } from './availability.js';
import type { InstanceLifecycleState } from './graph.js';

type Rules = PlanWorkflow['availability'];

describe('isAvailable', () => {
  const none: Rules = { instancesActive: ['none'] };
  const partial: Rules = { instancesActive: ['partial'] };
  const all: Rules = { instancesActive: ['all'] };
  const cases: readonly [string, Rules, InstanceLifecycleState[], boolean][] = [
    ['holds without rules', null, ['creating'], true],
    ['holds with empty rules', {}, ['creating'], true],
    ['does not hold where the workflow is switched off', { available: false }, ['started'], false],
    ['none: before the first install', none, ['uninitialized', 'uninitialized'], true],
    ['none: while nothing is started', none, ['creating', 'uninitialized'], true],
    ['none: not with one started', none, ['started', 'uninitialized'], false],
    ['partial: some started', partial, ['started', 'uninitialized'], true],
    ['partial: some begun', partial, ['creating', 'deleted'], true],
    ['partial: not with all started', partial, ['started', 'started'], false],
    ['partial: not with nothing begun', partial, ['uninitialized', 'deleted'], false],
    ['all: every one started', all, ['started', 'started'], true],
    ['all: not with one that is not', all, ['started', 'stopped'], false],
    ['all and none: of no instances', all, [], true],
    [
      'one of several rules is enough',
      { instancesActive: ['none', 'partial'] },
      ['started', 'stopped'],
      true,
    ],
    ['none of no rules holds', { instancesActive: [] }, ['started'], false],
  ];
  for (const [title, rules, states, expected] of cases) {
    it(title, () => assert.equal(isAvailable(rules, pictured(states)), expected));
  }

  it('asks for one of the required types among all nodes', () => {
    const rules: Rules = { nodeTypesRequired: ['cloudify.nodes.Compute', 'a.Router'] };
    assert.equal(isAvailable(rules, pictured([], ['cloudify.nodes.Root'])), false);
    assert.equal(isAvailable(rules, pictured([], ['cloudify.nodes.Root', 'a.Router'])), true);
  });
});

function pictured(states: readonly InstanceLifecycleState[], nodeTypes: readonly string[] = []) {
  const instances = new Map<InstanceLifecycleState, number>();
  for (const state of states) instances.set(state, (instances.get(state) ?? 0) + 1);
  return { instances, nodeTypes: new Set(nodeTypes) };
}
