/**
 * Pages of events that counters can place: of a whole tenant, of an execution or of a deployment, in the order of time. What is asked is always the
 * same, so functions of PostgreSQL (migration 0057) that are planned once a connection find the packs and tell the names of
 * what they are of; all else is composed, and planned for its own values (packs.store.ts).
 */
import { type Queryable, tenantStatement } from '../store/statement.js';
import type { Asked, Bounds } from './asked.store.js';
import { itemsText } from './event-items.js';
import type { Names } from './events.store.js';
import type { PackRow } from './opening.js';
import { opened, type PageOfPacks, type Row, stored } from './packs.store.js';

/** No words and places are looked for. */
interface PlannedRow extends Omit<Row, 'words' | 'places'> {
  /** JSON. */
  readonly names: string | null;
}

const PLANNED = `f.pack, f.second, f.second_text as "secondText", f.micros, f.recorded_text as "recordedAt", f.names`;

const selectOfTenant = tenantStatement<PlannedRow>(
  'events_of_tenant',
  `select f.total, f.skipped::float8 as skip, ${PLANNED} from events_of_tenant($1, $2, $3, $4) f`,
);

/** By subject and direction: `$2` its uid, `$3` and `$4` between which times, `$5` events to pass, `$6` how many. */
const SELECT_OF = {
  execution: { oldest: ofSubject('execution', 'oldest'), newest: ofSubject('execution', 'newest') },
  deployment: { oldest: ofSubject('deployment', 'oldest'), newest: ofSubject('deployment', 'newest') },
} as const;

function ofSubject(subject: string, way: string) {
  return tenantStatement<PlannedRow>(
    `events_of_${subject}_${way}`,
    `select null::float8 as total, f.skip::float8 as skip, ${PLANNED} from events_packs_of_${subject}_${way}($1, $2, $3, $4, $5, $6) f`,
  );
}

/** The one execution or deployment that is asked for; null: there are several, or none. */
function subjectOf({ selection }: Asked): { kind: keyof typeof SELECT_OF; uid: number } | null {
  const { executions, deployments } = selection;
  if (executions?.length === 1 && deployments === null) return { kind: 'execution', uid: executions[0]! };
  if (deployments?.length === 1 && executions === null) return { kind: 'deployment', uid: deployments[0]! };
  return null;
}

/** Whether a question is of those that are planned once a connection: both kinds in the order of time, and nothing else is asked of an event. */
function isPlanned({ known, byTime, query, selection }: Asked): boolean {
  const { kinds, hidden } = selection;
  return known && byTime !== null && (query.size ?? 0) > 0 && kinds.length > 1 && hidden.length === 0;
}

/** A page of all events of a tenant, with how many there are. Null: it is not one. */
export async function pageOfTenant(db: Queryable, asked: Asked): Promise<PageOfPacks | null> {
  const { executions, deployments } = asked.selection;
  if (!isPlanned(asked) || executions !== null || deployments !== null) return null;
  const { offset, size } = asked.query;
  const rows = await selectOfTenant.all(db, asked.scope.tenantId, [
    offset,
    size,
    asked.byTime === 'descending',
  ]);
  return plannedPage(asked, rows);
}

/** A page of one execution or deployment. Null: it is not one. */
export async function pageOfSubject(
  db: Queryable,
  asked: Asked,
  { from, to }: Bounds,
  offset: number,
): Promise<PageOfPacks | null> {
  const subject = subjectOf(asked);
  if (!isPlanned(asked) || subject === null) return null;
  const select = SELECT_OF[subject.kind][asked.byTime === 'descending' ? 'newest' : 'oldest'];
  const bounds = [from ?? '-infinity', to ?? 'infinity'];
  return plannedPage(
    asked,
    await select.all(db, asked.scope.tenantId, [subject.uid, ...bounds, offset, asked.query.size]),
  );
}

function plannedPage(asked: Asked, rows: readonly PlannedRow[]): PageOfPacks {
  const named = new Map<PackRow, Names>();
  const packs = rows.flatMap((row) => {
    if (row.pack === null) return [];
    const pack = stored({ ...row, words: null, places: null }, row.pack);
    named.set(pack.row, JSON.parse(row.names!) as Names);
    return [pack];
  });
  const { total = null, skip = 0 } = rows[0] ?? {};
  const events = opened(asked, packs, skip);
  const items = itemsText(events, asked.query.shape, ({ pack }) => named.get(pack.row)!);
  return { items, count: events.length, total };
}
