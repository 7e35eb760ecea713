import type { OperationRecord } from '../../src/orchestration/told-operations.js';
import type { Engine } from './an-engine.js';

/** Every task of an execution with where it stands, markers too, read in small pages. */
export async function everyTask(
  { taskGraphs, caller }: Engine,
  execution: string,
): Promise<OperationRecord[]> {
  const all: OperationRecord[] = [];
  for (;;) {
    const after = all.at(-1)?.task ?? -1;
    const page = await taskGraphs.page(caller, execution, { after, limit: 7, markers: true });
    all.push(...page.items);
    if (page.isLast) return all;
  }
}
