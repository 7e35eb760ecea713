/** Random commands of the engine and of people, each of which can be given to PostgreSQL and to the model. */

import { eventRows } from '../../src/events/events.js';
import type { TenantId } from '../../src/ids.js';
import {
  holdDeployment,
  setLatestExecution,
  settleDeployment,
} from '../../src/orchestration/deployments.store.js';
import {
  clearDecisions,
  decideOperations,
  lockExecution,
  promoteQueued,
  recallOperations,
  requestCancel,
  requestResume,
  selectOperations,
  selectUnfinished,
} from '../../src/orchestration/executions.store.js';
import {
  selectHealth,
  selectInstances,
  selectPropertiesById,
  updateInstance,
} from '../../src/orchestration/nodes.store.js';
import { Outbox } from '../../src/orchestration/running/outbox.js';
import * as engine from '../../src/orchestration/running/running.store.js';
import { wordsOf } from '../../src/orchestration/running/told.js';
import type { Queryable } from '../../src/store/statement.js';
import type { ModelDatabase } from './model-database.js';
import { type ExecutionRow, type InstanceRow, TENANT } from './model-rows.js';
import type { Random } from './random.js';

export interface Command {
  readonly what: string;
  /** It is its own transaction, as the engine has it. */
  readonly alone?: boolean;
  run(db: Queryable, tenant: TenantId): Promise<readonly object[]>;
}

const WORKERS = ['one', 'two'];
const STATES = ['creating', 'created', 'configured', 'started', 'deleted'] as const;
const TASKS = 6;
const GRAPH = JSON.stringify({
  workflow: 'install',
  tasks: Array.from({ length: TASKS }, (_, id) => ({ id, call: null, dependsOn: [] })),
});

