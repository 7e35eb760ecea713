/** Executions of workflows. */
import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { JsonObject } from '../../dsl/plan.js';
import type { ExecutionField } from '../../orchestration/executions.js';
import type { ListFilter } from '../../store/list.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, itemQuery, listQuery, Switch } from './described.js';
import { badParameters } from './errors.js';
import {
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
import { booleanOf, booleanParam, LenientBoolean, type Params } from './lenient.js';
import { encodedListBody, envelope, type ListingOptions, parseListing, readItem, timeOf } from './listing.js';
import { passesMaintenance } from './maintenance.js';
import type { Mounting } from './mounting.js';
import { fieldNames, type Resource, schemaOf } from './resource.js';
import { refuseRestored } from './restored-fields.js';

const STATUS_WORDS = {
  scheduled: 'scheduled',
  queued: 'queued',
  pending: 'pending',
  started: 'started',
  cancelling: 'cancelling',
  'force-cancelling': 'force_cancelling',
  'kill-cancelling': 'kill_cancelling',
  terminated: 'terminated',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;
type Status = keyof typeof STATUS_WORDS;

export const EXECUTION: Resource<ExecutionField> = {
  name: 'Execution',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    deployment_id: { from: 'deploymentId', schema: MaybeText },
    deployment_display_name: { from: 'deploymentDisplayName', schema: MaybeText },
    blueprint_id: { from: 'blueprintId', schema: MaybeText },
    workflow_id: { from: 'workflow', schema: Text },
    status: { from: { field: 'status', words: STATUS_WORDS }, schema: Text },
    status_display: {
      from: { field: 'status', words: { ...STATUS_WORDS, terminated: 'completed' } },
      schema: Text,
    },
    parameters: { from: 'parameters', schema: Dict },
    error: { from: 'error', schema: MaybeText },
    is_system_workflow: { from: 'system', schema: Flag },
    is_dry_run: { from: 'dryRun', schema: Flag },
    created_at: { from: 'createdAt', schema: Time },
    started_at: { from: 'startedAt', schema: MaybeTime },
    ended_at: { from: 'endedAt', schema: MaybeTime },
    scheduled_for: { from: 'scheduledFor', schema: MaybeTime },
    resume: { from: 'resumed', schema: Flag },
    total_operations: { from: 'totalOperations', schema: Count },
    finished_operations: { from: 'finishedOperations', schema: Count },
    allow_custom_parameters: { from: 'allowCustomParameters', schema: Flag },
    ...OWNERSHIP,
  },
};

const LISTING: ListingOptions<ExecutionField> = {
  searches: { _search: 'id' },
  acrossTenants: true,
  selections: { _group_id: 'group' },
};

/** A year, in seconds. */
const LONGEST_WAIT = 365 * 86_400;

const Start = Type.Object(
  {
    deployment_id: Type.String(),
    workflow_id: Type.String(),
    parameters: Type.Optional(Dict),
    allow_custom_parameters: Type.Optional(LenientBoolean),
    force: Type.Optional(LenientBoolean),
    dry_run: Type.Optional(LenientBoolean),
    queue: Type.Optional(LenientBoolean),
    wait_after_fail: Type.Optional(
      Type.Integer({ minimum: 0, maximum: LONGEST_WAIT, description: 'Seconds for operations under way' }),
    ),
    scheduled_time: Type.Optional(
      Type.String({ description: 'Start it then: a schedule for one time is made' }),
    ),
  },
  { title: 'ExecutionStart' },
);

/** Only for putting back what was saved; there is nothing here yet that saves. */
const RESTORING = [
  'force_status',
  'created_by',
  'created_at',
  'started_at',
  'ended_at',
  'id',
  'is_system_workflow',
  'error',
];

const Action = Type.Object(
  { action: Type.String({ description: 'cancel, force-cancel, kill, resume, force-resume or requeue' }) },
  { title: 'ExecutionAction' },
);
const Pruning = Type.Object(
  {
    keep_last: Type.Optional(Type.Integer({ minimum: 0, description: 'All but so many of the newest' })),
    to_datetime: Type.Optional(Type.String({ description: 'Those created before; ISO 8601' })),
  },
  { title: 'ExecutionsDeletion' },
);
const Pruned = ListOf(Type.Object({ count: Count }, { title: 'DeletedExecutions' }));
const StatusChange = Type.Object(
  { status: Type.String(), error: Type.Optional(Type.String()) },
  { title: 'ExecutionStatusChange' },
);

export function addExecutions({ scope, core }: Mounting): void {
  const schema = schemaOf(EXECUTION);
  const one = { params: IdParams, querystring: itemQuery(), response: { 200: schema } };
  const read = (caller: Caller, params: Params, id: string) =>
    readItem(EXECUTION, params, id, (query) => core.executions.list(caller, query));

  scope.get(
    '/executions',
    {
      schema: describe('Executions', 'list', 'List executions', {
        querystring: listQuery(EXECUTION, LISTING, {
          _include_system_workflows: Switch('Also those that the system started for itself'),
        }),
        response: { 200: ListOf(schema) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(EXECUTION, request.query, LISTING);
      const query = { ...listing.query, filters: [...listing.query.filters, ...ordinaryOnly(request.query)] };
      const page = await core.executions.list(callerOf(request), query);
      return sendText(reply, 200, await encodedListBody(listing, page));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/executions/:id',
    { schema: describe('Executions', 'get', 'Get an execution', one) },
    async (request, reply) =>
      sendText(reply, 200, await read(callerOf(request), request.query, request.params.id)),
  );

  scope.post<{ Body: Static<typeof Start>; Querystring: Params }>(
    '/executions',
    {
      schema: describe('Executions', 'start', 'Start an execution', {
        querystring: itemQuery(),
        body: Start,
        response: { 201: schema },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { body } = request;
      refuseRestored(body, RESTORING);
      if (body.scheduled_time !== undefined) {
        return sendText(reply, 201, await schedule(core, caller, body, body.scheduled_time));
      }
      const execution = await core.executions.start(caller, {
        deploymentId: body.deployment_id,
        workflow: body.workflow_id,
        parameters: (body.parameters ?? {}) as JsonObject,
        allowCustomParameters: booleanOf('allow_custom_parameters', body.allow_custom_parameters, false),
        force: booleanOf('force', body.force, false),
        dryRun: booleanOf('dry_run', body.dry_run, false),
        queue: booleanOf('queue', body.queue, false),
        waitAfterFail: body.wait_after_fail ?? 600,
        evenInMaintenance: passesMaintenance(request),
      });
      return sendText(reply, 201, await read(caller, request.query, execution.id));
    },
  );

  scope.post<{ Params: Static<typeof IdParams>; Body: Static<typeof Action>; Querystring: Params }>(
    '/executions/:id',
    {
      schema: describe('Executions', 'act', 'Cancel or resume an execution', { body: Action, ...one }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await act(caller, id, request.body.action, passesMaintenance(request));
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof StatusChange>; Querystring: Params }>(
    '/executions/:id',
    {
      schema: describe('Executions', 'update', 'Set the status of an execution', {
        body: StatusChange,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await core.executions.updateStatus(caller, id, {
        status: readStatus(request.body.status),
        error: request.body.error ?? '',
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.delete<{ Body: Static<typeof Pruning> | undefined; Querystring: Params }>(
    '/executions',
    {
      schema: describe('Executions', 'delete', 'Delete executions that are over, with their events', {
        querystring: listQuery(EXECUTION, LISTING),
        body: Type.Optional(Pruning),
        response: { 200: Pruned },
      }),
    },
    async (request, reply) => {
      const { keep_last, to_datetime } = request.body ?? {};
      if ((keep_last === undefined) === (to_datetime === undefined)) {
        throw badParameters('Exactly one of `keep_last` and `to_datetime` must be given');
      }
      const { query } = parseListing(EXECUTION, request.query, LISTING);
      const until: ListFilter<ExecutionField>[] =
        to_datetime === undefined ? [] : [{ field: 'createdAt', to: timeOf(to_datetime) }];
      const filters = [...query.filters, ...until];
      const count = await core.executionHistory.prune(callerOf(request), filters, keep_last ?? 0);
      return sendText(reply, 200, envelope({ offset: 0, size: 1 }, JSON.stringify([{ count }]), 1));
    },
  );

  scope.get<{ Params: Static<typeof IdParams> }>(
    '/executions/:id/should-start',
    {
      schema: describe('Executions', 'should_start', 'Whether nothing stands in the way of an execution', {
        params: IdParams,
        response: { 200: Flag },
      }),
    },
    async (request, reply) =>
      sendText(reply, 200, String(await core.executions.mayStart(callerOf(request), request.params.id))),
  );

  async function act(caller: Caller, id: string, action: string, evenInMaintenance: boolean): Promise<void> {
    switch (action) {
      case 'cancel':
      case 'force-cancel':
      case 'kill':
        await core.executions.cancel(caller, id, action);
        return;
      case 'requeue':
        await core.executions.requeue(caller, id);
        return;
      case 'resume':
      case 'force-resume':
        await core.executions.resume(caller, id, { force: action === 'force-resume', evenInMaintenance });
        return;
      default:
        throw badParameters(
          `Invalid action: \`${action}\`. Valid actions are: cancel, force-cancel, kill, resume, force-resume, requeue`,
        );
    }
  }
}

/**
 * What is to start later is a schedule for one time. The answer has the form of an execution and tells what is known of it:
 * there is none yet (specs: cloudify.md §5.1).
 */
async function schedule(
  core: Core,
  caller: Caller,
  body: Static<typeof Start>,
  scheduled: string,
): Promise<string> {
  const compact = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})([+-]\d{4})$/.exec(scheduled);
  if (compact === null && !/(z|[+-]\d{2}:?\d{2})$/i.test(scheduled)) {
    throw badParameters('`scheduled_time` needs a time zone: YYYYMMDDHHMM+HHMM, or ISO 8601');
  }
  const [, year, month, day, hour, minute, zone] = compact ?? [];
  const since = new Date(
    timeOf(compact === null ? scheduled : `${year}-${month}-${day}T${hour}:${minute}:00${zone}`),
  );
  if (since.getTime() <= Date.now())
    throw badParameters(`Date \`${scheduled}\` has already passed, please provide valid date`);
  const parameters = (body.parameters ?? {}) as JsonObject;
  await core.schedules.create(caller, {
    id: `${body.workflow_id.replace(/[^A-Za-z0-9_.~-]/g, '_')}_${randomBytes(8).toString('hex')}`,
    deploymentId: body.deployment_id,
    workflow: body.workflow_id,
    parameters,
    arguments: {
      allowCustomParameters: booleanOf('allow_custom_parameters', body.allow_custom_parameters, false),
      force: booleanOf('force', body.force, false),
      dryRun: booleanOf('dry_run', body.dry_run, false),
      queue: booleanOf('queue', body.queue, false),
      waitAfterFail: body.wait_after_fail ?? 600,
    },
    rule: { recurrence: null, count: 1, weekdays: [] },
    since,
  });
  const unknown = Object.fromEntries(fieldNames(EXECUTION).map((name) => [name, null]));
  return JSON.stringify({
    ...unknown,
    deployment_id: body.deployment_id,
    workflow_id: body.workflow_id,
    status: 'scheduled',
    status_display: 'scheduled',
    parameters,
    scheduled_for: since.toISOString(),
  });
}

/** System executions are told only to those who ask for them. */
function ordinaryOnly(params: Params): ListFilter<ExecutionField>[] {
  if (params.is_system_workflow !== undefined || params.id !== undefined) return [];
  return booleanParam(params, '_include_system_workflows', false)
    ? []
    : [{ field: 'system', anyOf: ['false'] }];
}

function readStatus(word: string): Status {
  const found = Object.entries(STATUS_WORDS).find(([, theirs]) => theirs === word);
  if (found === undefined) {
    throw badParameters(
      `Invalid status: \`${word}\`. Valid statuses are: ${Object.values(STATUS_WORDS).join(', ')}`,
    );
  }
  return found[0] as Status;
}
