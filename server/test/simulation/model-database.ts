/**
 * A database in memory, as the engine sees PostgreSQL: rows, transactions (read committed), row locks that others wait
 * for, sessions that break, and a clock of its own. What the statements mean is in `model-statements.ts`; a contract test
 * holds both against PostgreSQL.
 *
 * A statement is a function over a view. Where it needs a row that another transaction holds, it is given up without a
 * trace and begun anew when that one has ended, as PostgreSQL looks again at a row it has waited for.
 */
import type { DeploymentRow, EventRow, ExecutionRow, InstanceRow, OperationRow } from './model-rows.js';
import { View, Waits } from './model-view.js';

export interface Tables {
  executions: ExecutionRow;
  operations: OperationRow;
  instances: InstanceRow;
  deployments: DeploymentRow;
}

export type TableName = keyof Tables;
export type AnyRow = Tables[TableName];

/** What a transaction changes; rows that were not there before have no `before`. */
export interface Change<T extends TableName = TableName> {
  readonly table: T;
  readonly key: string;
  readonly before: Tables[T] | undefined;
  readonly after: Tables[T];
}

export interface Commit {
  readonly session: Session;
  readonly changes: readonly Change[];
  readonly events: readonly EventRow[];
}

export type Statement = (view: View, values: readonly unknown[]) => readonly object[];

export interface Session {
  readonly id: number;
  /** Whose it is, for whoever checks. */
  readonly owner: string;
  transaction: Transaction | null;
  broken: boolean;
  /** The transaction has failed; it answers nothing until it is rolled back. */
  failed: boolean;
  /** Rows that it waits for now are held by this session. */
  waitsFor: Session | null;
  /** Statements so far. */
  asked: number;
  /** Seconds that it may leave a transaction alone; 0: for ever. */
  idle: number;
}

export interface Transaction {
  readonly rows: Map<string, Written>;
  readonly events: EventRow[];
  readonly locks: Set<string>;
}

export interface Written {
  readonly table: TableName;
  readonly key: string;
  readonly row: AnyRow;
}

export type Committed = Readonly<Record<TableName, Map<string, AnyRow>>>;

interface Waiting {
  readonly session: Session;
  readonly again: () => void;
  readonly fail: (error: Error) => void;
}

interface Waited {
  readonly key: string;
  readonly first: Map<string, AnyRow | undefined>;
}

type Settle = (error: Error | null, rows?: readonly object[]) => void;

