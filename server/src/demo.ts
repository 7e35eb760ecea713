/**
 * The demonstration: on the first start with an empty store, `examples/hello-world` is uploaded, deployed and installed through
 * the same services that any request uses. It is the main job of Orrery, done once so that there is something to see.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Core } from './core.js';
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
 * Installs the demonstration and waits for its end, or until `signal` says that the server stops (the worker of the next
 * start goes on with it).
 *
 * @returns the URL the demonstration answers at; null where there is none to tell
 * @throws Error when it could not be installed
 */
export async function installDemo(core: Core, signal: AbortSignal): Promise<string | null> {
  const folder = exampleFolder(ID);
  if (folder === null) return null;
  const caller = await core.callers.actingAs(FIRST_USER, DEFAULT_TENANT, 'demonstration');
  const { create } = await import('tar');
  const archive = create({ cwd: dirname(folder), gzip: true, portable: true, noMtime: true }, [ID]);
  await core.blueprintUploads.upload(caller, {
    id: ID,
    source: { kind: 'stream', stream: Readable.from(archive) },
    mainFile: 'blueprint.yaml',
  });
  await core.deployments.create(caller, { id: ID, blueprintId: ID, displayName: 'Hello, world' });
  const { id } = await core.executions.start(caller, { deploymentId: ID, workflow: 'install' });
  for (;;) {
    if (signal.aborted) return null;
    const execution = await core.executions.get(caller, id);
    if (execution.status === 'terminated') break;
    if (isFinal(execution.status))
      throw new Error(`the demonstration ${execution.status}: ${execution.error}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const { url } = await core.deployments.capabilities(caller, ID);
  return typeof url === 'string' ? url : null;
}
