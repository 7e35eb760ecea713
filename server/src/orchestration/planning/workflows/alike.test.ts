/** Instances of which their type says all are planned once for all of them: nobody may see that. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PlanNode, PlanNodeType, PlanRelationshipType } from '../../../dsl/plan.js';
import type { DeploymentModel } from '../model.js';
import { printGraph } from '../print.js';
import { aDeployment } from '../testdata/a-deployment.js';
import { aDeploymentInAnyState, aRandomDeployment } from '../testdata/a-random-deployment.js';
import { install } from './install.js';
import { reinstall } from './reinstall.js';
import { rollback } from './rollback.js';
import { uninstall } from './uninstall.js';

/** The same deployment, with the operations of nodes and relationships declared by their types: one type for what is alike. */
function typed(model: DeploymentModel): DeploymentModel {
  const nodeTypes: Record<string, PlanNodeType> = {};
  const relationshipTypes: Record<string, PlanRelationshipType> = {};
  const nodes = new Map<string, PlanNode>();
  for (const [name, node] of model.nodes) {
    const type = `${node.type} ${JSON.stringify(node.operations)}`;
    const { hierarchy } = model.types.nodeTypes[node.type]!;
    nodeTypes[type] = { hierarchy, operations: node.operations };
    const relationships = node.relationships.map((one) => {
      const { sourceOperations, targetOperations } = one;
      const declared = model.types.relationshipTypes[one.type]!;
      const own = `${one.type} ${JSON.stringify([sourceOperations, targetOperations])}`;
      relationshipTypes[own] = { ...declared, sourceOperations, targetOperations };
      return { ...one, type: own, sourceOperations: {}, targetOperations: {} };
    });
    nodes.set(name, { ...node, type, operations: {}, relationships });
  }
  const instances = model.instances.map((instance) => ({
    ...instance,
    relationships: instance.relationships.map((link) => ({
      ...link,
      type: nodes.get(instance.node)!.relationships[link.relationship]!.type,
    })),
  }));
  return { types: { ...model.types, nodeTypes, relationshipTypes }, nodes, instances };
}

const AGENT = aDeployment({ host: { operations: ['cloudify_agent.create'] } }).nodes.get('host')!.operations;

/** The same deployment with two kinds of nodes at most, so that many are alike, and hosts with an agent and without. */
function twoKinds(model: DeploymentModel): DeploymentModel {
  const all = [...model.nodes.values()];
  const nodes = all.map((node, place): PlanNode => {
    const operations = { ...all[place % 2]!.operations, ...AGENT };
    return { ...node, operations, properties: { install_agent: place % 3 === 0 } };
  });
  return { ...model, nodes: new Map(nodes.map((node) => [node.name, node])) };
}

describe('instances that are alike', () => {
  it('have the graph that they have when each node says for itself what it runs', () => {
    const ways = fc.constantFrom(install, uninstall, reinstall, rollback);
    const deployments = fc.oneof(aRandomDeployment, aDeploymentInAnyState);
    fc.assert(
      fc.property(deployments, ways, fc.boolean(), (random, build, ignoring) => {
        const model = twoKinds(random);
        const parameters = { ignore_failure: ignoring };
        const [plain, alike] = [build(model, parameters), build(typed(model), parameters)];
        assert.ok('tasks' in plain && 'tasks' in alike);
        assert.equal(printGraph(alike), printGraph(plain));
      }),
    );
  });

  it('are hosts of one type only where they have an agent, or have none, both', () => {
    const host = (agent: boolean) => ({
      kind: 'host' as const,
      operations: ['cloudify_agent.create'],
      properties: { install_agent: agent },
    });
    const model = aDeployment({ a: host(true), b: host(false), c: host(true) });
    const [plain, alike] = [install(model, {}), install(typed(model), {})];
    assert.ok('tasks' in plain && 'tasks' in alike);
    assert.equal(alike.tasks.filter(({ call }) => call !== null).length, 2);
    assert.equal(printGraph(alike), printGraph(plain));
  });

  it('tell the same lists of effects', () => {
    const operations = ['lifecycle.create', 'lifecycle.start'];
    const graph = install(typed(aDeployment({ a: { operations }, b: { operations } })), {});
    assert.ok('tasks' in graph);
    const [first, second] = ['a_1', 'b_2'].map((id) => graph.tasks.filter(({ instance }) => instance === id));
    assert.equal(second!.length, 2);
    for (const [place, { before, after }] of second!.entries()) {
      assert.equal(before, first![place]!.before);
      assert.equal(after, first![place]!.after);
    }
  });
});
