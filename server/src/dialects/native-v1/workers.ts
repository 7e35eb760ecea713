/**
 * Workers on other networks. Two kinds of callers: administrators, who make credentials and look at pools; and the workers
 * themselves, who come with `Authorization: Bearer owrk-…` and reach nothing but what is here.
 *
 * A worker's credentials are checked before any of a body is read, and again and again while an answer is waited for.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { DomainError } from '../../errors.js';
import {
  type Finish,
  Lost,
  type Question,
  type Said,
} from '../../orchestration/running/dispatch/dispatcher.js';
import type { Standing } from '../../orchestration/running/dispatch/remote-workers.js';
import { agentRoutes } from './agents.js';
import {
  Answered,
  Asked,
  Attendance,
  Beat,
  Bytes,
  CredentialList,
  CredentialParams,
  CredentialQuery,
  Files,
  Finished,
  FolderQuery,
  HeldParams,
  IssuedCredentials,
  Kept,
  NewCredentials,
  News,
  Nothing,
  Package,
  PathQuery,
  Pools,
  Registered,
  Registration,
  Tellings,
  Told,
} from './worker-forms.js';
import { bytes, tokenOf } from './worker-wire.js';

/** An outcome and its properties may take 16 Mi characters each, of up to three bytes. */
const LONG_BODY = 100 * 1024 * 1024;
const ROUND_MS = 1000;
const ASK_MS = 20_000;

const about = (operationId: string, summary: string) => ({
  tags: ['Workers'] as [string],
  operationId,
  summary,
});

type CallerOf = (request: FastifyRequest) => Promise<Caller>;

export function workerRoutes(app: FastifyInstance, core: Core, callerOf: CallerOf): void {
  administration(app, core, callerOf);
  agentRoutes(app, core, callerOf);
  void app.register(async (scope) => desk(scope, core));
}

