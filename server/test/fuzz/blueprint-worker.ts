/** A thread that tries blueprints, and tells at any time which one: who watches it can end it when it hangs. */
import { parentPort, workerData } from 'node:worker_threads';
import { fuzzBlueprints } from './fuzz-blueprints.js';

const { seed, count, from, at } = workerData as {
  seed: number;
  count: number;
  from: number;
  /** Of one number: what is being tried. */
  at: SharedArrayBuffer;
};
const current = new Int32Array(at);
parentPort!.postMessage(
  fuzzBlueprints({ seed, count, from, progress: (number) => Atomics.store(current, 0, number) }),
);
