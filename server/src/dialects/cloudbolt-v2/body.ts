/**
 * Bodies as CloudBolt's clients send them (specs: cloudbolt.md §2.1): JSON that may be empty on any request, forms where they sign in,
 * multipart where they import, gzip that is none.
 */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badRequest, CloudBoltError } from './errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `form`: also urlencoded or multipart; `raw`: handed on as a stream, unread. See `dialects/cloudbolt-v2/body.ts`. */
    cloudboltBody?: 'form' | 'raw';
    /** Answered without credentials. */
    cloudboltOpen?: boolean;
  }
}

export type Body = Readonly<Record<string, unknown>>;

/** Replaces the scope's body parsers, its validation and its serialising: routes read their bodies themselves. */
export function acceptBodies(scope: FastifyInstance, limit: number): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const kind = request.routeOptions.config.cloudboltBody;
    if (kind === 'raw') return payload;
    const bytes = await inflated(await readAll(payload, limit), limit);
    const type = request.headers['content-type'] ?? '';
    if (kind === 'form' && /^application\/x-www-form-urlencoded\b/i.test(type)) {
      return Object.fromEntries(new URLSearchParams(textOf(bytes)));
    }
    if (kind === 'form' && /^multipart\/form-data\b/i.test(type)) return formFields(bytes, type);
    return readJson(bytes);
  });
  scope.setValidatorCompiler(() => (value: unknown) => ({ value }));
  scope.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

/** The body as an object; an absent or empty one is an empty object. @throws CloudBoltError 400 for an array and the like */
export function bodyOf(request: FastifyRequest): Body {
  const body = request.body ?? {};
  if (typeof body === 'object' && !Array.isArray(body)) return body as Body;
  throw badRequest('The body must be a JSON object');
}

/** All of it, up to `limit` bytes. */
export async function readAll(payload: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of payload) {
      size += chunk.length;
      if (size > limit) throw new CloudBoltError(413, `The body is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CloudBoltError) throw error;
    throw badRequest('The request broke off before the end of its body');
  }
  return Buffer.concat(chunks);
}

const unzip = promisify(gunzip);

/** Some say gzip of a body that is none: its first bytes tell. */
async function inflated(bytes: Buffer, limit: number): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unzip(bytes, { maxOutputLength: limit });
  } catch {
    throw badRequest(`The body is no gzip, or unpacks to more than ${limit} bytes`);
  }
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('The body is not UTF-8');
  }
}

function readJson(bytes: Buffer): unknown {
  const text = textOf(bytes);
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) ?? undefined;
  } catch (error) {
    throw badRequest(`JSON parse error - ${(error as Error).message}`);
  }
}

/** Small fields of a form; files are not taken. */
function formFields(bytes: Buffer, type: string): Record<string, string> {
  const boundary = /boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))/i.exec(type);
  if (boundary === null) throw badRequest('The form does not say its boundary');
  const fields: Record<string, string> = {};
  for (const part of textOf(bytes)
    .split(`--${boundary[1] ?? boundary[2]}`)
    .slice(1, 21)) {
    const gap = part.indexOf('\r\n\r\n');
    const name = /name="([^"]*)"/i.exec(part.slice(0, Math.max(gap, 0)))?.[1];
    if (gap !== -1 && name !== undefined) fields[name] = part.slice(gap + 4).replace(/\r\n$/, '');
  }
  return fields;
}
