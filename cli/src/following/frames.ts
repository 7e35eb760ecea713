/**
 * The live stream of the server's own API, frame by frame (`text/event-stream`, WHATWG HTML §9.2). What was missed while the
 * connection was gone is told again after `Last-Event-ID`.
 */
import type { IncomingMessage } from 'node:http';
import type { Client } from '../api/client.js';
import type { EventRecord, ExecutionRecord } from '../api/wire.js';
import { ApiError } from '../errors.js';

export interface Frame {
  /** Where the stream has come to; null: not told. */
  readonly id: string | null;
  /** `hello`, `news`, `reset`, `end`; null: a heartbeat. */
  readonly event: string | null;
  readonly data: FrameData;
}

export interface FrameData {
  readonly events?: readonly StreamedEvent[];
  readonly executions?: readonly StreamedExecution[];
  readonly reason?: string;
}

export interface StreamedExecution {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly totalOperations: number;
  readonly finishedOperations: number;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface StreamedEvent {
  readonly id: number;
  readonly at: string;
  readonly kind: 'event' | 'log';
  readonly message: string;
  /** The message goes on; the list of events has all of it. */
  readonly cut?: boolean;
  readonly type?: string;
  readonly level?: string;
  readonly logger?: string;
  readonly operation?: string;
  readonly node?: string;
  readonly instance?: string;
  readonly source?: string;
  readonly target?: string;
  readonly causes?: EventRecord['error_causes'];
}

/** Three heartbeats: then the connection is taken to be dead. */
const SILENCE = 45_000;
/** A server that speaks Cloudify's API and no other, or holds too many streams: it is asked instead. */
const WITHOUT = new Set([400, 404, 405, 406, 501, 503]);

/** Null: this server tells no streams. The frames end when the server ends them; they throw where the connection breaks. */
export async function openFrames(
  client: Client,
  id: string,
  {
    logs,
    after,
    signal,
  }: { readonly logs: boolean; readonly after: string | null; readonly signal: AbortSignal },
): Promise<AsyncGenerator<Frame> | null> {
  const query = { topic: `execution:${id}`, with: logs ? 'events,logs,states' : 'events,states' };
  try {
    const response = await client.stream('/stream', query, SILENCE, after);
    signal.addEventListener('abort', () => response.destroy(), { once: true });
    return framesOf(response);
  } catch (error) {
    if (error instanceof ApiError && WITHOUT.has(error.status)) return null;
    throw error;
  }
}

async function* framesOf(response: IncomingMessage): AsyncGenerator<Frame> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<string>) {
    rest += chunk;
    const parts = rest.split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield frameOf(part);
  }
}

/** Pure. */
export function frameOf(text: string): Frame {
  let id: string | null = null;
  let event: string | null = null;
  let data = '';
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'id') id = value;
    else if (name === 'event') event = value;
    else if (name === 'data') data += value;
  }
  return { id, event, data: data === '' ? {} : (JSON.parse(data) as FrameData) };
}

/** As the list of events has it. */
export function recordOf(event: StreamedEvent, execution: ExecutionRecord): EventRecord {
  return {
    _storage_id: event.id,
    type: event.kind === 'log' ? 'cloudify_log' : 'cloudify_event',
    event_type: event.type ?? null,
    level: event.level ?? null,
    logger: event.logger ?? null,
    timestamp: event.at,
    reported_timestamp: event.at,
    message: event.cut === true ? `${event.message}…` : event.message,
    operation: event.operation ?? null,
    execution_id: execution.id,
    deployment_id: execution.deployment_id,
    workflow_id: execution.workflow_id,
    node_instance_id: event.instance ?? null,
    node_name: event.node ?? null,
    source_id: event.source ?? null,
    target_id: event.target ?? null,
    error_causes: event.causes ?? null,
  };
}

export function executionAfter(execution: ExecutionRecord, now: StreamedExecution): ExecutionRecord {
  return {
    ...execution,
    status: now.status,
    error: now.error ?? execution.error,
    total_operations: now.totalOperations,
    finished_operations: now.finishedOperations,
    started_at: now.startedAt ?? execution.started_at,
    ended_at: now.endedAt ?? execution.ended_at,
  };
}
