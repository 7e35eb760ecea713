/** One simulated installation: a database, worker processes, people; and what befalls them while it storms. */
import { type CancelKind, isActive } from '../../src/orchestration/execution-state.js';
import { isOutage } from '../../src/orchestration/running/outage.js';
import { type RunningWorker, startWorker } from '../../src/orchestration/running/worker.js';
import type { WorkerName } from '../../src/orchestration/running/worker-name.js';
import { createRegistry } from '../../src/plugins/registry.js';
import type { FaultChoice } from './faults.js';
import { Faults } from './faults.js';
import { Laws, PERSON } from './laws.js';
import { type Commit, ModelDatabase, type Session, type Statement } from './model-database.js';
import { NEIGHBOURS } from './model-neighbours.js';
import type { ExecutionRow } from './model-rows.js';
import { ENGINE_STATEMENTS } from './model-statements.js';
import { Network } from './network.js';
import { People } from './people.js';
import { SimulatedProcess } from './process.js';
import { Random } from './random.js';
import { Scheduler } from './scheduler.js';
import { simulatedPlugin } from './simulated-plugin.js';

const LEASE = 5;

interface WorkerPlace {
  readonly name: string;
  process: SimulatedProcess | null;
  worker: RunningWorker | null;
  lives: number;
  /** Frozen for good. */
  isStuck: boolean;
}

type Statements = Readonly<Record<string, Statement>>;

export class World {
  readonly random: Random;
  readonly faults: Faults;
  readonly scheduler: Scheduler;
  readonly database: ModelDatabase;
  readonly network: Network;
  readonly laws: Laws;
  readonly people: People;
  readonly places: WorkerPlace[];
  readonly trace: string[] = [];
  /** Executions that somebody still tries to start. */
  starting = 0;
  readonly #processes = new Map<string, SimulatedProcess>();
  readonly #names = new Map<string, Session>();
  readonly #listeners = new Map<SimulatedProcess, Set<(hints: readonly string[]) => void>>();
  readonly #traces: boolean;
  /** Operations that a worker runs at once. */
  readonly #room: number;
  #databaseSkew = 0;
  #databaseTrouble = Number.NEGATIVE_INFINITY;
  #databaseJump = Number.NEGATIVE_INFINITY;

