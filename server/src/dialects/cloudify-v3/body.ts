/**
 * Bodies as Cloudify's clients send them. They write `Content-type: application/json` on everything: on requests
 * without a body, and on archives that follow as a raw chunked stream. So the route says what it takes, not the header.
 *
 *   json (default)   nothing at all, or a JSON object; its top-level nulls count as absent
 *   unnamed          the same, whatever it is called: the published document's own example calls it nothing
 *   raw              whatever comes, handed on as a stream, unread and unlimited: the service that reads it limits it
 */
import type { IncomingMessage } from 'node:http';
import multipart from '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { readDocument } from '../../json-document.js';
import { badParameters, CloudifyError } from './errors.js';
import { withoutNulls } from './lenient.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route takes as its body; see `dialects/cloudify-v3/body.ts`. */
    cloudifyBody?: 'raw' | 'unnamed';
    /** Answered without credentials. */
    cloudifyOpen?: boolean;
  }
}

/** Replaces the scope's body parsers and its validation. */
export async function acceptBodies(scope: FastifyInstance, limits: { jsonBytes: number }): Promise<void> {
  scope.removeAllContentTypeParsers();
  await scope.register(multipart, {
    limits: {
      fields: 20,
      fieldSize: limits.jsonBytes,
      files: 1,
      parts: 21,
      fileSize: Number.POSITIVE_INFINITY,
    },
  });
  scope.addContentTypeParser(
    '*',
    async (request: { headers: IncomingMessage['headers'] } & object, payload: IncomingMessage) => {
      const kind = kindOf(request);
      if (kind === 'raw') return payload;
      const name = kind === 'unnamed' ? undefined : request.headers['content-type'];
      return readObject(payload, name, limits.jsonBytes);
    },
  );
  scope.setValidatorCompiler<TSchema>(({ schema, httpPart }) => {
    if (httpPart !== 'body') return (value: unknown) => ({ value });
    return bodyValidator(schema);
  });
  // Response schemas describe; what is sent was shaped where it was made.
  scope.setSerializerCompiler(() => (value) => JSON.stringify(value));
}

function kindOf(request: object): string | undefined {
  const { routeOptions } = request as { routeOptions?: { config?: { cloudifyBody?: string } } };
  return routeOptions?.config?.cloudifyBody;
}

/** A JSON object; undefined for an empty body. */
export async function readObject(
  payload: AsyncIterable<Buffer>,
  contentType: string | undefined,
  limit: number,
): Promise<Record<string, unknown> | undefined> {
  const bytes = await readAll(payload, limit);
  if (bytes.length === 0) return undefined;
  if (contentType !== undefined && !/^application\/json\b/i.test(contentType)) {
    throw new CloudifyError(
      415,
      'unsupported_content_type_error',
      `Content type must be application/json, not ${contentType}`,
    );
  }
  return parseObject(bytes);
}

/** All of it, up to `limit` bytes. */
export async function readAll(payload: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of payload) {
      size += chunk.length;
      if (size > limit) {
        throw new CloudifyError(
          413,
          'bad_parameters_error',
          `The request body is longer than ${limit} bytes`,
        );
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof CloudifyError) throw error;
    throw badParameters('The request broke off before the end of its body');
  }
  return Buffer.concat(chunks);
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badParameters('The request body is not valid JSON: it is not UTF-8');
  }
  if (text.trim() === '') return undefined;
  const value = readDocument(text, 'The request body');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badParameters('The request body must be a JSON object');
  }
  return withoutNulls(value as Record<string, unknown>);
}

/** Checks a body and says in the reference server's words what is missing. An absent body is an empty object. */
function bodyValidator(schema: TSchema): (value: unknown) => { value?: unknown; error?: Error } {
  const validator = Compile(schema);
  return (given) => {
    const value = given ?? {};
    if (validator.Check(value)) return { value };
    const [first] = validator.Errors(value);
    if (first?.keyword === 'required') {
      const missing = (first.params as { requiredProperties: string[] }).requiredProperties;
      return { error: badParameters(`Missing ${missing.join(', ')} in json request body`) };
    }
    const path = (first?.instancePath ?? '').slice(1).replaceAll('/', '.');
    return {
      error: badParameters(
        `Invalid value for ${path || 'the request body'}: ${first?.message ?? 'not understood'}`,
      ),
    };
  };
}
