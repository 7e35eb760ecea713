/** Jobs (specs: cloudbolt.md §5.1). */
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { jobHint } from '../../ordering/awaiting.js';
import { JOB_TYPES } from '../../ordering/job-types.js';
import type { Job, JobField, JobRow as JobRecord } from '../../ordering/jobs.js';
import { ZipWriter } from '../../snapshots/archive/zip-writer.js';
import { callerOf } from './auth.js';
import { wireTime } from './dates.js';
import { notFoundHere } from './errors.js';
import { type Hrefs, type Link, readKey, type WireKey } from './hrefs.js';
import { type Query, readAttributes, shapeOf, withAttributes } from './listing.js';
import { waitOf } from './orders.js';
import { integer, relation, text, time, worded } from './paths.js';
import {
  type Asked,
  type Collection,
  HalItem,
  HalPage,
  ItemParams,
  ListQuerystring,
  listOf,
  type Mounting,
  rowOf,
  sendHal,
} from './resource.js';

interface JobListRow {
  readonly number: number;
  readonly type: string;
  readonly status: string;
}

/** Filtered by its code too. */
const CODES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(JOB_TYPES).map((code) => [code, code]),
);

export const JOBS: Collection<JobField, JobListRow> = {
  name: 'jobs',
  tag: 'Jobs',
  thing: 'job',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    // Printed by its name; filtered by its code or its name.
    type: worded('type', JOB_TYPES, CODES),
    status: text('status'),
    owner: relation('users', 'ownerId', null, 'ownerName'),
    'owner.id': integer('ownerId'),
    'owner.user.username': text('ownerName'),
    group: relation('groups', 'groupNumber', null, 'groupNumber'),
    order: relation('orders', 'orderNumber', null, 'orderNumber'),
    'order.id': integer('orderNumber'),
    parent: relation('jobs', 'parentNumber', null, 'parentNumber'),
    'create-date': time('createdAt'),
    'start-date': time('startedAt'),
    'end-date': time('endedAt'),
  },
  reads: ['number', 'type', 'status'],
  title: ({ number }) => `Job id ${number}`,
  thin: ({ number, type, status }) => ({ id: String(number), type: nameOf(type), status }),
  list: (core, caller, query) => core.jobs.list(caller, query),
  item: async ({ core, caller, hrefs, row }: Asked<JobListRow>) =>
    jobBody(hrefs, await core.jobs.get(caller, { number: row.number })),
};

