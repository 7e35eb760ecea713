/** How operations of types and templates become one: cloudify-engine.md §2.4, rule by rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanOperation } from '../plan.js';
import { nodeOperation } from '../plan.js';
import { HEAD, planOf, troublesOf } from '../testdata/archive.js';

/** The operation `i.o` of node `n`, from what the parent type, the type and the template say. */
function operation(
  parent: string | null,
  type: string | null,
  template: string | null,
): PlanOperation | undefined {
  const interfaces = (text: string | null) => (text === null ? '' : `, interfaces: {i: {o: ${text}}}`);
  const plan = planOf(`${HEAD}
inputs: {given: {default: 1}}
plugins:
  p: {executor: central_deployment_agent, install: false}
  q: {executor: host_agent, install: false}
node_types:
  parent: {derived_from: cloudify.nodes.Compute${interfaces(parent)}}
  type: {derived_from: parent${interfaces(type)}}
node_templates:
  n: {type: type${interfaces(template)}}
`);
  return nodeOperation(plan, plan.nodes[0]!, 'i.o');
}

function brief(found: PlanOperation | undefined): unknown {
  if (found === undefined) return undefined;
  const { plugin, function: name, inputs, maxRetries } = found;
  return plugin === '' ? 'nothing' : [`${plugin}:${name}`, inputs, maxRetries];
}

test('a type inherits an operation, or replaces it whole', () => {
  const parent = '{implementation: p.x, inputs: {a: {default: 1}}, max_retries: 3}';
  assert.deepEqual(brief(operation(parent, null, null)), ['p:x', { a: 1 }, 3]);
  assert.deepEqual(brief(operation(parent, 'p.y', null)), ['p:y', {}, null]);
  assert.deepEqual(brief(operation(parent, '{inputs: {b: {default: 2}}}', null)), 'nothing');
  assert.deepEqual(brief(operation(parent, '{}', null)), 'nothing');
});

test('a template that keeps the implementation lays its inputs and settings over the type’s', () => {
  const type =
    '{implementation: p.x, inputs: {a: {default: 1}, b: {default: 2}}, max_retries: 3, executor: host_agent}';
  assert.deepEqual(brief(operation(null, type, '{inputs: {a: 9, c: 3}}')), ['p:x', { a: 9, b: 2, c: 3 }, 3]);
  assert.deepEqual(brief(operation(null, type, '{implementation: p.x, inputs: {a: 9}}')), [
    'p:x',
    { a: 9, b: 2 },
    3,
  ]);
  assert.deepEqual(brief(operation(null, type, 'p.x')), ['p:x', { a: 1, b: 2 }, 3]);
  assert.deepEqual(brief(operation(null, type, '{max_retries: 0}')), ['p:x', { a: 1, b: 2 }, 0]);
  assert.equal(operation(null, type, '{max_retries: 0}')?.executor, 'host_agent');
});

test('a template with an implementation of its own inherits nothing', () => {
  const type = '{implementation: p.x, inputs: {a: {default: 1}}, max_retries: 3, executor: host_agent}';
  const found = operation(null, type, '{implementation: p.y, inputs: {z: 1}}');
  assert.deepEqual(brief(found), ['p:y', { z: 1 }, null]);
  assert.equal(found?.executor, 'central_deployment_agent');
});

test('an empty operation in a template switches the type’s off; a type’s empty one is filled by the template', () => {
  assert.deepEqual(brief(operation(null, 'p.x', '{}')), 'nothing');
  assert.deepEqual(brief(operation(null, 'p.x', "''")), 'nothing');
  assert.deepEqual(brief(operation(null, '{}', '{implementation: p.y, inputs: {z: 1}}')), [
    'p:y',
    { z: 1 },
    null,
  ]);
  assert.deepEqual(brief(operation(null, null, 'p.y')), ['p:y', {}, null]);
});

test('the executor is the operation’s, else the plugin’s; scripts choose when they run', () => {
  assert.equal(operation(null, null, 'p.x')?.executor, 'central_deployment_agent');
  assert.equal(operation(null, null, 'q.x')?.executor, 'host_agent');
  assert.equal(
    operation(null, null, '{implementation: q.x, executor: central_deployment_agent}')?.executor,
    'central_deployment_agent',
  );
  assert.equal(operation(null, null, 'scripts/a.sh')?.executor, 'auto');
  assert.equal(
    operation(null, null, '{implementation: scripts/a.sh, executor: host_agent}')?.executor,
    'host_agent',
  );
});

