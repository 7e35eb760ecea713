/** Connections (specs: layer5.md §9.1). */
import Type from 'typebox';
import type { Caller } from '../../caller.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { ListFilter } from '../../store/list.js';
import type { ConnectionField } from '../../workspaces/account-environments.js';
import { uuidOrNull } from './access.js';
import {
  CLOUDS,
  CONNECTION,
  CONNECTION_FIELDS,
  CONNECTIONS,
  type ConnectionRow,
  connectionOf,
  coreStatus,
  type Noted,
  readStatus,
  statusOf,
} from './connection-form.js';
import { absent, badRequest } from './errors.js';
import { hybrid, one, pageOf, readFilter, readListing, rowsOf, several, wordsOf } from './listing.js';
import {
  type Call,
  Count,
  entity,
  Id,
  MaybeObject,
  MaybeText,
  type Mounting,
  Name,
  Opaque,
  PAGE,
  pageSchema,
  route,
  Text,
} from './routes.js';
import { KeyedBy } from './spelling.js';

const CONNECTION_HYBRID = entity('ConnectionAndPage', {
  ...CONNECTION_FIELDS,
  page: Type.Integer(),
  pageSize: Type.Integer(),
  totalCount: Type.Integer(),
  connections: Type.Array(CONNECTION),
});
const Word = Type.Optional(Type.String({ maxLength: 256 }));
const Secret = Type.Optional(Opaque);
const NewBody = Type.Object({
  id: Word,
  name: Name,
  kind: Name,
  type: Word,
  subType: Word,
  description: MaybeText,
  status: Word,
  metadata: MaybeObject,
  credentialSecret: Secret,
  credentialId: Word,
});
const ChangeBody = Type.Object({
  name: Type.Optional(Name),
  type: Word,
  subType: Word,
  description: MaybeText,
  status: Word,
  metadata: MaybeObject,
  credentialSecret: Secret,
  credentialId: Word,
});
const root = '/api/integrations/connections';
const tag = 'Connections';

export function addConnections(mounting: Mounting): void {
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'connections_list',
      summary: 'List connections',
      query: {
        ...PAGE,
        kind: 'Only of one of these kinds',
        status: 'Only with one of these statuses',
        type: 'Only of one of these types',
        name: 'Only of this name',
        orgId: 'Another organization',
        filter: 'JSON: `{"kind":["kubernetes"],"status":["connected"]}`',
      },
      answer: pageSchema('ConnectionPage', 'connections', CONNECTION, {
        statusSummary: Type.Object({}, { additionalProperties: Count }),
      }),
    },
    async (call) => {
      const listing = readListing(call.query, CONNECTIONS, filtersOf(call));
      const page = await call.core.accountEnvironments.connections(call.caller, {
        ...listing.query,
        allTenants: call.everywhere,
      });
      const { rows, total } = rowsOf<ConnectionRow>(page);
      const summary = new Map<string, number>();
      for (const { status, noted, count } of await call.core.accountEnvironments.statuses(call.caller)) {
        const word = statusOf(status, noted);
        summary.set(word, (summary.get(word) ?? 0) + count);
      }
      return {
        ...pageOf('connections', listing, { rows: rows.map(connectionOf), total }),
        statusSummary: new KeyedBy(Object.fromEntries(summary)),
      };
    },
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'connections_create',
      summary: 'Register a connection',
      description: 'A `credential_secret` becomes a credential of yours and is never told here.',
      body: NewBody,
      status: 201,
      answer: CONNECTION_HYBRID,
    },
    async (call) => {
      const { name, kind, status: word = 'discovered', id: _, ...rest } = call.body;
      const lower = kind.toLowerCase();
      if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(lower) || lower === 'platform')
        throw badRequest(`kind must be a word such as kubernetes, not ${kind.slice(0, 50)}`);
      const status = readStatus(word);
      const noted = await notedOf(call, { ...rest, status }, name, lower);
      const made = await call.core.cloudAccounts.create(call.caller, {
        name,
        kind: lower,
        isCloud: CLOUDS.has(lower),
        status: coreStatus(status),
        settings: { connection: noted as JsonObject },
      });
      return hybrid('connections', await find(call, made.id));
    },
  );
  route(
    mounting,
    'delete',
    `${root}/meshery/:serverId`,
    {
      tag,
      name: 'connections_delete_of_server',
      summary: 'Delete the connection of a Meshery server',
      answer: CONNECTION,
    },
    async (call) => {
      const id = call.id('serverId', 'Connection of server');
      const listing = readListing({}, CONNECTIONS, [{ selection: 'instance', values: [id] }]);
      const [row] = rowsOf<ConnectionRow>(
        await call.core.accountEnvironments.connections(call.caller, listing.query),
      ).rows;
      if (row === undefined) throw absent('Connection of server', id);
      return remove(call, String(row.id));
    },
  );
  route(
    mounting,
    'get',
    `${root}/kubernetes/:id/context`,
    {
      tag,
      name: 'connections_kubernetes_context',
      summary: 'List the contexts that a Kubernetes connection has noted',
      query: PAGE,
      answer: pageSchema(
        'KubernetesContextPage',
        'contexts',
        entity('KubernetesContext', {
          id: Id,
          name: Text,
          server: Text,
          connectionId: Id,
          kubernetesServerId: Type.Union([Text, Type.Null()]),
          version: Text,
        }),
      ),
    },
    async (call) => {
      const found = await find(call, call.id('id', 'Connection'));
      if (found.kind !== 'kubernetes') throw absent('Kubernetes connection', String(found.id));
      const metadata = found.metadata as JsonObject;
      const text = (key: string) => (typeof metadata[key] === 'string' ? metadata[key] : '');
      const context = {
        id: found.id,
        name: text('name') || found.name,
        server: text('server'),
        connectionId: found.id,
        kubernetesServerId: text('kubernetes_server_id') || null,
        version: text('version'),
      };
      return pageOf('contexts', { page: 0, size: 1 }, { rows: [context], total: 1 });
    },
  );
  route(
    mounting,
    'get',
    `${root}/:id`,
    { tag, name: 'connections_get', summary: 'Get a connection', answer: CONNECTION },
    async (call) => find(call, call.id('id', 'Connection')),
  );
  route(
    mounting,
    'put',
    `${root}/:id`,
    { tag, name: 'connections_update', summary: 'Change a connection', body: ChangeBody, answer: CONNECTION },
    async (call) => {
      const id = call.id('id', 'Connection');
      const { name, status: word, ...rest } = call.body;
      const before = await row(call, id);
      const status = word === undefined ? undefined : readStatus(word);
      const noted = await notedOf(
        call,
        { ...rest, ...(status === undefined ? {} : { status }) },
        name ?? String(before.name),
        before.kind,
      );
      await call.core.cloudAccounts.update(call.caller, id, {
        ...(name === undefined ? {} : { name }),
        ...(status === undefined ? {} : { status: coreStatus(status) }),
        settings: { connection: { ...before.noted, ...noted } as JsonObject },
      });
      return find(call, id);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'connections_delete', summary: 'Delete a connection', answer: CONNECTION },
    async (call) => remove(call, call.id('id', 'Connection')),
  );
}

