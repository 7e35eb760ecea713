/** The examples people try first: each is a blueprint without a fault, on plugins that are there. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compile } from '../src/dsl/blueprint/compile.js';
import { prepare } from '../src/dsl/blueprint/prepare.js';
import { formatDiagnostic } from '../src/dsl/diagnostics.js';
import { isNoop, type OperationTable, type PreparedPlan } from '../src/dsl/plan.js';
import { createRegistry } from '../src/plugins/registry.js';
import { createScriptPlugin } from '../src/plugins/script/script.js';
import { createSimulatedPlugin } from '../src/plugins/simulated/simulated.js';

const EXAMPLES = fileURLToPath(new URL('../../../examples/', import.meta.url));
const registry = createRegistry([
  createScriptPlugin({ workDir: join(tmpdir(), 'unused') }),
  createSimulatedPlugin(),
]);

const names = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

function preparedExample(name: string): PreparedPlan {
  const at = (path: string) => join(EXAMPLES, name, path);
  const result = compile({
    mainFile: 'blueprint.yaml',
    read: (path) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : null),
    exists: (path) => existsSync(at(path)),
    imported: new Map(),
  });
  if (result.kind !== 'plan') {
    const troubles = result.kind === 'needs' ? result.imports : result.diagnostics.map(formatDiagnostic);
    assert.fail(troubles.join('\n'));
  }
  assert.deepEqual(result.warnings.map(formatDiagnostic), []);
  const deployment = { id: name, name, blueprint: name, owner: 'admin' };
  const prepared = prepare(result.plan, {}, { tenant: 'default_tenant', deployment });
  assert.ok(prepared.kind === 'prepared', JSON.stringify(prepared));
  return prepared.plan;
}

function operationTables(plan: PreparedPlan): OperationTable[] {
  return [
    ...Object.values(plan.nodeTypes).map(({ operations }) => operations),
    ...Object.values(plan.relationshipTypes).flatMap((type) => [
      type.sourceOperations,
      type.targetOperations,
    ]),
    ...plan.nodes.map(({ operations }) => operations),
    ...plan.nodes.flatMap(({ relationships }) =>
      relationships.flatMap((one) => [one.sourceOperations, one.targetOperations]),
    ),
  ];
}

for (const name of names) {
  describe(`example ${name}`, () => {
    it('can be deployed without a single input, and has an output to show', () => {
      const plan = preparedExample(name);
      assert.ok(plan.nodes.length > 2);
      assert.ok(Object.hasOwn(plan.outputs, 'url') && Object.hasOwn(plan.capabilities, 'url'));
    });

    it('asks for operations that exist, and that may be interrupted', () => {
      for (const table of operationTables(preparedExample(name))) {
        for (const [operation, { plugin, function: functionName, inputs }] of Object.entries(table)) {
          if (isNoop(table[operation]) || operation.startsWith('cloudify.interfaces.cloudify_agent.'))
            continue;
          const found = registry.find(plugin)?.describe(functionName);
          assert.equal(found?.resumable, true, `${operation}: ${plugin}.${functionName}`);
          const script = inputs.script_path;
          if (typeof script !== 'string') continue;
          const { mode } = statSync(join(EXAMPLES, name, script));
          assert.ok((mode & 0o100) !== 0, `${script} is not executable`);
        }
      }
    });
  });
}

it('three-tier has as many web servers as one asks for', () => {
  const plan = preparedExample('three-tier');
  assert.deepEqual(plan.nodes.find((node) => node.name === 'web_server')?.scaling.default, 3);
});
