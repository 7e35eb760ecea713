/** Blueprints that the server makes itself: there once, whoever goes on after a crash. */
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Caller } from '../caller.js';
import type { BlueprintUploads } from '../catalog/blueprint-uploads.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { Label } from '../catalog/labels.js';
import { DomainError } from '../errors.js';
import { oneFileArchive } from './one-file-archive.js';

export interface BlueprintShelf {
  readonly blueprints: Blueprints;
  readonly uploads: BlueprintUploads;
}

/** @throws DomainError `unavailable` (`blueprint-not-ready`), and as uploads say */
export async function ensureBlueprint(
  { blueprints, uploads }: BlueprintShelf,
  caller: Caller,
  id: string,
  text: () => Promise<string> | string,
  labels: readonly Label[],
): Promise<void> {
  if (await isUploaded(blueprints, caller, id)) return;
  const archive = oneFileArchive('blueprint.yaml', await text());
  try {
    await uploads.upload(caller, {
      id,
      source: { kind: 'stream', stream: Readable.from([archive]) },
      labels: [...labels],
    });
  } catch (error) {
    // Somebody else uploads it at this moment, or has just done so.
    if (!(error instanceof DomainError) || error.kind !== 'conflict') throw error;
    for (let tries = 0; tries < 50; tries += 1) {
      if (await isUploaded(blueprints, caller, id)) return;
      await pause(100);
    }
    const { state } = await blueprints.get(caller, id);
    throw new DomainError('unavailable', 'blueprint-not-ready', `Blueprint ${id} is ${state}`);
  }
}

async function isUploaded(blueprints: Blueprints, caller: Caller, id: string): Promise<boolean> {
  try {
    return (await blueprints.get(caller, id)).state === 'uploaded';
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'not-found') return false;
    throw error;
  }
}
