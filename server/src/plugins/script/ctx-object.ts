/**
 * The `ctx` of a script operation: every word a script may say, and what it does.
 *
 * Source: specs of the operation context (`ctx` object) and of the `ctx` command. Which of node, instance, source and
 * target exist depends on the operation: asking for the wrong one is an error the script sees.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { InstanceContext, LogLevel } from '../plugin.js';
import type { CtxFiles } from './ctx-files.js';
import {
  bind,
  CtxCallable,
  CtxError,
  CtxMapping,
  CtxObject,
  type CtxThing,
  isMapping,
} from './ctx-values.js';
import type { OutputBudget } from './output.js';
import { pythonDoor } from './python-door.js';
import type { ScriptSession } from './session.js';
import { refuseUnstorable, said, shown, storableText } from './storable.js';
import { renderTemplate } from './template.js';

type Attributes = Record<string, () => CtxThing | Promise<CtxThing>>;

export function ctxObject(session: ScriptSession, files: CtxFiles, budget: OutputBudget): CtxObject {
  const { request } = session;
  const { context, operation } = request;
  const attributes: Attributes = {
    node: () => nodeOf(self(session)),
    instance: () => instanceOf(session, self(session)),
    source: () => sideOf(session, 'source'),
    target: () => sideOf(session, 'target'),
    type: () =>
      context.relationship !== null
        ? 'relationship-instance'
        : context.self !== null
          ? 'node-instance'
          : 'deployment',
    deployment: () =>
      new CtxObject('deployment', {
        id: () => context.deployment.id,
        name: () => context.deployment.displayName,
        display_name: () => context.deployment.displayName,
        tenant_name: () => context.tenant,
      }),
    blueprint: () => new CtxObject('blueprint', { id: () => context.blueprint.id }),
    operation: () =>
      new CtxObject('operation', {
        name: () => operation.name,
        id: () => operation.id,
        attempt: () => operation.attempt,
        retry_number: () => operation.retryNumber,
        max_retries: () => operation.maxRetries,
        relationship: () => context.relationship?.side ?? null,
        retry: () =>
          new CtxCallable((args, named) => {
            session.retryWish = retryOf(args, named);
            return null;
          }),
      }),
    plugin: () => new CtxObject('plugin', { name: () => 'script' }),
    capabilities: () => new CtxCallable((args) => capability(session, args)),
    logger: () => logger(session, budget),
    send_event: () =>
      action(['message'], ({ message }) => {
        const text = storableText(shown(message), budget.limits.line);
        if (budget.take(Buffer.byteLength(text))) request.event(text);
        return null;
      }),
    returns: () =>
      new CtxCallable((args, named) => {
        // A mapping is the value here: `returns` has no named arguments one could mean.
        const value = args.length === 0 && Object.keys(named).length > 0 ? named : (args[0] ?? null);
        refuseUnstorable(value);
        session.decide({ kind: 'returns', value });
        return null;
      }),
    abort_operation: () =>
      action(['message'], ({ message }) => {
        session.decide({ kind: 'abort', message: said(message ?? 'the script aborted the operation') });
        return null;
      }),
    retry_operation: () =>
      new CtxCallable((args, named) => {
        session.decide({ kind: 'retry', ...retryOf(args, named) });
        return null;
      }),
    download_resource: () =>
      action(['resource_path', 'target_path'], ({ resource_path, target_path }) =>
        files.download(pathOf(resource_path), optionalPath(target_path)),
      ),
    get_resource: () => action(['resource_path'], ({ resource_path }) => files.text(pathOf(resource_path))),
    get_resource_and_render: () =>
      new CtxCallable(async (args, named) => {
        const { path, variables } = renderArguments(session, args, named, false);
        return renderTemplate(await files.text(path), variables);
      }),
    download_resource_and_render: () =>
      new CtxCallable(async (args, named) => {
        const { path, target, variables } = renderArguments(session, args, named, true);
        return files.write(path, renderTemplate(await files.text(path), variables), target);
      }),
    execution_id: () => context.execution.id,
    workflow_id: () => context.execution.workflow,
    workflow_parameters: () => context.execution.parameters,
    execution_creator_username: () => context.execution.creator,
    tenant_name: () => context.tenant,
    tenant: () => new CtxObject('tenant', { name: () => context.tenant }),
    task_id: () => operation.id,
    task_name: () => request.functionName,
    timeout: () => operation.timeout,
    agent: () =>
      new CtxObject('agent', {
        init_script: () => new CtxCallable(() => agentScript(session)),
      }),
    python: () => pythonDoor(session, snapshot),
  };
  return new CtxObject('ctx', attributes);
}

async function agentScript({ request }: ScriptSession): Promise<string | null> {
  if (request.agentScript === undefined) {
    throw new CtxError('NonRecoverableError', 'a worker elsewhere is not told the scripts of agents');
  }
  return request.agentScript();
}

function self(session: ScriptSession): InstanceContext {
  const { self, relationship } = session.request.context;
  // In a relationship operation, node and instance are said of its sides only.
  if (self === null || relationship !== null) {
    const kind = relationship === null ? 'deployment' : 'relationship-instance';
    throw new CtxError(
      'NonRecoverableError',
      `ctx.node/ctx.instance can only be used in a node-instance context but used in a ${kind} context.`,
    );
  }
  return self;
}

function sideOf(session: ScriptSession, side: 'source' | 'target'): CtxObject {
  const { relationship } = session.request.context;
  if (relationship === null) {
    throw new CtxError(
      'NonRecoverableError',
      'ctx.source/ctx.target can only be used in a relationship-instance context.',
    );
  }
  const one = relationship[side];
  return new CtxObject(side, { node: () => nodeOf(one), instance: () => instanceOf(session, one) });
}

function nodeOf({ node }: InstanceContext): CtxObject {
  return new CtxObject('node', {
    id: () => node.name,
    name: () => node.name,
    type: () => node.type,
    type_hierarchy: () => [...node.typeHierarchy],
    properties: () => new CtxMapping(node.properties, null),
    number_of_instances: () => node.numberOfInstances,
  });
}

function instanceOf(session: ScriptSession, { instance }: InstanceContext): CtxObject {
  return new CtxObject('instance', {
    id: () => instance.id,
    index: () => instance.index,
    host_ip: () => {
      if (instance.hostIp !== null) return instance.hostIp;
      throw new CtxError('NonRecoverableError', `the host of ${instance.id} has no "ip"`);
    },
    runtime_properties: () =>
      new CtxMapping(session.properties(instance.id), () => session.touch(instance.id), refuseUnstorable),
    relationships: () =>
      instance.relationships.map(({ type, targetNode, targetInstance }) => ({
        type,
        target: { node: targetNode, instance: targetInstance },
      })),
    scaling_groups: () => instance.scalingGroups.map(({ name, id }) => ({ name, id })),
    update: () =>
      new CtxCallable(async () => {
        await saying(session.update(instance.id));
        return null;
      }),
    refresh: () =>
      action(['force'], async ({ force }) => {
        await saying(session.refresh(instance.id, force === true || force === 'true'));
        return null;
      }),
  });
}

/** Looked up in the runtime properties of what the instance is directly related to; one of them must have it. */
async function capability(session: ScriptSession, args: readonly Json[]): Promise<Json> {
  const [key] = args;
  if (typeof key !== 'string' || args.length > 1)
    throw new CtxError('TypeError', 'capabilities takes one key');
  const { instance } = self(session);
  const targets = [...new Set(instance.relationships.map(({ targetNode }) => targetNode))];
  const found: Json[] = [];
  for (const target of targets) {
    const value = await saying(session.request.evaluate({ get_attribute: [target, key] }));
    if (value !== null) found.push(value);
  }
  if (found.length === 1) return found[0]!;
  throw new CtxError(
    'NonRecoverableError',
    found.length === 0
      ? `Requested capability '${key}' is not available`
      : `Requested capability '${key}' is ambiguous: ${found.length} related nodes have it`,
  );
}

