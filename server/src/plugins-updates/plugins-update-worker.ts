/**
 * Carries out updates of plugins: updates the deployments some at a time, waits for all of these, and ends execution and update
 * together. Whoever takes one over from a worker that died finds what was begun in the updates of the deployments.
 *
 * A cancel begins no more; what has begun is waited for, as the copy of the blueprint is needed until then.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from '../caller.js';
import type { BlueprintCopies } from '../catalog/blueprint-copies.js';
import { DomainError } from '../errors.js';
import type { Callers } from '../identity/callers.js';
import type { DeploymentUpdates } from '../orchestration/deployment-updates.js';
import type { SystemClaim } from '../orchestration/system-executions.js';
import {
  type SystemWorker,
  type SystemWorkerParts,
  startSystemWorker,
} from '../orchestration/system-worker.js';
import type { Pool } from '../store/pool.js';
import { callersOn, deploymentsOn } from './deployments-on.js';
import {
  lockByUid,
  type PluginsUpdateRow,
  type Standing,
  selectBegun,
  selectFailed,
  selectProgress,
  selectUnderWay,
  selectUpdateOf,
} from './plugins-updates.store.js';
import { settle } from './settle.js';

export interface PluginsUpdateWorkerParts extends SystemWorkerParts {
  readonly pool: Pool;
  readonly copies: BlueprintCopies;
  readonly callers: Pick<Callers, 'actingAs'>;
  readonly deploymentUpdates: Pick<DeploymentUpdates, 'initiate'>;
}

const POLL_MS = 1000;
const MOST_TRIES = 20;
/** Updates of plugins that one process carries out at a time, and deployments that each updates at a time. */
const AT_ONCE = 4;
const DEPLOYMENTS_AT_ONCE = 10;
/** Between looks at how the updates of deployments stand. */
const SHORTEST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 1000;
const MOST_TOLD = 10;
const LOGGER = 'plugins-update';

export function startPluginsUpdateWorker(parts: PluginsUpdateWorkerParts): SystemWorker {
  const { log } = parts;
  return startSystemWorker(parts, {
    what: 'updates of plugins',
    atOnce: AT_ONCE,
    beatMs: POLL_MS,
    carryOut: ({ claim, out, unwanted }) => walk(parts, claim, { out, enough: enoughOf(claim, unwanted) }),
    // Its lease runs out, and whoever takes it then goes on.
    broke: async (claim, error) =>
      log.error({ err: error, execution: claim.id }, `${claim.workflow} broke off; it is taken up again`),
  });
}

/** A cancel begins no more, nor does one that was begun too often. */
function enoughOf(claim: SystemClaim, unwanted: AbortSignal): AbortSignal {
  return claim.tries > MOST_TRIES ? AbortSignal.abort() : unwanted;
}

/** What a walk must heed. `enough`: begin no more. `out`: write no more. */
interface Bounds {
  readonly enough: AbortSignal;
  readonly out: AbortSignal;
}

async function walk(parts: PluginsUpdateWorkerParts, claim: SystemClaim, bounds: Bounds): Promise<void> {
  const { pool, executions } = parts;
  const update = await selectUpdateOf.one(pool, [claim.id]);
  if (update === null || update.tempUid === null) {
    await executions.end(claim, 'The update of plugins is not wanted any more', async () => {});
    return;
  }
  const refused = new Map<string, string>();
  if (claim.tries > MOST_TRIES) refused.set('', `It was begun ${MOST_TRIES} times and never ended`);
  for (;;) {
    const callers = await callersOf(parts, claim, update, refused);
    const left = await beginAll(parts, claim, update, callers, refused, bounds);
    await waitUntil(parts, update, 1, bounds.out);
    bounds.out.throwIfAborted();
    const { done, failed } = (await selectProgress.one(pool, [update.tempUid]))!;
    const problem =
      left.length === 0 && failed === 0 && !refused.has('') ? '' : await tellOf(parts, update, left, refused);
    if (await ended(parts, claim, update, callers, problem)) {
      await executions.tell(claim, problem === '' ? 'info' : 'warning', LOGGER, summary(done, problem));
      return;
    }
  }
}

/**
 * Begins the update of each deployment that still stands on the blueprint and has none yet.
 *
 * @returns names of those that stay where they are
 */
async function beginAll(
  parts: PluginsUpdateWorkerParts,
  claim: SystemClaim,
  update: PluginsUpdateRow,
  callers: readonly Caller[],
  refused: Map<string, string>,
  bounds: Bounds,
): Promise<string[]> {
  const { pool } = parts;
  const left: string[] = [];
  for (const caller of callers) {
    for await (const deployment of deploymentsOn(pool, caller, update.blueprintUid)) {
      const name = nameOf(deployment.id, caller.tenant!.name, update);
      if ((await selectBegun.one(pool, [deployment.uid, update.tempUid])) !== null) continue;
      if (bounds.enough.aborted) refused.set(name, 'not begun');
      if (!refused.has(name))
        await begin(parts, claim, update, { caller, deployment, name }, refused, bounds);
      if (refused.has(name)) left.push(name);
    }
  }
  return left;
}

