/** What servers are made of: OS builds and applications (specs: cloudbolt.md §5). */
import { Type } from 'typebox';
import type { Core } from '../../core.js';
import type { BlockField, BuildingBlocks } from '../../ordering/building-blocks.js';
import { callerOf } from './auth.js';
import { bodyOf } from './body.js';
import { notFoundHere } from './errors.js';
import { globalId, readKey } from './hrefs.js';
import { integer, text, time } from './paths.js';
import {
  addCollection,
  type Collection,
  HalItem,
  ItemParams,
  itemOf,
  type Mounting,
  sendHal,
} from './resource.js';
import { required, textMember } from './values.js';

interface BlockRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly osFamily: string | null;
}

function blocks(
  name: string,
  thing: string,
  room: (core: Core) => BuildingBlocks,
): Collection<BlockField, BlockRow> {
  return {
    name,
    tag: 'Environments',
    thing,
    paths: {
      id: integer('number'),
      pk: integer('number'),
      'global-id': text('code'),
      name: text('name'),
      description: text('description'),
      'os-family': text('osFamily'),
      'create-date': time('createdAt'),
    },
    reads: ['number', 'code', 'name', 'description', 'osFamily'],
    title: (row) => row.name,
    thin: (row) => ({ name: row.name, id: String(row.number) }),
    list: (core, caller, query) => room(core).list(caller, query),
    item: async ({ core, caller, hrefs, row }) => {
      const block = await room(core).find(caller, { number: row.number });
      const environments = await room(core).environments(caller, block);
      return {
        _links: {
          self: hrefs.link(name, { ...row, title: row.name }),
          environments: environments.map((each) => hrefs.link('environments', { ...each, title: each.name })),
        },
        name: row.name,
        id: String(row.number),
        'global-id': globalId(name, row),
        description: row.description,
        'os-family': row.osFamily,
      };
    },
  };
}

export const OS_BUILDS = blocks('os-builds', 'OS build', (core) => core.osBuilds);
export const APPLICATIONS = blocks('applications', 'application', (core) => core.applications);

const NewBlock = Type.Object(
  {
    name: Type.String(),
    description: Type.Optional(Type.String()),
    'os-family': Type.Optional(Type.String({ description: '`Linux -> CentOS`; made where it is not there' })),
  },
  { title: 'NewBuildingBlock' },
);

export function addBuildingBlocks(mounting: Mounting): void {
  addBlocks(mounting, OS_BUILDS, mounting.core.osBuilds);
  addBlocks(mounting, APPLICATIONS, mounting.core.applications);
}

function addBlocks(
  mounting: Mounting,
  collection: Collection<BlockField, BlockRow>,
  room: BuildingBlocks,
): void {
  const { scope, core, hrefs } = mounting;
  const { name, tag, thing } = collection;
  addCollection(mounting, collection);
  scope.post(
    `/${name}`,
    {
      schema: {
        tags: [tag],
        operationId: `${name.replaceAll('-', '_')}_create`,
        summary: `Make an ${thing}`,
        body: NewBlock,
        response: { 201: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const osFamily = (textMember(body, 'os-family') ?? '').split('->').map((step) => step.trim());
      const block = await room.create(caller, {
        name: required('name', textMember(body, 'name')),
        description: textMember(body, 'description') ?? '',
        osFamily: osFamily.filter((step) => step !== ''),
      });
      const item = await itemOf(collection, { core, caller, hrefs }, String(block.number));
      return sendHal(request, reply, item, 201);
    },
  );
  scope.delete<{ Params: { id: string } }>(
    `/${name}/:id`,
    {
      schema: {
        tags: [tag],
        operationId: `${name.replaceAll('-', '_')}_delete`,
        summary: `Delete an ${thing}`,
        params: ItemParams,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const key = readKey(name, request.params.id);
      if (key === null) throw notFoundHere();
      await room.remove(callerOf(request), key);
      return reply.code(204).send();
    },
  );
}
