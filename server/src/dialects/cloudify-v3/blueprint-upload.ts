/** What an upload of a blueprint asks for, in any of the forms of `archive-upload.ts`. */
import type { FastifyRequest } from 'fastify';
import { readDocument } from '../../json-document.js';
import {
  type Archive,
  textField,
  type UploadFields,
  type UploadLimits,
  withArchive,
} from './archive-upload.js';
import { readLabels } from './labels.js';
import { booleanOf, type Params } from './lenient.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { readVisibility, type Visibility } from './visibility.js';

export interface UploadOrder {
  readonly source: Archive;
  readonly mainFile?: string;
  readonly visibility?: Visibility;
  readonly labels?: readonly { readonly key: string; readonly value: string }[];
  /** Answer before the blueprint is compiled. */
  readonly async: boolean;
}

const WORDS = { url: 'blueprint_archive_url', file: 'blueprint_archive', thing: 'application archive' };

/**
 * Reads the request as far as needed and hands the order to `take`, which must have read the archive when it returns.
 *
 * @throws CloudifyError `bad_parameters_error`; whatever `take` throws
 */
export async function withUploadOrder<T>(
  request: FastifyRequest<{ Querystring: Params }>,
  limits: UploadLimits,
  take: (order: UploadOrder) => Promise<T>,
): Promise<T> {
  return withArchive(request, WORDS, limits, (fields, source) => take(orderOf(fields, source)));
}

function orderOf(fields: UploadFields, source: Archive): UploadOrder {
  refuseRestored(fields, [...OF_RECORDS, 'state']);
  // A record with nothing behind it: a restore brings the archive afterwards.
  if (booleanOf('skip_execution', fields.skip_execution, false)) refuseRestored(fields, ['skip_execution']);
  const mainFile = textField(fields, 'application_file_name');
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
