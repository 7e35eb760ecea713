/**
 * How many executions that no worker has had yet a worker asks for: as many as its room for operations is good for.
 *
 * One whose operations wait for room leaves what comes to others; else it would hold many executions that crawl beside each other, in
 * small batches, while another worker finds nothing. What nobody else has taken after a while it takes all the same, one at a time, so that a small
 * execution gets its turn beside a large one also where all are full: soon for a tenant that has nothing here, and for
 * others the later, the more it walks already.
 *
 * What an execution will ask for is not known before it is walked. So one is taken first, and one more at once for
 * each that has been seen to leave room.
 */
import type { TenantId } from '../../ids.js';
import type { Clock } from './clock.js';

/** At most so many whose operations are not known yet. */
const MOST_UNSEEN = 16;
/** Milliseconds that others, who have room, get to take what comes. */
export const LEFT_TO_OTHERS_MS = 100;
/** Of a tenant that has some here: doubled for each execution that is walked, so often at most. */
const MOST_DOUBLINGS = 4;

export interface Wish {
  /** Executions that no worker has had. */
  readonly most: number;
  /** And none of these tenants'. */
  readonly sated: readonly TenantId[];
}

export interface Walked {
  readonly tenantId: TenantId;
  /** What it asks for is known. */
  readonly isSeen: boolean;
}

export class Appetite {
  readonly #clock: Pick<Clock, 'ticks'>;
  readonly #slots: { readonly room: number };
  /** So many unseen ones at once. */
  #stride = 1;
  /** Others have had their time. */
  #isPatient = false;
  /** When something was taken last. */
  #ateAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'ticks'>, slots: { readonly room: number }) {
    this.#clock = clock;
    this.#slots = slots;
  }

  /** What comes is left to others for a while. */
  isHeldBack(walked: readonly Walked[]): boolean {
    return this.#bearable(walked) <= 0;
  }

  /** What is still there, others have left. */
  waited(): void {
    this.#isPatient = true;
  }

  wish(walked: readonly Walked[]): Wish {
    if (this.#slots.room <= 0) this.#stride = 1;
    const bearable = this.#bearable(walked);
    if (bearable > 0) return { most: bearable, sated: [] };
    if (!this.#isPatient) return { most: 0, sated: [] };
    this.#isPatient = false;
    const isAnybodys = this.untilAnybodys(walked) <= 0;
    return { most: 1, sated: isAnybodys ? [] : [...new Set(walked.map((one) => one.tenantId))] };
  }

  /** Milliseconds until one more is taken of any tenant, full as the worker is. */
  untilAnybodys(walked: readonly Walked[]): number {
    const pause = LEFT_TO_OTHERS_MS * 2 ** Math.min(walked.length, MOST_DOUBLINGS);
    return this.#ateAt + pause - this.#clock.ticks();
  }

  ate(): void {
    this.#ateAt = this.#clock.ticks();
  }

  /** What an execution asks for is known, and stands in line where it found no room. */
  saw(): void {
    if (this.#slots.room > 0) this.#stride = Math.min(MOST_UNSEEN, this.#stride + 1);
  }

  /** Each that is not seen yet will want room for one operation at least. */
  #bearable(walked: readonly Walked[]): number {
    const unseen = walked.reduce((sum, one) => sum + (one.isSeen ? 0 : 1), 0);
    return Math.min(this.#stride, Math.ceil(this.#slots.room)) - unseen;
  }
}
