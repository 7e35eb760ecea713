/** What holders of operations say to the walks, handed on in its order, and the walks' answers on their way back. */

import type { Pool } from '../../../store/pool.js';
import type { Signals } from '../../../store/signals.js';
import type { DispatchedRequest } from '../attempt-request.js';
import { answerMessages, dropMessages, type MessageRow, selectMessages } from './dispatch.store.js';
import type { Question, Telling } from './dispatcher.js';
import { answerTo, isLeftForLater } from './errand-answers.js';
import type { SeenProperties } from './property-patches.js';
import { type DispatchVault, placeOf, sealed, unsealed } from './seal.js';

/** Whose holder speaks. */
interface Speaker {
  readonly errand: { readonly request: DispatchedRequest; durable(): Promise<void> };
  readonly seen: SeenProperties;
}

const MESSAGES = 500;

export class ErrandTalk {
  readonly #parts: { readonly pool: Pool; readonly vault: DispatchVault; readonly signals: Signals };
  readonly #speaker: (operation: number) => Speaker | undefined;
  readonly #due: () => void;
  /** Messages that are handed on already and not gone yet, or being answered. */
  readonly #inHand = new Set<number>();
  #drops: number[] = [];
  #answers: { uid: number; operation: number; answer: Buffer }[] = [];

  /** `due`: there is something to write back. */
  constructor(
    parts: { readonly pool: Pool; readonly vault: DispatchVault; readonly signals: Signals },
    { speaker, due }: { speaker(operation: number): Speaker | undefined; due(): void },
  ) {
    this.#parts = parts;
    this.#speaker = speaker;
    this.#due = due;
  }

  get idle(): boolean {
    return this.#drops.length === 0 && this.#answers.length === 0;
  }

  /** Hands on what the holders of the operations `uids` have said. */
  async listen(uids: readonly number[]): Promise<void> {
    for (;;) {
      const rows = await selectMessages.all(this.#parts.pool, [uids, [...this.#inHand]]);
      const told = new Map<Speaker, number[]>();
      for (const row of rows) {
        const open = this.#speaker(row.operation);
        if (open === undefined) continue;
        this.#inHand.add(row.uid);
        this.#take(open, row, told);
      }
      for (const [open, messages] of told) {
        open.errand.durable().then(
          () => {
            this.#drops.push(...messages);
          },
          () => {
            for (const uid of messages) this.#inHand.delete(uid);
          },
        );
      }
      if (rows.length < MESSAGES) return;
    }
  }

  #take(open: Speaker, row: MessageRow, told: Map<Speaker, number[]>): void {
    const { vault } = this.#parts;
    const { request } = open.errand;
    const place = placeOf.message(row.operation, row.lease, row.number);
    if (!row.asks) {
      const telling = unsealed<Telling>(vault, row.body, place);
      if (telling.kind === 'log') request.log(telling.level, telling.message);
      else request.event(telling.message);
      told.set(open, [...(told.get(open) ?? []), row.uid]);
      return;
    }
    const question = unsealed<Question>(vault, row.body, place);
    void answerTo(request, open.seen, question, row.central).then((answer) => {
      // The walk that comes after this one is asked again.
      if (isLeftForLater(answer)) {
        this.#inHand.delete(row.uid);
        return;
      }
      const { uid, operation, lease, number } = row;
      const box = sealed(vault, answer, placeOf.answer(operation, lease, number));
      this.#answers.push({ uid, operation, answer: box });
      this.#due();
    });
  }

  async writeBack(): Promise<void> {
    const { pool, signals } = this.#parts;
    const answers = this.#answers.splice(0);
    if (answers.length > 0) {
      try {
        await answerMessages.run(pool, [answers.map((one) => one.uid), answers.map((one) => one.answer)]);
      } catch (error) {
        this.#answers.unshift(...answers);
        throw error;
      }
      for (const { uid, operation } of answers) {
        this.#inHand.delete(uid);
        signals.send(`answer:${operation}`);
      }
    }
    const drops = this.#drops.splice(0);
    if (drops.length === 0) return;
    try {
      await dropMessages.run(pool, [drops]);
    } catch (error) {
      this.#drops.unshift(...drops);
      throw error;
    }
    for (const uid of drops) this.#inHand.delete(uid);
  }
}