export function addJobs({ scope, core, hrefs }: Mounting): void {
  scope.get<{ Querystring: Query }>(
    '/jobs',
    {
      schema: {
        tags: ['Jobs'],
        operationId: 'jobs_list',
        summary: 'List of jobs',
        querystring: ListQuerystring,
        response: { 200: HalPage },
      },
    },
    async (request, reply) =>
      sendHal(request, reply, await listOf(JOBS, { core, hrefs, caller: callerOf(request) }, request.query)),
  );

  scope.get<{ Params: { id: string }; Querystring: Query }>(
    '/jobs/:id',
    {
      schema: {
        tags: ['Jobs'],
        operationId: 'jobs_get',
        summary: 'One job',
        params: ItemParams,
        querystring: Type.Object({
          wait: Type.Optional(
            Type.Integer({ minimum: 0, maximum: 60, description: 'Seconds to wait for its end' }),
          ),
          attributes: Type.Optional(Type.String()),
        }),
        response: { 200: HalItem },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const attributes = readAttributes(JOBS.paths, request.query);
      const job = await awaited(core, caller, request);
      const row =
        attributes.length === 0
          ? {}
          : await rowOf(JOBS, { core, caller }, request.params.id, shapeOf(JOBS.reads, attributes));
      return sendHal(request, reply, withAttributes(jobBody(hrefs, job), attributes, row));
    },
  );

  scope.post<{ Params: { id: string } }>(
    '/jobs/:id/actions/cancel',
    {
      schema: {
        tags: ['Jobs'],
        operationId: 'jobs_cancel',
        summary: 'Ask a job to end',
        params: ItemParams,
        response: { 200: HalItem },
      },
    },
    async (request, reply) =>
      sendHal(
        request,
        reply,
        jobBody(hrefs, await core.jobs.cancel(callerOf(request), keyOf(request.params.id))),
      ),
  );

  scope.get<{ Params: { id: string } }>(
    '/jobs/:id/log-download-txt',
    {
      schema: {
        tags: ['Jobs'],
        operationId: 'jobs_log_text',
        summary: 'Everything a job has to tell, as text',
        params: ItemParams,
        response: { 200: { description: 'The log', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (request, reply) => {
      const key = keyOf(request.params.id);
      const log = await core.jobs.log(callerOf(request), key);
      return reply.type('text/plain; charset=utf-8').send(Readable.from(bytesOf(log)));
    },
  );

  scope.get<{ Params: { id: string } }>(
    '/jobs/:id/log-download',
    {
      schema: {
        tags: ['Jobs'],
        operationId: 'jobs_log_zip',
        summary: 'Everything a job has to tell, as a zip',
        params: ItemParams,
        response: {
          200: {
            description: 'A zip with one file',
            content: { 'application/zip': { schema: Type.String({ format: 'binary' }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { number } = await core.jobs.get(caller, keyOf(request.params.id));
      const log = await core.jobs.log(caller, { number });
      return reply
        .type('application/zip')
        .header('content-disposition', `attachment; filename=job-${number}-log.zip`)
        .send(Readable.from(zipped(`job-${number}.log`, log)));
    },
  );
}

async function* bytesOf(chunks: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

async function* zipped(name: string, chunks: AsyncIterable<string>): AsyncGenerator<Buffer> {
  const zip = new ZipWriter();
  yield* zip.entry(name, bytesOf(chunks));
  yield* zip.end();
}

async function awaited(
  core: Core,
  caller: Caller,
  request: FastifyRequest<{ Params: { id: string }; Querystring: Query }>,
): Promise<Job> {
  const job = await core.jobs.get(caller, keyOf(request.params.id));
  const seconds = waitOf(request.query);
  if (seconds === 0 || job.settled) return job;
  const gone = new AbortController();
  request.raw.once('close', () => gone.abort());
  return core.awaiting.until(
    jobHint(caller.tenant!.id, job.number),
    () => core.jobs.get(caller, { number: job.number }),
    (now) => now.settled,
    seconds,
    gone.signal,
  );
}

function keyOf(id: string): WireKey {
  const key = readKey('jobs', id);
  if (key === null) throw notFoundHere();
  return key;
}

function nameOf(type: string): string {
  return (JOB_TYPES as Readonly<Record<string, string>>)[type] ?? type;
}

/** The envelope in which actions answer with their job. */
export function runActionJob(hrefs: Hrefs, job: { readonly number: number }): Record<string, unknown> {
  return { 'run-action-job': { self: linkOf(hrefs, job) } };
}

function linkOf(hrefs: Hrefs, { number }: { readonly number: number }): Link {
  return hrefs.link('jobs', { number, title: `Job id ${number}` });
}

function serverOf(hrefs: Hrefs, job: JobRecord): Link[] {
  if (job.serverNumber === null) return [];
  return [hrefs.link('servers', { number: job.serverNumber, title: job.serverName ?? '' })];
}

export function jobBody(hrefs: Hrefs, job: Job): Record<string, unknown> {
  const item = hrefs.item('jobs', job).replace(/\/$/, '');
  const { resource } = job;
  const order = job.orderNumber;
  return {
    _links: {
      self: linkOf(hrefs, job),
      owner: hrefs.link('users', { number: job.ownerId, title: `User id ${job.ownerId}` }),
      parent: job.parentNumber === null ? {} : linkOf(hrefs, { number: job.parentNumber }),
      subjobs: job.subjobs.map((one) => linkOf(hrefs, one)),
      prerequisite: {},
      'dependent-jobs': [],
      order: hrefs.toOne('orders', order === null ? null : { number: order, title: `Order id ${order}` }),
      resource: hrefs.toOne(
        `resources/${resource?.type ?? ''}`,
        resource === null ? null : { ...resource, title: resource.name },
      ),
      servers: [...serverOf(hrefs, job), ...job.subjobs.flatMap((one) => serverOf(hrefs, one))],
      log_urls: { 'raw-log': `${item}/log-download-txt/`, 'zip-log': `${item}/log-download` },
    },
    id: String(job.number),
    status: job.status,
    type: nameOf(job.type),
    progress: {
      'total-tasks': job.progress.total,
      completed: job.progress.completed,
      messages: job.told,
    },
    'start-date': wireTime(job.startedAt),
    'end-date': wireTime(job.endedAt),
    output: job.output,
    errors: job.errors,
  };
}
