/** The forms of what workers elsewhere and their administrators say and hear. */
import { Type } from 'typebox';

const Name = Type.String({ minLength: 1, maxLength: 256 });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Operation = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Lease = Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 });
const Anything = Type.Unknown({ description: 'Any JSON' });

export const Pools = Type.Object(
  {
    pools: Type.Array(Type.Object({ pool: Type.String(), waiting: Count, held: Count }), {
      description: 'Those that have operations under way',
    }),
    workers: Type.Array(
      Type.Object({
        name: Type.String(),
        kind: Type.Union(['central', 'remote', 'agent'].map((kind) => Type.Literal(kind))),
        pools: Type.Array(Type.String()),
        tenant: Type.Union([Type.String(), Type.Null()], { description: 'The only one that it works for' }),
        host: Type.String(),
        version: Type.String(),
        room: Type.Integer({ description: 'Operations that it runs at once' }),
        holds: Type.Integer({ description: 'Operations that it has now' }),
        alive: Type.Boolean(),
        seenAt: Type.String({ format: 'date-time' }),
      }),
    ),
  },
  { title: 'Pools' },
);

const Credentials = {
  id: Type.String(),
  name: Type.String(),
  kind: Type.Union([Type.Literal('remote'), Type.Literal('agent')]),
  pools: Type.Array(Type.String()),
  tenant: Type.Union([Type.String(), Type.Null()]),
  createdBy: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  lastUsedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
};
export const CredentialList = Type.Object(
  { items: Type.Array(Type.Object(Credentials, { title: 'WorkerCredentials' })) },
  { title: 'WorkerCredentialsList' },
);
export const CredentialQuery = Type.Object({
  after: Type.Optional(Type.String({ maxLength: 32, description: 'Id of the last of the page before' })),
});
export const IssuedCredentials = Type.Object(
  { ...Credentials, token: Type.String({ description: 'Shown once: `owrk-…`' }) },
  { title: 'IssuedWorkerCredentials' },
);
export const NewCredentials = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, description: 'For people' }),
    pools: Type.Array(Type.String({ maxLength: 128 }), { minItems: 1, maxItems: 20 }),
    tenant: Type.Optional(
      Type.Union([Type.String(), Type.Null()], {
        description: 'Only operations of this tenant; without it, of every tenant',
      }),
    ),
  },
  { additionalProperties: false, title: 'NewWorkerCredentials' },
);
export const CredentialParams = Type.Object({ id: Type.String({ description: 'Id of the credentials' }) });

export const Registration = Type.Object(
  {
    name: Name,
    host: Type.String({ maxLength: 256 }),
    version: Type.String({ maxLength: 64 }),
    system: Type.Optional(Type.String({ maxLength: 256, description: 'What the machine is, for people' })),
    room: Type.Integer({ minimum: 1, maximum: 5000 }),
    fresh: Type.Boolean({
      description: 'The process has just started: what one of its name held before is lost',
    }),
  },
  { additionalProperties: false, title: 'WorkerRegistration' },
);
export const Registered = Type.Object(
  {
    worker: Type.Integer({ description: 'To be sent as `Orrery-Worker` from now on' }),
    lease: Type.Integer({ description: 'Seconds; beat every third of it' }),
    pools: Type.Array(Type.String()),
  },
  { title: 'RegisteredWorker' },
);

const AbortNews = Type.Object({
  operation: Operation,
  abort: Type.Union(['cancelled', 'killed', 'timeout'].map((reason) => Type.Literal(reason))),
  atOnce: Type.Boolean(),
});
const Held = { operation: Operation, lease: Lease };

export const Attendance = Type.Object(
  {
    room: Type.Integer({ minimum: 0, maximum: 5000 }),
    known: Type.Array(AbortNews, { maxItems: 5000, description: 'Aborts that have been heard already' }),
    wait: Type.Integer({ minimum: 0, maximum: 60, description: 'Seconds that the answer may take' }),
  },
  { additionalProperties: false, title: 'WorkerAttendance' },
);
export const News = Type.Object(
  {
    work: Type.Array(
      Type.Object(
        { ...Held, order: Anything },
        { description: 'To be confirmed by a beat before it is begun' },
      ),
    ),
    aborts: Type.Array(AbortNews),
  },
  { title: 'WorkerNews' },
);
export const Beat = Type.Object(
  { held: Type.Array(Type.Object(Held), { maxItems: 5000 }) },
  { additionalProperties: false, title: 'WorkerBeat' },
);
export const Kept = Type.Object(
  { kept: Type.Array(Operation), aborts: Type.Array(AbortNews) },
  { title: 'WorkerKept' },
);

