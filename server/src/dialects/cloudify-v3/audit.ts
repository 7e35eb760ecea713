/** The audit trail. Its parameters carry no underscores and its page is of a hundred, unlike those of all other lists. */
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { requirePermission } from '../../caller.js';
import { DomainError } from '../../errors.js';
import type { AuditChoice, AuditEntry } from '../../identity/audit.js';
import { sendJson, sendText } from './answer.js';
import { callerOf, identityOf } from './auth.js';
import { describe, Switch, Word } from './described.js';
import { badParameters, CloudifyError } from './errors.js';
import { Anything, ListOf, MaybeText, Text, Time } from './fields.js';
import { booleanParam, countParam, type Params, repeated, single } from './lenient.js';
import { envelope, timeOf } from './listing.js';
import type { Mounting } from './mounting.js';

const Entry = Type.Object(
  {
    id: Type.Integer(),
    ref_table: Text,
    ref_id: Type.Integer({ description: 'That of the entry: things are told by what people call them' }),
    ref_identifier: Anything,
    operation: Type.Union([Type.Literal('create'), Type.Literal('update'), Type.Literal('delete')]),
    creator_name: MaybeText,
    execution_id: MaybeText,
    created_at: Time,
  },
  { title: 'AuditEntry' },
);
const CHOICE = ['creator_name', 'execution_id', 'since', 'before'];
const KNOWN = [...CHOICE, 'order_by', 'desc', 'size', 'offset'];
const ORDERS: Readonly<Record<string, 'at' | 'username' | 'thing'>> = {
  created_at: 'at',
  id: 'at',
  creator_name: 'username',
  ref_table: 'thing',
};
const PAGE = 100;
const MOST = 100_000;
/** Streams that one process holds open. */
const MOST_STREAMS = 50;

export function addAudit({ scope, core }: Mounting): void {
  scope.get(
    '/audit',
    {
      schema: describe('Manager', 'audit_list', 'List who has changed what', {
        querystring: Type.Object({
          creator_name: Word('Only what this user has done'),
          execution_id: Word(
            'Only what this execution has done; changes by executions are recorded as their creator’s',
          ),
          since: Word('From this time on'),
          before: Word('Before this time'),
          order_by: Word('created_at (default), id, creator_name or ref_table'),
          desc: Switch('Turns the order'),
          size: Word('Default: 100; 0: everything, at most 100000'),
          offset: Word('Entries to leave out before the page'),
        }),
        response: { 200: ListOf(Entry) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const params = request.query;
      refuseUnknown(params, KNOWN);
      const order = ORDERS[single(params, 'order_by') ?? 'created_at'];
      if (order === undefined) throw badParameters(`order_by is one of ${Object.keys(ORDERS).join(', ')}`);
      const size = countParam(params, 'size', PAGE, MOST);
      const offset = countParam(params, 'offset', 0, Number.MAX_SAFE_INTEGER);
      const { entries, total } = await core.audit.page(callerOf(request), {
        ...chosen(params),
        order,
        descending: booleanParam(params, 'desc', false),
        offset,
        size: size === 0 ? MOST : size,
      });
      return sendText(reply, 200, envelope({ offset, size }, JSON.stringify(entries.map(told)), total));
    },
  );

  addStream({ scope, core });

  scope.delete(
    '/audit',
    {
      schema: describe('Manager', 'audit_truncate', 'Delete old entries', {
        querystring: Type.Object({
          before: Type.String({ description: 'What is older goes' }),
          creator_name: Word('Only what this user has done'),
          execution_id: Word('Only what this execution has done'),
        }),
        response: { 200: Type.Object({ deleted: Type.Integer() }, { title: 'AuditDeletion' }) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      refuseUnknown(request.query, CHOICE);
      const { before, ...rest } = chosen(request.query);
      if (before === null) throw new CloudifyError(422, 'bad_parameters_error', 'Missing parameter `before`');
      const deleted = await core.audit.truncate(callerOf(request), { ...rest, before });
      return sendJson(reply, 200, { deleted });
    },
  );
}

/** An entry a line, for as long as the client listens: what `cfy auditlog list --follow` reads. */
function addStream({ scope, core }: Pick<Mounting, 'scope' | 'core'>): void {
  const open = new Set<AbortController>();
  scope.addHook('preClose', async () => {
    for (const stream of open) stream.abort();
  });
  scope.get(
    '/audit/stream',
    {
      exposeHeadRoute: false,
      schema: describe('Manager', 'audit_follow', 'Follow who changes what', {
        description: 'One entry a line, as JSON, from `since` or from now on; ends when `before` has passed.',
        querystring: Type.Object({
          creator_name: Word('Only what this user does'),
          execution_id: Word('Only what this execution does; as for the list'),
          since: Word('From this time on'),
          before: Word('Until this time'),
        }),
        response: {
          200: {
            description: 'Entries, one a line',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
        },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      refuseUnknown(request.query, CHOICE);
      const choice = chosen(request.query);
      const caller = callerOf(request);
      requirePermission(caller, 'audit.read');
      if (open.size >= MOST_STREAMS) {
        throw new DomainError(
          'unavailable',
          'too-many-streams',
          'This server holds as many streams as it may',
        );
      }
      const ending = new AbortController();
      open.add(ending);
      reply.raw.once('close', () => {
        ending.abort();
        open.delete(ending);
      });
      const entries = core.audit.follow(caller, identityOf(request), choice, ending.signal);
      reply.header('cache-control', 'no-store').type('text/event-stream; charset=utf-8');
      return reply.send(Readable.from(linesOf(entries), { objectMode: false }));
    },
  );
}

async function* linesOf(batches: AsyncIterable<readonly AuditEntry[]>): AsyncGenerator<string> {
  // The client waits for the head of the answer before it reads.
  yield '\n';
  for await (const entries of batches) {
    yield entries.map((entry) => `${JSON.stringify(told(entry))}\n`).join('');
  }
}

function refuseUnknown(params: Params, known: readonly string[]): void {
  const unknown = Object.keys(params).filter((name) => !name.startsWith('_') && !known.includes(name));
  if (unknown.length > 0) throw badParameters(`Filter keys ${unknown.join(', ')} are not allowed`);
}

function chosen(params: Params): AuditChoice {
  const time = (name: string) => {
    const text = single(params, name);
    return text === undefined || text === '' ? null : new Date(timeOf(text));
  };
  const usernames = repeated(params, 'creator_name');
  return {
    usernames: usernames.length === 0 ? null : [...usernames],
    // No entry is an execution's own.
    none: repeated(params, 'execution_id').some((id) => id !== ''),
    since: time('since'),
    before: time('before'),
  };
}

const CREATING = /^(create|upload|start|announce|issue|initialize)/;
const DELETING = /^(delete|remove)$/;

function told({ id, at, username, action, thing, thingId, tenantName }: AuditEntry) {
  return {
    id,
    ref_table: `${thing.replaceAll('-', '_')}s`,
    ref_id: id,
    ref_identifier: { id: thingId, action, ...(tenantName === null ? {} : { tenant: tenantName }) },
    operation: DELETING.test(action) ? 'delete' : CREATING.test(action) ? 'create' : 'update',
    creator_name: username,
    execution_id: null,
    created_at: at.toISOString(),
  };
}