function administration(app: FastifyInstance, { remoteWorkers }: Core, callerOf: CallerOf): void {
  app.get(
    '/workers/pools',
    {
      schema: {
        ...about('workers_pools', 'List pools that have work, and who serves pools'),
        response: { 200: Pools },
      },
    },
    async (request) => remoteWorkers.pools(await callerOf(request)),
  );
  app.get(
    '/workers/credentials',
    {
      schema: {
        ...about('workers_credentials_list', 'List credentials of workers'),
        querystring: CredentialQuery,
        response: { 200: CredentialList },
      },
    },
    async (request) => {
      const { after } = request.query as Static<typeof CredentialQuery>;
      return { items: await remoteWorkers.credentials(await callerOf(request), after) };
    },
  );
  app.post(
    '/workers/credentials',
    {
      schema: {
        ...about('workers_credentials_issue', 'Make credentials for workers; they are told once'),
        body: NewCredentials,
        response: { 201: IssuedCredentials },
      },
    },
    async (request, reply) => {
      const { name, pools, tenant = null } = request.body as Static<typeof NewCredentials>;
      const issued = await remoteWorkers.issue(await callerOf(request), { name, pools, tenant });
      return reply.code(201).send({ ...issued.credential, token: issued.value });
    },
  );
  app.delete(
    '/workers/credentials/:id',
    {
      schema: {
        ...about('workers_credentials_revoke', 'Revoke credentials of workers'),
        params: CredentialParams,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { id } = request.params as Static<typeof CredentialParams>;
      await remoteWorkers.revoke(await callerOf(request), id);
      return reply.code(204).send();
    },
  );
}

/** Who asks, as far as the hook has found out. */
interface Asking {
  readonly standing: Standing;
  readonly worker: number;
}

function desk(scope: FastifyInstance, core: Core): void {
  const { remoteWorkers } = core;
  const asking = new WeakMap<FastifyRequest, Asking>();
  scope.addHook('onRequest', async (request) => {
    const entering = request.routeOptions.url?.endsWith('/workers/register') === true;
    const worker = entering ? null : workerOf(request);
    const standing = await remoteWorkers.verify(tokenOf(request), worker);
    asking.set(request, { standing, worker: worker ?? -1 });
  });
  const at = (request: FastifyRequest) => {
    const { standing, worker } = asking.get(request)!;
    return remoteWorkers.desk(standing, worker);
  };

  scope.post(
    '/workers/register',
    {
      schema: {
        ...about('workers_register', 'Come in as a worker'),
        body: Registration,
        response: { 200: Registered },
      },
    },
    async (request) =>
      remoteWorkers.enter(asking.get(request)!.standing, request.body as Static<typeof Registration>),
  );

  scope.post(
    '/workers/leave',
    { schema: { ...about('workers_leave', 'Say goodbye'), response: { 204: Nothing } } },
    async (request, reply) => {
      await remoteWorkers.leave(asking.get(request)!.worker);
      return reply.code(204).send();
    },
  );

  scope.post(
    '/workers/attend',
    {
      schema: {
        ...about('workers_attend', 'Wait for operations, and for news of those that are held'),
        body: Attendance,
        response: { 200: News },
      },
    },
    async (request, reply) => {
      const { room, known, wait } = request.body as Static<typeof Attendance>;
      const gone = goneOf(reply);
      const deadline = Date.now() + wait * 1000;
      await remoteWorkers.see(asking.get(request)!.worker);
      for (;;) {
        const { isAsked = false, ...news } = await at(request).attend(room, known as never, gone);
        const over = isAsked || Date.now() + ROUND_MS > deadline;
        if (over || gone.aborted || news.work.length + news.aborts.length > 0) return news;
        await remoteWorkers.verify(tokenOf(request), asking.get(request)!.worker);
      }
    },
  );

  scope.post(
    '/workers/beat',
    {
      schema: {
        ...about('workers_beat', 'Keep what is held'),
        body: Beat,
        response: { 200: Kept },
      },
    },
    async (request) => {
      const { held } = request.body as Static<typeof Beat>;
      const { kept, aborts } = await at(request).renew(held);
      return { kept: [...kept], aborts };
    },
  );

  scope.post(
    '/workers/tell',
    {
      schema: {
        ...about('workers_tell', 'Log and tell of operations that are held'),
        body: Tellings,
        response: { 200: Told },
      },
    },
    async (request) => at(request).tell((request.body as Static<typeof Tellings>).said as readonly Said[]),
  );

  scope.post(
    '/workers/ask',
    {
      bodyLimit: LONG_BODY,
      schema: {
        ...about('workers_ask', 'Ask the walk of an operation that is held'),
        body: Asked,
        response: { 200: Answered },
      },
    },
    async (request, reply) => {
      const { operation, lease, number, question } = request.body as Static<typeof Asked>;
      const hold = { operation, lease };
      const answer = await held(async () => {
        await at(request).question(hold, number, question as Question);
        return at(request).answer(hold, number, ASK_MS, goneOf(reply));
      });
      return { answer };
    },
  );

  scope.post(
    '/workers/finish',
    {
      bodyLimit: LONG_BODY,
      schema: {
        ...about('workers_finish', 'Bring the outcome of an operation'),
        body: Finished,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { operation, lease, rest, finish } = request.body as Static<typeof Finished>;
      await at(request).finish({ operation, lease }, rest as readonly Said[], finish as Finish);
      return reply.code(204).send();
    },
  );

  scope.get(
    '/workers/operations/:operation/:lease/file',
    {
      schema: {
        ...about('workers_file', 'Read a file of the blueprint of an operation that is held'),
        params: HeldParams,
        querystring: PathQuery,
        response: { 200: Bytes },
      },
    },
    async (request, reply) => {
      const { path } = request.query as Static<typeof PathQuery>;
      return bytes(reply, await held(() => at(request).file(holdOf(request), path)));
    },
  );
  scope.get(
    '/workers/operations/:operation/:lease/files',
    {
      schema: {
        ...about('workers_files', 'List the files in a folder of the blueprint of an operation that is held'),
        params: HeldParams,
        querystring: FolderQuery,
        response: { 200: Files },
      },
    },
    async (request) => {
      const { folder } = request.query as Static<typeof FolderQuery>;
      return { files: await held(() => at(request).files(holdOf(request), folder)) };
    },
  );
  scope.get(
    '/workers/operations/:operation/:lease/package',
    {
      schema: {
        ...about('workers_package', 'Tell which plugin package an operation that is held needs'),
        params: HeldParams,
        response: { 200: Package },
      },
    },
    async (request) => {
      const found = await held(() => at(request).package(holdOf(request)));
      if (found === null) return { package: null };
      const { packageName, packageVersion, sha256, size } = found;
      return { package: { packageName, packageVersion, sha256, size } };
    },
  );
  scope.get(
    '/workers/operations/:operation/:lease/wagon',
    {
      schema: {
        ...about('workers_wagon', 'Read the wagon of the plugin that an operation that is held needs'),
        params: HeldParams,
        response: { 200: Bytes },
      },
    },
    async (request, reply) => {
      const found = await held(() => at(request).package(holdOf(request)));
      if (found === null) throw new DomainError('not-found', 'plugin-not-found', 'There is no such plugin');
      return bytes(reply, { size: found.size, stream: found.wagon() });
    },
  );
}

function holdOf(request: FastifyRequest) {
  return request.params as Static<typeof HeldParams>;
}

/** What is lost is lost for good: another holds it, or nobody. */
async function held<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Lost)) throw error;
    throw new DomainError('conflict', 'operation-lost', 'The operation is not held by this worker any more');
  }
}

function workerOf(request: FastifyRequest): number {
  const { 'orrery-worker': given } = request.headers;
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : -1;
}

/** Aborted when nobody waits for the answer any more: nothing is taken for a worker that has hung up. */
function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.on('close', () => gone.abort());
  return gone.signal;
}