  /** `change`: of what the database's statements mean. `traces`: keeps what happens as lines. */
  constructor(
    seed: number,
    choice: FaultChoice,
    traces: boolean,
    change: (statements: Statements) => Statements,
  ) {
    this.#traces = traces;
    this.random = new Random(seed, 'world');
    this.#room = this.random.whole(1, 3);
    this.faults = new Faults(seed, choice);
    this.scheduler = new Scheduler(new Random(seed, 'order'));
    this.database = new ModelDatabase(
      change({ ...ENGINE_STATEMENTS, ...NEIGHBOURS }),
      () => this.scheduler.now + this.#databaseSkew,
    );
    const tell = (line: () => string) => this.tell(line);
    this.network = new Network(this.scheduler, this.faults, this.random, this.database, tell);
    this.laws = new Laws({
      database: this.database,
      scheduler: this.scheduler,
      processes: this.#processes,
      lease: LEASE,
      maxOperations: this.#room,
      troubledAt: () => this.#databaseTrouble,
      jumpedAt: () => this.#databaseJump,
    });
    this.network.onLost = (name, rows) => {
      if (name === 'engine_claim') this.laws.unheard(rows);
    };
    this.database.onCommit = (commit) => {
      this.laws.committed(commit);
      this.#annoy(commit);
    };
    const api = new SimulatedProcess(PERSON, this.scheduler);
    this.people = new People(this.network.pool(api), this.laws, (hint) => this.#send(api, hint));
    this.places = Array.from({ length: this.random.whole(1, 3) }, (_, place) => ({
      ...{ name: `w${place + 1}`, process: null, worker: null, lives: 0, isStuck: false },
    }));
  }

  tell(line: string | (() => string)): void {
    if (!this.#traces) return;
    const text = typeof line === 'string' ? line : line();
    this.trace.push(`${(this.scheduler.now / 1000).toFixed(4).padStart(10)}  ${text}`);
  }

  // ---- workers

  boot(place: WorkerPlace): void {
    if (place.process?.alive) return;
    place.lives += 1;
    const process = new SimulatedProcess(`${place.name}.${place.lives}`, this.scheduler);
    place.process = process;
    place.worker = null;
    this.#processes.set(process.name, process);
    this.tell(`${process.name} starts`);
    if (this.faults.strikes('crash', 0.3)) {
      process.doom(this.faults.luck('crash').whole(1, 200), () => this.crash(place));
    } else if (this.faults.strikes('freeze', 0.4)) {
      process.doom(this.faults.luck('freeze').whole(1, 200), () => this.freeze(place));
    }
    void this.#startWorker(process)
      .then((worker) => {
        place.worker = worker;
      })
      .catch((error: unknown) => {
        if (!isOutage(error)) this.laws.broken(`a worker did not start: ${String(error)}`);
        // As a supervisor would: again, soon.
        if (place.process === process) this.crash(place);
      });
  }

  #startWorker(process: SimulatedProcess): Promise<RunningWorker> {
    const { scheduler, faults, laws } = this;
    const heard = new Set<(hints: readonly string[]) => void>();
    this.#listeners.set(process, heard);
    return startWorker({
      pool: this.network.pool(process),
      plugins: createRegistry([simulatedPlugin({ process, scheduler, faults, laws, random: this.random })]),
      signals: {
        send: (hint) => this.#send(process, hint),
        subscribe: (listener) => {
          heard.add(listener);
          return () => heard.delete(listener);
        },
      },
      log: {
        warn: (details, sentence) => this.#logged(process, details, sentence),
        error: (details, sentence) => this.#logged(process, details, sentence),
      },
      // Literals have no functions in these deployments.
      evaluation: { evaluate: async (value: unknown) => value } as never,
      blueprints: {} as never,
      clock: process.clock,
      takeName: ({ name }) => this.#takeName(process, name),
      settings: {
        ...{ name: process.name.replace(/\..*/, ''), databaseUrl: '', lease: LEASE, drain: 2 },
        ...{ maxExecutions: 3, maxOperations: this.#room, tenantMaxRunning: 0, maxRunning: 0 },
        ...{ taskRetries: 2, taskRetryInterval: 1, cancelGrace: 3 },
        // So few that batches are full, and a second follows the first while it is on its way.
        startsPerBatch: this.random.whole(1, 3),
        // At times it is looked, while any are planned, whether a cancel has come.
        longToPlan: this.random.pick([1, 1000]),
      },
    });
  }

  /** The lock of a name ends with the session that holds it. */
  async #takeName(process: SimulatedProcess, name: string): Promise<WorkerName> {
    const { session, client } = await this.network.line(process);
    const isSole = this.#names.get(name)?.broken !== false;
    if (isSole) this.#names.set(name, session);
    else client.release();
    return {
      name: isSole ? name : process.name,
      session: isSole ? client : null,
      give: async () => client.release(),
    };
  }

  #logged(process: SimulatedProcess, details: object, sentence: string): void {
    const { err } = details as { err?: unknown };
    this.tell(`${process.name} says: ${sentence} (${String((err as Error | undefined)?.message ?? '')})`);
    if (err === undefined || isOutage(err)) return;
    this.laws.broken(`${process.name} says: ${sentence}: ${String((err as Error).stack ?? err)}`);
  }

