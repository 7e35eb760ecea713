/**
 * The table of who may do what over the wire: a row for each route of the dialect, kept in the `*.rows.ts` files of this
 * folder, each a module that exports `rows`. Files are found by their name; a new resource brings a file of its own:
 *
 *   export const rows: Rows = {
 *     'GET /sites': { may: 'viewer' },
 *     'GET /sites/:name': { may: 'viewer', at: async (world) => `/sites/${await site(world)}` },
 *     'PUT /sites/:name': { may: 'user', at: () => '/sites/new', body: () => ({ location: '1,2' }), neighbour: [200] },
 *     'DELETE /sites/:name': { may: 'user', at: async (world) => `/sites/${await world.fresh.site()}` },
 *   };
 *
 * The key is the route as the router has it, without `/api/v3` or `/api/v3.1`; both are asked. `route-access.test.ts` sends
 * real requests as each of `WHO`, in this order:
 *
 * 1. Those who may not: strangers to the server (401), and to the tenant or the deed (403). Not one row of the database may
 *    have changed, and no answer may hold what is in the tenant.
 * 2. The neighbour: a manager of another tenant who names our things from there. By default 404 where the path names
 *    something, else an answer without anything of ours (`neighbour` says otherwise). Nothing of our tenant may have changed.
 * 3. Those who may: a status of `answers` (by default 200, 201 or 204), GET without changing a row, all else by changing one.
 *    A GET in the tenant must tell something of the tenant to its manager, or say `tells: false`: so that 1 and 2 cannot pass
 *    only because the row asks for nothing.
 *
 * Things of the tenant have `MARK` in a text that only those who may read them can know, and `alfa` in their names. Make
 * yours so: `world.once('site', …)` makes a thing at first use; `world.ask('owner', 'PUT', path, { body })` asks as a user of
 * the tenant. For deeds that use a thing up, `at` makes a new one: it is called once for 1 and 2, and anew for each of 3.
 */
import { readdirSync } from 'node:fs';
import type { World } from './world.js';

/** In every text of our tenant that is no name. */
export const MARK = 'canary-in-the-mine';

/**
 * `suspended`: a deactivated manager of our tenant. `stranger`: a manager of another tenant who asks for ours.
 * `neighbour`: the same in their own tenant. `member`: no role anywhere, and no tenant asked for. Then the roles in our
 * tenant, and `admin`, who has none there and needs none.
 */
export const WHO = [
  'anonymous',
  'bad token',
  'suspended',
  'stranger',
  'member',
  'neighbour',
  'viewer',
  'operations',
  'user',
  'manager',
  'admin',
] as const;
export type Who = (typeof WHO)[number];

const ROLES = ['viewer', 'operations', 'user', 'manager', 'admin'] as const;
type Role = (typeof ROLES)[number];

export interface Row {
  /**
   * The least role that may, and every higher one with it; or exactly these. `anybody` needs credentials and no role,
   * `open` not even those.
   */
  readonly may: Role | 'anybody' | 'open' | readonly Role[];
  /** The path to ask for, with its query. Default: the route, where it has no parameters. */
  readonly at?: (world: World) => string | Promise<string>;
  readonly body?: (world: World) => unknown | Promise<unknown>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What those who may get. */
  readonly answers?: readonly number[];
  /** What a manager of another tenant gets who asks for ours from theirs. */
  readonly neighbour?: readonly number[];
  /** Whether the manager's answer tells something of the tenant. */
  readonly tells?: boolean;
  /** Whether the deed changes rows; `either`: under one root and not under the other. */
  readonly changes?: boolean | 'either';
  /** The route is about the installation: it needs a role and no tenant. */
  readonly outside?: boolean;
  /** What is to be done after each deed of those who may, where others would meet what it left. */
  readonly undo?: (world: World, path: string) => Promise<unknown>;
  /** What those get whose role does not do; 404 where they may not even know. Default: 403. */
  readonly refusal?: readonly number[];
}

export type Rows = Readonly<Record<string, Row>>;

/** Every row of every `*.rows` file of this folder. */
export async function readRows(): Promise<ReadonlyMap<string, Row>> {
  const all = new Map<string, Row>();
  for (const file of readdirSync(new URL('.', import.meta.url)).sort()) {
    if (!file.endsWith('.rows.js')) continue;
    const { rows } = (await import(new URL(file, import.meta.url).href)) as { rows: Rows };
    for (const [route, row] of Object.entries(rows)) {
      if (all.has(route)) throw new Error(`${file}: there is a row for ${route} already`);
      all.set(route, row);
    }
  }
  return all;
}

export function mayDo(row: Row, who: Who): boolean {
  if (row.may === 'open') return true;
  if (who === 'anonymous' || who === 'bad token' || who === 'suspended' || who === 'stranger') return false;
  if (row.may === 'anybody') return true;
  if (who === 'member') return false;
  const role = who === 'neighbour' ? 'manager' : who;
  if (typeof row.may !== 'string') return row.may.includes(role);
  return ROLES.indexOf(role) >= ROLES.indexOf(row.may);
}

/** The statuses that `who` may meet. */
export function expected(row: Row, route: string, who: Who): readonly number[] {
  if (who === 'neighbour' && row.neighbour !== undefined) return row.neighbour;
  if (!mayDo(row, who)) {
    if (who === 'anonymous' || who === 'bad token' || who === 'suspended') return [401];
    const outOfReach = who === 'stranger' || (who === 'member' && inTenant(row));
    return outOfReach ? [403] : (row.refusal ?? [403]);
  }
  const answers = row.answers ?? [200, 201, 204];
  return who === 'neighbour' && inTenant(row) && route.includes(':') ? [404] : answers;
}

/** Whether the route is about things of a tenant. */
export function inTenant(row: Row): boolean {
  return row.may !== 'open' && row.may !== 'anybody' && row.outside !== true;
}
