/** The worker thread of `compile-pool.ts`: one request in, one answer out. */
import { parentPort } from 'node:worker_threads';
import { type CompileRequest, compileOnce } from './compile-once.js';

parentPort?.on('message', (request: CompileRequest) => {
  parentPort?.postMessage(compileOnce(request));
});