/** One that the rows as they stand make interesting: most often right, at times not. */
export function aCommand(random: Random, model: ModelDatabase): Command {
  const executions = model.all('executions');
  const row = random.pick(executions);
  const instance = random.pick(model.all('instances'));
  const worker = row.worker !== null && random.chance(0.8) ? row.worker : random.pick(WORKERS);
  // Nobody has one that was not given yet.
  const fence = random.chance(0.85) ? row.fence : random.whole(0, row.fence);
  const number = random.chance(0.85) ? row.batches + 1 : random.whole(0, row.batches + 2);
  const { uid, deploymentUid } = row;
  const command = (what: string, run: Command['run'], alone = false): Command => ({ what, run, alone });
  const one = async (found: Promise<object | null>) => [(await found) ?? { nothing: true }];
  const none = async (done: Promise<number>) => [{ rows: await done }];
  const commands: readonly (() => Command)[] = [
    () => {
      const held = executions.filter(() => random.chance(0.3)).map((each) => each.uid);
      const sated = random.chance(0.2) ? [TENANT.id] : [];
      const values = [worker, 5, random.whole(1, 3), held, 0, 0, random.whole(0, 2), sated];
      return command(`claim ${values}`, (db) => engine.claimExecutions.all(db, values), true);
    },
    () => {
      const some = executions.filter(() => random.chance(0.7));
      const values = [worker, 5, some.map((each) => each.uid), some.map((each) => each.fence)];
      const sorted = async (db: Queryable) =>
        (await engine.renewLeases.all(db, values)).sort((a, b) => a.uid - b.uid);
      return command(`renew ${worker}`, sorted, true);
    },
    () => {
      const values = [worker, 5, uid, fence];
      return command(`renew one ${worker} ${uid}`, (db) => one(engine.renewLease.one(db, values)), true);
    },
    () => command(`free ${worker}`, (db) => none(engine.freeLeases.run(db, [worker])), true),
    () => command(`release ${uid} ${fence}`, (db) => none(engine.releaseLease.run(db, [uid, fence])), true),
    () => {
      // Only who has claimed one breaks down at it.
      const held = row.worker === null ? -1 : fence;
      return command(`breakdown ${uid}`, (db) => one(engine.countBreakdown.one(db, [uid, held, 1.3])), true);
    },
    ...Array.from({ length: 2 }, () => () => {
      const told = eventRows({ executionUid: uid as never, deploymentUid: deploymentUid as never }, [
        { kind: 'event', type: 'workflow_started', message: `begins ${number}` },
      ]);
      const values = [uid, fence, random.chance(0.8) ? GRAPH : null, TASKS, 0, number, told];
      return command(
        `begin ${uid} ${fence} ${number}`,
        (db) => one(engine.beginExecution.one(db, values)),
        true,
      );
    }),
    () => {
      const values = [uid, fence, GRAPH, TASKS, 1, number];
      return command(`grow ${uid} ${fence} ${number}`, (db) => one(engine.growExecution.one(db, values)));
    },
    ...Array.from({ length: 6 }, () => () => {
      // One that comes before its turn waits for some seconds, of which the model knows nothing: `ledger.test.ts` has it.
      const inTurn = Math.min(number, row.batches + 1);
      const values = [uid, fence, inTurn, ...aBatch(random, model, row, instance)];
      return command(
        `commit ${uid} ${fence} ${inTurn}`,
        (db) => one(engine.commitBatch.one(db, values)),
        true,
      );
    }),
    () => command(`look ${uid}`, (db) => one(engine.lookExecution.one(db, [uid]))),
    () => {
      const wanted = random.pick(['terminated', 'failed', 'cancelled']);
      return command(`end ${uid} ${fence} ${wanted}`, (db) =>
        one(engine.endExecution.one(db, [uid, fence, wanted, 'why'])),
      );
    },
    () => {
      const status = random.pick(['cancelling', 'force-cancelling', 'kill-cancelling', 'cancelled']);
      return command(`cancel ${uid} ${status}`, (db, tenant) =>
        none(requestCancel.run(db, tenant, [uid, status])),
      );
    },
    () => command(`resume ${uid}`, (db, tenant) => none(requestResume.run(db, tenant, [uid]))),
    () => {
      const moves = [
        { task: random.whole(0, TASKS), state: 'waiting', reason: null, due_at: new Date(0).toISOString() },
        { task: random.whole(0, TASKS), state: 'skipped', reason: 'so', due_at: null, decided_by: 'ada' },
      ];
      const distinct = moves[0]!.task === moves[1]!.task ? moves.slice(1) : moves;
      return command(`decide ${uid}`, (db, tenant) =>
        asPeople(db, tenant, row, () =>
          none(decideOperations.run(db, tenant, [uid, JSON.stringify(distinct)])),
        ),
      );
    },
    () =>
      command(`clear ${uid}`, (db, tenant) =>
        asPeople(db, tenant, row, () => none(clearDecisions.run(db, tenant, [uid]))),
      ),
    () => {
      const state = random.chance(0.7) ? random.pick(STATES) : null;
      const properties = random.chance(0.5) ? JSON.stringify({ by: 'hand' }) : null;
      return command(`update ${instance.id} ${state}`, (db, tenant) =>
        none(updateInstance.run(db, tenant, [instance.id, state, properties, null])),
      );
    },
    () =>
      command(`hold ${deploymentUid}`, (db, tenant) => none(holdDeployment.run(db, tenant, [deploymentUid]))),
    () =>
      // Alone: until it commits, PostgreSQL keeps claims away from the execution that the deployment points to.
      command(
        `latest ${uid}`,
        (db, tenant) => none(setLatestExecution.run(db, tenant, [deploymentUid, uid])),
        true,
      ),
    () => {
      const ended = random.pick(['terminated', 'failed']);
      return command(`settle ${ended}`, (db, tenant) =>
        none(settleDeployment.run(db, tenant, [deploymentUid, ended])),
      );
    },
    () => command('promote', (db, tenant) => promoteQueued.all(db, tenant, [deploymentUid])),
    () => command('unfinished', (db, tenant) => selectUnfinished.all(db, tenant, [deploymentUid])),
    () =>
      command(`operations ${uid}`, async (db, tenant) => {
        const all = await selectOperations.all(db, tenant, [uid]);
        const { succeeded, rest } = (await recallOperations.one(db, tenant, [uid]))!;
        return [
          ...all.map(({ task, state, attempt, dueAt, decidedBy }) => ({
            ...{ task, state, attempt, dueAt: dueAt?.toISOString() ?? null, decidedBy },
          })),
          { succeeded },
          ...rest.map(({ dueAt, ...row }) => ({ ...row, dueAt: dueAt && new Date(dueAt).toISOString() })),
        ];
      }),
    () =>
      command('instances', async (db, tenant) =>
        (await selectInstances.all(db, tenant, [deploymentUid])).sort((a, b) => (a.id < b.id ? -1 : 1)),
      ),
    () =>
      command(`properties ${instance.id}`, (db, tenant) =>
        selectPropertiesById.all(db, tenant, [deploymentUid, [instance.id]]),
      ),
    () =>
      command('health', async (db, tenant) =>
        (await selectHealth.all(db, tenant, [deploymentUid])).sort((a, b) => (a.id < b.id ? -1 : 1)),
      ),
  ];
  return random.pick(commands)();
}

