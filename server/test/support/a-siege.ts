/**
 * An installation of several processes on one PostgreSQL, all of which are killed at random and started again, as by a
 * supervisor; and how long it takes each time until what was under way goes on.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { keepEmbedded } from '../../src/embedded-postgres/keeper.js';
import type { EmbeddedPostgres } from '../../src/embedded-postgres/launcher.js';
import { processesIn } from '../../src/embedded-postgres/process-table.js';
import { openPool, type Pool } from '../../src/store/pool.js';
import { aRealServer, type RealServer } from './a-real-server.js';

export type Victim = 'worker' | 'api' | 'database' | 'everything';

/** How often each is the one, of a hundred times. */
const SHARES: readonly (readonly [Victim, number])[] = [
  ['worker', 60],
  ['api', 25],
  ['database', 10],
  ['everything', 5],
];

/** Seconds. */
export const LEASE = 3;
const SETTINGS = {
  ORRERY_LEASE_SECONDS: String(LEASE),
  ORRERY_DATABASE_CONNECTIONS: '4',
  ORRERY_WORKER_CONCURRENCY: '6',
  ORRERY_STOP_SECONDS: '8',
};
const ACTIVE = `('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;

interface Place {
  readonly role: 'api' | 'worker';
  readonly dataDir: string;
  server: RealServer | null;
  starting: Promise<void> | null;
}

interface Progress {
  readonly fence: number;
  readonly batches: number;
}

/** A kill whose consequences are not over. */
interface Wound {
  readonly victim: Victim;
  readonly at: number;
  /** Executions that were under way there, as they stood. */
  readonly held: Map<number, Progress>;
}

export class Siege {
  readonly #postgres: EmbeddedPostgres;
  readonly #cluster: string;
  readonly #places: Place[];
  readonly pool: Pool;
  readonly kills: Record<Victim, number> = { worker: 0, api: 0, database: 0, everything: 0 };
  freezes = 0;
  /** Milliseconds from each kill until all that it had hit went on. */
  readonly recoveries: { victim: Victim; ms: number }[] = [];
  #wounds: Wound[] = [];
  #over = false;
  readonly #watching: Promise<void>;

  private constructor(postgres: EmbeddedPostgres, cluster: string, places: Place[]) {
    this.#postgres = postgres;
    this.#cluster = cluster;
    this.#places = places;
    this.pool = openPool({ databaseUrl: postgres.databaseUrl, max: 3, applicationName: 'siege' });
    this.#watching = this.#watch();
  }

  static async begin(folder: string, counts: { readonly apis: number; readonly workers: number }) {
    const dataDir = join(folder, 'database');
    const postgres = await keepEmbedded({ dataDir }, { revived: () => {}, failed: () => {} });
    const place = (role: Place['role'], nth: number): Place => {
      return { role, dataDir: join(folder, `${role}-${nth}`), server: null, starting: null };
    };
    const places = [
      ...Array.from({ length: counts.apis }, (_, nth) => place('api', nth)),
      ...Array.from({ length: counts.workers }, (_, nth) => place('worker', nth)),
    ];
    const siege = new Siege(postgres, clusterOf(dataDir), places);
    // The first makes the schema; then all the others at once.
    await siege.#start(places[0]!);
    await Promise.all(places.map((one) => siege.#start(one)));
    return siege;
  }

  /** A server that answers requests, any of them. */
  async anApi(): Promise<RealServer> {
    for (;;) {
      const ready = this.#places.filter(({ role, server }) => role === 'api' && server !== null);
      const found = ready[Math.floor(Math.random() * ready.length)]?.server;
      if (found) return found;
      await delay(20);
    }
  }

  /** One kill, of what chance says, when enough is up again that there is something to kill. */
  async strike(): Promise<void> {
    while (!(await this.#stands())) await delay(100);
    let luck = Math.random() * 100;
    const [victim] = SHARES.find(([, share]) => {
      luck -= share;
      return luck < 0;
    })!;
    const places =
      victim === 'everything'
        ? this.#places.filter(({ server }) => server !== null)
        : this.#some(victim).filter(({ server }) => server !== null);
    if (victim !== 'database' && places.length === 0) return;
    const held = await this.#held(victim, places);
    this.kills[victim] += 1;
    this.#wounds.push({ victim, at: Date.now(), held });
    if (victim === 'database' || victim === 'everything') this.#killDatabase();
    for (const place of places) void this.#kill(place);
  }

  /** A worker stands still for longer than its lease. */
  async freeze(): Promise<void> {
    const [place] = this.#some('worker');
    const server = place?.server;
    if (!server) return;
    this.freezes += 1;
    signal(server.pid, 'SIGSTOP');
    await delay((LEASE + 1 + Math.random() * 2) * 1000);
    signal(server.pid, 'SIGCONT');
  }

  /** Everything that was killed is up again, and what was under way has gone on. */
  async calm(): Promise<void> {
    const deadline = Date.now() + 60_000;
    while (this.#wounds.length > 0 && Date.now() < deadline) await delay(100);
    this.#over = true;
    await this.#watching;
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#watching;
    await Promise.all(
      this.#places.map(async (place) => {
        await place.starting;
        await place.server?.end('SIGTERM');
      }),
    );
    await this.pool.end();
    await this.#postgres.stop();
  }

  /** An API, two workers and the database are there. */
  async #stands(): Promise<boolean> {
    const up = (role: Place['role']) =>
      this.#places.filter((place) => place.role === role && place.server !== null).length;
    if (up('api') < 1 || up('worker') < 2) return false;
    return this.pool.query('select 1').then(
      () => true,
      () => false,
    );
  }

  #some(victim: 'worker' | 'api' | 'database'): Place[] {
    const all = this.#places.filter(({ role, server }) => role === victim && server !== null);
    const one = all[Math.floor(Math.random() * all.length)];
    return one === undefined ? [] : [one];
  }

  /** What is under way where the blow falls. The database may be away: then nothing can be told. */
  async #held(victim: Victim, places: readonly Place[]): Promise<Map<number, Progress>> {
    if (victim === 'api') return new Map();
    const everybody = victim === 'database' || victim === 'everything';
    const { rows } = await this.pool
      .query<{ uid: number; worker: string | null; fence: number; batches: number }>(
        `select uid, worker, fence, batches from executions where status in ${ACTIVE} and deployment_uid is not null`,
      )
      .catch(() => ({ rows: [] }));
    const mine = rows.filter(
      ({ worker }) =>
        everybody || places.some(({ dataDir }) => (worker ?? '').split('#')[0]!.endsWith(`:${dataDir}`)),
    );
    return new Map(mine.map(({ uid, fence, batches }) => [uid, { fence, batches }]));
  }

  async #kill(place: Place): Promise<void> {
    const { server } = place;
    place.server = null;
    await server?.end('SIGKILL');
    // Most supervisors are quick, some machines are not.
    await delay(Math.random() < 0.8 ? Math.random() * 500 : 4000);
    await this.#start(place);
  }

  #start(place: Place): Promise<void> {
    if (place.server !== null) return Promise.resolve();
    place.starting ??= (async () => {
      while (place.server === null && !this.#over) {
        const env = { ...SETTINGS, ORRERY_ROLE: place.role, DATABASE_URL: this.#postgres.databaseUrl };
        place.server = await aRealServer(place.dataDir, env).catch(() => null);
        if (place.server === null) await delay(300);
      }
      place.starting = null;
    })();
    return place.starting;
  }

  #killDatabase(): void {
    for (const pid of processesIn(this.#cluster) ?? []) signal(pid, 'SIGKILL');
  }

  /** Looks again and again whether what was hit goes on. */
  async #watch(): Promise<void> {
    while (!this.#over) {
      await delay(100);
      if (this.#wounds.length === 0) continue;
      const uids = [...new Set(this.#wounds.flatMap(({ held }) => [...held.keys()]))];
      const rows = await this.pool
        .query<{ uid: number; fence: number; batches: number; active: boolean }>(
          `select uid, fence, batches, status in ${ACTIVE} as active from executions where uid = any($1::bigint[])`,
          [uids],
        )
        .then((found) => new Map(found.rows.map((row) => [row.uid, row])))
        .catch(() => null);
      // Away: nothing goes on.
      if (rows === null) continue;
      if (this.#wounds.some(({ victim }) => victim === 'api') && !(await this.#isServed())) continue;
      const now = Date.now();
      this.#wounds = this.#wounds.filter(({ victim, at, held }) => {
        for (const [uid, before] of held) {
          const row = rows.get(uid);
          const goesOn = row === undefined || !row.active || row.batches > before.batches;
          if (goesOn) held.delete(uid);
        }
        if (held.size > 0) return true;
        this.recoveries.push({ victim, ms: now - at });
        return false;
      });
    }
  }

  async #isServed(): Promise<boolean> {
    const ready = this.#places.filter(({ role, server }) => role === 'api' && server !== null);
    for (const { server } of ready) {
      const answer = await server!.call('GET', '/executions?_size=1').catch(() => null);
      if (answer !== null) return true;
    }
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It went with the others.
  }
}

function clusterOf(dataDir: string): string {
  const location = join(dataDir, 'postgres.location');
  const home = existsSync(location) ? readFileSync(location, 'utf8').trim() : join(dataDir, 'postgres');
  return realpathSync(join(home, 'data'));
}
