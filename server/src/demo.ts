/**
 * The demonstration: on the first start with an empty store, `examples/hello-world` is uploaded, deployed and installed through
 * the same services that any request uses. It is the main job of Orrery, done once so that there is something to see.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Caller } from './caller.js';
import type { Core } from './core.js';
import { DomainError } from './errors.js';
import { FIRST_USER } from './identity/bootstrap.js';
import { DEFAULT_TENANT } from './identity/tenants.js';
import { isFinal } from './orchestration/execution-state.js';

const ID = 'hello-world';
const POLL_MS = 100;

/** The folder of an example that is delivered with Orrery; null where the examples were left out. */
export function exampleFolder(name: string): string | null {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const example = join(folder, 'examples', name);
    if (existsSync(join(example, 'blueprint.yaml'))) return example;
    if (folder === dirname(folder)) return null;
  }
}

/**
 * Whether this data folder still owes its demonstration. Written before the first row of an empty store and after the last
 * step, so that a server killed in between goes on where it was.
 */
export class DemoMark {
  readonly #file: string;

  constructor(dataDir: string) {
    this.#file = join(dataDir, 'demonstration');
  }

  /** To be called before the store is looked at: nobody has decided yet. */
  get undecided(): boolean {
    return !existsSync(this.#file);
  }

  get owed(): boolean {
    return !this.undecided && readFileSync(this.#file, 'utf8').trim() === 'owed';
  }

  set(state: 'owed' | 'done'): void {
    writeFileSync(this.#file, `${state}\n`, { mode: 0o600 });
  }
}

/**
 * Installs the demonstration, each step only where it is missing, and waits for its end, or until `signal` says that the
 * server stops.
 *
 * @returns the URL the demonstration answers at; null where there is none to tell
 * @throws Error when it could not be installed
 */
export async function installDemo(core: Core, signal: AbortSignal): Promise<string | null> {
  const folder = exampleFolder(ID);
  if (folder === null) return null;
  const caller = await core.callers.actingAs(FIRST_USER, DEFAULT_TENANT, 'demonstration');
  const blueprint = await found(core.blueprints.get(caller, ID));
  if (blueprint?.state !== 'uploaded') {
    const { create } = await import('tar');
    const archive = create({ cwd: dirname(folder), gzip: true, portable: true, noMtime: true }, [ID]);
    const source = { kind: 'stream', stream: Readable.from(archive) } as const;
    await core.blueprintUploads.upload(caller, { id: ID, source, mainFile: 'blueprint.yaml' });
  }
  const deployment =
    (await found(core.deployments.get(caller, ID))) ??
    (await core.deployments.create(caller, { id: ID, blueprintId: ID, displayName: 'Hello, world' }));
  const begun = deployment.latestExecution?.workflow === 'install' ? deployment.latestExecution : null;
  const { id } = begun ?? (await core.executions.start(caller, { deploymentId: ID, workflow: 'install' }));
  for (;;) {
    if (signal.aborted) return null;
    const execution = await core.executions.get(caller, id);
    if (execution.status === 'terminated') return demoUrl(core, caller);
    if (isFinal(execution.status)) {
      throw new Error(`the execution ${execution.status}: ${execution.error}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Where the demonstration answers, when it is there and installed; null otherwise. */
export async function runningDemo(core: Core): Promise<string | null> {
  const caller = await core.callers.actingAs(FIRST_USER, DEFAULT_TENANT, 'demonstration');
  const deployment = await found(core.deployments.get(caller, ID));
  return deployment?.installed ? demoUrl(core, caller) : null;
}

async function demoUrl(core: Core, caller: Caller): Promise<string | null> {
  const { url } = await core.deployments.capabilities(caller, ID);
  return typeof url === 'string' && url.startsWith('http') ? url : null;
}

async function found<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'not-found') return null;
    throw error;
  }
}