/**
 * Whoever decides about operations holds their execution first, and so do batches: so they wait for each other there. Rows of
 * operations that were changed while a batch waits for them alone it would leave as they are, and count as written.
 */
async function asPeople(
  db: Queryable,
  tenant: TenantId,
  { id }: ExecutionRow,
  work: () => Promise<readonly object[]>,
): Promise<readonly object[]> {
  await lockExecution.one(db, tenant, [id, null, true]);
  return work();
}

/** What a walk could write next; the rows may say otherwise, and then both must refuse it alike. */
function aBatch(
  random: Random,
  model: ModelDatabase,
  { uid }: ExecutionRow,
  instance: InstanceRow,
): readonly unknown[] {
  const outbox = new Outbox();
  const due = new Date(Date.UTC(2026, 5, 1));
  for (let task = 0; task < TASKS; task += 1) {
    if (random.chance(0.6)) continue;
    const row = model.row('operations', `${uid}:${task}`);
    if (row === undefined) outbox.touch(task, random.pick(['started', 'started', 'succeeded', 'skipped']));
    else if (row.state === 'started' && random.chance(0.5)) outbox.done(task);
    else {
      const { attempt, retries } = row;
      const failure = { type: 'X', message: 'it "broke", \\ so', retryable: true, causes: [] };
      const more = random.pick([{}, { due }, { result: { some: ['data'] } }, { failure, reason: 'so' }]);
      const state = random.pick(['waiting', 'started', 'failed', 'interrupted', 'succeeded'] as const);
      outbox.move({ task, state, attempt: attempt + 1, retries, ...more });
    }
    if (random.chance(0.4)) outbox.finishOperation();
    const type = random.chance(0.8)
      ? { type: 'task_started', operation: 'o.p' }
      : { level: 'info', logger: 'l' };
    const place = {
      node: instance.node,
      instance: instance.id,
      source: null,
      target: null,
      pack: 0,
      number: 0,
    };
    outbox.event(wordsOf(`task ${task}, "quoted" and back\\slashed, {NULL}`, type), place);
  }
  if (random.chance(0.5)) outbox.state(instance.id, random.pick(STATES));
  if (random.chance(0.3)) {
    outbox.properties(instance.id, { put: { ip: random.whole(1, 9) }, drop: ['by'] });
  }
  if (random.chance(0.2))
    outbox.note(
      instance.id,
      'status',
      { ok: false, timestamp: 'then' },
      random.chance(0.5) ? 'other' : undefined,
    );
  if (random.chance(0.4)) outbox.want(instance.id);
  return outbox.take().values;
}
