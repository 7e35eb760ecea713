import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { aTeller, type Teller } from '../../test/support/some-events.js';
import { testDatabase } from '../../test/support/test-database.js';
import { askComposed } from '../store/composed.js';
import { itemText, type Shape } from '../store/item-text.js';
import type { ListFilter } from '../store/list.js';
import { condition } from '../store/list-conditions.js';
import { DECORATION, EVENT_LIST, type EventField } from './events.store.js';
import { pageOfEvents } from './pages.store.js';

const { pool } = await testDatabase();

const START = Date.UTC(2026, 2, 1, 12);
const TYPES = ['task_started', 'task_failed', null];
const LEVELS = ['info', 'error', null, null];
const MESSAGES = ['all went well', 'Nothing went well', '50 % of it', 'a "quoted" \\ text\nof two lines', ''];
const PLACES = [
  ['web', 'web_1', null, null],
  ['db', 'db_1', 'web_1', 'db_1'],
  ['web', 'web_2', null, null],
  [null, null, null, null],
] as const;

const text = (from: readonly (string | null)[]) => fc.constantFrom(...from);
const word = fc.record({
  type: text(TYPES),
  level: text(LEVELS),
  logger: text(['engine', null]),
  message: fc.constantFrom(...MESSAGES),
  operation: text(['create', 'start', null]),
  cause: text(['[{"type":"T","message":"it broke"}]', null, null]),
});
const pack = fc
  .record({
    execution: fc.constantFrom(0, 1, 2),
    // Few seconds, so that packs overlap.
    second: fc.nat(3),
    micros: fc.nat(400_000),
    words: fc.array(word, { minLength: 1, maxLength: 4 }),
    places: fc.array(fc.constantFrom(...PLACES), { minLength: 1, maxLength: 3 }),
    told: fc.array(fc.record({ word: fc.nat(3), place: fc.nat(2), after: fc.nat(500_000), gap: fc.nat(2) }), {
      minLength: 1,
      maxLength: 9,
    }),
    sparse: fc.boolean(),
    numbered: fc.boolean(),
  })
  .map(({ words, places, told, numbered, ...rest }) => {
    const events = told
      .map((one) => ({ ...one, word: one.word % words.length, place: one.place % places.length }))
      .sort((one, other) => one.after - other.after);
    // Without numbers, each of its own.
    return numbered
      ? { ...rest, words, places, events, numbered }
      : {
          ...rest,
          words: events.map((one) => words[one.word]!),
          places: events.map((one) => places[one.place]!),
          events,
          numbered,
        };
  });
type Pack = typeof pack extends fc.Arbitrary<infer P> ? P : never;

const anyOf = (field: EventField, values: readonly string[]) =>
  fc
    .subarray([...values], { minLength: 1 })
    .map((chosen): ListFilter<EventField> => ({ field, anyOf: chosen }));
const filter: fc.Arbitrary<ListFilter<EventField>> = fc.oneof(
  anyOf('type', ['task_started', 'task_failed', 'nothing']),
  anyOf('level', ['info', 'error']),
  anyOf('kind', ['event', 'log']),
  anyOf('operation', ['create', 'start']),
  anyOf('nodeName', ['web', 'db']),
  anyOf('workflow', ['w0', 'w1']),
  fc.constantFrom<ListFilter<EventField>>(
    { field: 'level', noneOf: ['error'] },
    { field: 'nodeName', noneOf: ['db'] },
    { field: 'message', like: ['%WENT%', 'a%'] },
    { not: { field: 'nodeInstanceId', anyOf: ['web_1'] } },
    {
      either: [
        { field: 'nodeName', anyOf: ['web'] },
        { field: 'nodeInstanceId', anyOf: ['db_1'] },
      ],
    },
    {
      either: [
        { field: 'nodeName', anyOf: ['web'] },
        { field: 'type', anyOf: ['task_failed'] },
      ],
    },
    { field: 'at', from: new Date(START + 1250).toISOString() },
    { field: 'at', from: new Date(START + 200).toISOString(), to: new Date(START + 2400).toISOString() },
  ),
);
const question = fc.record({
  filters: fc.array(filter, { maxLength: 2 }),
  search: fc.constantFrom('', '', 'went', '%', 'two lines', '"'),
  descending: fc.boolean(),
  offset: fc.nat(40),
  size: fc.constantFrom(0, 1, 7, 50),
  execution: fc.option(fc.nat(2), { freq: 2 }),
});

