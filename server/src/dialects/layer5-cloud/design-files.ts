/** Designs as files: cloned, downloaded, their sources, made of other tools' files (specs: layer5.md §8.2, §10.3). */
import Type from 'typebox';
import { designOfFile } from '../../designs/design-file.js';
import type { DesignResourceField } from '../../designs/design-resources.js';
import { MOST_BYTES } from '../../designs/designs.js';
import { uuidOrNull } from './access.js';
import { type Kind, PATTERN, read, WASM_FILTER, workspaceOf } from './content-kinds.js';
import { DESIGN, DESIGNS_WHOLE } from './design-form.js';
import { absent, badRequest, WireError } from './errors.js';
import { type ListingOptions, pageOf, type Query, readListing, rowsOf } from './listing.js';
import { actingOf, authenticate, credentialOf } from './org-context.js';
import {
  type Call,
  entity,
  Flag,
  Id,
  MaybeId,
  MaybeTime,
  type Mounting,
  Name,
  openRoute,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const CloneBody = Type.Optional(Type.Object({ name: Type.Optional(Type.String({ maxLength: 512 })) }));
const ImportBody = Type.Object({
  file: Type.Optional(Type.String()),
  fileName: Type.Optional(Type.String({ maxLength: 512 })),
  url: Type.Optional(Type.String({ maxLength: 2048 })),
  name: Type.Optional(Type.String({ maxLength: 512 })),
});
const Word = Type.Optional(Type.String({ maxLength: 512 }));
const ResourceBody = Type.Optional(
  Type.Object({ id: Word, name: Type.Optional(Name), namespace: Word, type: Word, oamType: Word }),
);
const RESOURCE = entity('DesignResource', {
  id: Id,
  userId: MaybeId,
  name: Text,
  namespace: Text,
  type: Text,
  oamType: Text,
  deleted: Flag,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
const RESOURCES: ListingOptions<DesignResourceField> = {
  fields: ['id', 'owner', 'name', 'namespace', 'type', 'model', 'createdAt', 'updatedAt'],
};

export function addDesignFiles(mounting: Mounting): void {
  for (const of of [PATTERN, WASM_FILTER]) addFiles(mounting, of);
  route(
    mounting,
    'post',
    '/api/pattern/import',
    {
      tag: 'Designs',
      name: 'designs_import',
      summary: 'Make a design of a file',
      description:
        'A design, Kubernetes manifests, a Compose file or a packed Helm chart, as base64 in `file` or at `url`. The file is kept beside the design.',
      body: ImportBody,
      answer: Type.Array(DESIGN),
    },
    async (call) => {
      const { file = '', fileName = '', url = '', name } = call.body;
      if ((file === '') === (url === '')) throw badRequest('Send either file or url');
      if (url !== '') return importFrom(call, PATTERN, url, name ?? null, true);
      if (!/^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(file) || file.length % 4 === 1)
        throw badRequest('file is not base64');
      return imported(call, PATTERN, Buffer.from(file, 'base64'), fileName, name ?? null, true);
    },
  );
  addResources(mounting);
}

function addFiles(mounting: Mounting, of: Kind): void {
  const { root, tag, word } = of;
  const names = of.items === 'patterns' ? 'designs' : 'filters';
  route(
    mounting,
    'post',
    `${root}/clone/:id`,
    {
      tag,
      name: `${names}_clone`,
      summary: `Copy a ${word} into the organization`,
      body: CloneBody,
      answer: of.schema,
    },
    async (call) => {
      const id = call.id('id', 'Design');
      const row = await read(call, of, id);
      const given = (call.body as { name?: string } | undefined)?.name ?? '';
      const source = await call.core.designs.sourceOf(id);
      const copy = await call.core.designs.put(call.caller, {
        kind: of.kind,
        name: given.trim() === '' ? `${String(row.name).slice(0, 500)} (Copy)` : given,
        body: String(row.body),
        workspace: await workspaceOf(call, undefined),
        ...(row.origin === null ? {} : { origin: String(row.origin) }),
        ...(source === null ? {} : { source }),
      });
      await call.core.designs.count(id, 'clones');
      return of.form(await read(call, of, copy));
    },
  );
  openRoute(
    mounting,
    'get',
    `${root}/download/:id`,
    {
      tag,
      name: `${names}_download`,
      summary: `Download a ${word}: the file it was made of, else its text`,
      description: 'What is published needs no token.',
      media: { 'application/yaml': 'The text', 'application/octet-stream': 'The file it was made of' },
    },
    async (request, reply) => {
      const { core } = mounting;
      const id = String((request.params as { id: string }).id).toLowerCase();
      if (!/^[0-9a-f-]{36}$/.test(id)) throw absent('Design', id);
      const listing = readListing({}, DESIGNS_WHOLE, [{ field: 'id', anyOf: [id] }]);
      let [row] = rowsOf<Record<string, unknown>>(await core.designs.published(of.kind, listing.query)).rows;
      if (row === undefined) {
        const person = await authenticate(core, credentialOf(request));
        const { caller } = await actingOf(request, core, person, request.query as Query);
        [row] = rowsOf<Record<string, unknown>>(
          await core.designs.reachable(caller, of.kind, listing.query),
        ).rows;
      }
      if (row === undefined) throw absent('Design', id);
      const source = await core.designs.sourceOf(id);
      await core.designs.count(id, 'downloads');
      const file =
        String(row.name)
          .replace(/[^A-Za-z0-9_.-]+/g, '-')
          .slice(0, 100) || 'design';
      reply.header(
        'content-disposition',
        `attachment; filename="${source?.name?.replace(/[^A-Za-z0-9_.-]+/g, '-') ?? `${file}.yaml`}"`,
      );
      reply.type(source === null ? 'application/yaml' : 'application/octet-stream');
      return reply.send(source?.content ?? Buffer.from(String(row.body)));
    },
  );
  route(
    mounting,
    'post',
    `${root}/upload/:id`,
    {
      tag,
      name: `${names}_upload`,
      summary: `Keep the file that a ${word} was made of`,
      upload: 'Any bytes',
      answer: of.schema,
    },
    async (call) => {
      const id = call.id('id', 'Design');
      if (!Buffer.isBuffer(call.body) || call.body.length === 0)
        throw badRequest('The body is empty', 'Send the file as it is');
      await call.core.designs.keepSource(call.caller, of.kind, id, call.body);
      return of.form(await read(call, of, id));
    },
  );
}

/** Reads a URL and makes a design of what is there. @throws WireError 400 */
export async function importFrom(
  call: Call,
  of: Kind,
  url: string,
  name: string | null,
  save: boolean,
): Promise<unknown[]> {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw badRequest('url is no URL');
  }
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:')
    throw badRequest('url must begin with https:// or http://');
  const bytes = await call.core.designs.fetchFile(url);
  return imported(call, of, bytes, decodeURIComponent(parsed.pathname.split('/').at(-1) ?? ''), name, save);
}

async function imported(
  call: Call,
  of: Kind,
  bytes: Buffer,
  fileName: string,
  name: string | null,
  save: boolean,
): Promise<unknown[]> {
  if (bytes.length === 0) throw badRequest('The file is empty');
  if (bytes.length > MOST_BYTES) throw new WireError(413, `A design has at most ${MOST_BYTES} bytes`);
  const wanted = name?.trim() || fileName.replace(/\.(ya?ml|json|tgz|tar\.gz)$/i, '') || 'Imported design';
  const { origin, body, name: own } = designOfFile(bytes, wanted);
  const id = await call.core.designs.put(call.caller, {
    kind: of.kind,
    name: name?.trim() || own || wanted,
    body,
    workspace: await workspaceOf(call, undefined),
    origin,
    source: { name: fileName === '' ? null : fileName, content: bytes },
  });
  const row = await read(call, of, id);
  if (!save) await call.core.designs.remove(call.caller, of.kind, id);
  return [of.form(row)];
}

function addResources(mounting: Mounting): void {
  const tag = 'Designs';
  const root = '/api/content/patterns/resource';
  const find = async (call: Call, id: string) => {
    const [row] = rowsOf<Record<string, unknown>>(
      await call.core.designResources.list(
        call.caller,
        readListing({}, RESOURCES, [{ field: 'id', anyOf: [id] }]).query,
      ),
    ).rows;
    if (row === undefined) throw absent('Resource', id);
    return resourceOf(row);
  };
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'design_resources_list',
      summary: 'List resources that were made of designs',
      query: PAGE,
      answer: pageSchema('DesignResourcePage', 'resources', RESOURCE),
    },
    async (call) => {
      const listing = readListing(call.query, RESOURCES);
      const { rows, total } = rowsOf<Record<string, unknown>>(
        await call.core.designResources.list(call.caller, listing.query),
      );
      return pageOf('resources', listing, { rows: rows.map((row) => resourceOf(row)), total });
    },
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'design_resources_put',
      summary: 'Note a resource that was made of a design',
      body: ResourceBody,
      answer: RESOURCE,
    },
    async (call) => {
      const {
        id,
        name = '',
        namespace = '',
        type = '',
        oamType = '',
      } = (call.body ?? {}) as Record<string, string | undefined>;
      if (name === '') throw badRequest('name is missing');
      return find(
        call,
        await call.core.designResources.put(call.caller, {
          id: uuidOrNull('id', id),
          name,
          namespace,
          type,
          model: oamType,
        }),
      );
    },
  );
  route(
    mounting,
    'get',
    `${root}/:id`,
    { tag, name: 'design_resources_get', summary: 'Get such a resource', answer: RESOURCE },
    async (call) => find(call, call.id('id', 'Resource')),
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'design_resources_delete', summary: 'Delete such a resource', answer: RESOURCE },
    async (call) => {
      const found = await find(call, call.id('id', 'Resource'));
      await call.core.designResources.remove(call.caller, String(found.id));
      return { ...found, deleted: true, deletedAt: new Date() };
    },
  );
}

const resourceOf = ({ owner, model, ...row }: Record<string, unknown>): Record<string, unknown> => ({
  ...row,
  userId: owner,
  oamType: model,
  deleted: false,
  deletedAt: null,
});
