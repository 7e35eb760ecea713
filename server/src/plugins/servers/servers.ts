/**
 * Servers for blueprints: the operations of `orrery.nodes.Server` (dsl/blueprint/types/servers.ts).
 *
 * Each function is one thing that the inventory is asked for, and may be asked twice. What takes its time is waited for in
 * here, a while at a time: asking again and again would use up the operation's retries. Runtime properties are those the
 * inventory gives: `id`, `server_id`, `hostname`, `ip`, `private_ip`, `port`, `state` and more; others stay as they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../dsl/plan.js';
import type { InstanceContext, OperationOutcome, OperationRequest, Plugin } from '../plugin.js';
import { SERVER_WORKS, type ServerAnswer, type ServerKeeper, type ServerWork } from './server-keeper.js';
import { SERVERS_PLUGIN } from './server-words.js';

/** Milliseconds that one attempt waits before it uses a retry. */
const WAITS = 120_000;
const LONGEST_PAUSE = 5000;
/** Runtime properties that go when the server goes. */
const OF_SERVER = [
  'id',
  'server_id',
  'server_number',
  'hostname',
  'ip',
  'private_ip',
  'public_ip',
  'port',
  'mac',
  'state',
  'cpus',
  'memory_mb',
  'disk_gb',
  'snapshot',
  'cloud_account',
];

export function createServersPlugin(keeper: ServerKeeper, waits = WAITS): Plugin {
  return {
    name: SERVERS_PLUGIN,
    // They wait for clouds, and cost no process.
    concurrency: 256,
    describe: (functionName) => (workOf(functionName) === null ? null : { resumable: true }),
    async run(request) {
      const work = workOf(request.functionName);
      if (work === null) {
        return failure(
          'NonRecoverableError',
          `${SERVERS_PLUGIN} has no function "${request.functionName}"`,
          false,
        );
      }
      const { self } = request.context;
      if (self === null) {
        return failure(
          'NonRecoverableError',
          `"${request.functionName}" runs on a node instance only`,
          false,
        );
      }
      const answer = await waitFor(keeper, work, self, request, waits);
      return outcomeOf(answer, self, request);
    },
  };
}

function workOf(functionName: string): ServerWork | null {
  const name = functionName.startsWith(`${SERVERS_PLUGIN}.`)
    ? functionName.slice(SERVERS_PLUGIN.length + 1)
    : functionName;
  return SERVER_WORKS.find((work) => work === name) ?? null;
}

async function waitFor(
  keeper: ServerKeeper,
  work: ServerWork,
  self: InstanceContext,
  request: OperationRequest,
  waits: number,
): Promise<ServerAnswer> {
  const { context, operation, signal } = request;
  const deadline = performance.now() + waits;
  const agent = work === 'build' ? ((await request.agentScript?.()) ?? null) : null;
  const properties = agent === null ? self.node.properties : withScript(self.node.properties, agent);
  let said = '';
  for (;;) {
    if (signal.aborted) return { kind: 'aborted' };
    const answer = await keeper.perform({
      work,
      tenant: context.tenant,
      deployment: context.deployment.id,
      node: self.node.name,
      instance: self.instance.id,
      execution: context.execution.id,
      creator: context.execution.creator,
      operationId: operation.id,
      tags: context.deployment.resourceTags,
      properties,
      runtimeProperties: self.instance.runtimeProperties,
      inputs: request.inputs,
      signal,
      log: (message) => request.log('info', message),
    });
    if (answer.kind !== 'again') return answer;
    if (answer.message !== said) request.log('info', answer.message);
    said = answer.message;
    const pause = Math.min(answer.after * 1000, LONGEST_PAUSE);
    if (performance.now() + pause > deadline) return answer;
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

/** What the server runs when it comes up: what its node says, and then what brings the agent. */
function withScript(properties: JsonObject, agent: string): JsonObject {
  const { script: own } = properties;
  if (typeof own !== 'string' || own.trim() === '') return { ...properties, script: agent };
  const first = own.startsWith('#!') ? own : `#!/bin/sh\n${own}`;
  const both = `#!/bin/sh
own=$(mktemp) && cat > "$own" <<'ORRERY_OWN_SCRIPT' && chmod 700 "$own" && "$own"
${first}
ORRERY_OWN_SCRIPT
rm -f "$own"
${agent}`;
  return { ...properties, script: both };
}

function outcomeOf(
  answer: ServerAnswer,
  self: InstanceContext,
  { signal }: OperationRequest,
): OperationOutcome {
  switch (answer.kind) {
    case 'done': {
      const kept: JsonObject = { ...self.instance.runtimeProperties };
      for (const name of OF_SERVER) delete kept[name];
      const properties = { ...kept, ...answer.properties };
      return {
        kind: 'done',
        result: answer.properties?.id ?? null,
        runtimeProperties: { [self.instance.id]: properties },
      };
    }
    case 'again':
      return { kind: 'again', after: answer.after, message: answer.message };
    case 'failed':
      return failure(answer.type, answer.message, answer.retryable);
    case 'aborted':
      return signal.reason === 'timeout'
        ? failure('TimeoutException', 'the server did not come to where it was to be in time', true)
        : { kind: 'aborted' };
  }
}

function failure(type: string, message: string, retryable: boolean): OperationOutcome {
  return { kind: 'failed', failure: { type, message, retryable, causes: [] } };
}