function filtersOf(call: Call): ListFilter<ConnectionField>[] {
  const filter = readFilter(call.query);
  const words = (key: string) => [...several(call.query, key), ...(wordsOf(filter, key) ?? [])];
  const [kinds, statuses, types] = [words('kind'), words('status'), words('type')];
  const name = one(call.query, 'name')?.trim() ?? '';
  return [
    ...(kinds.length === 0
      ? []
      : [{ field: 'kind' as const, anyOf: kinds.map((kind) => kind.toLowerCase()) }]),
    ...(types.length === 0 ? [] : [{ field: 'notedType' as const, anyOf: types }]),
    ...(name === '' ? [] : [{ field: 'name' as const, anyOf: [name] }]),
    ...(statuses.length === 0 ? [] : [statusFilter(statuses)]),
  ];
}

/** `statusOf`, asked the other way round. */
function statusFilter(wanted: readonly string[]): ListFilter<ConnectionField> {
  const told = ['removing', 'credentials-invalid', 'role-refused', 'paused'];
  const either: ListFilter<ConnectionField>[] = [
    {
      all: [
        { field: 'notedStatus', anyOf: wanted },
        { field: 'status', noneOf: told },
      ],
    },
  ];
  const unsaid: ListFilter<ConnectionField> = { not: { field: 'notedStatus', like: ['%'] } };
  if (wanted.includes('deleted')) either.push({ field: 'status', anyOf: ['removing'] });
  if (wanted.includes('disconnected'))
    either.push({ field: 'status', anyOf: ['credentials-invalid', 'role-refused'] });
  if (wanted.includes('ignored'))
    either.push({
      all: [
        { field: 'status', anyOf: ['paused'] },
        { field: 'notedStatus', anyOf: ['ignored'] },
      ],
    });
  if (wanted.includes('maintenance'))
    either.push({
      all: [{ field: 'status', anyOf: ['paused'] }, { not: { field: 'notedStatus', anyOf: ['ignored'] } }],
    });
  if (wanted.includes('connected')) either.push({ all: [{ field: 'status', anyOf: ['ready'] }, unsaid] });
  if (wanted.includes('discovered'))
    either.push({ all: [{ field: 'status', noneOf: [...told, 'ready'] }, unsaid] });
  return { either };
}

type Given = Omit<Type.Static<typeof ChangeBody>, 'name'>;

/** What is noted on the account; a secret becomes a credential first. */
async function notedOf(call: Call, given: Given, name: string, kind: string): Promise<Noted> {
  const { credentialSecret, credentialId: named, metadata, ...rest } = given;
  let credentialId = uuidOrNull('credentialId', named) ?? undefined;
  if (credentialSecret !== undefined) {
    const secret = credentialSecret as JsonObject;
    credentialId = await call.core.userCredentials.create(call.caller, { name, type: kind, secret });
  }
  return {
    ...rest,
    ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
    ...(credentialId === undefined ? {} : { credentialId }),
  };
}

async function row(
  { core, caller }: { readonly core: Call['core']; readonly caller: Caller },
  id: string,
): Promise<ConnectionRow> {
  const listing = readListing({}, CONNECTIONS, [{ field: 'id', anyOf: [id] }]);
  const [found] = rowsOf<ConnectionRow>(
    await core.accountEnvironments.connections(caller, listing.query),
  ).rows;
  if (found === undefined) throw absent('Connection', id);
  return found;
}

async function find(call: Call, id: string): Promise<Record<string, unknown>> {
  return connectionOf(await row(call, id));
}

async function remove(call: Call, id: string): Promise<unknown> {
  const found = await find(call, id);
  await call.core.cloudAccounts.remove(call.caller, id);
  return { ...found, status: 'deleted', deletedAt: new Date() };
}
