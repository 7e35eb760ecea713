/**
 * Requests to a server that speaks Cloudify REST v3.1.
 *
 * One connection is kept open for a command's requests. Nothing is retried here: a request that changes something
 * is sent once, and only `executions follow` and `events list -f`, which read, ask again after a failure.
 */

import { readFileSync } from 'node:fs';
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { ApiError, CliError, ExitCode, UnreachableError } from '../errors.js';
import type { Connection } from '../settings.js';
import { hintsFor, unreachableHints } from './hints.js';
import { LONG_PATIENCE, PATIENCE } from './paths.js';
import type { Page } from './wire.js';

export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>;

export interface RequestOptions {
  readonly query?: Query;
  readonly json?: unknown;
  readonly body?: { readonly stream: Readable; readonly type: string };
  /** Milliseconds without a byte from the server before we give up. */
  readonly patience?: number;
  /** Which of the server's APIs; absent: Cloudify's. */
  readonly api?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const API = '/api/v3.1';
/** What Cloudify's cannot say. */
const NATIVE_API = '/orrery/v1';
const ANSWER_LIMIT = 256 * 1024 * 1024;

export class Client {
  private readonly agent: HttpAgent | HttpsAgent;
  private readonly base: URL;

  constructor(
    readonly connection: Connection,
    private readonly trace: (line: string) => void = () => {},
  ) {
    this.base = new URL(connection.url);
    this.agent =
      this.base.protocol === 'https:'
        ? new HttpsAgent({
            keepAlive: true,
            ...(connection.caFile === null ? {} : { ca: readCertificates(connection.caFile) }),
          })
        : new HttpAgent({ keepAlive: true });
  }

  get<T>(path: string, query?: Query, patience = PATIENCE): Promise<T> {
    return this.send<T>('GET', path, { ...(query ? { query } : {}), patience });
  }

  put<T>(path: string, json: unknown, query?: Query): Promise<T> {
    return this.send<T>('PUT', path, { json, ...(query ? { query } : {}), patience: LONG_PATIENCE });
  }

  post<T>(path: string, json: unknown): Promise<T> {
    return this.send<T>('POST', path, { json, patience: LONG_PATIENCE });
  }

  /** One thing of the server's own API, as it is, or as it is after the change. */
  own<T>(method: 'GET' | 'PATCH', path: string, json?: unknown): Promise<T> {
    return this.send<T>(method, path, { api: NATIVE_API, ...(json === undefined ? {} : { json }) });
  }

  /** Asks the server's own API to change something. */
  ownPost<T>(path: string, json: unknown): Promise<T> {
    return this.send<T>('POST', path, { api: NATIVE_API, json, patience: LONG_PATIENCE });
  }

  /** All items of a list of the server's own API, page after page, as each one names the next in `Link`. */
  async ownAll<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    for (;;) {
      const query: Query = { limit: 1000, cursor };
      const { body, response }: { body: { items: readonly T[] }; response: IncomingMessage } =
        await this.exchange<{ items: readonly T[] }>('GET', path, {
          api: NATIVE_API,
          query,
        });
      items.push(...body.items);
      const link: string | undefined = /<([^>]*)>; *rel="next"/.exec(
        String(response.headers.link ?? ''),
      )?.[1];
      if (link === undefined) return items;
      cursor = new URL(link, this.base).searchParams.get('cursor');
    }
  }

  async delete(path: string, query?: Query): Promise<void> {
    await this.send<unknown>('DELETE', path, { ...(query ? { query } : {}), patience: LONG_PATIENCE });
  }

  /** All pages of a list, up to `limit` items. */
  async all<T>(path: string, query: Query, limit: number): Promise<Page<T>> {
    const items: T[] = [];
    const first = Number(query._offset ?? 0);
    for (;;) {
      const size = Math.min(1000, limit - items.length);
      const page = await this.get<Page<T>>(path, { ...query, _size: size, _offset: first + items.length });
      items.push(...page.items);
      const total = page.metadata.pagination.total;
      if (page.items.length === 0 || items.length >= limit || first + items.length >= total) {
        return { items, metadata: { pagination: { total, offset: first, size: items.length } } };
      }
    }
  }