test('a script is a file, a URL, or written out', () => {
  const script = (text: string) => operation(null, null, text)?.inputs;
  assert.deepEqual(script('scripts/a.sh'), { script_path: 'scripts/a.sh' });
  assert.deepEqual(script('./scripts//b/../a.sh'), { script_path: 'scripts/a.sh' });
  assert.deepEqual(script('https://example.org/a.sh'), { script_path: 'https://example.org/a.sh' });
  assert.deepEqual(script('"#!/bin/sh\\necho"'), { script_source: '#!/bin/sh\necho' });
});

test('an input with a type keeps it while its value is a function', () => {
  const type =
    '{implementation: p.x, inputs: {a: {type: integer, default: 1}, b: {type: string, default: {get_secret: s}}}}';
  assert.equal(operation(null, type, null)?.hasFunctions, true);
  assert.deepEqual(operation(null, type, null)?.inputTypes, { b: 'string' });
  assert.deepEqual(operation(null, type, '{inputs: {a: {get_input: given}, b: x}}')?.inputTypes, {
    a: 'integer',
  });
  assert.equal(operation(null, type, '{inputs: {b: x}}')?.inputTypes, undefined);
});

test('what an operation says beside its inputs reaches the plan', () => {
  const found = operation(
    null,
    null,
    '{implementation: p.x, max_retries: -1, retry_interval: 2.5, timeout: 30, timeout_recoverable: true, resumable: true}',
  );
  assert.deepEqual(
    { ...found, inputs: undefined },
    {
      plugin: 'p',
      function: 'x',
      inputs: undefined,
      executor: 'central_deployment_agent',
      maxRetries: -1,
      retryInterval: 2.5,
      timeout: 30,
      timeoutRecoverable: true,
      hasFunctions: false,
      resumable: true,
    },
  );
});

test('inputs of an operation without an implementation are nobody’s', () => {
  const plan = planOf(`${HEAD}
node_templates:
  a: {type: cloudify.nodes.Root, interfaces: {cloudify.interfaces.lifecycle: {create: {inputs: {x: {get_attribute: [SELF, y]}}, max_retries: 3}}}}
`);
  const create = plan.nodes[0]?.operations['cloudify.interfaces.lifecycle.create'];
  assert.deepEqual([create?.plugin, create?.inputs, create?.hasFunctions], ['', {}, false]);
});

test('a relationship’s operation for an agent needs a host at the end it runs on', () => {
  const text = (target: string) => `${HEAD}
node_templates:
  b: {type: ${target}}
  a:
    type: cloudify.nodes.Root
    relationships:
      - type: cloudify.relationships.depends_on
        target: b
        target_interfaces:
          cloudify.interfaces.relationship_lifecycle: {establish: {implementation: scripts/x.sh, executor: host_agent}}
`;
  assert.deepEqual(troublesOf(text('cloudify.nodes.Compute')), []);
  assert.match(
    troublesOf(text('cloudify.nodes.Root')).join(),
    /^5:3 \[24\] Node 'b' has an operation for an agent/,
  );
});

test('names that nobody knows come with the nearest known one', () => {
  const troubles = troublesOf(`${HEAD}
inputs: {port: {}}
node_templates:
  web: {type: cloudify.nodes.Comptue, propertis: {}}
  app:
    type: cloudify.nodes.Root
    properties: {resource_ids: {get_input: prot}}
    relationships: [{type: cloudify.relationships.depend_on, target: wep}]
outputs: {o: {value: {get_attribute: [ap, x]}}}
`);
  const meant = troubles.flatMap((each) => /did you mean '([^']+)'/.exec(each)?.[1] ?? []);
  assert.deepEqual(meant.sort(), [
    'app',
    'cloudify.nodes.Compute',
    'cloudify.relationships.depends_on',
    'properties',
    'resource_id',
    'web',
  ]);
});
