/** What every benchmark stands on: a durable database of its own, the real core, and a table at the end. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Caller } from '../src/caller.js';
import { loadSettings, type Settings } from '../src/config.js';
import { buildCore, type Core } from '../src/core.js';
import { startEmbedded } from '../src/embedded-postgres/launcher.js';
import { bootstrap, FIRST_USER } from '../src/identity/bootstrap.js';
import { DEFAULT_TENANT } from '../src/identity/tenants.js';
import { type Log, logTo } from '../src/log.js';
import { newMasterKey } from '../src/secrets/vault.js';
import { migrate } from '../src/store/migrate.js';
import { openPool, type Pool } from '../src/store/pool.js';
import { Signals } from '../src/store/signals.js';
import { endsWithUs } from './ends-with-us.js';

export const PASSWORD = 'a password for benchmarks';

export interface Stand {
  readonly dataDir: string;
  readonly settings: Settings;
  readonly databaseUrl: string;
  readonly pool: Pool;
  readonly log: Log;
  readonly core: Core;
  readonly admin: Caller;
  /** Process id of the PostgreSQL. */
  readonly postmaster: number;
  readonly masterKey: string;
  close(): Promise<void>;
}

/** Numbers given as `--name 5`, or as `--name 5,10` for several; `defaults` names what there is. */
export function numbers<Name extends string>(
  defaults: Readonly<Record<Name, string>>,
  least = 1,
): Record<Name, number[]> {
  const options = Object.fromEntries(
    Object.keys(defaults).map((name) => [name, { type: 'string' as const }]),
  );
  const { values } = parseArgs({ options });
  return Object.fromEntries(
    Object.entries<string>(defaults).map(([name, value]) => {
      const given = String(values[name] ?? value)
        .split(',')
        .map(Number);
      if (given.some((number) => !Number.isInteger(number) || number < least)) {
        throw new Error(`--${name} takes whole numbers from ${least}, such as ${value}`);
      }
      return [name, given];
    }),
  ) as Record<Name, number[]>;
}

export async function aStand(): Promise<Stand> {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
  // Passable, so that PostgreSQL can live in it when this runs as root.
  chmodSync(dataDir, 0o711);
  endsWithUs(dataDir);
  const embedded = await startEmbedded({ dataDir });
  const pool = openPool({ databaseUrl: embedded.databaseUrl, max: 10, applicationName: 'bench' });
  await migrate(pool);
  await bootstrap(pool, { adminPassword: PASSWORD, passwordFile: join(dataDir, 'admin-password') });
  const masterKey = newMasterKey();
  const { settings } = loadSettings({
    ORRERY_DATA_DIR: dataDir,
    ORRERY_DEMO: '0',
    ORRERY_MASTER_KEY: masterKey,
  });
  const log = logTo({ write: (line) => process.stderr.write(line) }, 'error');
  const signals = new Signals(embedded.databaseUrl);
  const core = await buildCore({ settings, pool, log, signals });
  const admin = await core.callers.actingAs(FIRST_USER, DEFAULT_TENANT, 'benchmark');
  return {
    dataDir,
    settings,
    databaseUrl: embedded.databaseUrl,
    pool,
    log,
    core,
    admin,
    postmaster: embedded.pid,
    masterKey,
    async close() {
      await signals.close();
      await core.credentials.close();
      await core.tokens.close();
      await pool.end();
      await embedded.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** A table for people, then one line of JSON with the same figures. */
export function report(
  name: string,
  rows: readonly Readonly<Record<string, string | number>>[],
  notes: readonly string[] = [],
): void {
  const heads = Object.keys(rows[0] ?? {});
  const cells = [heads, ...rows.map((row) => heads.map((head) => shown(row[head] ?? '')))];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => cell.padStart(widths[column]!)).join('   ')}`;
  const out = ['', `${name} (${cpus().length} cores, Node ${process.versions.node})`, ''];
  out.push(
    line(cells[0]!),
    `  ${widths.map((width) => '─'.repeat(width)).join('───')}`,
    ...cells.slice(1).map(line),
    '',
  );
  for (const note of notes) out.push(`  ${note}`);
  process.stdout.write(`${out.join('\n')}\n\n${JSON.stringify({ benchmark: name, rows })}\n`);
}

function shown(value: string | number): string {
  if (typeof value === 'string') return value;
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Math.round(value * 100) / 100);
}