export class ModelDatabase {
  readonly #statements: Readonly<Record<string, Statement>>;
  readonly #clock: () => number;
  readonly #rows: Committed = {
    executions: new Map(),
    operations: new Map(),
    instances: new Map(),
    deployments: new Map(),
  };
  readonly #locks = new Map<string, Session>();
  #waiting: Waiting[] = [];
  #sessions = 0;
  readonly #open = new Set<Session>();
  readonly events: EventRow[] = [];
  /** Told of every commit, as it is made. */
  onCommit: (commit: Commit) => void = () => {};

  /** `clock`: the database's now, in milliseconds. */
  constructor(statements: Readonly<Record<string, Statement>>, clock: () => number) {
    this.#statements = statements;
    this.#clock = clock;
  }

  session(owner: string): Session {
    this.#sessions += 1;
    const session: Session = {
      id: this.#sessions,
      owner,
      transaction: null,
      broken: false,
      failed: false,
      waitsFor: null,
      asked: 0,
      idle: 0,
    };
    this.#open.add(session);
    return session;
  }

  /** A row as it is committed. */
  row<T extends TableName>(table: T, key: string | number): Tables[T] | undefined {
    return this.#rows[table].get(String(key)) as Tables[T] | undefined;
  }

  put<T extends TableName>(table: T, key: string | number, row: Tables[T]): void {
    this.#rows[table].set(String(key), row);
  }

  /** Every row of a table, as it is committed, in the order in which they were made. */
  all<T extends TableName>(table: T): Tables[T][] {
    return [...this.#rows[table].values()] as Tables[T][];
  }

  /** Does what a session asks; `settle` is called once, now or when the locks it waits for are free. */
  execute(session: Session, asked: string, values: readonly unknown[], settle: Settle): void {
    session.asked += 1;
    const word = asked.trim().split(/[\s;]/)[0]!.toLowerCase();
    const statement = this.#statements[asked];
    if (session.broken) settle(gone());
    else if (word === 'begin') {
      session.transaction = { rows: new Map(), events: [], locks: new Set() };
      session.idle = Number(/idle_in_transaction_session_timeout = '(\d+)s'/.exec(asked)?.[1] ?? 0);
      settle(null, []);
    } else if (word === 'rollback' || word === 'commit') {
      if (word === 'commit' && !session.failed) this.#commit(session);
      else this.#rollback(session);
      settle(null, []);
    } else if (session.failed) {
      settle(sqlError('25P02', 'current transaction is aborted'));
    } else if (statement === undefined) {
      settle(new Error(`the model has no statement "${asked}": add it to model-statements.ts`));
    } else {
      this.#attempt(session, statement, values, settle);
    }
  }

  /** The session's client is gone, and the server has noticed. */
  close(session: Session): void {
    session.broken = true;
    this.#open.delete(session);
    this.#rollback(session);
  }

  /** Every session ends; what was committed stays. */
  crash(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const session of [...this.#open]) {
      session.broken = true;
      session.transaction = null;
      this.#open.delete(session);
    }
    this.#locks.clear();
    for (const { fail } of waiting) fail(gone());
  }

  get now(): number {
    return this.#clock();
  }

  /** Who holds a row's lock. */
  holder(key: string): Session | undefined {
    return this.#locks.get(key);
  }

  /** `waited`: it was given up for a lock, and what it had seen until then. */
  #attempt(
    session: Session,
    statement: Statement,
    values: readonly unknown[],
    settle: Settle,
    waited?: Waited,
  ): void {
    const alone = session.transaction === null;
    const transaction = session.transaction ?? { rows: new Map(), events: [], locks: new Set() };
    const first = waited?.first ?? new Map();
    const view = new View(this, session, transaction, this.#rows, first);
    let rows: readonly object[];
    try {
      rows = statement(view, values);
    } catch (error) {
      if (error instanceof Waits) {
        const { key } = error;
        const again = () => this.#attempt(session, statement, values, settle, { key, first });
        this.#wait(session, error.holder, again, settle);
        return;
      }
      if (!alone) session.failed = true;
      settle(error as Error);
      return;
    }
    if (waited !== undefined) view.hold(waited.key);
    view.keep();
    for (const key of transaction.locks) this.#locks.set(key, session);
    if (alone) {
      session.transaction = transaction;
      this.#commit(session);
    }
    settle(null, rows);
  }

  #wait(session: Session, holder: Session, again: () => void, settle: Settle): void {
    for (let one: Session | null = holder; one !== null; one = one.waitsFor) {
      if (one !== session) continue;
      if (session.transaction !== null) session.failed = true;
      settle(sqlError('40P01', 'deadlock detected'));
      return;
    }
    session.waitsFor = holder;
    this.#waiting.push({ session, again, fail: settle });
  }

  #commit(session: Session): void {
    const { transaction } = session;
    if (transaction === null) return;
    const changes: Change[] = [];
    for (const { table, key, row } of transaction.rows.values()) {
      changes.push({ table, key, before: this.#rows[table].get(key) as never, after: row as never });
      this.#rows[table].set(key, row);
    }
    for (const event of transaction.events) this.events.push(event);
    if (changes.length > 0 || transaction.events.length > 0) {
      this.onCommit({ session, changes, events: transaction.events });
    }
    this.#rollback(session);
  }

  /** Ends the transaction; what was not committed is gone, and others have their turn. */
  #rollback(session: Session): void {
    const locks = session.transaction?.locks ?? new Set();
    session.transaction = null;
    session.failed = false;
    for (const key of locks) if (this.#locks.get(key) === session) this.#locks.delete(key);
    const next = this.#waiting.filter((one) => one.session.waitsFor === session);
    if (next.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !next.includes(one));
    for (const one of next) {
      one.session.waitsFor = null;
      one.again();
    }
  }
}

/** The connection has ended; the driver has no code for it. */
export function gone(): Error {
  return sqlError('57P01', 'terminating connection due to administrator command');
}

function sqlError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
