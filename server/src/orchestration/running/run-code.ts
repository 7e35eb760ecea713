/** Runs the code of a workflow: what its plugin is asked, and what the code may see of its deployment. */
import type { JsonObject, OperationTable, PlanOperation, PlanPlugin } from '../../dsl/plan.js';
import type { OperationOutcome } from '../../plugins/plugin.js';
import {
  hasWorkflows,
  type WorkflowInstance,
  type WorkflowNode,
  type WorkflowRequest,
} from '../../plugins/workflow.js';
import type { Attempt, AttemptHost } from './attempt-request.js';
import type { Code } from './code.js';
import type { WalkedDeployment } from './deployment.js';
import { surroundingsOf } from './instance-context.js';
import type { Veil } from './veil.js';

export async function runCode(host: AttemptHost, veil: Veil, attempt: Attempt): Promise<OperationOutcome> {
  const { code } = host;
  const plugin = code === undefined ? null : host.plugins.find(code.plugin);
  if (code === undefined || !hasWorkflows(plugin)) {
    return refused(`plugin ${code?.plugin} has no workflows here`);
  }
  // A process that was frozen may have lost the execution, and another one may have begun it.
  for (let wait = host.assured(); wait !== null; wait = host.assured()) {
    await wait;
    if (attempt.stopped !== null) return { kind: 'aborted' };
  }
  attempt.begins();
  const outcome = await plugin.runWorkflow(requestOf(host, veil, attempt, code));
  // It may have been half-way: trying again is for a person, or for whoever takes it over.
  if (outcome.kind !== 'failed') return outcome;
  return { ...outcome, failure: { ...outcome.failure, retryable: false } };
}

function requestOf(host: AttemptHost, veil: Veil, attempt: Attempt, code: Code): WorkflowRequest {
  const { deployment, execution } = host;
  const { asked, graphs, isResumed, wasBrokenOff, limits } = code;
  const declared: PlanPlugin | undefined = deployment.types.plugins[code.plugin];
  const { signal, task } = attempt;
  const trace = attempt.traced?.traceparent;
  return {
    functionName: task.call!.function,
    id: `${execution.id}:${task.id}`,
    attempt: attempt.attempt,
    isResumed,
    wasBrokenOff,
    isDryRun: execution.dryRun,
    parameters: execution.parameters,
    limits,
    context: {
      tenant: deployment.tenant,
      deployment: {
        id: deployment.id,
        displayName: deployment.displayName,
        creator: deployment.creator,
        resourceTags: deployment.resourceTags,
      },
      blueprint: { id: deployment.blueprintId },
      execution: {
        id: execution.id,
        workflow: execution.workflow,
        parameters: execution.parameters,
        creator: execution.createdBy,
      },
      self: null,
      relationship: null,
    },
    ...(declared === undefined
      ? {}
      : { plugin: declared, package: () => deployment.pluginPackage(declared) }),
    ...(trace == null ? {} : { trace }),
    signal,
    atOnce: attempt.atOnce,
    log: (level, message, instance = null) => host.say(level, veil.text(message), instance),
    event: (type, message) => host.announce(type, veil.text(message)),
    resource: (path) => deployment.resource(path),
    resources: (folder) => deployment.resources(folder),
    evaluate: (expression) => deployment.evaluate(expression, { revealed: veil.add }),
    token: host.token,
    nodes: async () => nodesOf(deployment),
    instances: () => instancesOf(host),
    declare: ({ resumable }) => asked.declare(resumable),
    ask: (wishes) => asked.ask(wishes),
    answers: () => asked.answers(signal),
    graphs,
  };
}

function nodesOf(deployment: WalkedDeployment): WorkflowNode[] {
  const { types } = deployment;
  return [...deployment.nodes.values()].map((node): WorkflowNode => {
    const operations = { ...types.nodeTypes[node.type]?.operations, ...node.operations };
    const relationships = node.relationships.map((one) => {
      const type = types.relationshipTypes[one.type];
      return {
        type: one.type,
        typeHierarchy: type?.hierarchy ?? [one.type],
        target: one.target,
        properties: one.properties,
        sourceOperations: { ...type?.sourceOperations, ...one.sourceOperations },
        targetOperations: { ...type?.targetOperations, ...one.targetOperations },
      };
    });
    return {
      name: node.name,
      type: node.type,
      typeHierarchy: types.nodeTypes[node.type]?.hierarchy ?? [node.type],
      properties: node.properties,
      numberOfInstances: deployment.instanceCount(node.name),
      host: node.host,
      operations,
      relationships,
      plugins: pluginsOf(deployment, [
        operations,
        ...relationships.flatMap((one) => [one.sourceOperations, one.targetOperations]),
      ]),
    };
  });
}

function pluginsOf({ types }: WalkedDeployment, tables: readonly OperationTable[]): PlanPlugin[] {
  const names = new Set(
    tables.flatMap((table) => Object.values(table).map(({ plugin }: PlanOperation) => plugin)),
  );
  return [...names].flatMap((name) => types.plugins[name] ?? []);
}

async function instancesOf(host: AttemptHost): Promise<WorkflowInstance[]> {
  const { deployment } = host;
  const instances = await deployment.refresh();
  const properties = await host.loadProperties(instances.map(({ id }) => id));
  const none = new Map<string, JsonObject>();
  const { instance } = surroundingsOf(deployment, {}, async () => none);
  return Promise.all(
    instances.map(async ({ id, state }) => ({
      ...(await instance(id)),
      state,
      runtimeProperties: properties.get(id) ?? {},
    })),
  );
}

function refused(message: string): OperationOutcome {
  return { kind: 'failed', failure: { type: 'NonRecoverableError', message, retryable: false, causes: [] } };
}
