/**
 * An operation request whose effects are kept for looking at: what tests hand to a plugin instead of an engine.
 *
 * The context is a small deployment: instance `web_a` of node `web`, or, for a relationship operation, `web_a`
 * connected to `db_b`.
 */
import { Readable } from 'node:stream';
import type { Json, JsonObject, PlanPlugin } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import type {
  AbortReason,
  InstanceContext,
  LogLevel,
  OperationContext,
  OperationRequest,
  Surroundings,
} from './plugin.js';
import type { PluginPackage } from './plugin-package.js';

export interface RecordedRequest extends OperationRequest {
  readonly logs: { readonly level: LogLevel; readonly message: string }[];
  readonly events: string[];
  readonly saved: JsonObject[];
  abort(reason: AbortReason): void;
  /** Resolves with the first logged message that matches. */
  logged(pattern: RegExp): Promise<string>;
}

export interface RecordedRequestOptions {
  readonly inputs?: JsonObject;
  readonly operation?: Partial<OperationRequest['operation']>;
  /** Files by path. */
  readonly resources?: Readonly<Record<string, string | Buffer>>;
  readonly runtimeProperties?: JsonObject;
  readonly properties?: JsonObject;
  readonly relationship?: 'source' | 'target';
  readonly context?: Partial<OperationContext>;
  readonly evaluate?: (expression: Json) => Promise<Json>;
  /** Saving runtime properties is refused, as when somebody else wrote. */
  readonly conflict?: boolean;
  readonly plugin?: PlanPlugin;
  readonly package?: PluginPackage;
  /** What it answers when it is asked for a token; absent: it has none. */
  readonly token?: string;
  readonly surroundings?: Surroundings;
  /** What puts an agent on the host; absent: it cannot be had here. */
  readonly agentScript?: string | null;
}

let count = 0;

export function recordedRequest(functionName: string, options: RecordedRequestOptions = {}): RecordedRequest {
  count += 1;
  const hurry = new AbortController();
  const controller = new AbortController();
  const logs: { level: LogLevel; message: string }[] = [];
  const events: string[] = [];
  const saved: JsonObject[] = [];
  const waiting = new Set<{ pattern: RegExp; found(message: string): void }>();
  const web = instance('web', 'web_a', options.properties ?? {}, options.runtimeProperties ?? {});
  const db = instance('db', 'db_b', {}, { port: 5432 });
  const related = options.relationship;
  const stored = new Map([web, db].map((one) => [one.instance.id, one.instance.runtimeProperties]));
  const request: RecordedRequest = {
    functionName,
    inputs: options.inputs ?? {},
    operation: {
      id: `execution-1:task-${count}`,
      name: 'cloudify.interfaces.lifecycle.create',
      attempt: 1,
      retryNumber: 0,
      maxRetries: 3,
      timeout: null,
      ...options.operation,
    },
    context: {
      tenant: 'default_tenant',
      deployment: { id: 'site', displayName: 'Site', creator: 'ada', resourceTags: { team: 'web' } },
      blueprint: { id: 'site-blueprint' },
      execution: { id: 'execution-1', workflow: 'install', parameters: {}, creator: 'admin' },
      self: related === undefined ? web : related === 'source' ? web : db,
      relationship:
        related === undefined
          ? null
          : { side: related, type: 'cloudify.relationships.connected_to', source: web, target: db },
      ...options.context,
    },
    signal: controller.signal,
    atOnce: hurry.signal,
    log(level, message) {
      logs.push({ level, message });
      for (const one of waiting) if (one.pattern.test(message)) one.found(message);
    },
    event: (message) => void events.push(message),
    async saveRuntimeProperties(changes) {
      if (options.conflict === true) {
        throw new DomainError('conflict', 'instance-changed', 'the instance was changed by somebody else');
      }
      saved.push(structuredClone(changes) as JsonObject);
      for (const [id, properties] of Object.entries(changes)) stored.set(id, properties);
    },
    readRuntimeProperties: async (id) => stored.get(id) ?? {},
    async resource(path) {
      const content = options.resources?.[path];
      if (content === undefined) throw notFound('File', path);
      const buffer = Buffer.from(content);
      return { size: buffer.length, stream: Readable.from([buffer]) };
    },
    resources: async (folder) =>
      Object.keys(options.resources ?? {}).filter((path) => path.startsWith(`${folder}/`)),
    evaluate: options.evaluate ?? (async () => null),
    ...(options.plugin === undefined ? {} : { plugin: options.plugin }),
    package: async () => options.package ?? null,
    ...(options.token === undefined ? {} : { token: async () => options.token! }),
    ...(options.agentScript === undefined ? {} : { agentScript: async () => options.agentScript! }),
    ...(options.surroundings === undefined ? {} : { surroundings: options.surroundings }),
    logs,
    events,
    saved,
    abort(reason) {
      controller.abort(reason);
      if (reason === 'killed' || reason === 'fenced') hurry.abort(reason);
    },
    logged(pattern) {
      const there = logs.find(({ message }) => pattern.test(message));
      if (there !== undefined) return Promise.resolve(there.message);
      return new Promise((done) => {
        const one = {
          pattern,
          found(message: string) {
            waiting.delete(one);
            done(message);
          },
        };
        waiting.add(one);
      });
    },
  };
  return request;
}

function instance(
  name: string,
  id: string,
  properties: JsonObject,
  runtimeProperties: JsonObject,
): InstanceContext {
  return {
    node: {
      name,
      type: 'cloudify.nodes.Root',
      typeHierarchy: ['cloudify.nodes.Root'],
      properties,
      numberOfInstances: 1,
    },
    instance: {
      id,
      index: 1,
      runtimeProperties,
      hostIp: '10.0.0.7',
      relationships:
        name === 'web'
          ? [{ type: 'cloudify.relationships.connected_to', targetNode: 'db', targetInstance: 'db_b' }]
          : [],
      scalingGroups: [],
    },
  };
}
