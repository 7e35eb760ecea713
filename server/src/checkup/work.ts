/** Checks of the work: who does it, and what waits for somebody who does not come. */
import type { Pool } from '../store/pool.js';
import { bad, type Finding, good, note } from './finding.js';
import {
  type AgentsRow,
  type PoolRow,
  selectAbandoned,
  selectAgents,
  selectOldestWaiting,
  selectUndecided,
  selectUnserved,
  selectWorkers,
  type WaitingRow,
  type WorkersRow,
} from './work.store.js';

/** A worker looks once a second; a claim that takes longer than this is no matter of luck any more. */
const LONG_WAIT = 60;
/** Leases that ran out are taken over at once by whoever lives; so many seconds are more than a busy moment. */
const ABANDONED = 60;

export function judgeWorkers({ workers, master, initialized }: WorkersRow): Finding {
  if (workers === 0)
    return bad(
      'workers',
      'no process lives that would run executions',
      initialized
        ? 'Start one with ORRERY_ROLE all or worker on a node that has joined the cluster.'
        : 'Start one with ORRERY_ROLE all or worker.',
    );
  if (!master)
    return note(
      'workers',
      `${workers} live, and none is master: schedules and other chores rest`,
      'One becomes master within seconds; if not, look in their logs.',
    );
  return good('workers', `${workers} live`);
}

/** @param oldest null: nothing waits */
export function judgeWaiting(oldest: WaitingRow | null, workers: number): Finding {
  if (oldest === null) return good('waiting', 'no execution waits for a worker');
  const found = `execution ${oldest.id} of ${oldest.tenant} has waited ${duration(oldest.seconds)} for a worker`;
  if (oldest.seconds < LONG_WAIT) return good('waiting', found);
  return note(
    'waiting',
    found,
    workers === 0
      ? 'Start a worker.'
      : 'All are busy, or a limit holds it back: add workers, raise ORRERY_WORKER_EXECUTIONS, or look at: orrery tenants limits.',
  );
}

export function judgeAbandoned(executions: readonly WaitingRow[]): Finding {
  const [worst] = executions;
  if (worst === undefined) return good('leases', 'every execution that was begun has somebody who walks it');
  return bad(
    'leases',
    `${executions.length} executions have lost their worker and nobody takes them over; ${worst.id} of ${worst.tenant} for ${duration(worst.seconds)}`,
    'Start a worker, or raise the limits of what may run; nothing of them is lost meanwhile.',
  );
}

export function judgePools(pools: readonly PoolRow[]): Finding {
  if (pools.length === 0) return good('pools', 'every pool that operations wait for is served');
  return bad(
    'pools',
    `nobody serves ${pools.map(({ pool, operations, seconds }) => `${pool} (${operations} wait, the first for ${duration(seconds)})`).join(', ')}`,
    'Start a worker for it (ORRERY_WORKER_TAGS, or a remote worker); after ORRERY_POOL_WAIT seconds they fail.',
  );
}

export function judgeAgents({ agents, silent, example }: AgentsRow): Finding {
  if (silent === 0) return good('agents', agents === 0 ? 'no host has an agent' : `${agents} answer`);
  return note(
    'agents',
    `${silent} of ${agents} agents on hosts say nothing; ${example} for one`,
    'Look at the host and at ~/.orrery-agent/*/agent.log there; install_new_agents puts them there again.',
  );
}

export function judgeUndecided(deployments: number, example: string | null): Finding {
  if (deployments === 0) return good('decisions', 'no execution waits for a person');
  return note(
    'decisions',
    `${deployments === 1000 ? 'more than 999' : deployments} executions ended with operations of which nobody knows whether they were done`,
    `Look, then decide: orrery executions operations ${example} --undone`,
  );
}

export async function checkWork(pool: Pool): Promise<Finding[]> {
  const workers = (await selectWorkers.one(pool))!;
  const undecided = (await selectUndecided.one(pool))!;
  return [
    judgeWorkers(workers),
    judgeWaiting(await selectOldestWaiting.one(pool), workers.workers),
    judgeAbandoned(await selectAbandoned.all(pool, [ABANDONED])),
    judgePools(await selectUnserved.all(pool)),
    judgeAgents((await selectAgents.one(pool))!),
    judgeUndecided(undecided.deployments, undecided.example),
  ];
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
