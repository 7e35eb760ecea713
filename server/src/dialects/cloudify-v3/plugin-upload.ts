/** What an upload of a plugin asks for, in any of the forms of `archive-upload.ts`. */
import type { FastifyRequest } from 'fastify';
import type { PluginUploadRequest } from '../../catalog/plugin-uploads.js';
import { textField, type UploadFields, type UploadLimits, withArchive } from './archive-upload.js';
import { badParameters } from './errors.js';
import { checkId, type Params } from './lenient.js';
import { readVisibility } from './visibility.js';

const WORDS = { url: 'plugin_archive_url', file: 'plugin_archive', thing: 'plugin archive' };

/** Hands the order to `take`, which must have read the archive when it returns. */
export async function withPluginOrder<T>(
  request: FastifyRequest<{ Querystring: Params }>,
  limits: UploadLimits,
  take: (order: PluginUploadRequest) => Promise<T>,
): Promise<T> {
  return withArchive(request, WORDS, limits, async (fields, source) => {
    const visibility = readVisibility(fields.visibility, fields.private_resource);
    const title = textField(fields, 'title');
    const restored = restoredFields(fields);
    return take({
      source,
      ...(visibility === undefined ? {} : { visibility }),
      ...(title === undefined ? {} : { title }),
      ...(restored === undefined ? {} : { restored }),
    });
  });
}

function restoredFields(fields: UploadFields): PluginUploadRequest['restored'] {
  const id = textField(fields, 'id');
  const uploadedAt = textField(fields, 'uploaded_at');
  const createdBy = textField(fields, 'created_by');
  if (id !== undefined) checkId('id', id, { leadingLetter: false });
  if (id === undefined && uploadedAt === undefined && createdBy === undefined) return undefined;
  return {
    ...(id === undefined ? {} : { id }),
    ...(uploadedAt === undefined ? {} : { uploadedAt: readTime('uploaded_at', uploadedAt) }),
    ...(createdBy === undefined ? {} : { createdBy }),
  };
}

/** ISO 8601; without a zone UTC is meant. */
function readTime(name: string, text: string): string {
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`;
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text) ? new Date(zoned.replace(' ', 'T')) : null;
  if (time === null || Number.isNaN(time.getTime())) {
    throw badParameters(`Invalid value for ${name}: "${text}" is not a time, e.g. 2026-01-31T12:00:00.000Z`);
  }
  return time.toISOString();
}
