import type { Json } from '../plan.js';
import type { Place } from './source.js';

/** One named thing of a section, as written (and, under a namespace, renamed). */
export interface Entry {
  readonly name: string;
  readonly value: Json;
  readonly place: Place;
  /** From our own base types. */
  readonly bundled: boolean;
}

export type Section = Map<string, Entry>;
