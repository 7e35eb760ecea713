/**
 * The file server beside the API (cloudify.md §4.15): files of blueprints, one by one or told as a folder. Its paths name the
 * tenant, as URLs that clients build do; who may read is decided as for the blueprint itself.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Core } from '../../core.js';
import { DomainError, notFound } from '../../errors.js';
import { sendJson } from './answer.js';
import { callerOf } from './auth.js';
import { Bytes, describe } from './described.js';
import { Dict, Text } from './fields.js';
import type { Mounting } from './mounting.js';

const Whole = Type.Object({ tenant: Text, id: Text });
const Params = Type.Object({
  ...Whole.properties,
  path: Type.String({
    description: 'Of a file; of a folder, with or without a slash at its end, for what is in it',
  }),
});
const Folder = Type.Object({ files: Dict }, { title: 'FolderOfFiles' });

type FileRequest = FastifyRequest<{ Params: { tenant: string; id: string; '*'?: string } }>;

/** To a scope under `/resources`. */
export function addResourceFiles({ scope, core }: Pick<Mounting, 'scope' | 'core'>): void {
  scope.get(
    '/blueprints/:tenant/:id',
    {
      schema: describe('Blueprints', 'files', 'Tell the files of a blueprint, with their times', {
        params: Whole,
        response: { 200: Folder },
      }),
    },
    async (request: FileRequest, reply) => answerFile(core, request, reply),
  );
  scope.get(
    '/blueprints/:tenant/:id/*',
    {
      schema: describe('Blueprints', 'file', 'Get a file of a blueprint, or the times of those in a folder', {
        description:
          'The path is that of the file in the uploaded folder. A folder is told as JSON: each path below it, with its time.',
        params: Params,
        response: {
          200: {
            description: 'The file, or what is in the folder',
            content: {
              'application/octet-stream': { schema: Bytes },
              'application/json': { schema: Folder },
            },
          },
        },
      }),
    },
    async (request: FileRequest, reply) => answerFile(core, request, reply),
  );
}

async function answerFile(core: Core, request: FileRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { tenant, id, '*': path = '' } = request.params;
  const blueprint = await core.blueprints.get(callerOf(request), id);
  if (blueprint.tenantName !== tenant) throw notFound('Blueprint', id);
  const isFolder = path === '' || path.endsWith('/');
  const file = isFolder ? null : await fileOf(core, blueprint.uid, path);
  if (file !== null) {
    return (
      reply
        .header('content-type', 'application/octet-stream')
        .header('content-length', file.size)
        // Whoever wrote the blueprint wrote this: no browser shall run it as a page of ours.
        .header('content-disposition', 'attachment')
        .header('x-content-type-options', 'nosniff')
        .send(file.stream)
    );
  }
  const folder = path.replace(/\/+$/, '');
  const below = folder === '' ? 0 : folder.length + 1;
  const files: Record<string, string> = {};
  let after = '';
  for (;;) {
    const page = await core.blueprints.files(blueprint.uid, folder, after);
    for (const one of page) files[one.path.slice(below)] = blueprint.createdAt;
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.path;
  }
  if (Object.keys(files).length === 0 && folder !== '') throw notFound('Blueprint file', path);
  return sendJson(reply, 200, { files });
}

async function fileOf(core: Core, blueprint: Parameters<Core['blueprints']['file']>[0], path: string) {
  try {
    return await core.blueprints.file(blueprint, path);
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'not-found') return null;
    throw error;
  }
}
