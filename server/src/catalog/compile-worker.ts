/** The worker thread of `compile-pool.ts`: one piece of work in, one answer out. */
import { parentPort } from 'node:worker_threads';
import { type CompileRequest, compileOnce } from './compile-once.js';
import { type PluginYamlRequest, readPluginYaml } from './read-plugin-yaml.js';

/** What a thread is given. */
export type ThreadWork =
  | { readonly kind: 'compile'; readonly request: CompileRequest }
  | { readonly kind: 'plugin-yaml'; readonly request: PluginYamlRequest };

parentPort?.on('message', (work: ThreadWork) => {
  parentPort?.postMessage(work.kind === 'compile' ? compileOnce(work.request) : readPluginYaml(work.request));
});