const LOGGER_LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warning',
  warning: 'warning',
  error: 'error',
  exception: 'error',
  critical: 'critical',
  fatal: 'critical',
};

function logger(session: ScriptSession, budget: OutputBudget): CtxObject {
  const attributes: Attributes = {};
  for (const [word, level] of Object.entries(LOGGER_LEVELS)) {
    attributes[word] = () =>
      new CtxCallable((args) => {
        const text = storableText(formatted(args), budget.limits.line);
        if (budget.take(Buffer.byteLength(text))) session.request.log(level, text);
        return null;
      });
  }
  return new CtxObject('logger', attributes);
}

/** Python logging's `message % arguments`, as far as `%s`, `%d` and `%r`. */
function formatted([message, ...rest]: readonly Json[]): string {
  const values = [...rest];
  return shown(message ?? '').replaceAll(/%[sdr%]/g, (mark) =>
    mark === '%%' && rest.length > 0
      ? '%'
      : values.length > 0 && mark !== '%%'
        ? shown(values.shift())
        : mark,
  );
}

function retryOf(args: readonly Json[], named: JsonObject): { message: string; after: number | null } {
  const { message, retry_after } = bind(['message', 'retry_after'], args, named);
  const after = retry_after === undefined || retry_after === null ? null : Number(retry_after);
  if (after !== null && !(after >= 0)) {
    throw new CtxError('ValueError', `retry_after must be a number of seconds, not ${shown(retry_after)}`);
  }
  return { message: said(message ?? 'the script asked for a retry'), after };
}

