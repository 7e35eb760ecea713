/**
 * Where scripts of this worker ask for their `ctx`: one HTTP server on the loopback, a secret path per run.
 *
 * HTTP rather than a unix socket, because clients in the field (Cloudify's own `ctx`) know only
 * `CTX_SOCKET_URL=http://localhost:<port>…` and POST `{"args": […]}` to it. The path is 256 random bits, is known to
 * the script alone, and dies with the run.
 */
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../dsl/plan.js';
import { ctxCommand } from './ctx-command.js';
import { CtxError, type CtxHandler, StopOperation } from './ctx-values.js';

export interface CtxDoor {
  readonly url: string;
  close(): void;
}

/** Our own command: its words, each ended by a NUL; the answer is what to print, and `x-ctx-exit` its exit code. */
const WORDS = 'application/x-ctx-words';
const BODY_LIMIT = 8 * 1024 * 1024;

export class CtxServer {
  // Keyed by hash, so that how long a look-up takes says nothing about a token.
  readonly #handlers = new Map<string, CtxHandler>();
  #listening: Promise<Server> | undefined;

  /** Opens a door for one run; the first one starts the server. */
  async open(handler: CtxHandler): Promise<CtxDoor> {
    this.#listening ??= this.#listen();
    const server = await this.#listening;
    const token = randomBytes(32).toString('base64url');
    const key = keyOf(token);
    this.#handlers.set(key, handler);
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${token}`,
      close: () => void this.#handlers.delete(key),
    };
  }

  async close(): Promise<void> {
    const server = await this.#listening;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    this.#listening = undefined;
  }

  #listen(): Promise<Server> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    server.requestTimeout = 60_000;
    // A connection that its owner keeps is not cut off between two questions: the second may not be asked twice.
    server.keepAliveTimeout = 0;
    return new Promise((done, failed) => {
      server.once('error', failed);
      server.listen(0, '127.0.0.1', () => {
        // An idle door must not keep a worker from ending.
        server.unref();
        done(server);
      });
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const handler = this.#handlers.get(keyOf((request.url ?? '').slice(1)));
    if (handler === undefined) {
      return refuse(request, response, 404, 'the operation of this ctx has ended');
    }
    if (request.method !== 'POST') {
      return refuse(request, response, 405, 'ctx takes POST requests');
    }
    const body = await readBody(request);
    if (body === null) {
      response.setHeader('connection', 'close');
      return reply(
        response,
        413,
        errorReply('ValueError', `a ctx request holds at most ${BODY_LIMIT} bytes`),
      );
    }
    if (request.headers['content-type'] === WORDS) {
      const { exit, text } = await ctxCommand(handler, body.split('\0').slice(0, -1));
      response.setHeader('x-ctx-exit', exit);
      return send(response, 200, 'text/plain; charset=utf-8', text);
    }
    reply(response, 200, await handle(handler, body));
  }
}

async function handle(handler: CtxHandler, body: string): Promise<Json> {
  let args: Json;
  try {
    const parsed = JSON.parse(body) as { args?: Json } | null;
    args = parsed?.args ?? null;
  } catch {
    return errorReply('ValueError', 'the request is not JSON');
  }
  if (!Array.isArray(args)) return errorReply('ValueError', 'the request has no list "args"');
  try {
    return { type: 'result', payload: await handler(args) };
  } catch (error) {
    if (error instanceof StopOperation) {
      return { type: 'stop_operation', payload: { message: error.message } };
    }
    if (error instanceof CtxError) return errorReply(error.type, error.message);
    return errorReply(
      error instanceof Error ? error.name : 'Error',
      error instanceof Error ? error.message : String(error),
    );
  }
}

function errorReply(type: string, message: string): Json {
  return { type: 'error', payload: { type, message, traceback: '' } };
}

/** null: too much. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What is no question of a running operation, in the form its asker reads. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  if (request.headers['content-type'] === WORDS) {
    send(response, status, 'text/plain; charset=utf-8', `ctx: ${message}\n`);
  } else {
    reply(response, status, errorReply('RuntimeError', message));
  }
}

function reply(response: ServerResponse, status: number, body: Json): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function keyOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
