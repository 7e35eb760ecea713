/** Schedules of executions. An id is unique in its deployment, which the query names. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { JsonObject } from '../../dsl/plan.js';
import { type Rule, upcoming } from '../../dsl/recurrence.js';
import type { ScheduleField, StartArguments } from '../../scheduling/schedules.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { Done, describe, itemQuery, listQuery, Word } from './described.js';
import { badParameters, notFoundAs } from './errors.js';
import {
  Anything,
  Count,
  Dict,
  Flag,
  IdParams,
  ListOf,
  MaybeText,
  MaybeTime,
  OWNERSHIP,
  Text,
  Time,
} from './fields.js';
import { booleanOf, checkId, LenientBoolean, type Params, single } from './lenient.js';
import { type ListingOptions, listBody, parseListing, timeOf } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, schemaOf } from './resource.js';
import { OF_RECORDS, refuseRestored } from './restored-fields.js';
import { addSummary } from './summary.js';

const MOST_OCCURRENCES = 100;

const SCHEDULE: Resource<ScheduleField> = {
  name: 'ExecutionSchedule',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    deployment_id: { from: 'deploymentId', schema: Text },
    workflow_id: { from: 'workflow', schema: Text },
    parameters: { from: 'parameters', schema: Dict },
    rule: { from: 'rule', schema: Anything },
    since: { from: 'since', schema: Time },
    until: { from: 'until', schema: MaybeTime },
    slip: { from: 'slip', schema: Count },
    stop_on_fail: { from: 'stopOnFail', schema: Flag },
    enabled: { from: 'enabled', schema: Flag },
    next_occurrence: { from: 'nextAt', schema: MaybeTime },
    latest_execution_status: { from: 'latestExecutionStatus', schema: MaybeText },
    created_at: { from: 'createdAt', schema: Time },
    ...OWNERSHIP,
  },
  derived: {
    execution_arguments: {
      needs: ['arguments'],
      derive: ({ arguments: given }) => wireArguments(given as StartArguments),
      schema: Dict,
      listed: true,
    },
    all_next_occurrences: {
      needs: ['rule', 'since', 'until'],
      derive: ({ rule, since, until }) =>
        upcoming(
          {
            rule: rule as Rule,
            since: new Date(since as string),
            until: until === null ? null : new Date(until as string),
          },
          new Date(),
          MOST_OCCURRENCES,
        ).map((date) => date.toISOString().replace('T', ' ').slice(0, 19)),
      schema: Type.Array(Text),
      listed: false,
    },
  },
};

const LISTING: ListingOptions<ScheduleField> = { searches: { _search: 'id' }, acrossTenants: true };

const RULE = {
  since: Type.Optional(Type.String({ description: 'The first time, ISO 8601; without a zone UTC' })),
  until: Type.Optional(Type.String({ description: 'The last time' })),
  recurrence: Type.Optional(Type.String({ description: '<number> minutes|hours|days|weeks|months|years' })),
  count: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
  weekdays: Type.Optional(Type.Array(Type.String(), { description: 'mo, 2fr, l-sa, …' })),
  rrule: Type.Optional(
    Type.String({ description: 'RFC 5545, in the place of recurrence, count and weekdays' }),
  ),
  slip: Type.Optional(
    Type.Union([Type.Integer(), Type.String()], { description: 'Minutes that a start may be late' }),
  ),
  stop_on_fail: Type.Optional(LenientBoolean),
  enabled: Type.Optional(LenientBoolean),
};
const NewSchedule = Type.Object(
  {
    workflow_id: Type.String(),
    parameters: Type.Optional(Dict),
    execution_arguments: Type.Optional(Dict),
    deployment_id: Type.Optional(Type.String()),
    ...RULE,
  },
  { title: 'NewExecutionSchedule' },
);
const Change = Type.Object(
  { workflow_id: Type.Optional(Type.String()), ...RULE },
  { title: 'ExecutionScheduleChange' },
);
type Words = Static<typeof Change>;

const OF = { deployment_id: Word('Its deployment') };

export function addExecutionSchedules(mounting: Mounting): void {
  const { scope, core } = mounting;
  const schema = schemaOf(SCHEDULE);
  const read = async (caller: Caller, params: Params, id: string): Promise<string> => {
    const deployment = single(params, 'deployment_id');
    const asked = { id, ...(deployment === undefined ? {} : { deployment_id: deployment }) };
    const listing = parseListing(
      SCHEDULE,
      params._include === undefined ? asked : { ...asked, _include: params._include },
      LISTING,
    );
    const { items, total } = await core.schedules.list(caller, listing.query);
    if (total === 0) throw notFoundAs('ExecutionSchedule', id);
    const { items: all } = JSON.parse(await listBody(listing, { items, total })) as { items: unknown[] };
    return JSON.stringify(all[0]);
  };

  scope.get(
    '/execution-schedules',
    {
      schema: describe('Execution schedules', 'list', 'List schedules of executions', {
        querystring: listQuery(SCHEDULE, LISTING),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(SCHEDULE, request.query, LISTING);
      const page = await core.schedules.list(callerOf(request), listing.query);
      return sendText(reply, 200, await listBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/execution-schedules/:id',
    {
      schema: describe('Execution schedules', 'get', 'Get a schedule', {
        params: IdParams,
        querystring: itemQuery(OF),
        response: { 200: schema },
      }),
    },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof NewSchedule>; Querystring: Params }>(
    '/execution-schedules/:id',
    {
      schema: describe('Execution schedules', 'create', 'Create a schedule', {
        params: IdParams,
        querystring: itemQuery(OF),
        body: NewSchedule,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { body } = request;
      checkId('schedule_id', id, { leadingLetter: true });
      refuseRestored(body, OF_RECORDS);
      const deploymentId = single(request.query, 'deployment_id') ?? body.deployment_id;
      if (deploymentId === undefined) throw badParameters('Missing deployment_id in the query');
      if (body.since === undefined) throw badParameters('Missing since in json request body');
      const until = body.until === undefined ? undefined : new Date(timeOf(body.until));
      await core.schedules.create(caller, {
        id,
        deploymentId,
        workflow: body.workflow_id,
        parameters: (body.parameters ?? {}) as JsonObject,
        arguments: readArguments(body.execution_arguments ?? {}),
        rule: readRule(body, null),
        since: new Date(timeOf(body.since)),
        ...(until === undefined ? {} : { until }),
        ...othersOf(body),
      });
      return sendText(reply, 201, await read(caller, { ...request.query, deployment_id: deploymentId }, id));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Words; Querystring: Params }>(
    '/execution-schedules/:id',
    {
      schema: describe('Execution schedules', 'update', 'Change a schedule', {
        params: IdParams,
        querystring: itemQuery(OF),
        body: Change,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { body } = request;
      const deploymentId = single(request.query, 'deployment_id') ?? null;
      const { workflow_id, since, until } = body;
      const changed = [body.rrule, body.recurrence, body.count, body.weekdays].some(
        (one) => one !== undefined,
      );
      await core.schedules.update(caller, id, deploymentId, {
        ...(workflow_id === undefined ? {} : { workflow: workflow_id }),
        ...(changed ? { rule: readRule(body, await core.schedules.ruleOf(caller, id, deploymentId)) } : {}),
        ...(since === undefined ? {} : { since: new Date(timeOf(since)) }),
        ...(until === undefined ? {} : { until: new Date(timeOf(until)) }),
        ...othersOf(body),
      });
      return sendText(reply, 201, await read(caller, request.query, id));
    },
  );

  scope.delete<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/execution-schedules/:id',
    {
      schema: describe('Execution schedules', 'delete', 'Delete a schedule', {
        params: IdParams,
        querystring: Type.Object(OF),
        response: { 204: Done },
      }),
    },
    async (request, reply) => {
      const { id } = request.params;
      await core.schedules.remove(callerOf(request), id, single(request.query, 'deployment_id') ?? null);
      return reply.code(204).send();
    },
  );

  addSummary(mounting, {
    name: 'execution_schedules',
    tag: 'Execution schedules',
    fields: {
      deployment_id: 'deploymentId',
      workflow_id: 'workflow',
      tenant_name: 'tenantName',
      visibility: 'visibility',
    },
    count: (caller, query) => core.schedules.summary(caller, query),
  });
}

function readRule({ rrule, recurrence, count, weekdays }: Words, now: Rule | null): Rule {
  if (rrule !== undefined) {
    if (recurrence !== undefined || count !== undefined || weekdays !== undefined) {
      throw badParameters('`rrule` cannot be provided together with `recurrence`, `weekdays` or `count`');
    }
    return { rrule };
  }
  const before = now === null || 'rrule' in now ? null : now;
  return {
    recurrence: recurrence ?? before?.recurrence ?? null,
    count: count === undefined ? (before?.count ?? null) : numberOf('count', count),
    weekdays: weekdays ?? before?.weekdays ?? [],
  };
}

function othersOf({ slip, stop_on_fail, enabled }: Words) {
  return {
    ...(slip === undefined ? {} : { slip: numberOf('slip', slip) }),
    ...(stop_on_fail === undefined ? {} : { stopOnFail: booleanOf('stop_on_fail', stop_on_fail, false) }),
    ...(enabled === undefined ? {} : { enabled: booleanOf('enabled', enabled, true) }),
  };
}

function numberOf(name: string, value: string | number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || String(value).trim() === '') {
    throw badParameters(`Invalid value for ${name}: it must be a whole number`);
  }
  return number;
}

const ARGUMENTS = {
  allow_custom_parameters: 'allowCustomParameters',
  force: 'force',
  dry_run: 'dryRun',
  queue: 'queue',
} as const;

function readArguments(given: Readonly<Record<string, unknown>>): StartArguments {
  const { wait_after_fail: wait, ...switches } = given;
  const read: Record<string, boolean | number> = {};
  for (const [name, value] of Object.entries(switches)) {
    if (!Object.hasOwn(ARGUMENTS, name)) throw badParameters(`Unknown execution argument: ${name}`);
    read[ARGUMENTS[name as keyof typeof ARGUMENTS]] = booleanOf(name, value, false);
  }
  if (wait !== undefined && wait !== null) read.waitAfterFail = numberOf('wait_after_fail', wait as number);
  return read;
}

function wireArguments(given: StartArguments): Record<string, unknown> {
  const switches = Object.entries(ARGUMENTS).map(([wire, ours]) => [wire, given[ours] ?? false]);
  return { ...Object.fromEntries(switches), wait_after_fail: given.waitAfterFail ?? 600 };
}
