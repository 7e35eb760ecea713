/** The properties that an operation has been shown and has written since, on both ends of a dispatch. */
import type { JsonObject } from '../../../dsl/plan.js';
import type { OperationContext, RuntimePropertyChanges } from '../../../plugins/plugin.js';
import { patchBetween } from '../outbox.js';
import type { Patches } from './dispatcher.js';

/** What changes is told as patches against it: the walk may have been taken over, and others have written since. */
export class SeenProperties {
  readonly #seen: Map<string, JsonObject>;

  constructor(context: OperationContext) {
    const { self, relationship } = context;
    const shown = relationship === null ? [self] : [relationship.source, relationship.target];
    this.#seen = new Map(
      shown.flatMap((one) => (one === null ? [] : [[one.instance.id, one.instance.runtimeProperties]])),
    );
  }

  has(instance: string): boolean {
    return this.#seen.has(instance);
  }

  see(instance: string, properties: JsonObject): void {
    this.#seen.set(instance, properties);
  }

  patches(changes: RuntimePropertyChanges): Patches {
    const patches: Record<string, Patches[string]> = {};
    for (const [instance, after] of Object.entries(changes)) {
      const patch = patchBetween(this.#seen.get(instance) ?? {}, after);
      if (patch !== null) patches[instance] = patch;
    }
    return patches;
  }

  /** Whole properties again. */
  patched(patches: Patches): RuntimePropertyChanges {
    const changes: Record<string, JsonObject> = {};
    for (const [instance, { put, drop }] of Object.entries(patches)) {
      const gone = new Set(drop);
      const before = Object.entries(this.#seen.get(instance) ?? {}).filter(([name]) => !gone.has(name));
      changes[instance] = { ...Object.fromEntries(before), ...put };
    }
    return changes;
  }

  take(changes: RuntimePropertyChanges): void {
    for (const [instance, properties] of Object.entries(changes)) this.#seen.set(instance, properties);
  }
}