  /** Sends a request and reads its JSON answer. Throws `ApiError` for an error answer, `UnreachableError` without one. */
  async send<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return (await this.exchange<T>(method, path, options)).body;
  }

  private async exchange<T>(
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<{ body: T; response: IncomingMessage }> {
    const { response, target } = await this.open(method, path, options);
    const text = await this.readText(response);
    const status = response.statusCode ?? 0;
    if (status < 200 || status >= 300) throw this.refusal(status, text, `${method} ${target}`);
    if (text === '') return { body: undefined as T, response };
    try {
      return { body: JSON.parse(text) as T, response };
    } catch (cause) {
      throw new CliError(
        `${this.connection.url} answered ${method} ${target} with something that is not JSON.`,
        ExitCode.failed,
        ['Is this the address of an Orrery server? Look at it with: orrery profiles show'],
        { cause },
      );
    }
  }

  /** Opens a download: the answer's headers and its bytes as they arrive. */
  async download(path: string): Promise<IncomingMessage> {
    const { response, target } = await this.open('GET', path, { patience: PATIENCE });
    const status = response.statusCode ?? 0;
    if (status < 200 || status >= 300) {
      throw this.refusal(status, await this.readText(response), `GET ${target}`);
    }
    return response;
  }

  /** Opens a stream of the server's own API, which goes on until one side ends it. `after`: what was heard last. */
  async stream(path: string, query: Query, patience: number, after: string | null): Promise<IncomingMessage> {
    const headers = after === null ? {} : { 'last-event-id': after };
    const { response, target } = await this.open('GET', path, { api: NATIVE_API, query, patience, headers });
    const status = response.statusCode ?? 0;
    const isStream = /^text\/event-stream/.test(response.headers['content-type'] ?? '');
    if (status === 200 && isStream) return response;
    const text = await this.readText(response);
    throw this.refusal(status === 200 ? 406 : status, text, `GET ${target}`);
  }

  close(): void {
    this.agent.destroy();
  }

  private refusal(status: number, text: string, request: string): ApiError {
    const { message, code } = readError(status, text);
    // The query is left out: it is long, and what was asked is told by the path.
    const [bare = request] = request.split('?');
    return new ApiError(status, code, message, bare, hintsFor(status, code, this.connection));
  }

  private headers(options: RequestOptions): Record<string, string> {
    const headers: Record<string, string> = { accept: 'application/json', tenant: this.connection.tenant };
    const { credentials } = this.connection;
    if (credentials.kind === 'token') {
      if (options.api === NATIVE_API) headers.authorization = `Bearer ${credentials.token}`;
      else headers['authentication-token'] = credentials.token;
    }
    if (credentials.kind === 'password') {
      const pair = Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64');
      headers.authorization = `Basic ${pair}`;
    }
    if (options.json !== undefined) headers['content-type'] = 'application/json';
    if (options.body) headers['content-type'] = options.body.type;
    return headers;
  }

  private async open(
    method: string,
    path: string,
    options: RequestOptions,
  ): Promise<{ response: IncomingMessage; target: string }> {
    const target = `${options.api ?? API}${path}${queryString(options.query)}`;
    const begun = performance.now();
    const body = options.json === undefined ? undefined : Buffer.from(JSON.stringify(options.json), 'utf8');
    const headers = { ...this.headers(options), ...options.headers };
    if (body) headers['content-length'] = String(body.length);
    const prefix = this.base.pathname.replace(/\/+$/, '');
    const make = this.base.protocol === 'https:' ? httpsRequest : httpRequest;
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const request: ClientRequest = make({
          agent: this.agent,
          protocol: this.base.protocol,
          hostname: this.base.hostname.replace(/^\[|\]$/g, ''),
          port: this.base.port,
          method,
          path: prefix + target,
          headers,
        });
        request.once('response', resolve);
        request.once('error', reject);
        request.setTimeout(options.patience ?? PATIENCE, () => {
          request.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
        });
        if (options.body) pour(options.body.stream, request, reject);
        else request.end(body);
      });
      this.trace(
        `${method} ${prefix}${target} -> ${response.statusCode} (${Math.round(performance.now() - begun)} ms)`,
      );
      return { response, target };
    } catch (error) {
      if (error instanceof CliError) throw error;
      const cause = error as NodeJS.ErrnoException;
      this.trace(`${method} ${prefix}${target} -> ${cause.code ?? cause.message}`);
      throw new UnreachableError(this.connection.url, innermost(cause), unreachableHints(this.connection));
    }
  }

  private async readText(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > ANSWER_LIMIT) {
          response.destroy();
          throw new CliError('The answer is larger than 256 MB; ask for less with --size.', ExitCode.failed);
        }
        chunks.push(chunk);
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
      throw new UnreachableError(
        this.connection.url,
        error as NodeJS.ErrnoException,
        unreachableHints(this.connection),
      );
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

/**
 * Streams a body with back pressure. A server may answer before it has read everything (an archive over its limit);
 * then the answer counts, not the broken pipe that follows it.
 */
function pour(stream: Readable, request: ClientRequest, reject: (error: Error) => void): void {
  const drop = (): void => {
    stream.unpipe(request);
    stream.destroy();
  };
  request.once('response', () => {
    request.on('error', () => {});
    if (!stream.readableEnded) drop();
  });
  request.once('error', drop);
  stream.once('error', (error) => {
    request.destroy();
    reject(
      error instanceof CliError
        ? error
        : new CliError(`Reading what is to be sent failed: ${error.message}`, ExitCode.failed),
    );
  });
  stream.pipe(request);
}

/** `happy eyeballs` reports all addresses it tried at once; the first tells enough. */
function innermost(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  const several = (error as { errors?: NodeJS.ErrnoException[] }).errors;
  return several?.[0] ?? error;
}

export function queryString(query: Query | undefined): string {
  if (!query) return '';
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    if (Array.isArray(value)) for (const each of value) parameters.append(name, String(each));
    else parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function readError(status: number, text: string): { message: string; code: string | null } {
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    // Problem details, of the server's own API.
    if (typeof body.detail === 'string') {
      return { message: body.detail, code: String(body.type ?? '').replace(/^urn:orrery:/, '') || null };
    }
    if (typeof body.message === 'string') {
      return { message: body.message, code: typeof body.error_code === 'string' ? body.error_code : null };
    }
  } catch {
    // Not the server's own form: a proxy, or another program at this address.
  }
  const line = text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 200);
  return {
    message: line === '' ? `The server answered ${status}.` : `The server answered ${status}: ${line}`,
    code: null,
  };
}

function readCertificates(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CliError(
      `The certificate file ${path} cannot be read: ${(cause as Error).message}`,
      ExitCode.usage,
    );
  }
}
