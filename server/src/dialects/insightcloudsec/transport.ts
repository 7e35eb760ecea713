/**
 * How this vendor's clients put requests on the wire, and what they can read (specs: insightcloudsec.md §1).
 *
 * What always holds in a scope that `acceptAnything` was called for:
 *
 * - A body is JSON whatever it is called, on any method, GET and DELETE too. Nothing at all and the literal `null` are an
 *   empty object. The body is read after the hooks of `onRequest`, so that a stranger makes the server read nothing.
 * - An answer is compressed with gzip if and only if the request lists gzip, however small it is and whatever its status:
 *   documented scripts pipe the bytes into `gunzip` unseen.
 *
 * Rejected: a body parser for GET in the framework (it would hold for every dialect of the server), and a compression plugin
 * (its threshold is a habit that comes back).
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors.js';

const compress = promisify(gzip);
/** Compressed at once: handing so little to another thread and waiting for it takes longer than the work. In bytes, or characters. */
const SHORT = 4096;
/** Methods whose bodies the framework leaves alone. */
const BODYLESS = new Set(['GET', 'HEAD']);

export function acceptAnything(scope: FastifyInstance, limits: { readonly bytes: number }): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', async (_request: FastifyRequest, payload: IncomingMessage) =>
    readBody(payload, limits.bytes),
  );
  // Before the framework looks at the name of the body: whatever it is called, even nonsense, it is JSON.
  scope.addHook('preParsing', async (request, _reply, payload) => {
    request.raw.headers['content-type'] = 'application/json';
    return payload;
  });
  scope.addHook('preValidation', async (request) => {
    if (BODYLESS.has(request.method) && hasBody(request.raw.headers)) {
      request.body = await readBody(request.raw, limits.bytes);
    }
  });
  scope.addHook('onSend', async (request, reply, payload) => send(request, reply, payload));
}

/** An answer that no hook of the scope will see. */
export function sendBare(reply: FastifyReply, status: number, body: object): void {
  const text = JSON.stringify(body);
  reply.code(status).type('application/json').header('vary', 'Accept-Encoding');
  if (listsGzip(reply.request.headers)) void reply.header('content-encoding', 'gzip').send(gzipSync(text));
  else void reply.send(text);
}

async function send(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  if (reply.statusCode === 204) return payload;
  reply.header('vary', 'Accept-Encoding');
  if (!listsGzip(request.headers) || (typeof payload !== 'string' && !Buffer.isBuffer(payload)))
    return payload;
  reply.header('content-encoding', 'gzip').removeHeader('content-length');
  return payload.length <= SHORT ? gzipSync(payload) : compress(payload);
}

/** `deflate, gzip;q=0.5`; not `gzip;q=0`, and not `*`, which names nothing. */
export function listsGzip(headers: IncomingHttpHeaders): boolean {
  const given = headers['accept-encoding'];
  return [given ?? ''].flat().some((text) =>
    text.split(',').some((each) => {
      const [name = '', ...parameters] = each.toLowerCase().split(';');
      if (!['gzip', 'x-gzip'].includes(name.trim())) return false;
      return !parameters.some((one) => /^\s*q\s*=\s*0(\.0{0,3})?\s*$/.test(one));
    }),
  );
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  return coding !== undefined || (length !== undefined && length !== '0');
}

/** Any JSON value; undefined for nothing at all. */
async function readBody(payload: AsyncIterable<Buffer>, limit: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of payload) {
      size += chunk.length;
      if (size > limit) {
        throw new DomainError('limit', 'body-too-large', `The request body is longer than ${limit} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw notJson('The request broke off before the end of its body');
  }
  return parsed(Buffer.concat(chunks));
}

function parsed(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw notJson('it is not UTF-8');
  }
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text, withoutProto) as unknown;
  } catch (error) {
    throw notJson((error as Error).message.slice(0, 200));
  }
}

/** A member of this name would become the object's ancestor when it is copied. */
function withoutProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}

function notJson(why: string): DomainError {
  return new DomainError('invalid', 'body-not-json', `The request body is not JSON: ${why}`);
}