async function callersOf(
  parts: PluginsUpdateWorkerParts,
  claim: SystemClaim,
  update: PluginsUpdateRow,
  refused: Map<string, string>,
): Promise<readonly Caller[]> {
  const by = { username: claim.createdBy, tenant: update.tenantName, reason: `execution ${claim.id}` };
  try {
    return await callersOn(parts, by, { blueprint: update.blueprintUid, allTenants: update.allTenants });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    refused.set('', error.message);
    return [];
  }
}

interface Candidate {
  readonly caller: Caller;
  readonly deployment: Standing;
  readonly name: string;
}

async function begin(
  parts: PluginsUpdateWorkerParts,
  claim: SystemClaim,
  update: PluginsUpdateRow,
  { caller, deployment, name }: Candidate,
  refused: Map<string, string>,
  bounds: Bounds,
): Promise<void> {
  const { deploymentUpdates, executions } = parts;
  for (;;) {
    await waitUntil(parts, update, DEPLOYMENTS_AT_ONCE, bounds.out);
    bounds.out.throwIfAborted();
    if (bounds.enough.aborted) {
      refused.set(name, 'not begun');
      return;
    }
    try {
      const id = await deploymentUpdates.initiate(caller, {
        deploymentId: deployment.id,
        blueprintId: update.tempBlueprint!,
        correctTypes: update.correctTypes,
        force: update.forced,
        reevaluate: update.reevaluate,
        wishes: {
          skipInstall: true,
          skipUninstall: true,
          skipReinstall: true,
          skipDriftCheck: false,
          skipHeal: false,
          forceReinstall: false,
          ignoreFailure: false,
          reinstallList: [],
          workflow: null,
        },
      });
      await executions.tell(claim, 'info', LOGGER, `Deployment ${name} is being updated: ${id}`);
      return;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // It was deleted since: there is nothing left to update.
      if (error.kind === 'not-found') return;
      // For now: while there is maintenance, or too much waits.
      if (error.kind === 'unavailable' || error.reason === 'too-many-waiting') {
        await pause(POLL_MS, undefined, { signal: bounds.out });
        continue;
      }
      refused.set(name, error.message);
      await executions.tell(
        claim,
        'warning',
        LOGGER,
        `Deployment ${name} cannot be updated: ${error.message}`,
      );
      return;
    }
  }
}

/** Until fewer than `most` updates of deployments are under way. */
async function waitUntil(
  { pool }: PluginsUpdateWorkerParts,
  { tempUid }: PluginsUpdateRow,
  most: number,
  out: AbortSignal,
): Promise<void> {
  for (let wait = SHORTEST_LOOK_MS; ; wait = Math.min(LONGEST_LOOK_MS, wait * 1.3)) {
    out.throwIfAborted();
    if ((await selectUnderWay.one(pool, [tempUid]))!.active < most) return;
    await pause(wait, undefined, { signal: out });
  }
}

async function tellOf(
  { pool }: PluginsUpdateWorkerParts,
  update: PluginsUpdateRow,
  left: readonly string[],
  refused: ReadonlyMap<string, string>,
): Promise<string> {
  const failed = (await selectFailed.all(pool, [update.tempUid])).map(({ id, tenant }) =>
    nameOf(id, tenant, update),
  );
  const told = [
    ...failed.map((name) => `${name}: its update failed`),
    ...left.map((name) => `${name}: ${refused.get(name) ?? 'not updated'}`),
  ];
  const more = told.length > MOST_TOLD ? `; and ${told.length - MOST_TOLD} more` : '';
  const why = refused.get('');
  return `${why === undefined ? '' : `${why}. `}Not updated: ${told.slice(0, MOST_TOLD).join('; ')}${more}`;
}

/** A deployment has come to stand on the blueprint while the others were updated. */
class Late extends Error {}

/** @returns false: there is more to do */
async function ended(
  { copies, executions }: PluginsUpdateWorkerParts,
  claim: SystemClaim,
  { uid, tenantId, blueprintUid, tempUid }: PluginsUpdateRow,
  callers: readonly Caller[],
  problem: string,
): Promise<boolean> {
  try {
    await executions.end(claim, problem, async (client) => {
      await copies.lock(client, tenantId, blueprintUid);
      const row = await lockByUid.one(client, [uid]);
      if (row === null) return;
      for (const caller of problem === '' ? callers : []) {
        for await (const deployment of deploymentsOn(client, caller, blueprintUid)) {
          if ((await selectBegun.one(client, [deployment.uid, tempUid])) === null) throw new Late();
        }
      }
      await settle(client, copies, row, problem === '');
    });
    return true;
  } catch (error) {
    if (error instanceof Late) return false;
    throw error;
  }
}

function nameOf(id: string, tenant: string, update: PluginsUpdateRow): string {
  return tenant === update.tenantName ? id : `${id} of tenant ${tenant}`;
}

function summary(done: number, problem: string): string {
  return `Deployments updated: ${done}. ${problem}`.trim();
}
