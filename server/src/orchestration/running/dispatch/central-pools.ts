/** A worker beside the database that serves pools. */
import { leaveWorker, loseHeldBy, registerWorker } from './dispatch.store.js';
import { type PoolWorker, type PoolWorkerParts, startPoolWorker } from './pool-worker.js';
import { StoreDispatcher, type StoreDispatcherParts } from './store-dispatcher.js';

export interface CentralPoolsParts
  extends Omit<PoolWorkerParts, 'dispatcher'>,
    Omit<StoreDispatcherParts, 'worker' | 'certain' | 'patience'> {
  /** Of the worker, as executions name it; no other process of that name lives, where `sole` says so. */
  readonly identity: { readonly name: string; readonly sole: boolean };
  readonly host: string;
  readonly version: string;
}

export async function servePools(parts: CentralPoolsParts): Promise<PoolWorker> {
  const { pool, identity, pools, host, version, room, lease } = parts;
  const row = await registerWorker.one(pool, [
    identity.name,
    'central',
    pools,
    null,
    host,
    version,
    room,
    lease,
    '',
  ]);
  const worker = row!.uid;
  if (identity.sole) await loseHeldBy.all(pool, [worker]);
  const dispatcher = new StoreDispatcher({ ...parts, worker, certain: true });
  const running = startPoolWorker({ ...parts, dispatcher });
  return {
    get operations() {
      return running.operations;
    },
    async stop() {
      await running.stop();
      await leaveWorker.run(pool, [worker]).catch(() => {});
    },
  };
}
