/** The dispatcher of a worker that stands beside the database; also what the API speaks for workers that do not. */
import type { Readable } from 'node:stream';
import { DomainError } from '../../../errors.js';
import type { BlueprintUid, TenantId, UserId } from '../../../ids.js';
import type { PluginPackage } from '../../../plugins/plugin-package.js';
import type { Pool } from '../../../store/pool.js';
import type { Signals } from '../../../store/signals.js';
import {
  dropAnswers,
  finishOperation,
  type HeldRow,
  type KeptRow,
  putMessages,
  renewHeld,
  selectAborts,
  selectAnswer,
  selectHeld,
  takeOperations,
} from './dispatch.store.js';
import {
  type AbortNews,
  type Answers,
  type Dispatcher,
  type Finish,
  type Hold,
  Lost,
  type News,
  type Question,
  type Renewal,
  type Said,
  type Work,
  type WorkOrder,
} from './dispatcher.js';
import type { Answer } from './errand-answers.js';
import { type DispatchVault, placeOf, sealed, unsealed } from './seal.js';

/** What is read of the catalogue for the holder of an operation. */
export interface Shelf<P extends PluginPackage = PluginPackage> {
  readonly blueprints: {
    file(blueprint: BlueprintUid, path: string): Promise<{ size: number; stream: Readable }>;
    files(blueprint: BlueprintUid, folder: string, after?: string): Promise<readonly { path: string }[]>;
  };
  readonly packages: {
    find(
      scope: { readonly tenantId: TenantId; readonly userId: UserId; readonly seesPrivate: boolean },
      wanted: {
        readonly packageName: string;
        readonly packageVersion: string | null;
        readonly blueprint: BlueprintUid;
      },
    ): Promise<P | null>;
  };
}

export interface StoreDispatcherParts<P extends PluginPackage = PluginPackage> {
  readonly pool: Pool;
  readonly vault: DispatchVault;
  readonly signals: Signals;
  readonly shelf: Shelf<P>;
  /** Of `pool_workers`. */
  readonly worker: number;
  readonly pools: readonly string[];
  /** What it takes has arrived at the worker; else the worker says so by its next beat. */
  readonly certain: boolean;
  /** Milliseconds that one waits for news or an answer before one looks again. */
  readonly patience?: number;
}

const POLL_MS = 1000;

export class StoreDispatcher<P extends PluginPackage = PluginPackage> implements Dispatcher {
  readonly #parts: StoreDispatcherParts<P>;

  constructor(parts: StoreDispatcherParts<P>) {
    this.#parts = parts;
  }

  async attend(room: number, known: readonly AbortNews[], signal: AbortSignal): Promise<News> {
    const { worker, pools, pool, patience = POLL_MS } = this.#parts;
    const ping = `ping:${worker}`;
    let isAsked = false;
    const hints = new Set([
      ping,
      `abort:${worker}`,
      ...(room > 0 ? pools.map((name) => `pool:${name}`) : []),
    ]);
    const deadline = Date.now() + patience;
    for (;;) {
      const wanted = (one: string) => {
        isAsked ||= one === ping;
        return hints.has(one);
      };
      const hint = this.#hint(wanted, signal, Math.min(POLL_MS, deadline - Date.now()));
      try {
        const aborts = (await selectAborts.all(pool, [worker])).flatMap(newsOf).filter(isNewTo(known));
        const work = room > 0 && !signal.aborted ? await this.#take(room) : [];
        if (work.length > 0 || aborts.length > 0 || signal.aborted) return { work, aborts };
        await hint.heard;
      } finally {
        hint.forget();
      }
      if (isAsked) return { work: [], aborts: [], isAsked };
      if (signal.aborted || Date.now() >= deadline) return { work: [], aborts: [] };
    }
  }

  async renew(held: readonly Hold[]): Promise<Renewal> {
    const { pool, worker } = this.#parts;
    const rows = await renewHeld.all(pool, [
      worker,
      held.map((one) => one.operation),
      held.map((one) => one.lease),
    ]);
    return { kept: new Set(rows.map((row) => row.uid)), aborts: rows.flatMap(newsOf) };
  }

