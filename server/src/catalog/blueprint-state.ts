/**
 * How an upload goes on, and what may be done in each state. Pure.
 *
 *   pending ─► uploading ─► extracting ─► parsing ─► uploaded
 *      └───────────┴─► failed-uploading │      └─► invalid (its author erred), failed-parsing (anything else)
 *                                       └─► failed-extracting
 *
 * `pending` waits for a URL's answer. Only `uploaded` has an archive, files and a plan. A failed one keeps its id and
 * says why; uploading again under the id replaces it.
 */

export type UploadPhase = 'pending' | 'uploading' | 'extracting' | 'parsing';
export type FailedState = 'failed-uploading' | 'failed-extracting' | 'failed-parsing' | 'invalid';
export type BlueprintState = UploadPhase | FailedState | 'uploaded';

const PHASES: ReadonlySet<string> = new Set<UploadPhase>(['pending', 'uploading', 'extracting', 'parsing']);

export function isUnderWay(state: BlueprintState): state is UploadPhase {
  return PHASES.has(state);
}

export function isFailed(state: BlueprintState): state is FailedState {
  return state !== 'uploaded' && !isUnderWay(state);
}

/** What becomes of an upload that fails in `phase`. */
export function failureIn(phase: UploadPhase, authorErred: boolean): FailedState {
  if (phase === 'parsing') return authorErred ? 'invalid' : 'failed-parsing';
  return phase === 'extracting' ? 'failed-extracting' : 'failed-uploading';
}