const SHAPE: Shape<EventField> = {
  ...Object.fromEntries((Object.keys(EVENT_LIST.fields) as EventField[]).map((field) => [field, field])),
  put: { field: 'kind', words: { event: 'an event' }, otherwise: 'something else' },
  same: { constant: [1, 'two'] },
};

async function store(teller: Teller, packs: readonly Pack[]): Promise<void> {
  const { rows } = await pool.query<{ uid: number }>(
    `insert into executions (tenant_id, id, workflow, function, status, parameters, created_by)
     select $1, 'x' || $1::bigint || '-' || n, 'w' || n, 'f', 'terminated', '{}', $2 from generate_series(0, 2) n returning uid`,
    [teller.tenantId, teller.scope.userId],
  );
  for (const { execution, second, micros, words, places, events, sparse, numbered } of packs) {
    let nth = 0;
    const nths = events.map(({ gap }) => (nth += 1 + gap));
    const told = (of: (one: (typeof words)[number]) => string | null) => {
      const column = words.map(of);
      return column.every((one) => one === null) ? null : column;
    };
    const placed = (at: number) => {
      const column = places.map((one) => one[at] ?? null);
      return column.every((one) => one === null) ? null : column;
    };
    const logs = events.filter((one, n) => words[numbered ? one.word : n]!.level !== null).length;
    await pool.query(
      `insert into event_packs (id, tenant_id, execution_uid, events, logs, at, last_at, nths, laters, words_of, places_of,
         types, levels, loggers, messages, operations, causes, nodes, instances, sources, targets)
       select next_news_id(), $1, $2, $3, $4, s.at, s.at + $6 * interval '1 microsecond', $7, $8, $9, $10,
         $11, $12, $13, $14, $15, $16, $17, $18, $19, $20
       from (select $5::timestamptz + $21 * interval '1 microsecond' as at) s`,
      [
        teller.tenantId,
        rows[execution]!.uid,
        events.length - logs,
        logs,
        new Date(START + second * 1000),
        events.at(-1)!.after,
        sparse ? nths : null,
        events.map(({ after }) => after),
        numbered ? events.map((one) => one.word + 1) : null,
        numbered ? events.map((one) => one.place + 1) : null,
        told((one) => one.type),
        told((one) => one.level),
        told((one) => one.logger),
        words.map((one) => one.message),
        told((one) => one.operation),
        told((one) => one.cause),
        placed(0),
        placed(1),
        placed(2),
        placed(3),
        micros,
      ],
    );
  }
}

type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;

function filtersOf(teller: Teller, { filters, execution }: Question): readonly ListFilter<EventField>[] {
  return execution === null
    ? filters
    : [...filters, { field: 'executionId', anyOf: [`x${teller.tenantId}-${execution}`] }];
}

/** The same, of all events opened by PostgreSQL, sorted and counted. */
async function truth(teller: Teller, asked: Question) {
  const { search, descending, offset, size } = asked;
  const conditions = [
    sql`e.tenant_id = ${teller.tenantId}`,
    ...filtersOf(teller, asked).map((one) => condition(EVENT_LIST, one)),
    ...(search === '' ? [] : [sql`position(lower(${search}) in lower(e.message)) > 0`]),
  ];
  const way = sql.raw(descending ? 'e.at desc, e.id desc' : 'e.at, e.id');
  const rows = await askComposed<{ item: string }>(
    pool,
    sql`select ${sql.raw(itemText(EVENT_LIST.fields, SHAPE))} as item from events e ${sql.raw(DECORATION)}
      where ${sql.join(conditions, sql` and `)} order by ${way}`,
  );
  return {
    items: rows.slice(offset, offset + size).map(({ item }) => JSON.parse(item)),
    total: rows.length,
  };
}

test('pages of packs of any form, which overlap, are what opening, sorting and writing all of them in PostgreSQL gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(pack, { minLength: 1, maxLength: 14 }),
      fc.array(question, { minLength: 12, maxLength: 12 }),
      async (packs, questions) => {
        const teller = await aTeller(pool);
        await store(teller, packs);
        for (const asked of questions) {
          const { search, descending, offset, size } = asked;
          const filters = filtersOf(teller, asked);
          const page = await pageOfEvents(pool, teller.scope, {
            shape: SHAPE,
            filters,
            search,
            sort: [{ field: 'at', descending }],
            offset,
            size,
          });
          assert.deepEqual({ items: JSON.parse(page.items), total: page.total }, await truth(teller, asked));
        }
      },
    ),
    { numRuns: 15, endOnFailure: true },
  );
});
