/** What benchmarks of the engine share: blueprints of any size, and executions that are waited for. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';
import type { Stand } from './stand.js';
import type { WorkerNews, WorkerOrder } from './worker-process.js';

/** Up to a blueprint's nodes: things with three operations, `function` of the simulated cloud each. */
export function head(operation: string): string {
  return `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  simulated: {executor: central_deployment_agent, install: false}
node_types:
  bench.Thing:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: ${operation}
        configure: ${operation}
        start: ${operation}
node_templates:
`;
}

export const NOOP = 'simulated.operations.noop';

export async function upload(to: Stand, id: string, text: string): Promise<void> {
  const folder = join(to.dataDir, 'blueprints', id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'blueprint.yaml'), text);
  const archive = create({ cwd: join(folder, '..'), gzip: true }, [id]);
  const source = { kind: 'stream' as const, stream: Readable.from(archive) };
  const stored = await to.core.blueprintUploads.upload(to.admin, { id, source });
  if (stored.state !== 'uploaded') throw new Error(stored.error ?? stored.state);
}

/** Fulfilled when the execution has ended, as hints and, as those may be lost, looks say. */
export async function ended(on: Stand, execution: string): Promise<string> {
  for (;;) {
    const heard = new Promise<void>((resolve) => {
      const stop = on.core.signals.subscribe((hints) => {
        if (hints.includes(`ended:${execution}`)) done();
      });
      const late = setTimeout(() => done(), 5000);
      const done = () => {
        stop();
        clearTimeout(late);
        resolve();
      };
    });
    const { status } = await on.core.executions.get(on.admin, execution);
    if (['terminated', 'failed', 'cancelled'].includes(status)) return status;
    await heard;
  }
}

export interface WorkerProcess {
  readonly pid: number;
  onBegan(listener: (execution: string, at: number) => void): void;
  stop(): Promise<void>;
}

/**
 * @param options of Node
 * @param tells whether `onBegan` is called
 */
export async function aWorkerProcess(
  on: Stand,
  name: string,
  operations: number,
  options: readonly string[] = [],
  tells = true,
): Promise<WorkerProcess> {
  const file = fileURLToPath(new URL('./worker-process.js', import.meta.url));
  const child: ChildProcess = fork(file, [], { execArgv: [...process.execArgv, ...options] });
  const listeners: ((execution: string, at: number) => void)[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (news: WorkerNews) => {
      if (news.kind === 'ready') resolve();
      else for (const listener of listeners) listener(news.execution, news.at);
    });
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
  const { dataDir, databaseUrl, masterKey } = on;
  const order: WorkerOrder = { name, dataDir, databaseUrl, masterKey, operations, tells };
  child.send(order);
  await ready;
  return {
    pid: child.pid!,
    onBegan: (listener) => listeners.push(listener),
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await gone;
    },
  };
}

/** The value that so many of a hundred are at or below. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