const Text = Type.String({ maxLength: 1024 * 1024 });
const Telling = Type.Union([
  Type.Object({
    kind: Type.Literal('log'),
    level: Type.Union(['debug', 'info', 'warning', 'error', 'critical'].map((level) => Type.Literal(level))),
    message: Text,
  }),
  Type.Object({ kind: Type.Literal('event'), message: Text }),
]);
const Said = Type.Object({ ...Held, number: Lease, telling: Telling });
export const Tellings = Type.Object(
  { said: Type.Array(Said, { maxItems: 1000 }) },
  { additionalProperties: false, title: 'WorkerTellings' },
);
export const Told = Type.Object(
  {
    lost: Type.Array(Operation, { description: 'Held no longer' }),
    full: Type.Array(Operation, { description: 'Not taken: too much waits already; say it again later' }),
  },
  { title: 'WorkerTold' },
);

const Patches = Type.Record(
  Type.String(),
  Type.Object({ put: Type.Record(Type.String(), Anything), drop: Type.Array(Type.String()) }),
);
const Question = Type.Union([
  Type.Object({ kind: Type.Literal('save'), patches: Patches }),
  Type.Object({ kind: Type.Literal('read'), instance: Type.String() }),
  Type.Object({ kind: Type.Literal('evaluate'), expression: Anything }),
  Type.Object({
    kind: Type.Literal('node'),
    name: Type.String(),
    instance: Type.Union([Type.String(), Type.Null()]),
  }),
  Type.Object({ kind: Type.Literal('instance'), id: Type.String() }),
]);
export const Asked = Type.Object(
  { ...Held, number: Lease, question: Question },
  { additionalProperties: false, title: 'WorkerQuestion' },
);
export const Answered = Type.Object(
  { answer: Type.Unknown({ description: '`{"value": …}` or `{"error": …}`; null: not yet, ask again' }) },
  { title: 'WorkerAnswer' },
);
export const Finished = Type.Object(
  {
    ...Held,
    rest: Type.Array(Said, { maxItems: 1000 }),
    finish: Type.Union([
      Type.Null(),
      Type.Object({ outcome: Anything, patches: Type.Union([Patches, Type.Null()]) }),
    ]),
  },
  { additionalProperties: false, title: 'WorkerFinish' },
);

export const HeldParams = Type.Object({
  operation: Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'An operation that the worker holds',
  }),
  lease: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }),
});
export const PathQuery = Type.Object({ path: Type.String({ maxLength: 4096 }) });
export const FolderQuery = Type.Object({ folder: Type.String({ maxLength: 4096 }) });
export const Files = Type.Object({ files: Type.Array(Type.String()) }, { title: 'WorkerFiles' });
export const Package = Type.Object(
  {
    package: Type.Union([
      Type.Null(),
      Type.Object({
        packageName: Type.String(),
        packageVersion: Type.String(),
        sha256: Type.String(),
        size: Type.Integer(),
      }),
    ]),
  },
  { title: 'WorkerPackage' },
);
export const AgentParams = Type.Object({
  instance: Type.String({ maxLength: 1024, description: 'Id of the node instance of a host' }),
});
export const AgentScript = Type.Object(
  {
    script: Type.String({
      description: 'A shell script to be run on the host; the credentials in it are told this once',
    }),
  },
  { title: 'AgentScript' },
);
export const RuntimeQuery = Type.Object({
  system: Type.String({ maxLength: 64, description: 'As `uname -s` says it' }),
  machine: Type.String({ maxLength: 64, description: 'As `uname -m` says it' }),
});
export const Nothing = Type.Null({ description: 'Done; there is no body' });
export const Bytes = Type.String({ format: 'binary' });
