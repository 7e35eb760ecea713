/**
 * What one run of a script has said through `ctx`: its result or its wish to stop, and its runtime properties.
 *
 * Runtime properties are copied from the request at the start and are the run's own until it ends: they are saved
 * with the outcome, whatever it is, or earlier by `ctx instance update`.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { FailureCause } from '../../errors.js';
import type {
  InstanceContext,
  OperationOutcome,
  OperationRequest,
  RuntimePropertyChanges,
} from '../plugin.js';
import { CtxError, isMapping, StopOperation } from './ctx-values.js';
import { refuseUnstorable } from './storable.js';

/** What the script asked for; null: nothing, its exit code decides. */
export type ScriptVerdict =
  | { readonly kind: 'returns'; readonly value: Json }
  | { readonly kind: 'abort'; readonly message: string }
  | { readonly kind: 'retry'; readonly message: string; readonly after: number | null }
  /** Raised by a Python script. */
  | { readonly kind: 'raise'; readonly error: RaisedError };

export interface RaisedError {
  readonly type: string;
  readonly message: string;
  readonly traceback: string;
  readonly retryable: boolean;
  readonly retryAfter: number | null;
  /** What it says led to it, outermost first. */
  readonly causes: readonly FailureCause[];
}

export class ScriptSession {
  verdict: ScriptVerdict | null = null;
  /** `ctx operation retry`: counts only when the script ends well without a verdict. */
  retryWish: { message: string; after: number | null } | null = null;
  readonly #properties = new Map<string, { data: JsonObject; changed: boolean }>();
  #open = true;

  constructor(readonly request: OperationRequest) {
    for (const instance of instancesOf(request)) {
      const start = instance.instance.runtimeProperties;
      this.#properties.set(instance.instance.id, { data: structuredClone(start), changed: false });
    }
  }

  /** The run has ended: what comes later, from a daemon it left, changes nothing. */
  close(): void {
    this.#open = false;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Ends the run's say with a verdict; a second one turns both into a failure. */
  decide(verdict: ScriptVerdict): void {
    if (this.verdict !== null) {
      const message = 'ctx may only abort or return once';
      this.verdict = { kind: 'abort', message };
      throw new CtxError('NonRecoverableError', message);
    }
    this.verdict = verdict;
    if (verdict.kind === 'abort' || verdict.kind === 'retry') throw new StopOperation(verdict.message);
  }

  properties(instanceId: string): JsonObject {
    return this.#entry(instanceId).data;
  }

  touch(instanceId: string): void {
    this.#entry(instanceId).changed = true;
  }

  replace(instanceId: string, data: Json): void {
    if (!isMapping(data)) throw new CtxError('TypeError', 'runtime properties must be a mapping');
    refuseUnstorable(data);
    const entry = this.#entry(instanceId);
    entry.data = data;
    entry.changed = true;
  }

  /** Saves one instance's properties now; throws what the engine throws when somebody else wrote meanwhile. */
  async update(instanceId: string): Promise<void> {
    const entry = this.#entry(instanceId);
    if (!entry.changed) return;
    entry.changed = false;
    try {
      await this.request.saveRuntimeProperties({ [instanceId]: structuredClone(entry.data) });
    } catch (error) {
      entry.changed = true;
      throw error;
    }
  }

  /** Reads the instance's stored properties again. Unsaved changes are an error unless `force`, which drops them. */
  async refresh(instanceId: string, force: boolean): Promise<void> {
    const entry = this.#entry(instanceId);
    if (entry.changed && !force) {
      throw new CtxError('RuntimeError', 'the instance has unsaved changes; refresh with force drops them');
    }
    const read = this.request.readRuntimeProperties;
    if (read === undefined) throw new CtxError('RuntimeError', 'refresh is not available here');
    entry.data = structuredClone(await read.call(this.request, instanceId));
    entry.changed = false;
  }

  /** What is to be saved with the outcome; undefined: nothing changed. */
  changes(): RuntimePropertyChanges | undefined {
    const changed = [...this.#properties].filter(([, entry]) => entry.changed);
    if (changed.length === 0) return undefined;
    return Object.fromEntries(changed.map(([id, entry]) => [id, structuredClone(entry.data)]));
  }

  #entry(instanceId: string) {
    const entry = this.#properties.get(instanceId);
    if (entry === undefined)
      throw new CtxError('NonRecoverableError', `no instance ${instanceId} in this operation`);
    return entry;
  }
}

export function instancesOf(request: OperationRequest): InstanceContext[] {
  const { self, relationship } = request.context;
  const all = [self, relationship?.source ?? null, relationship?.target ?? null];
  return all.filter((one) => one !== null);
}

/** What an exception that ended a Python operation means. */
export function outcomeOfRaised(error: RaisedError): OperationOutcome {
  const { type, message, traceback, retryable, retryAfter, causes } = error;
  if (type === 'OperationRetry') return { kind: 'again', after: retryAfter, message };
  return {
    kind: 'failed',
    failure: {
      type,
      message,
      retryable,
      ...(retryAfter === null ? {} : { retryAfter }),
      causes: [{ type, message, ...(traceback === '' ? {} : { traceback }) }, ...causes],
    },
  };
}
