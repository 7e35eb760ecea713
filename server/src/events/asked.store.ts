/** What a question for events asks of packs `p` and of their events `e`, as conditions. */
import { type RawBuilder, sql } from 'kysely';
import type { TenantScope } from '../caller.js';
import type { ListFilter, ListQuery, SortKey } from '../store/list.js';
import { condition, fieldsOf } from '../store/list-conditions.js';
import { EVENT_LIST, type EventField } from './events.store.js';
import type { EventSelection } from './selection.js';

/** More executions or deployments than this are not asked one by one. */
const ONE_BY_ONE = 200;
const SECOND = 1000;

const OLDEST_FIRST: readonly SortKey<EventField>[] = [{ field: 'at' }];
/** Columns of packs, and what they are of. */
export const COLUMNS: Partial<Record<EventField, string>> = {
  type: 'types',
  level: 'levels',
  logger: 'loggers',
  message: 'messages',
  operation: 'operations',
  nodeName: 'nodes',
  nodeInstanceId: 'instances',
  sourceId: 'sources',
  targetId: 'targets',
};
const OF_WORDS: ReadonlySet<EventField> = new Set(['type', 'level', 'logger', 'message', 'operation']);
const OF_PLACES: ReadonlySet<EventField> = new Set(['nodeName', 'nodeInstanceId', 'sourceId', 'targetId']);

/** Times between which whole packs lie, as counters know them: not before the first, before the second; null: no bound. */
export interface Bounds {
  readonly from: string | null;
  readonly to: string | null;
}

type Condition = RawBuilder<unknown>;

/** A condition on the words of a pack, or on its places. */
export interface Look {
  readonly condition: Condition;
  readonly fields: readonly EventField[];
  /** It asks for one of these in its one field, and for nothing else. */
  readonly equal: readonly string[] | null;
  /** It never holds where nothing is told. */
  readonly ofTexts: boolean;
}

export class Asked {
  readonly scope: TenantScope;
  readonly query: ListQuery<EventField>;
  readonly selection: EventSelection;
  readonly keys: readonly SortKey<EventField>[];
  /** Conditions on events beyond whose they are, of which kind and when. */
  readonly others: readonly Condition[];

  constructor(scope: TenantScope, query: ListQuery<EventField>, selection: EventSelection) {
    this.scope = scope;
    this.query = query;
    this.selection = selection;
    this.keys = query.sort.length > 0 ? query.sort : OLDEST_FIRST;
    this.others = [
      ...selection.rest.map((filter) => condition(EVENT_LIST, filter)),
      ...this.#searched('e.message'),
    ];
  }

  /** The order of packs; null: another one. */
  get byTime(): 'ascending' | 'descending' | null {
    const [key, ...more] = this.keys;
    // Two names of the wire stand for the one time.
    if (key === undefined || key.field !== 'at' || more.some(({ field }) => field !== 'at')) return null;
    return key.descending === true ? 'descending' : 'ascending';
  }

  /** Whether packs tell of themselves how many of their events are asked for. */
  get known(): boolean {
    return this.others.length === 0 && this.selection.from === null && this.selection.to === null;
  }

