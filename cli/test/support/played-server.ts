/**
 * A real HTTP server that answers with the shapes of Cloudify REST v3.1 and remembers what it was asked.
 *
 * Nothing runs in it: a test writes the story of an execution as steps, and each look at the execution plays one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventRecord, ExecutionRecord } from '../../src/api/wire.js';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export type Answer = (asked: Asked, response: ServerResponse) => void;

const BEGIN = Date.parse('2026-11-22T08:00:00.000Z');

export class PlayedServer {
  readonly asked: Asked[] = [];
  readonly events: EventRecord[] = [];
  readonly executions = new Map<string, ExecutionRecord>();
  /** What happens at the next looks at an execution, one after the other. */
  readonly steps: (() => void)[] = [];
  readonly routes = new Map<string, Answer>();
  /** False: events are sorted by times only. */
  sortsByStorageId = true;
  private lastId = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(port = 0): Promise<PlayedServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const played = new PlayedServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void played.receive(request, response);
    });
    return played;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** `PUT /blueprints/x` → a fixed JSON answer. */
  answer(route: string, status: number, body: unknown): void {
    this.routes.set(route, (_asked, response) => json(response, status, body));
  }

  execution(changes: Partial<ExecutionRecord> = {}): ExecutionRecord {
    const id = changes.id ?? 'e1';
    const record: ExecutionRecord = {
      id,
      deployment_id: 'hello',
      blueprint_id: 'hello-world',
      workflow_id: 'install',
      status: 'pending',
      status_display: 'pending',
      parameters: {},
      error: null,
      is_dry_run: false,
      created_at: at(0),
      created_by: 'admin',
      started_at: null,
      ended_at: null,
      total_operations: 0,
      finished_operations: 0,
      ...this.executions.get(id),
      ...changes,
    };
    this.executions.set(id, record);
    return record;
  }

  /** Adds an event to the end of the list, or where its recording time puts it. */
  event(changes: Partial<EventRecord> & { message: string }): EventRecord {
    this.lastId++;
    const time = at(this.lastId * 10);
    const event: EventRecord = {
      _storage_id: this.lastId,
      type: changes.level ? 'cloudify_log' : 'cloudify_event',
      event_type: changes.level ? null : 'workflow_node_event',
      timestamp: time,
      reported_timestamp: time,
      execution_id: 'e1',
      deployment_id: 'hello',
      workflow_id: 'install',
      operation: null,
      node_instance_id: null,
      node_name: null,
      source_id: null,
      target_id: null,
      error_causes: null,
      ...changes,
    };
    this.events.push(event);
    return event;
  }

  askedFor(method: string, path: string): Asked[] {
    return this.asked.filter((each) => each.method === method && each.path === path);
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const asked: Asked = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname.replace('/api/v3.1', '')),
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    this.asked.push(asked);
    const route = this.routes.get(`${asked.method} ${asked.path}`) ?? this.routes.get('*');
    if (route) route(asked, response);
    else this.playOn(asked, response);
  }

  /** The answer without any route that a test has set. */
  playOn(asked: Asked, response: ServerResponse): void {
    const id = /^\/executions\/([^/]+)$/.exec(asked.path)?.[1];
    if (asked.method !== 'GET')
      refuse(response, 404, 'not_found_error', `Nothing is played at ${asked.path}`);
    else if (asked.path === '/events') this.listEvents(asked, response);
    else if (asked.path === '/status') {
      json(response, 200, { status: 'OK', services: { Database: { status: 'Active' } } });
    } else if (asked.path === '/version') json(response, 200, { version: '7.0.0', edition: 'orrery' });
    else if (id !== undefined) {
      this.steps.shift()?.();
      const record = this.executions.get(id);
      if (record) json(response, 200, record);
      else
        refuse(response, 404, 'not_found_error', `Requested \`Execution\` with ID \`${id}\` was not found`);
    } else refuse(response, 404, 'not_found_error', `Nothing is played at ${asked.path}`);
  }

  private listEvents(asked: Asked, response: ServerResponse): void {
    const { query } = asked;
    const equal = (name: string, value: unknown): boolean =>
      !query.has(name) || query.getAll(name).includes(String(value));
    const sort = query.get('_sort') ?? 'timestamp';
    const field = sort.replace(/^-/, '') as 'timestamp' | 'reported_timestamp' | '_storage_id';
    if (!this.sortsByStorageId && field === '_storage_id') {
      refuse(response, 400, 'bad_parameters_error', 'no such field: _storage_id');
      return;
    }
    const ranged = field === '_storage_id' ? 'reported_timestamp' : field;
    const [, from = '', to = ''] = (query.get('_range') ?? '').split(',');
    const found = this.events
      .filter((event) => equal('execution_id', event.execution_id) && equal('type', event.type))
      .filter((event) => equal('event_type', event.event_type) && equal('level', event.level))
      .filter((event) => (event[ranged] ?? '') >= from && (to === '' || (event[ranged] ?? '') < to))
      .sort(
        (a, b) =>
          (field === '_storage_id' ? 0 : compare(a[field] ?? '', b[field] ?? '')) ||
          Number(a._storage_id) - Number(b._storage_id),
      );
    if (sort.startsWith('-')) found.reverse();
    const offset = Number(query.get('_offset') ?? 0);
    const size = Number(query.get('_size') ?? 10_000);
    json(response, 200, {
      items: found.slice(offset, offset + size),
      metadata: { pagination: { total: found.length, offset, size } },
    });
  }
}

/** Milliseconds after the story's beginning, as the wire writes times. */
export function at(milliseconds: number): string {
  return new Date(BEGIN + milliseconds).toISOString();
}

export function page(items: readonly unknown[], total = items.length): unknown {
  return { items, metadata: { pagination: { total, offset: 0, size: 1000 } } };
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

export function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  json(response, status, { message, error_code: code, server_traceback: null });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
