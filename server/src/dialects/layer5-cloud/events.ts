/** Events: what people are told (specs: layer5.md §9.3). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import { type NoticeField, SEVERITIES, type Severity } from '../../notices/notices.js';
import type { ListFilter, ListPage } from '../../store/list.js';
import { absent, badRequest } from './errors.js';
import { type ListingOptions, pageOf, readFilter, readListing, rowsOf, wordsOf } from './listing.js';
import {
  type Call,
  Count,
  entity,
  Id,
  MaybeId,
  MaybeObject,
  type Mounting,
  Opaque,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

export const EVENT = entity('Event', {
  id: Id,
  userId: MaybeId,
  owner: MaybeId,
  systemId: MaybeId,
  operationId: MaybeId,
  category: Text,
  action: Text,
  status: Text,
  severity: Type.Union(SEVERITIES.map((word) => Type.Literal(word))),
  actedUpon: MaybeId,
  description: Text,
  metadata: Opaque,
  firstName: Text,
  lastName: Text,
  email: Text,
  createdAt: Time,
  updatedAt: Time,
});
export const EVENTS: ListingOptions<NoticeField> = {
  fields: [
    'id',
    'user',
    'firstName',
    'lastName',
    'email',
    'systemId',
    'operationId',
    'category',
    'action',
    'severity',
    'status',
    'actedUpon',
    'description',
    'metadata',
    'createdAt',
    'updatedAt',
  ],
};

const Word = Type.Optional(Type.String({ maxLength: 256 }));
const EventBody = Type.Object({
  category: Word,
  action: Word,
  description: Type.Optional(Type.String({ maxLength: 65_536 })),
  severity: Word,
  status: Word,
  actedUpon: Word,
  systemId: Word,
  operationId: Word,
  metadata: MaybeObject,
});
const Ids = Type.Array(Type.String(), { minItems: 1, maxItems: 1000 });
const IdsBody = Type.Object({ ids: Ids });
const StatusBody = Type.Object({ status: Type.Union([Type.Literal('read'), Type.Literal('unread')]) });
const StatusesBody = Type.Object({
  ids: Ids,
  status: Type.Union([Type.Literal('read'), Type.Literal('unread')]),
});

interface Row {
  readonly user: string | null;
  readonly [key: string]: unknown;
}

export function eventsOf(page: ListPage): { rows: Record<string, unknown>[]; total: number } {
  const { rows, total } = rowsOf<Row>(page);
  return { rows: rows.map(({ user, ...row }) => ({ ...row, userId: user, owner: user })), total };
}

export function addEvents(mounting: Mounting): void {
  const tag = 'Events';
  // The published client writes without the prefix.
  for (const [root, alias] of [
    ['/api/events', ''],
    ['/events', '_alias'],
  ] as const) {
    route(
      mounting,
      'post',
      root,
      { tag, name: `events_create${alias}`, summary: 'Tell an event', body: EventBody, answer: EVENT },
      create,
    );
    route(
      mounting,
      'post',
      `${root}/delete`,
      {
        tag,
        name: `events_delete_many${alias}`,
        summary: 'Delete events',
        body: IdsBody,
        answer: entity('DeletedEvents', { deleted: Type.Array(Id) }),
      },
      removeMany,
    );
    route(
      mounting,
      'put',
      `${root}/status`,
      {
        tag,
        name: `events_status_many${alias}`,
        summary: 'Mark events as read or unread',
        body: StatusesBody,
        answer: entity('MarkedEvents', { updated: Type.Array(Id) }),
      },
      async (call) => ({
        updated: await call.core.notices.mark(call.caller, uuids(call.body.ids), call.body.status),
      }),
    );
    route(
      mounting,
      'put',
      `${root}/:id/status`,
      {
        tag,
        name: `events_status${alias}`,
        summary: 'Mark an event as read or unread',
        body: StatusBody,
        answer: entity('MarkedEvent', { message: Text, eventId: Id, status: Text }),
      },
      async (call) => {
        const eventId = call.id('id', 'Event');
        await call.core.notices.mark(call.caller, [eventId], call.body.status);
        return { message: `The event is ${call.body.status}`, eventId, status: call.body.status };
      },
    );
    route(
      mounting,
      'delete',
      `${root}/:id`,
      { tag, name: `events_delete${alias}`, summary: 'Delete an event', answer: EVENT },
      async (call) => {
        const id = call.id('id', 'Event');
        const event = await find(call, id);
        await call.core.notices.remove(call.caller, [id]);
        return event;
      },
    );
  }
  route(
    mounting,
    'delete',
    '/api/events',
    {
      tag,
      name: 'events_delete_by_body',
      summary: 'Delete events',
      body: IdsBody,
      answer: entity('DeletedEvents', { deleted: Type.Array(Id) }),
    },
    removeMany,
  );
  route(
    mounting,
    'get',
    '/api/events/list',
    {
      tag,
      name: 'events_list',
      summary: 'List events: yours; all of the organization, for its admins',
      query: { ...PAGE, filter: 'JSON: `{"category":[],"action":[],"severity":[],"status":"unread"}`' },
      answer: pageSchema('EventPage', 'data', EVENT, {
        readCount: Count,
        countBySeverityLevel: Type.Array(entity('SeverityCount', { severity: Text, count: Count })),
      }),
    },
    async (call) => {
      const listing = readListing(call.query, EVENTS, filtersOf(call));
      const page = eventsOf(await call.core.notices.list(call.caller, listing.query));
      const counts = await call.core.notices.counts(call.caller);
      const bySeverity = SEVERITIES.map((severity) => ({
        severity,
        count: sum(counts.filter((row) => row.severity === severity)),
      }));
      return {
        ...pageOf('data', listing, page),
        readCount: sum(counts.filter(({ status }) => status === 'read')),
        countBySeverityLevel: bySeverity.filter(({ count }) => count > 0),
      };
    },
  );
  route(
    mounting,
    'get',
    '/api/events/types',
    {
      tag,
      name: 'events_types',
      summary: 'List categories and actions that there are events of',
      answer: Type.Array(entity('EventType', { category: Text, action: Text })),
    },
    async (call) => call.core.notices.types(call.caller),
  );
  route(
    mounting,
    'get',
    '/api/events',
    {
      tag,
      name: 'events_aggregate',
      summary: 'Count the events that the server wrote',
      query: { cumulative: 'Accepted; all are counted' },
      answer: entity('EventAggregate', { audit: Count }),
    },
    async (call) => ({
      audit: (await call.core.notices.counts(call.caller)).reduce((total, { audits }) => total + audits, 0),
    }),
  );
  route(
    mounting,
    'get',
    '/api/events/summary',
    {
      tag,
      name: 'events_summary',
      summary: 'Count events by category and action',
      query: PAGE,
      answer: pageSchema(
        'EventSummary',
        'data',
        entity('EventCount', { category: Text, action: Text, count: Count }),
      ),
    },
    async (call) => {
      const rows = await call.core.notices.byCategory(call.caller);
      const { page, size } = readListing(call.query, EVENTS);
      const shown = size === null ? rows : rows.slice(page * size, (page + 1) * size);
      return pageOf('data', { page, size }, { rows: shown, total: rows.length });
    },
  );
}

const sum = (rows: readonly { readonly count: number }[]) =>
  rows.reduce((total, { count }) => total + count, 0);

async function create(call: Call<Type.Static<typeof EventBody>>): Promise<unknown> {
  const { category = '', action = '', description = '', metadata = {} } = call.body;
  const severity = (call.body.severity ?? '').toLowerCase() || 'informational';
  if (!isSeverity(severity))
    throw badRequest(`severity must be one of ${SEVERITIES.join(', ')}, not ${severity.slice(0, 50)}`);
  const status = call.body.status === 'read' ? 'read' : 'unread';
  const systemId = idOrNull(call.body.systemId) ?? idOrNull(headerOf(call, 'systemid'));
  const id = await call.core.notices.write(call.caller, {
    category,
    action,
    description,
    severity,
    status,
    systemId,
    operationId: idOrNull(call.body.operationId),
    actedUpon: idOrNull(call.body.actedUpon),
    metadata: metadata as JsonObject,
  });
  return find(call, id);
}

async function find(call: Call, id: string): Promise<Record<string, unknown>> {
  const listing = readListing({}, EVENTS, [{ field: 'id', anyOf: [id] }]);
  const [event] = eventsOf(await call.core.notices.list(call.caller, listing.query)).rows;
  if (event === undefined) throw absent('Event', id);
  return event;
}

async function removeMany(call: Call<Type.Static<typeof IdsBody>>): Promise<unknown> {
  return { deleted: await call.core.notices.remove(call.caller, uuids(call.body.ids)) };
}

function filtersOf(call: Call): ListFilter<NoticeField>[] {
  const filter = readFilter(call.query);
  return (['category', 'action', 'severity', 'status'] as const).flatMap((field) => {
    const words = wordsOf(filter, field)?.filter((word) => word !== '') ?? [];
    return words.length === 0 ? [] : [{ field, anyOf: words }];
  });
}

/** Ids that are none name no event. */
function uuids(ids: readonly string[]): string[] {
  return ids.map((id) => {
    if (!isUuid(id)) throw badRequest(`${id.slice(0, 50)} is no id of an event`);
    return id.toLowerCase();
  });
}

function isSeverity(word: string): word is Severity {
  return SEVERITIES.some((known) => known === word);
}

/** Clients send texts of all kinds here: what is no UUID is none. */
function idOrNull(text: string | undefined): string | null {
  return text !== undefined && isUuid(text) ? text.toLowerCase() : null;
}

function headerOf(call: Call, name: string): string | undefined {
  const value = call.request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