  /**
   * `others`, where each looks at words alone or at places alone, so that it holds for a word or a place of a pack, whatever events
   * name it; null: one of them does not.
   */
  get ofWordsAndPlaces(): { readonly words: readonly Look[]; readonly places: readonly Look[] } | null {
    const words = this.#searched('e.message').map(
      (condition): Look => ({ condition, fields: ['message'], equal: null, ofTexts: true }),
    );
    const places: Look[] = [];
    for (const filter of this.selection.rest) {
      const fields = [...new Set(fieldsOf(filter))];
      const look: Look = {
        condition: condition(EVENT_LIST, filter),
        fields,
        equal: 'anyOf' in filter ? filter.anyOf : null,
        ofTexts: isOfTexts(filter),
      };
      if (fields.length === 0) return null;
      if (fields.every((field) => OF_WORDS.has(field))) words.push(look);
      else if (fields.every((field) => OF_PLACES.has(field))) places.push(look);
      else return null;
    }
    return { words, places };
  }

  /** Each in an index of its own: one execution or deployment beside another. */
  branches(): readonly (Condition | null)[] {
    const { executions, deployments } = this.selection;
    const uids = executions ?? deployments ?? [];
    if (uids.length < 2 || uids.length > ONE_BY_ONE) return [null];
    const column = sql.raw(executions === null ? 'p.deployment_uid' : 'p.execution_uid');
    return uids.map((uid) => sql`${column} = ${uid}`);
  }

  /** Conditions on packs: all that can be told of them without opening them. @param branch which of several it is about; null: all */
  packs(bounds: Bounds, branch: Condition | null = null): Condition {
    return sql.join(
      [
        this.whose(bounds),
        ...(branch === null ? [] : [branch]),
        ...this.selection.rest.flatMap((filter) => held(filter) ?? []),
        // What is in one of its messages is in all of them, one behind the other.
        ...this.#searched(`array_to_string(p.messages, E'\\n')`),
      ],
      sql` and `,
    );
  }

  /** Those of `packs` that indexes can tell. */
  whose({ from, to }: Bounds): Condition {
    const { executions, deployments, hidden, kinds } = this.selection;
    const asked = this.selection;
    const lit = (time: string) => sql`${sql.lit(time)}::timestamptz`;
    return sql.join(
      [
        sql`p.tenant_id = ${this.scope.tenantId}`,
        ...(from === null ? [] : [sql`p.at >= ${lit(from)}`]),
        ...(to === null ? [] : [sql`p.at < ${lit(to)}`]),
        ...(asked.from === null ? [] : [sql`p.at >= ${lit(secondOf(asked.from))}`]),
        ...(asked.to === null ? [] : [sql`p.at < ${lit(asked.to)}`]),
        ...(kinds.length > 1 ? [] : [sql.raw(kinds[0] === 'log' ? 'p.logs > 0' : 'p.events > 0')]),
        ...(executions === null ? [] : [among('p.execution_uid', executions)]),
        ...(deployments === null ? [] : [among('p.deployment_uid', deployments)]),
        ...(hidden.length === 0
          ? []
          : [sql`(p.deployment_uid is null or p.deployment_uid <> all(${[...hidden]}::bigint[]))`]),
      ],
      sql` and `,
    );
  }

  /** Conditions on the events of a pack. */
  events(): Condition {
    const { from, to, kinds } = this.selection;
    return sql.join(
      [
        within('e.at', from, to),
        ...(kinds.length > 1 ? [] : [sql`e.kind = ${sql.lit(kinds[0]!)}`]),
        ...this.others,
      ],
      sql` and `,
    );
  }

  /** How many of a pack's events are of the kinds asked for. */
  get among(): Condition {
    const { kinds } = this.selection;
    return sql.raw(kinds.length > 1 ? '(p.events + p.logs)' : kinds[0] === 'log' ? 'p.logs' : 'p.events');
  }

  /** Whether all events of a pack are of the time that is asked for. */
  get whollyWithin(): Condition {
    const { from, to } = this.selection;
    return sql`${within('p.at', from, to)} and ${within('p.last_at', from, to)}`;
  }

  #searched(text: string): readonly Condition[] {
    const search = this.query.search ?? '';
    return search === '' ? [] : [sql`${sql.raw(text)} ilike ${`%${search.replace(/[\\%_]/g, '\\$&')}%`}`];
  }
}

/** What must be in a pack's columns for the filter to hold for one of its events; null: that cannot be told. */
function held(filter: ListFilter<EventField>): Condition | null {
  if ('either' in filter) {
    const each = filter.either.map(held);
    return each.length === 0 || each.includes(null)
      ? null
      : sql`(${sql.join(each as Condition[], sql` or `)})`;
  }
  const column = 'anyOf' in filter ? COLUMNS[filter.field] : undefined;
  return 'anyOf' in filter && column !== undefined
    ? sql`p.${sql.raw(column)} && ${[...filter.anyOf]}::text[]`
    : null;
}

function isOfTexts(filter: ListFilter<EventField>): boolean {
  if ('either' in filter) return filter.either.every(isOfTexts);
  if ('all' in filter) return filter.all.some(isOfTexts);
  return 'anyOf' in filter || 'like' in filter;
}

/** One is asked for by itself, which an index answers in its order. */
function among(column: string, uids: readonly number[]): Condition {
  return uids.length === 1
    ? sql`${sql.raw(column)} = ${uids[0]!}`
    : sql`${sql.raw(column)} = any(${[...uids]}::bigint[])`;
}

function within(column: string, from: string | null, to: string | null): Condition {
  const bounds = [
    ...(from === null ? [] : [sql`${sql.raw(column)} >= ${sql.lit(from)}::timestamptz`]),
    ...(to === null ? [] : [sql`${sql.raw(column)} < ${sql.lit(to)}::timestamptz`]),
  ];
  return bounds.length === 0 ? sql`true` : sql`(${sql.join(bounds, sql` and `)})`;
}

/** The second that an ISO time lies in: no pack that reaches into it begins before. */
function secondOf(time: string): string {
  return new Date(Math.floor(Date.parse(time) / SECOND) * SECOND).toISOString();
}
