/** Between processes and the database: pools as the engine knows them, whose requests and answers take time and get lost. */

import type { Client, Pool } from '../../src/store/pool.js';
import { lostConnection } from '../support/flaky-pool.js';
import type { Faults } from './faults.js';
import type { ModelDatabase, Session } from './model-database.js';
import type { SimulatedProcess } from './process.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

interface Asked {
  readonly name: string;
  readonly values: readonly unknown[];
}

interface Answer {
  readonly rows: readonly object[];
  readonly rowCount: number;
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #random: Random;
  readonly #database: ModelDatabase;
  readonly #trace: (line: () => string) => void;
  /** Sessions that are open in a process. */
  readonly #held = new Map<Session, SimulatedProcess>();
  /** Sessions that their process takes for broken. */
  readonly #lost = new Set<Session>();
  /** Told of answers that nobody hears. */
  onLost: (name: string, rows: readonly object[]) => void = () => {};
  /** The database is away. */
  down = false;

  constructor(
    scheduler: Scheduler,
    faults: Faults,
    random: Random,
    database: ModelDatabase,
    trace: (line: () => string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#random = random;
    this.#database = database;
    this.#trace = trace;
  }

  /** The process's own pool. */
  pool(process: SimulatedProcess): Pool {
    const pool = {
      query: (query: Asked) => this.#ask(process, this.#database.session(process.name), query, true),
      connect: async () => (await this.line(process)).client,
    };
    return pool as unknown as Pool;
  }

  /** A connection of its own, with the session at its other end. */
  async line(process: SimulatedProcess): Promise<{ readonly session: Session; readonly client: Client }> {
    const session = this.#database.session(process.name);
    this.#held.set(session, process);
    await this.#ask(process, session, { name: 'rollback', values: [] });
    const client = {
      query: (query: string | Asked) =>
        this.#ask(process, session, typeof query === 'string' ? { name: query, values: [] } : query),
      release: () => {
        this.#held.delete(session);
        if (!this.#lost.has(session)) this.#database.close(session);
      },
    };
    return { session, client: client as unknown as Client };
  }

  /** The process is dead, and its sockets are closed. */
  bury(process: SimulatedProcess): void {
    for (const [session, owner] of this.#held) {
      if (owner !== process) continue;
      this.#held.delete(session);
      this.#hangUp(session);
    }
  }

  /** Nobody is at the other end any more: PostgreSQL notices, most often soon. */
  #hangUp(session: Session): void {
    const soon = this.#random.chance(0.9);
    const delay = soon ? this.#random.between(0, 20) : this.#random.between(20, 4000);
    this.#scheduler.after(delay, () => this.#database.close(session), true);
  }

  #ask(process: SimulatedProcess, session: Session, { name, values }: Asked, alone = false): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => this.#back(process, () => reject(error));
      if (this.#lost.has(session)) return fail(lostConnection());
      const lose = (why: string) => {
        this.#trace(() => `${process.name}  ${name}: ${why}`);
        process.trouble();
        this.#lost.add(session);
        this.#hangUp(session);
        fail(lostConnection());
      };
      if (this.#faults.strikes('lost-request', 0.04)) return lose('the request is lost');
      if (this.#faults.strikes('late-write', 0.02)) {
        // The session goes on without knowing that nobody listens.
        const late = this.#faults.luck('late-write').between(50, 9000);
        const write = () => {
          this.#trace(() => `${process.name}  ${name}: written late`);
          process.trouble();
          this.#database.execute(session, name, values, (_error, rows = []) => {
            this.onLost(name, rows);
            this.#hangUp(session);
          });
        };
        this.#scheduler.after(late, write, true);
        process.trouble();
        this.#lost.add(session);
        return fail(lostConnection());
      }
      const arrive = () => {
        if (!process.alive && this.#random.chance(0.5)) return;
        if (this.down) {
          session.broken = true;
          return fail(refused());
        }
        this.#database.execute(session, name, values, (error, rows = []) => {
          this.#watchIdle(session);
          if (alone) this.#database.close(session);
          else if (!process.alive) this.#hangUp(session);
          if (error !== null) {
            this.#trace(() => `${process.name}  ${name}: ${error.message}`);
            return fail(error);
          }
          if (this.#faults.strikes('lost-answer', 0.04)) {
            this.onLost(name, rows);
            return lose('the answer is lost');
          }
          this.#trace(() => `${process.name}  ${name} ${brief(values)} -> ${rows.length}`);
          this.#back(process, () => resolve({ rows, rowCount: rows.length }));
        });
      };
      this.#scheduler.after(this.#delay(process), arrive, true);
    });
  }

  /** A transaction that is left alone ends, where it says so. */
  #watchIdle(session: Session): void {
    const { asked, idle, transaction } = session;
    if (transaction === null || idle === 0) return;
    const look = () => {
      if (session.asked !== asked || session.transaction === null) return;
      this.#trace(() => `${session.owner}  its transaction was left alone for ${idle} s, and is rolled back`);
      this.#database.close(session);
    };
    this.#scheduler.after(idle * 1000, look, true);
  }

  #back(process: SimulatedProcess, work: () => void): void {
    this.#scheduler.after(this.#delay(process), () => process.deliver(work));
  }

  #delay(process: SimulatedProcess): number {
    if (this.#faults.strikes('slow-network', 0.03)) {
      process.trouble();
      return this.#faults.luck('slow-network').between(50, 6000);
    }
    return this.#random.between(0.1, 2);
  }
}

function brief(values: readonly unknown[]): string {
  return JSON.stringify(values.slice(0, 4)).slice(0, 80);
}

function refused(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}
