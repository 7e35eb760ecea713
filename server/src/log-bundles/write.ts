/**
 * What is in a log bundle, as a zip that is written while it is read: memory does not grow with it.
 *
 *     manifest.json           what it is, of when, and how far back each part goes
 *     events/TENANT.jsonl     events and log lines of executions
 *     audit.jsonl             who did what
 *     cluster.jsonl           what happened to the cluster
 *     server/MACHINE.log      the server's own log, where that is a file on the machine that made this
 *
 * No secret is in any of them, because none is let into them; and the database's own log, which quotes values, is left out.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ZipWriter } from '../snapshots/archive/zip-writer.js';
import type { Queryable } from '../store/statement.js';
import {
  type Place,
  placeOfAudit,
  placeOfEvents,
  selectAuditLines,
  selectClusterLines,
  selectEventLines,
  selectTenants,
} from './log-bundles.store.js';

/** Of each tenant; and of the audit trail. */
const MOST_LINES = 100_000;
const MOST_CLUSTER_LINES = 10_000;
/** Of the server's own log: its end. */
const MOST_LOG_BYTES = 64 * 1024 * 1024;
/** Nothing is older. */
const BEGINNING: Place = { at: '-infinity', id: 0 };

export interface BundleOrder {
  readonly id: string;
  readonly now: Date;
  readonly machine: string;
  /** Where this server writes its log; null: into no file. */
  readonly logFile: string | null;
}

interface Part {
  readonly path: string;
  readonly lines: AsyncIterable<Buffer>;
  /** Null: from the beginning. */
  readonly since?: string | null;
}

/** The zip. What is logged while it is written is not in it. */
export async function* writeBundle(db: Queryable, order: BundleOrder): AsyncGenerator<Buffer> {
  const zip = new ZipWriter();
  const parts: Part[] = [
    ...(await eventParts(db, order.now)),
    await auditPart(db, order.now),
    { path: 'cluster.jsonl', lines: cluster(db) },
    ...(await serverParts(order)),
  ];
  yield* zip.entry('manifest.json', once(`${JSON.stringify(manifest(order, parts), null, 2)}\n`));
  for (const { path, lines } of parts) yield* zip.entry(path, lines);
  yield* zip.end();
}

function manifest({ id, now, machine, logFile }: BundleOrder, parts: readonly Part[]) {
  return {
    bundle: id,
    made: now.toISOString(),
    machine,
    serverLog:
      logFile === null
        ? 'This server logs to standard error, which whoever runs it keeps: see there'
        : 'That of the machine which made this bundle; other machines of a cluster keep their own',
    parts: parts.map(({ path, since }) => ({
      path,
      ...(since === undefined ? {} : { since: since ?? 'the beginning' }),
    })),
  };
}

async function eventParts(db: Queryable, now: Date): Promise<Part[]> {
  const parts: Part[] = [];
  for (const { id, name } of await selectTenants.all(db)) {
    const from = await placeOfEvents.one(db, [id, now, MOST_LINES]);
    const page = (after: Place) => selectEventLines.all(db, [id, now, after.at, after.id]);
    parts.push({
      path: `events/${encodeURIComponent(name)}.jsonl`,
      since: from?.at ?? null,
      lines: paged(page, from ?? BEGINNING),
    });
  }
  return parts;
}

async function auditPart(db: Queryable, now: Date): Promise<Part> {
  const from = await placeOfAudit.one(db, [now, MOST_LINES]);
  const page = (after: Place) => selectAuditLines.all(db, [now, after.at, after.id]);
  return { path: 'audit.jsonl', since: from?.at ?? null, lines: paged(page, from ?? BEGINNING) };
}

async function serverParts({ logFile, machine }: BundleOrder): Promise<Part[]> {
  if (logFile === null) return [];
  const size = await stat(logFile).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
  if (size === null || size === 0) return [];
  // It grows meanwhile, and may be turned over: what was there at the beginning is told, as far as it still is.
  const range = { start: Math.max(0, size - MOST_LOG_BYTES), end: size - 1 };
  return [
    {
      path: `server/${encodeURIComponent(machine)}.log`,
      lines: createReadStream(logFile, range) as AsyncIterable<Buffer>,
    },
  ];
}

async function* cluster(db: Queryable): AsyncGenerator<Buffer> {
  const rows = await selectClusterLines.all(db, [MOST_CLUSTER_LINES]);
  if (rows.length > 0) yield linesOf(rows);
}

/** A page at a time, each after the last line of the one before. */
async function* paged(
  page: (after: Place) => Promise<readonly (Place & { readonly line: string })[]>,
  from: Place,
): AsyncGenerator<Buffer> {
  for (let after = from; ; ) {
    const rows = await page(after);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield linesOf(rows);
    after = last;
  }
}

function linesOf(rows: readonly { readonly line: string }[]): Buffer {
  return Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
