/** Walks an execution whose workflow is code of a plugin: the graph begins with the code, and grows as the code asks. */
import type { Json } from '../../dsl/plan.js';
import { hasWorkflows } from '../../plugins/workflow.js';
import { workflowsOf } from '../deployments.store.js';
import { selectOperations } from '../executions.store.js';
import { graphOfCode } from '../planning/asked.js';
import type { AskedBefore } from './asked-tasks.js';
import type { Ledger } from './ledger.js';
import { patiently } from './outage.js';
import { readModel, type WalkDependencies, walkOf } from './picture.js';
import type { ClaimedExecution, EndStatus } from './running.store.js';
import { end, started } from './telling.js';
import type { Walk } from './walk.js';
import { countsIn, memoryOf } from './walk-memory.js';
import { asSet } from './walk-parts.js';

type Finish = 'ended' | 'released' | 'fenced';

/** Arguments and answer as of `walkExecution`. */
export async function walkCode(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  ledger: Ledger,
  onWalk: (walk: Walk) => void,
): Promise<Finish> {
  const { pool, clock, settings } = parts;
  const finish = async (status: EndStatus, error: string): Promise<Finish> => {
    await end(ledger, execution, { status, error, clock });
    return 'ended';
  };
  const [kept] = await patiently(() => workflowsOf.all(pool, [[execution.deploymentUid]]), parts);
  const plugin = kept?.workflows[execution.workflow]?.plugin;
  if (plugin === undefined || !hasWorkflows(parts.plugins.find(plugin))) {
    await ledger.begin(null, { total: 0, finished: 0 }, [started(execution, clock)]);
    return finish('failed', `Workflow ${execution.workflow} (${execution.function}) cannot be run here`);
  }
  const model = await patiently(() => readModel(pool, execution), parts);
  const graph = execution.graph ?? asSet(graphOfCode(execution.workflow, execution.function), parts.settings);
  const isResumed = execution.graph !== null;
  const look = () => selectOperations.all(pool, execution.tenantId, [execution.uid]);
  const rows = isResumed ? await patiently(look, parts) : [];
  const memory = memoryOf(rows);
  const now = clock.now();
  const status = await ledger.begin(graph, countsIn(graph, memory), [started(execution, clock)]);
  const walk = walkOf(parts, { ...execution, status }, ledger, {
    graph,
    memory,
    model,
    blueprint: { uid: execution.blueprintUid, id: execution.blueprintId },
    code: {
      plugin,
      isResumed,
      wasBrokenOff: rows.some(({ task, state }) => task === 0 && state === 'started'),
      before: rows.map(
        ({ task, state, result, failure, dueAt }): AskedBefore => ({
          task,
          state,
          result: (result ?? null) as Json,
          failure: failure as AskedBefore['failure'],
          isDue: state === 'waiting' && (dueAt?.getTime() ?? 0) <= now,
        }),
      ),
      limits: { maxRetries: settings.taskRetries, retryInterval: settings.taskRetryInterval },
    },
  });
  onWalk(walk);
  const result = await walk.run();
  return result.kind === 'ended' ? finish(result.status, result.error) : result.kind;
}