  #send(from: SimulatedProcess, hint: string): void {
    // For those who follow, of whom there are none.
    if (hint === 'news') return;
    for (const [process, listeners] of this.#listeners) {
      if (!process.alive) continue;
      if (this.faults.strikes('lost-hints', 0.5)) continue;
      const times = this.faults.strikes('lost-hints', 0.2) ? 2 : 1;
      for (let nth = 0; nth < times; nth += 1) {
        const delay = process === from ? 0 : this.random.between(5, 15);
        this.scheduler.after(delay, () =>
          process.deliver(() => {
            for (const listener of listeners) listener([hint]);
          }),
        );
      }
    }
  }

  // ---- what befalls them

  /** Killed; its supervisor starts it again after a while. */
  crash(place: WorkerPlace): void {
    const { process } = place;
    if (process === null || !process.alive) return;
    this.tell(`${process.name} is killed`);
    process.die();
    this.network.bury(process);
    this.#listeners.delete(process);
    this.scheduler.after(this.random.chance(0.8) ? this.random.between(100, 3000) : 20_000, () =>
      this.boot(place),
    );
  }

  freeze(place: WorkerPlace): void {
    const { process } = place;
    if (process === null || !process.alive || process.frozen) return;
    const luck = this.faults.luck('freeze');
    const long = luck.chance(0.5) ? luck.between(100, 4000) : luck.between(4000, 30_000);
    this.tell(`${process.name} is frozen for ${(long / 1000).toFixed(1)} s`);
    process.freeze();
    this.scheduler.after(long, () => this.thaw(place, process));
  }

  thaw(place: WorkerPlace, process = place.process): void {
    if (process === null || !process.alive || !process.frozen || place.isStuck) return;
    this.tell(`${process.name} thaws`);
    process.thaw();
  }

  /** Told to stop, and started again when it has. */
  stop(place: WorkerPlace): void {
    const { process, worker } = place;
    if (process === null || worker === null || !process.alive) return;
    this.tell(`${process.name} is told to stop`);
    place.worker = null;
    process.deliver(() => {
      worker.stop().then(
        () => {
          if (!process.alive) return;
          this.tell(`${process.name} has stopped`);
          process.die();
          this.network.bury(process);
          this.#listeners.delete(process);
          this.boot(place);
        },
        (error: unknown) => this.laws.broken(`a worker did not stop: ${String(error)}`),
      );
    });
  }

  databaseDown(): void {
    if (this.network.down) return;
    const long = this.faults.luck('database-down').between(50, 12_000);
    this.tell(`the database is killed, for ${(long / 1000).toFixed(1)} s`);
    this.#databaseTrouble = Number.POSITIVE_INFINITY;
    this.network.down = true;
    this.database.crash();
    this.scheduler.after(long, () => this.databaseUp());
  }

  databaseUp(): void {
    if (!this.network.down) return;
    this.tell('the database is back');
    this.network.down = false;
    this.#databaseTrouble = this.scheduler.now;
  }

  databaseClock(): void {
    const luck = this.faults.luck('database-clock');
    const jump = luck.chance(0.5) ? luck.between(-20_000, 20_000) : luck.between(0, 3_600_000);
    this.tell(`the database's clock jumps by ${(jump / 1000).toFixed(1)} s`);
    this.#databaseSkew += jump;
    this.#databaseJump = this.scheduler.now;
    if (!this.network.down) this.#databaseTrouble = this.scheduler.now;
  }

  processClock(): void {
    const luck = this.faults.luck('process-clock');
    const process = luck.pick(this.places).process;
    if (process === null) return;
    const jump = luck.between(-60_000, 60_000);
    this.tell(`the clock of ${process.name} jumps by ${(jump / 1000).toFixed(1)} s`);
    process.skew += jump;
  }

  /** Somebody cancels in the worst of moments: while it is planned, or when all of it is done and it has not ended yet. */
  #annoy({ session, changes }: Commit): void {
    if (session.owner === PERSON) return;
    for (const { table, before, after } of changes) {
      if (table !== 'executions' || before === undefined) continue;
      const moment = untimely(before as ExecutionRow, after as ExecutionRow);
      if (moment === null || !this.faults.strikes('untimely-user', 0.4)) continue;
      const luck = this.faults.luck('untimely-user');
      const kind = luck.pick<CancelKind>(['cancel', 'force-cancel', 'kill']);
      const { id } = after as ExecutionRow;
      this.tell(`somebody is about to ${kind} ${id}, which ${moment}`);
      this.scheduler.after(luck.between(0, 3), () => void this.people.cancel(id, kind));
    }
  }

  get working(): boolean {
    return (
      this.starting > 0 ||
      this.database.all('executions').some((row) => isActive(row.status) || row.status === 'queued')
    );
  }
}

function untimely(before: ExecutionRow, after: ExecutionRow): string | null {
  if (!isActive(after.status)) return null;
  if (after.graph === null) return after.fence === before.fence ? null : 'is being planned';
  return after.finished === after.total && after.batches !== before.batches
    ? 'is done and has not ended'
    : null;
}
