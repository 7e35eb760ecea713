/**
 * Bodies as clients of this API send them (specs: layer5.md §1.1): JSON without a Content-Type, JSON on DELETE, source files as
 * raw bytes. The route says what it takes, not the header.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { readDocument } from '../../json-document.js';
import { badRequest, WireError } from './errors.js';
import { inCamelCase } from './spelling.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `json` by default; `raw`: bytes; `form`: the fields of an HTML form. */
    layer5Body?: 'raw' | 'form';
    /** Answered without credentials. */
    layer5Open?: boolean;
  }
}

type Asked = { readonly routeOptions?: { readonly config?: { readonly layer5Body?: string } } };

/** Designs may have 16 MiB; as JSON text that is more. */
const RAW_LIMIT = 16 * 1024 * 1024;
const JSON_LIMIT = 24 * 1024 * 1024;

/** Replaces the scope's body parsers. */
export function acceptBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', async (request: Asked & object, payload: IncomingMessage) => {
    const kind = request.routeOptions?.config?.layer5Body;
    const bytes = await readAll(payload, kind === 'raw' ? RAW_LIMIT : JSON_LIMIT);
    if (kind === 'raw') return bytes;
    if (kind === 'form') return Object.fromEntries(new URLSearchParams(bytes.toString('utf8')));
    return parsed(bytes);
  });
}

async function readAll(payload: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of payload) {
      size += chunk.length;
      if (size > limit) throw new WireError(413, `The body is longer than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    // The client has gone: there is nobody to answer.
    throw error instanceof WireError ? error : badRequest('The body broke off');
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badRequest('The body is not JSON');
  }
  return inCamelCase(readDocument(text, 'The body'));
}
