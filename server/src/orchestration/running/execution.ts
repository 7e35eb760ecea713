/** One claimed execution from claim to end: read the deployment, plan or take up the graph, walk it, write the ending. */
import { isTracing, traceFrom } from '../../traces.js';
import { isCancelling } from '../execution-state.js';
import { workflowFor } from '../planning/workflows/workflow-table.js';
import { text } from './answer.js';
import { calledOff } from './called-off.js';
import type { Clock } from './clock.js';
import { walkCode } from './code-walk.js';
import { Fenced, Ledger } from './ledger.js';
import { patiently } from './outage.js';
import { readModel, type WalkDependencies, walkOf } from './picture.js';
import { type ClaimedExecution, selectTrace } from './running.store.js';
import { walkStages } from './staged-walk.js';
import { end, started } from './telling.js';
import type { Walk } from './walk.js';
import { countsIn, NOTHING_YET, readMemory } from './walk-memory.js';
import { asSet } from './walk-parts.js';

export type { WalkDependencies } from './picture.js';

/**
 * @param onWalk told the walk as soon as there is one, so that heartbeats and cancels reach it
 * @returns what became of the claim; on `released` and `fenced` the execution goes on elsewhere
 */
export async function walkExecution(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  onWalk: (walk: Walk) => void,
): Promise<'ended' | 'released' | 'fenced'> {
  if (!isTracing()) return walk(parts, execution, onWalk);
  const look = () => patiently(() => selectTrace.one(parts.pool, [execution.uid]), parts);
  const traced = traceFrom((await look())?.trace ?? null, `execution ${execution.workflow}`, {
    'orrery.execution.id': execution.id,
    'orrery.deployment.id': execution.deploymentId,
    'orrery.tenant': execution.tenantName,
    'orrery.fence': execution.fence,
  });
  try {
    const became = await walk({ ...parts, traced: traced ?? undefined }, execution, onWalk);
    const { status, error } = (became === 'ended' ? await look() : null) ?? { status: became, error: '' };
    traced?.end({ 'orrery.outcome': status }, status === 'failed' ? error : undefined);
    return became;
  } catch (error) {
    traced?.end({ 'orrery.outcome': 'broken' }, (error as Error).name);
    throw error;
  }
}

async function walk(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  onWalk: (walk: Walk) => void,
): Promise<'ended' | 'released' | 'fenced'> {
  const { clock } = parts;
  const ledger = new Ledger(parts.pool, execution, parts);
  try {
    if (isCancelling(execution.status) && execution.graph === null) {
      // Nothing of it has begun, and whether it could be planned at all is no matter any more.
      await end(ledger, execution, { status: 'cancelled', error: '', clock });
      return 'ended';
    }
    const workflow = workflowFor(execution.function, execution.parameters);
    if (workflow === undefined) return await walkCode(parts, execution, ledger, onWalk);
    if ('next' in workflow) return await walkStages(parts, execution, ledger, workflow.next, onWalk);

    const { pool } = parts;
    const model = await patiently(() => readModel(pool, execution), parts);
    if (await calledOff(parts, execution, ledger, model)) return 'ended';
    const made = execution.graph ?? workflow.build(model, execution.parameters);
    if ('problem' in made) return await refuse(ledger, execution, clock, made.problem);
    const graph = execution.graph ?? asSet(made, parts.settings);
    if (await calledOff(parts, execution, ledger, model)) return 'ended';
    const memory =
      execution.graph === null ? NOTHING_YET : await patiently(() => readMemory(pool, execution), parts);
    const status = await ledger.begin(graph, countsIn(graph, memory), [started(execution, clock)]);
    const blueprint = { uid: execution.blueprintUid, id: execution.blueprintId };
    const walked = walkOf(parts, { ...execution, status }, ledger, { graph, memory, model, blueprint });
    onWalk(walked);
    const result = await walked.run();
    if (result.kind !== 'ended') return result.kind;
    await end(ledger, execution, { status: result.status, error: result.error, clock });
    return 'ended';
  } catch (error) {
    if (error instanceof Fenced) return 'fenced';
    throw error;
  }
}

async function refuse(
  ledger: Ledger,
  execution: ClaimedExecution,
  clock: Clock,
  problem: string,
): Promise<'ended'> {
  await ledger.begin(null, { total: 0, finished: 0 }, [started(execution, clock)]);
  await end(ledger, execution, { status: 'failed', error: problem, clock });
  return 'ended';
}

/** After the engine itself has failed at it too often: over, so that a person may look and resume it. */
export async function giveUpExecution(
  parts: Pick<WalkDependencies, 'pool' | 'abandoned' | 'clock'>,
  execution: ClaimedExecution,
  error: unknown,
): Promise<void> {
  const why = `the engine could not carry it out: ${text((error as Error | null)?.message ?? error)}`;
  const { clock } = parts;
  await end(new Ledger(parts.pool, execution, parts), execution, { status: 'failed', error: why, clock });
}
