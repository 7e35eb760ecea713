/** Questions that are composed anew for each request, of pieces of SQL with their values. */
import { availableParallelism } from 'node:os';
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
} from 'kysely';
import pg from 'pg';
import { ask, type Queryable } from './statement.js';
import { Turns } from './turns.js';

const turns = new Turns(2 * availableParallelism(), 50);

// Used to compile only; it never connects.
const compiler = new Kysely<Record<string, never>>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/**
 * The rows that answer it. Throws what `ask` throws.
 *
 * @param anew it is planned for its own values, each time: where these say which partitions there are to look into
 */
export async function askComposed<Row extends object>(
  db: Queryable,
  query: RawBuilder<unknown>,
  { anew = false }: { readonly anew?: boolean } = {},
): Promise<Row[]> {
  const compiled = query.compile(compiler);
  const name = anew ? undefined : preparedName(compiled.sql);
  const asking = () => {
    return ask<Row>(db, {
      ...(name === undefined ? {} : { name }),
      text: compiled.sql,
      values: [...compiled.parameters],
    });
  };
  const { rows } = await (db instanceof pg.Pool ? turns.take(asking) : asking());
  return rows;
}

/** A connection keeps every statement it has prepared: so many kinds of questions get a name, any further is planned each time. */
const MOST_NAMES = 200;
const preparedNames = new Map<string, string>();

/** Planning a list takes longer than answering it, so what is asked again is prepared. */
function preparedName(text: string): string | undefined {
  let name = preparedNames.get(text);
  if (name === undefined && preparedNames.size < MOST_NAMES) {
    name = `list_${preparedNames.size}`;
    preparedNames.set(text, name);
  }
  return name;
}
