/**
 * What an upload asks for and where its archive is, in each of the forms that clients use.
 *
 *   query and raw body      the older form: names as query parameters, the archive as the (chunked) body
 *   query alone             `blueprint_archive_url` names the archive
 *   JSON body               the same names; `blueprint_archive_url` among them
 *   multipart               a text field `params` holds the same names as JSON; a file `blueprint_archive` follows, or none
 *
 * The archive is never held in memory. A form that sends its file before its `params` is not what the known clients do,
 * but it is legal: that file waits in the temporary folder until the rest is known.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '../../errors.js';
import { badParameters } from './errors.js';
import { fieldsOrStream } from './fields-in-body.js';
import { readDocument } from './json-document.js';
import { readLabels } from './labels.js';
import { booleanOf, type Params } from './lenient.js';
import { readVisibility, type Visibility } from './visibility.js';

export type Archive =
  | { readonly kind: 'stream'; readonly stream: Readable }
  | { readonly kind: 'url'; readonly url: string };

export interface UploadOrder {
  readonly source: Archive;
  readonly mainFile?: string;
  readonly visibility?: Visibility;
  readonly labels?: readonly { readonly key: string; readonly value: string }[];
  /** Answer before the blueprint is compiled. */
  readonly async: boolean;
}

/**
 * Reads the request as far as needed and hands the order to `take`, which must have read the archive when it returns.
 *
 * @throws CloudifyError `bad_parameters_error`; whatever `take` throws
 */
export async function withUploadOrder<T>(
  request: FastifyRequest<{ Querystring: Params }>,
  limits: { readonly archiveBytes: number },
  take: (order: UploadOrder) => Promise<T>,
): Promise<T> {
  if (!request.isMultipart()) {
    const { body } = request;
    const order = async () => take(await fromBody(request));
    return body instanceof Readable ? takeWhole(body, order) : order();
  }
  let fields: Readonly<Record<string, unknown>> | null = null;
  let early: { stream: Readable; remove: () => Promise<void> } | null = null;
  try {
    for await (const part of partsOf(request)) {
      if (part.type === 'field') {
        if (part.fieldname === 'params') fields = parseParams(part.value);
      } else if (part.fieldname !== 'blueprint_archive') {
        part.file.resume();
      } else if (fields === null) {
        early = await spool(part.file, limits.archiveBytes);
      } else {
        return await takeWhole(part.file, () => take(orderOf({ ...request.query, ...fields }, part.file)));
      }
    }
    return await take(orderOf({ ...request.query, ...fields }, early?.stream ?? null));
  } finally {
    await early?.remove();
  }
}

/** The parts of a form. What is wrong with a form is told as its sender's mistake, which the parser does not always do. */
async function* partsOf(request: FastifyRequest<{ Querystring: Params }>) {
  try {
    yield* request.parts();
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code !== undefined && Object.hasOwn(FORM_LIMITS, code)) throw badParameters(FORM_LIMITS[code]!);
    throw badParameters(`The form cannot be read: ${message}`);
  }
}

const FORM_LIMITS: Readonly<Record<string, string>> = {
  FST_FILES_LIMIT: 'The form holds more than one file',
  FST_FIELDS_LIMIT: 'The form holds more fields than are accepted',
  FST_PARTS_LIMIT: 'The form holds more parts than are accepted',
};

/**
 * Reads what a refusal leaves of a file. Clients send a form to its end before they look for an answer, and until
 * somebody reads the file they cannot.
 */
async function takeWhole<T>(file: Readable, take: () => Promise<T>): Promise<T> {
  try {
    return await take();
  } catch (error) {
    file.resume();
    throw error;
  }
}

async function fromBody(request: FastifyRequest<{ Querystring: Params }>): Promise<UploadOrder> {
  const { body, query } = request;
  if (!(body instanceof Readable)) return orderOf(query, null);
  // A URL comes with a body that is empty, whatever the headers say of it.
  if (query.blueprint_archive_url === undefined) {
    const said = await fieldsOrStream(body);
    return 'fields' in said ? orderOf({ ...query, ...said.fields }, null) : orderOf(query, said.stream);
  }
  for await (const chunk of body) {
    if ((chunk as Buffer).length > 0) throw bothGiven();
  }
  return orderOf(query, null);
}

function orderOf(fields: Readonly<Record<string, unknown>>, body: Readable | null): UploadOrder {
  const url = textOf(fields, 'blueprint_archive_url');
  if (url !== undefined && body !== null) throw bothGiven();
  const source: Archive | null =
    url !== undefined ? { kind: 'url', url } : body === null ? null : { kind: 'stream', stream: body };
  if (source === null)
    throw badParameters('Missing application archive in the request body or `blueprint_archive_url`');
  const mainFile = textOf(fields, 'application_file_name');
  const visibility = readVisibility(fields.visibility, fields.private_resource);
  return {
    source,
    ...(mainFile === undefined ? {} : { mainFile: unquote(mainFile) }),
    ...(visibility === undefined ? {} : { visibility }),
    ...(fields.labels === undefined || fields.labels === null
      ? {}
      : { labels: readLabels(parsed(fields.labels)) }),
    async: booleanOf('async_upload', fields.async_upload, false),
  };
}

function bothGiven() {
  return badParameters(
    "Can't pass both an archive URL via query parameters and an archive via the request body",
  );
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw badParameters(`Invalid value for ${name}: it must be a text`);
  return value;
}

/** Clients quote the name once more than a URL needs. */
function unquote(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** In a query, labels are JSON in a text. */
function parsed(value: unknown): unknown {
  return typeof value === 'string' ? readDocument(value, 'The value of labels') : value;
}

function parseParams(value: unknown): Readonly<Record<string, unknown>> {
  const params = readDocument(String(value), 'The `params` field of the form');
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw badParameters('The `params` field of the form must be a JSON object');
  }
  return params as Record<string, unknown>;
}

async function spool(
  file: Readable,
  mostBytes: number,
): Promise<{ stream: Readable; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-upload-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  let size = 0;
  const limited = new Transform({
    transform(chunk: Buffer, _, done) {
      size += chunk.length;
      if (size <= mostBytes) return done(null, chunk);
      done(new DomainError('limit', 'archive-too-large', `An archive may have at most ${mostBytes} bytes`));
    },
  });
  const path = join(folder, 'archive');
  try {
    await pipeline(file, limited, createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    await remove();
    throw error;
  }
  return { stream: createReadStream(path), remove };
}
