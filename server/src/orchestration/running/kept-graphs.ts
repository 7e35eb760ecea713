/** Graphs that the code of a workflow keeps for itself, so that it goes on in them when it is run again. */
import { randomUUID } from 'node:crypto';
import { DomainError } from '../../errors.js';
import type { KeptGraphs, KeptStep } from '../../plugins/workflow.js';
import type { Client, Pool } from '../../store/pool.js';
import { inTransaction } from '../../store/transaction.js';
import {
  deleteGraphOperation,
  insertGraph,
  insertGraphOperations,
  keptGraphs,
  keptOperations,
  updateGraphOperation,
} from '../task-graphs.store.js';
import type { AskedTasks } from './asked-tasks.js';
import { Fenced } from './ledger.js';
import { type Patience, patiently } from './outage.js';
import { type ClaimedExecution, holdExecution } from './running.store.js';

/** What was asked for as a step of a kept graph has this key. */
export function stepKey(step: string): string {
  return `step ${step}`;
}

export function keptGraphsOf(
  parts: Patience & { readonly pool: Pool },
  { uid, fence, tenantId, createdById }: ClaimedExecution,
  asked: AskedTasks,
): KeptGraphs {
  const look = () => patiently(() => keptGraphs.all(parts.pool, tenantId, [uid]), parts);
  // Only whoever holds the execution writes; a run of the code that was left behind does not.
  const write = <T>(work: (client: Client) => Promise<T>): Promise<T> =>
    inTransaction(parts.pool, async (client) => {
      if ((await holdExecution.one(client, [uid, fence])) === null) throw new Fenced();
      return work(client);
    });
  const graphOf = async (id: string) => {
    const graph = (await look()).find((one) => one.id === id);
    if (graph === undefined)
      throw new DomainError('not-found', 'not-found', `Task graph ${id} does not exist`);
    return graph;
  };
  return {
    find: async (name) => (await look()).find((one) => one.name === name) ?? null,
    async keep(name, steps) {
      const id = randomUUID();
      await write(async (client) => {
        const row = await insertGraph.one(client, tenantId, [id, uid, name, createdById]);
        await insertGraphOperations.run(client, tenantId, [row!.uid, JSON.stringify(steps.map(rowOf))]);
      });
      return { id };
    },
    async steps(graph) {
      const kept = await patiently(
        () => keptOperations.all(parts.pool, tenantId, [uid, graph, null, null, null, 0]),
        parts,
      );
      return kept.map(({ id, name, type, state, dependencies, parameters }) => ({
        id,
        name,
        type,
        dependencies,
        parameters,
        state: asked.stateUnder(stepKey(id)) ?? state,
      }));
    },
    async add(graph, step) {
      const { uid: graphUid } = await graphOf(graph);
      await write((client) =>
        insertGraphOperations.run(client, tenantId, [graphUid, JSON.stringify([rowOf(step)])]),
      );
    },
    setState: (step, state) =>
      write(async (client) => {
        await updateGraphOperation.one(client, tenantId, [step, state, null, null, null, null, null]);
      }),
    remove: (step) =>
      write(async (client) => {
        await deleteGraphOperation.run(client, tenantId, [step]);
      }),
  };
}

function rowOf({ id, name, type, dependencies, parameters }: KeptStep) {
  return { id, name, type, state: 'pending', dependencies, parameters };
}