/** `path [variables]`, or `path [target [variables]]`; the variables may also come as the trailing mapping. */
function renderArguments(
  session: ScriptSession,
  args: readonly Json[],
  named: JsonObject,
  withTarget: boolean,
): { path: string; target: string | null; variables: JsonObject } {
  const parameters = ['resource_path', ...(withTarget ? ['target_path'] : []), 'template_variables'];
  const own = Object.keys(named).some((name) => parameters.includes(name));
  const bound = bind(parameters, args, own ? named : {});
  const given = own ? (bound.template_variables ?? {}) : (bound.template_variables ?? named);
  if (!isMapping(given)) throw new CtxError('TypeError', 'template variables must be a mapping');
  if (Object.hasOwn(given, 'ctx')) {
    throw new CtxError('NonRecoverableError', 'template variables must not hold "ctx", which is set already');
  }
  return {
    path: pathOf(bound.resource_path),
    target: optionalPath(bound.target_path),
    variables: { ...given, ctx: snapshot(session) },
  };
}

/** The context as plain values: what templates and Python scripts see. */
function snapshot(session: ScriptSession): JsonObject {
  const { context, operation } = session.request;
  const both = ({ node, instance }: InstanceContext): JsonObject => ({
    node: {
      id: node.name,
      name: node.name,
      type: node.type,
      type_hierarchy: [...node.typeHierarchy],
      properties: node.properties,
      number_of_instances: node.numberOfInstances,
    },
    instance: {
      id: instance.id,
      index: instance.index,
      host_ip: instance.hostIp,
      runtime_properties: session.properties(instance.id),
      relationships: instance.relationships.map(({ type, targetNode, targetInstance }) => ({
        type,
        target: { node: { name: targetNode, id: targetNode }, instance: { id: targetInstance } },
      })),
      scaling_groups: instance.scalingGroups.map(({ name, id }) => ({ name, id })),
    },
  });
  const { self, relationship } = context;
  return {
    type: relationship !== null ? 'relationship-instance' : self !== null ? 'node-instance' : 'deployment',
    ...(relationship === null && self !== null ? both(self) : {}),
    ...(relationship === null
      ? {}
      : { source: both(relationship.source), target: both(relationship.target) }),
    deployment: {
      id: context.deployment.id,
      display_name: context.deployment.displayName,
      tenant_name: context.tenant,
    },
    blueprint: { id: context.blueprint.id },
    operation: {
      name: operation.name,
      retry_number: operation.retryNumber,
      max_retries: operation.maxRetries,
      relationship: relationship?.side ?? null,
    },
    execution_id: context.execution.id,
    workflow_id: context.execution.workflow,
    workflow_parameters: context.execution.parameters,
    execution_creator_username: context.execution.creator,
    tenant_name: context.tenant,
    task_id: operation.id,
  };
}

function action(
  parameters: readonly string[],
  run: (bound: JsonObject) => CtxThing | Promise<CtxThing>,
): CtxCallable {
  return new CtxCallable((args, named) => run(bind(parameters, args, named)));
}

/** What the engine refuses, in the words of the protocol. */
async function saying<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    throw new CtxError(error.kind === 'conflict' ? 'ConflictError' : 'NonRecoverableError', error.message);
  }
}

function pathOf(value: Json | undefined): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new CtxError('TypeError', 'a resource path is missing');
}

function optionalPath(value: Json | undefined): string | null {
  return value === undefined || value === null ? null : pathOf(value);
}