  async tell(said: readonly Said[]) {
    const rows = await this.#put(
      said.map((one) => ({ ...one, body: one.telling })),
      false,
    );
    const held = new Set(rows.map((row) => row.uid));
    for (const uid of held) this.#parts.signals.send(`told:${uid}`);
    const lost = [...new Set(said.map((one) => one.operation))].filter((uid) => !held.has(uid));
    return { lost, full: rows.filter((row) => row.full).map((row) => row.uid) };
  }

  async ask<Q extends Question>(
    hold: Hold,
    number: number,
    question: Q,
    signal: AbortSignal,
  ): Promise<Answers[Q['kind']]> {
    await this.question(hold, number, question);
    for (;;) {
      const answer = await this.answer(hold, number, POLL_MS, signal);
      if (answer !== null) return answered(answer) as Answers[Q['kind']];
      if (signal.aborted) throw new Lost();
    }
  }

  /** Hands a question on; again is the same as once. Throws Lost. */
  async question(hold: Hold, number: number, question: Question): Promise<void> {
    const rows = await this.#put([{ ...hold, number, body: question }], true);
    if (rows.length === 0) throw new Lost();
    this.#parts.signals.send(`told:${hold.operation}`);
  }

  /** The answer to question `number` as soon as it is there; null: not within `wait` milliseconds. Throws Lost. */
  async answer(hold: Hold, number: number, wait: number, signal: AbortSignal): Promise<Answer | null> {
    const { pool, worker, vault } = this.#parts;
    const deadline = Date.now() + wait;
    for (;;) {
      const left = Math.max(0, Math.min(POLL_MS, deadline - Date.now()));
      const hint = this.#hint((one) => one === `answer:${hold.operation}`, signal, left);
      try {
        const row = await selectAnswer.one(pool, [worker, hold.operation, hold.lease, number]);
        if (row === null) throw new Lost();
        if (row.answer !== null) {
          const answer = unsealed<Answer>(
            vault,
            row.answer,
            placeOf.answer(hold.operation, hold.lease, number),
          );
          await dropAnswers.run(pool, [worker, hold.operation, hold.lease, [number]]);
          return answer;
        }
        await hint.heard;
      } finally {
        hint.forget();
      }
      if (signal.aborted || Date.now() >= deadline) return null;
    }
  }

  async file(hold: Hold, path: string) {
    return this.#parts.shelf.blueprints.file((await this.#held(hold)).blueprint, path);
  }

  async files(hold: Hold, folder: string): Promise<readonly string[]> {
    const { blueprint } = await this.#held(hold);
    const paths: string[] = [];
    for (;;) {
      const page = await this.#parts.shelf.blueprints.files(blueprint, folder, paths.at(-1) ?? '');
      if (page.length === 0) return paths;
      paths.push(...page.map((file) => file.path));
    }
  }

  async package(hold: Hold): Promise<P | null> {
    const held = await this.#held(hold);
    const { declared } = this.#orderOf(held);
    if (declared === null || declared.packageName === null) return null;
    const scope = { tenantId: held.tenantId, userId: held.createdBy as UserId, seesPrivate: false };
    const { packageName, packageVersion } = declared;
    return this.#parts.shelf.packages.find(scope, { packageName, packageVersion, blueprint: held.blueprint });
  }

  async finish(hold: Hold, rest: readonly Said[], finish: Finish): Promise<void> {
    const { pool, worker, vault, signals } = this.#parts;
    const { operation, lease } = hold;
    await finishOperation.run(pool, [
      worker,
      operation,
      lease,
      finish === null ? null : sealed(vault, finish, placeOf.outcome(operation, lease)),
      rest.map((one) => one.number),
      rest.map((one) => sealed(vault, one.telling, placeOf.message(operation, lease, one.number))),
    ]);
    signals.send(`told:${operation}`);
  }

  async #take(room: number): Promise<Work[]> {
    const { pool, worker, vault } = this.#parts;
    const rows = await takeOperations.all(pool, [worker, room, this.#parts.certain]);
    for (const { uid } of rows) this.#parts.signals.send(`told:${uid}`);
    return rows.map(({ uid, lease, execution, task, attempt, work }) => ({
      operation: uid,
      lease,
      order: unsealed<WorkOrder>(vault, work, placeOf.work(execution, task, attempt)),
    }));
  }

  #put(messages: readonly (Hold & { number: number; body: unknown })[], asks: boolean) {
    const { pool, worker, vault } = this.#parts;
    return putMessages.all(pool, [
      worker,
      messages.map((one) => one.operation),
      messages.map((one) => one.lease),
      messages.map((one) => one.number),
      messages.map((one) => sealed(vault, one.body, placeOf.message(one.operation, one.lease, one.number))),
      messages.map(() => asks),
    ]);
  }

  async #held({ operation, lease }: Hold): Promise<HeldRow> {
    const row = await selectHeld.one(this.#parts.pool, [this.#parts.worker, operation, lease]);
    if (row === null) throw new Lost();
    return row;
  }

  #orderOf({ work, execution, task, attempt }: HeldRow): WorkOrder {
    return unsealed<WorkOrder>(this.#parts.vault, work, placeOf.work(execution, task, attempt));
  }

  /** Listens from now on, so that what comes while one looks is not missed. */
  #hint(wanted: (hint: string) => boolean, signal: AbortSignal, wait: number) {
    let forget = () => {};
    const heard = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, wait));
      const done = () => resolve();
      const unsubscribe = this.#parts.signals.subscribe((hints) => {
        if (hints.some(wanted)) resolve();
      });
      signal.addEventListener('abort', done);
      forget = () => {
        clearTimeout(timer);
        unsubscribe();
        signal.removeEventListener('abort', done);
      };
    });
    return { heard, forget };
  }
}

/** @throws DomainError where the walk has answered with one */
export function answered(answer: Answer): unknown {
  if ('value' in answer) return answer.value;
  const { kind, reason, message } = answer.error;
  throw new DomainError(kind, reason, message);
}

function newsOf({ uid, abort, atOnce }: KeptRow): AbortNews[] {
  return abort === null ? [] : [{ operation: uid, abort, atOnce }];
}

function isNewTo(known: readonly AbortNews[]): (news: AbortNews) => boolean {
  return ({ operation, atOnce }) =>
    !known.some((one) => one.operation === operation && (one.atOnce || !atOnce));
}
