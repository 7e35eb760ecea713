/** How long the compiler takes for blueprints of different sizes, and the blueprints themselves. */
import { compile } from '../src/dsl/blueprint/compile.js';
import { prepare } from '../src/dsl/blueprint/prepare.js';
import type { Plan } from '../src/dsl/plan.js';

/** Nodes of one tier: a host, what runs on it, and what hangs on that. */
const TIER = 5;

/**
 * A blueprint of `nodes` nodes, the same text for the same number: tiers of a host and four nodes on it, each with
 * three or four properties, one or two relationships and some operations of its own, and two types of its own.
 * Operations without an implementation do nothing, so an install measures the engine alone.
 */
export function blueprintOf(nodes: number): string {
  const parts = [HEAD];
  for (let index = 0; index < nodes; index++) parts.push(nodeOf(index));
  return parts.join('');
}

const HEAD = `tosca_definitions_version: cloudify_dsl_1_3
description: A blueprint of many nodes, made for measuring.
imports:
  - cloudify/types/types.yaml
inputs:
  region: {type: string, default: north}
  port: {type: integer, default: 8080}
plugins:
  noop: {executor: central_deployment_agent, install: false}
node_types:
  bench.Host:
    derived_from: cloudify.nodes.Compute
    properties:
      region: {type: string}
      size: {type: string, default: small}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: noop.tasks.run, inputs: {size: {default: {get_property: [SELF, size]}}}}
        configure: noop.tasks.run
        start: noop.tasks.run
        stop: noop.tasks.run
        delete: noop.tasks.run
  bench.Service:
    derived_from: cloudify.nodes.SoftwareComponent
    properties:
      version: {type: string}
      port: {type: integer, default: 80}
      settings: {default: {}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: noop.tasks.run, inputs: {version: {default: latest}, retries: {default: 3}}}
        configure: noop.tasks.run
        start: noop.tasks.run
        stop: noop.tasks.run
        delete: noop.tasks.run
node_templates:
`;

function nodeOf(index: number): string {
  const tier = Math.floor(index / TIER);
  const place = index % TIER;
  if (place === 0) {
    return `  host_${tier}:
    type: bench.Host
    properties:
      region: {get_input: region}
      size: medium
      ip: 10.${(tier >> 16) & 255}.${(tier >> 8) & 255}.${tier & 255}
      agent_config: {install_method: none}
`;
  }
  const before =
    place === 1
      ? ''
      : `
      - type: cloudify.relationships.connected_to
        target: service_${tier}_${place - 1}`;
  return `  service_${tier}_${place}:
    type: bench.Service
    properties:
      version: 1.${tier}.${place}
      port: ${8000 + place}
      settings: {workers: ${1 + (index % 7)}, log: [info, warning], home: /srv/service_${index}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create:
          implementation: noop.tasks.run
          inputs: {version: 1.${tier}.${place}, label: service ${index}}
    relationships:
      - type: cloudify.relationships.contained_in
        target: host_${tier}${before}
`;
}

export interface CompileFigures {
  readonly nodes: number;
  /** Characters of the text. */
  readonly characters: number;
  /** Milliseconds, the best and the middle of the runs, from text to plan. */
  readonly best: number;
  readonly median: number;
  /** Milliseconds to prepare the plan with its default inputs, the middle of the runs. */
  readonly prepare: number;
}

/** Compiles a blueprint of so many nodes `runs` times after warming up. */
export function measureCompile(nodes: number, runs = 5): CompileFigures {
  const text = blueprintOf(nodes);
  const request = {
    mainFile: 'blueprint.yaml',
    read: (path: string) => (path === 'blueprint.yaml' ? text : null),
    exists: () => false,
    imported: new Map<string, string>(),
  };
  const once = (): Plan => {
    const result = compile(request);
    if (result.kind !== 'plan') throw new Error(JSON.stringify(result).slice(0, 500));
    return result.plan;
  };
  const context = { tenant: 't', deployment: { id: 'd', name: 'd', blueprint: 'b', owner: 'admin' } };
  once();
  const compiled: number[] = [];
  const prepared: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    const plan = once();
    const middle = performance.now();
    prepare(plan, {}, context);
    compiled.push(middle - start);
    prepared.push(performance.now() - middle);
  }
  return {
    nodes,
    characters: text.length,
    best: Math.min(...compiled),
    median: middleOf(compiled),
    prepare: middleOf(prepared),
  };
}

/** How time grows with size between two measurements: 1 is linear. */
export function growthExponent(small: CompileFigures, large: CompileFigures): number {
  return Math.log(large.best / small.best) / Math.log(large.nodes / small.nodes);
}

function middleOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
