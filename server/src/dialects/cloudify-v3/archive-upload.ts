/**
 * Where an uploaded archive is, and what else the request says of it, in each of the forms that clients use.
 *
 *   query and raw body      the older form: names as query parameters, the archive as the (chunked) body
 *   query alone             a parameter names the archive's URL
 *   JSON                    the same names, the URL among them, as a JSON object
 *   multipart               a text field `params` holds the same names as JSON; a file follows, or none
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
import { readDocument } from '../../json-document.js';
import { badParameters } from './errors.js';
import { fieldsOrStream } from './fields-in-body.js';
import type { Params } from './lenient.js';

export type Archive =
  | { readonly kind: 'stream'; readonly stream: Readable }
  | { readonly kind: 'url'; readonly url: string };

/** What the request says beside the archive, whichever way it says it. */
export type UploadFields = Readonly<Record<string, unknown>>;

export interface UploadWords {
  /** The field that names where the archive is. */
  readonly url: string;
  /** The file of a form. */
  readonly file: string;
  /** What is to be sent, as messages name it, e.g. `application archive`. */
  readonly thing: string;
}

export interface UploadLimits {
  readonly archiveBytes: number;
}

/**
 * Reads the request as far as needed and hands it to `take`, which must have read the archive when it returns.
 *
 * @throws CloudifyError `bad_parameters_error`; whatever `take` throws
 */
export async function withArchive<T>(
  request: FastifyRequest<{ Querystring: Params }>,
  words: UploadWords,
  limits: UploadLimits,
  take: (fields: UploadFields, archive: Archive) => Promise<T>,
): Promise<T> {
  const given = (fields: UploadFields, body: Readable | null) => take(fields, archiveOf(fields, body, words));
  if (!request.isMultipart()) {
    const order = async () => {
      const { fields, body } = await fromBody(request, words);
      return given({ ...request.query, ...fields }, body);
    };
    return request.body instanceof Readable ? takeWhole(request.body, order) : order();
  }
  let fields: UploadFields | null = null;
  let early: { stream: Readable; remove: () => Promise<void> } | null = null;
  try {
    for await (const part of partsOf(request)) {
      if (part.type === 'field') {
        if (part.fieldname === 'params') fields = parseParams(part.value);
      } else if (part.fieldname !== words.file) {
        part.file.resume();
      } else if (fields === null) {
        early = await spool(part.file, limits.archiveBytes);
      } else {
        return await takeWhole(part.file, () => given({ ...request.query, ...fields }, part.file));
      }
    }
    return await given({ ...request.query, ...fields }, early?.stream ?? null);
  } finally {
    await early?.remove();
  }
}

/** A text among the fields; empty and null count as absent. */
export function textField(fields: UploadFields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw badParameters(`Invalid value for ${name}: it must be a text`);
  return value;
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
export async function takeWhole<T>(file: Readable, take: () => Promise<T>): Promise<T> {
  try {
    return await take();
  } catch (error) {
    file.resume();
    throw error;
  }
}

/** A URL in the query comes with a body that is empty, whatever the headers say of it. */
async function fromBody(
  { body, query }: FastifyRequest<{ Querystring: Params }>,
  words: UploadWords,
): Promise<{ fields: UploadFields; body: Readable | null }> {
  if (!(body instanceof Readable)) return { fields: {}, body: null };
  if (query[words.url] === undefined) {
    const said = await fieldsOrStream(body);
    return 'fields' in said ? { fields: said.fields, body: null } : { fields: {}, body: said.stream };
  }
  for await (const chunk of body) {
    if ((chunk as Buffer).length > 0) throw bothGiven(words);
  }
  return { fields: {}, body: null };
}

function bothGiven({ thing }: UploadWords) {
  return badParameters(
    `Can't pass both an ${thing} URL via query parameters and an ${thing} via the request body`,
  );
}

function archiveOf(fields: UploadFields, body: Readable | null, words: UploadWords): Archive {
  const url = textField(fields, words.url);
  if (url !== undefined && body !== null) throw bothGiven(words);
  if (url !== undefined) return { kind: 'url', url };
  if (body !== null) return { kind: 'stream', stream: body };
  throw badParameters(`Missing ${words.thing} in the request body or \`${words.url}\``);
}

function parseParams(value: unknown): UploadFields {
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
    const { errored } = file;
    throw error === errored ? badParameters(`The form cannot be read: ${errored?.message}`) : error;
  }
  return { stream: createReadStream(path), remove };
}
