/** What a statement sees: what is committed, what its own transaction has written, and the locks of others. */
import type {
  AnyRow,
  Committed,
  ModelDatabase,
  Session,
  TableName,
  Tables,
  Transaction,
  Written,
} from './model-database.js';
import type { EventRow } from './model-rows.js';

/** Thrown by a statement that needs a row which another transaction holds. */
export class Waits extends Error {
  constructor(
    readonly holder: Session,
    /** The row, by its lock. */
    readonly key: string,
  ) {
    super('waits for a lock');
  }
}

export class View {
  readonly #database: ModelDatabase;
  readonly #session: Session;
  readonly #transaction: Transaction;
  readonly #committed: Committed;
  readonly #rows = new Map<string, Written>();
  readonly #events: EventRow[] = [];
  readonly #locks = new Set<string>();

  /** What it saw of rows before it waited for any. */
  readonly #first: Map<string, AnyRow | undefined>;

  /** `first`: of the same statement, when it was given up to wait. */
  constructor(
    database: ModelDatabase,
    session: Session,
    transaction: Transaction,
    committed: Committed,
    first: Map<string, AnyRow | undefined>,
  ) {
    this.#first = first;
    this.#database = database;
    this.#session = session;
    this.#transaction = transaction;
    this.#committed = committed;
  }

  /** The database's clock, in milliseconds. */
  get now(): number {
    return this.#database.now;
  }

  get<T extends TableName>(table: T, key: string | number): Tables[T] | undefined {
    const name = `${table} ${key}`;
    const found = this.#rows.get(name) ?? this.#transaction.rows.get(name);
    return (found?.row ?? this.#committed[table].get(String(key))) as Tables[T] | undefined;
  }

  /** The row as it was when the statement began, whoever has been waited for since. */
  first<T extends TableName>(table: T, key: string | number): Tables[T] | undefined {
    const name = `${table} ${key}`;
    if (!this.#first.has(name)) this.#first.set(name, this.get(table, key));
    return this.#first.get(name) as Tables[T] | undefined;
  }

  /** In the order in which they were made. */
  all<T extends TableName>(table: T): Tables[T][] {
    const keys = new Set(this.#committed[table].keys());
    for (const rows of [this.#transaction.rows, this.#rows]) {
      for (const written of rows.values()) if (written.table === table) keys.add(written.key);
    }
    return [...keys].map((key) => this.get(table, key)!);
  }

  /** Whether another transaction holds the row. */
  held(table: TableName, key: string | number): boolean {
    const holder = this.#database.holder(`${table} ${key}`);
    return holder !== undefined && holder !== this.#session;
  }

  /** The row, held until the transaction ends. @throws Waits */
  lock<T extends TableName>(table: T, key: string | number): Tables[T] | undefined {
    const name = `${table} ${key}`;
    const holder = this.#database.holder(name);
    if (holder !== undefined && holder !== this.#session) throw new Waits(holder, name);
    const row = this.get(table, key);
    if (row !== undefined) this.#locks.add(name);
    return row;
  }

  /** Writes a row; the lock is taken with it. @throws Waits */
  put<T extends TableName>(table: T, key: string | number, row: Tables[T]): void {
    this.lock(table, key);
    this.#locks.add(`${table} ${key}`);
    this.#rows.set(`${table} ${key}`, { table, key: String(key), row });
  }

  tell(event: EventRow): void {
    this.#events.push(event);
  }

  /** A row that was waited for is locked then, also where it is not what was looked for any more. */
  hold(key: string): void {
    this.#locks.add(key);
  }

  /** The statement is done: what it wrote becomes its transaction's. */
  keep(): void {
    for (const [key, written] of this.#rows) this.#transaction.rows.set(key, written);
    for (const event of this.#events) this.#transaction.events.push(event);
    for (const key of this.#locks) this.#transaction.locks.add(key);
  }
}
