/** Taking things from one installation to another, as zips (specs: cloudbolt.md §5). */
import multipart from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Package } from '../../ordering/packages.js';
import {
  ACTIONS,
  ORCHESTRATION_ACTIONS,
  RESOURCE_ACTIONS,
  SERVER_ACTIONS,
  SERVICE_ACTIONS,
} from './actions.js';
import { authenticate, callerOf } from './auth.js';
import { BLUEPRINTS } from './blueprints.js';
import { readAll } from './body.js';
import { badRequest, notFoundHere } from './errors.js';
import { ROOT, readKey, type WireKey } from './hrefs.js';
import { type Query, single } from './listing.js';
import { FORMS, PACKAGE_LIMITS, packed, unpacked } from './package-wire.js';
import { type Collection, HalItem, ItemParams, itemOf, type Mounting, sendHal } from './resource.js';
import { RULES } from './rules.js';
import { readBoolean } from './values.js';

type AnyCollection = Collection<never, never>;

interface Exportable {
  readonly collection: AnyCollection;
  /** @param withPlaces what it says of this installation goes along */
  pack(caller: Caller, key: WireKey, withPlaces: boolean): Promise<Package>;
}

function exportables({ core }: Mounting): readonly Exportable[] {
  const any = (collection: unknown) => collection as AnyCollection;
  return [
    { collection: any(ACTIONS), pack: (caller, key) => core.packages.ofAction(caller, key) },
    {
      collection: any(BLUEPRINTS),
      pack: (caller, key, withPlaces) => core.packages.ofOffer(caller, key, withPlaces),
    },
    { collection: any(SERVER_ACTIONS), pack: (caller, key) => core.packages.ofUse(caller, 'server', key) },
    { collection: any(SERVICE_ACTIONS), pack: (caller, key) => core.packages.ofUse(caller, 'resource', key) },
    {
      collection: any(RESOURCE_ACTIONS),
      pack: (caller, key) => core.packages.ofUse(caller, 'resource', key),
    },
    {
      collection: any(ORCHESTRATION_ACTIONS),
      pack: (caller, key) => core.packages.ofUse(caller, 'trigger', key),
    },
    { collection: any(RULES), pack: (caller, key) => core.packages.ofRule(caller, key) },
  ];
}

export async function addExportable(mounting: Mounting): Promise<void> {
  // A scope of its own, since only here forms are read as streams.
  await mounting.scope.register(async (scope) => {
    await scope.register(multipart, {
      limits: { files: 1, fields: 10, fieldSize: 1000, parts: 11, fileSize: PACKAGE_LIMITS.archiveBytes },
    });
    addContent({ ...mounting, scope });
    addPackages({ ...mounting, scope });
  });
}

function addPackages(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  for (const { collection, pack } of exportables(mounting)) {
    const { name, thing, tag } = collection;
    const id = name.replaceAll('-', '_');
    scope.get(
      `/${name}/:id/export`,
      {
        schema: {
          tags: [tag],
          operationId: `${id}_export`,
          summary: `Take ${thing} elsewhere, as a zip`.replace('Take ', 'Take the '),
          params: ItemParams,
          querystring: Type.Object({
            'instance-specific-info': Type.Optional(
              Type.String({ description: '1: with the groups and environments that it names' }),
            ),
          }),
          response: {
            200: { content: { 'application/zip': { schema: Type.String({ format: 'binary' }) } } },
          },
        },
      },
      async (request: FastifyRequest<{ Params: { id: string }; Querystring: Query }>, reply) => {
        const key = readKey(name, request.params.id);
        if (key === null) throw notFoundHere();
        const info = flag(request.query, 'instance-specific-info');
        const file = await packed(FORMS[name]!, await pack(callerOf(request), key, info));
        return (
          reply
            .type('application/zip')
            // Without quotes: clients take what follows the equals sign.
            .header('content-disposition', `attachment; filename=${file.name}.zip`)
            .send(file.bytes)
        );
      },
    );
    scope.post(
      `/${name}/import`,
      {
        config: { cloudboltBody: 'raw' },
        schema: {
          tags: [tag],
          operationId: `${id}_import`,
          summary: `Take in the ${thing} of a zip`,
          querystring: Type.Object({
            'replace-existing': Type.Optional(
              Type.String({ description: '1: what has the name is replaced' }),
            ),
          }),
          uploads: { 'multipart/form-data': Type.Object({ file: Type.String({ format: 'binary' }) }) },
          response: { 200: HalItem },
        },
      },
      async (request: FastifyRequest<{ Querystring: Query }>, reply) => {
        const caller = callerOf(request);
        const replace = flag(request.query, 'replace-existing');
        const given = await unpacked(await uploaded(request), FORMS[name]!);
        const number = await core.packages.take(caller, given, replace);
        return sendHal(request, reply, await itemOf(collection, { core, caller, hrefs }, String(number)));
      },
    );
  }
}

/** Absent: false. */
function flag(query: Query, name: string): boolean {
  const given = single(query, name) ?? '';
  return given === '' ? false : readBoolean(name, given);
}

/** The file of a form, or the whole body where it is none. */
async function uploaded(request: FastifyRequest): Promise<Buffer> {
  if (!request.isMultipart()) {
    const { body } = request as { body?: AsyncIterable<Buffer> };
    if (body === undefined) throw badRequest(`Missing required field 'file'`);
    return readAll(body, PACKAGE_LIMITS.archiveBytes);
  }
  const bytes = await fileOf(request);
  if (bytes === null) throw badRequest(`Missing required field 'file'`);
  return bytes;
}

/** Null: the form has no file. */
async function fileOf(request: FastifyRequest): Promise<Buffer | null> {
  try {
    const file = await request.file();
    return file === undefined ? null : await file.toBuffer();
  } catch (error) {
    // Limits say their status; what has none is a form that its parser could not read.
    if (error instanceof Error && 'statusCode' in error) throw error;
    throw badRequest('The form cannot be read, or broke off before its end');
  }
}

const KINDS = {
  blueprints: 'offer',
  actions: 'action',
  'server-actions': 'server',
  'service-actions': 'resource',
  'orchestration-actions': 'trigger',
  rules: 'rule',
} as const;

/** What could be taken elsewhere, by collection; told to everybody, since servers ask each other. */
function addContent(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  scope.get(
    '/exportable-content',
    {
      config: { cloudboltOpen: true },
      schema: {
        tags: ['Catalogue'],
        operationId: 'exportable_content',
        summary: 'What could be taken elsewhere',
        open: true,
        response: { 200: Type.Record(Type.String(), Type.Array(Type.Object({ name: Type.String() }))) },
      },
    },
    async (request, reply) => {
      if (!core.settings.cloudboltContentOpen) await authenticate(request, core);
      const content = await core.packages.content(core.settings.cloudboltTenant);
      const body = Object.fromEntries(
        Object.entries(KINDS).map(([collection, kind]) => [
          collection,
          content
            .filter((each) => each.kind === kind)
            .map(({ name, ...thing }) => ({
              name,
              'package-url': `${hrefs.item(collection, thing).replace(/\/$/, '')}/export/`,
            })),
        ]),
      );
      return sendHal(request, reply, {
        _links: { self: { href: `${ROOT}/exportable-content/`, title: 'Exportable Content' } },
        ...body,
      });
    },
  );
}
