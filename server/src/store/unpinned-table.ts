/**
 * Reads one SQL statement and tells whether every tenant's table in it is pinned to the tenant in `$1`. Pure.
 *
 * A table is pinned by `name.tenant_id = $1` (or `tenant_id = $1` where it is the only one), and it is tied to one that
 * is pinned by equal surrogate keys: `b.uid = d.blueprint_uid`, `l.deployment_uid = d.uid`. Surrogate keys are ours: no
 * request can name one, so they lead from a tenant's row only where a foreign key leads.
 *
 * It knows as much of SQL as that question needs: where table names stand (FROM with its commas and joins, UPDATE,
 * INTO, USING), their aliases, parentheses, and what a pin is. Where it is unsure it says "unpinned": a false alarm
 * shows when the module loads and costs a rewording. What it cannot judge is logic: `d.tenant_id = $1 or …` counts as
 * a pin, because rows that are shared with all tenants are read just so; whoever writes OR beside a pin is on their own.
 */

/** Tables whose rows belong to one tenant each. A new table with a `tenant_id` column must be added here (a test looks). */
export const TENANT_TABLES: ReadonlySet<string> = new Set([
  'blueprints',
  'blueprint_labels',
  'blueprint_plugins',
  'plugins',
  'plugins_updates',
  'deployments',
  'deployment_labels',
  'nodes',
  'node_instances',
  'executions',
  'operations',
  'events',
  'event_packs',
  'event_differences',
  'event_hours',
  'event_weeks',
  'event_subjects',
  'secrets',
  'row_counts',
  'sites',
  'filters',
  'deployment_dependencies',
  'deployment_groups',
  'deployment_group_members',
  'execution_groups',
  'execution_schedules',
  'deployment_modifications',
  'deployment_updates',
  'agents',
  'task_graphs',
  'graph_operations',
  'changes',
  'kept_answers',
  'dispatched_operations',
  'tenant_numbers',
  'first_contents',
  'ordering_users',
  'group_types',
  'ordering_groups',
  'ordering_roles',
  'ordering_members',
  'approval_groups',
  'ordering_environments',
  'group_environments',
  'os_families',
  'os_builds',
  'os_build_images',
  'environment_os_builds',
  'applications',
  'environment_applications',
  'parameters',
  'parameter_uses',
  'preconfigurations',
  'preconfiguration_choices',
  'environment_preconfigurations',
  'resource_types',
  'actions',
  'action_uses',
  'offers',
  'offer_items',
  'offer_groups',
  'ordering_rules',
  'rates',
  'quotas',
  'orders',
  'order_items',
  'order_errands',
  'quota_holds',
  'jobs',
  'job_news',
  'action_runs',
  'service_history',
  'cloud_accounts',
  'badges',
  'inventory_resources',
  'cloud_account_regions',
  'harvests',
  'harvest_strategies',
  'servers',
  'server_tallies',
  'server_disks',
  'server_nics',
  'server_snapshots',
  'server_history',
  'server_syncs',
  'services',
  'teams',
  'team_members',
  'access_roles',
  'keychains',
  'keychain_keys',
  'role_keychains',
  'member_roles',
  'invitations',
  'invitation_acceptances',
  'awards',
  'member_awards',
  'workspaces',
  'workspace_teams',
  'account_environments',
  'workspace_environments',
  'environment_accounts',
  'notices',
  'designs',
  'design_sources',
  'design_grants',
  'design_resources',
  'catalogue_requests',
  'curricula',
  'registrations',
]);

interface Use {
  readonly table: string;
  /** The alias, or the table's own name. */
  readonly name: string;
  /** Joined by an outer join: what is asked of it restricts it alone, not what stands before it. */
  readonly outer: boolean;
  /** For INSERT INTO: position of the token after name and alias. */
  readonly insertAt?: number;
}

/** `left.column = right.column`, both surrogate keys or both tenants. */
interface Tie {
  readonly left: string;
  readonly right: string;
}

interface Reading {
  readonly uses: readonly Use[];
  /** Names pinned to `$1`; '' for a `tenant_id = $1` that stands alone. */
  readonly pins: readonly string[];
  readonly ties: readonly Tie[];
  /** A row is moved to another tenant, or an outer join keeps rows that it does not restrict. */
  readonly suspect: boolean;
}

/** What the words at one depth of parentheses are in the middle of. */
interface Level {
  inFrom: boolean;
  expectsTable: boolean;
  inSet: boolean;
}

const ENDS_FROM =
  /^(where|group|order|having|limit|offset|fetch|window|union|except|intersect|for|returning|set|values|select|with|do)$/;
const NO_ALIAS =
  /^(on|using|join|left|right|full|inner|cross|natural|tablesample|as|default|overriding|table|where|group|order|having|limit|offset|fetch|window|union|except|intersect|for|returning|set|values|select|with|lateral|only)$/;
const WORD = /^[a-z_"]/;

/** The first tenant's table in `sql` that is not pinned to the tenant in `$1`, or null. */
export function unpinnedTable(sql: string): string | null {
  const tokens = tokensOf(sql);
  const reading = read(tokens);
  const ofTenants = reading.uses.filter((use) => TENANT_TABLES.has(use.table));
  if (reading.suspect && ofTenants.length > 0) return ofTenants[0]!.table;
  const reads = ofTenants.filter((use) => use.insertAt === undefined);
  const alone = reads.length === 1 && reading.pins.includes('');
  const held = heldNames(reading);
  for (const use of ofTenants) {
    const fine =
      use.insertAt === undefined ? alone || held.has(use.name) : insertsForTenant(tokens, use.insertAt);
    if (!fine) return use.table;
  }
  return null;
}

/** Names that are pinned, or tied to names that are. */
function heldNames({ uses, pins, ties }: Reading): Set<string> {
  const position = new Map(uses.map((use, index) => [use.name, index]));
  const outer = new Set(uses.filter((use) => use.outer).map((use) => use.name));
  const held = new Set<string>();
  const leads = (from: string, to: string) =>
    held.has(from) && (!outer.has(from) || (position.get(from) ?? 0) < (position.get(to) ?? 0));
  for (;;) {
    const before = held.size;
    for (const { name } of uses) {
      // The same name twice (in two subqueries, say) needs two holds.
      const needed = uses.filter((use) => use.name === name).length;
      const tied = ties.filter(
        (tie) =>
          (tie.left === name && tie.right !== name && leads(tie.right, name)) ||
          (tie.right === name && tie.left !== name && leads(tie.left, name)),
      );
      const given = pins.filter((pin) => pin === name).length;
      if (given + tied.length >= needed) held.add(name);
    }
    if (held.size === before) return held;
  }
}

function tokensOf(sql: string): string[] {
  const text = sql
    .replace(/'(?:[^']|'')*'/g, " '' ")
    .replace(/--[^\n]*/g, ' ')
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .toLowerCase();
  return (text.match(/"[^"]*"|\$\d+|[a-z_][a-z0-9_$]*|\d+|::|<>|<=|>=|!=|[^\s]/g) ?? []).map((token) =>
    token.startsWith('"') ? token.slice(1, -1) : token,
  );
}

function read(tokens: readonly string[]): Reading {
  const uses: Use[] = [];
  const pins: string[] = [];
  const ties: Tie[] = [];
  let suspect = false;
  const levels: Level[] = [{ inFrom: false, expectsTable: false, inSet: false }];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    const level = levels.at(-1)!;
    if (token === '(') {
      // `from (a join b …)` goes on inside; `from (select …)` and calls start anew.
      const goesOn = level.expectsTable && !/^(select|with|values|\()$/.test(tokens[at + 1] ?? '');
      levels.push({ inFrom: goesOn, expectsTable: goesOn, inSet: false });
      level.expectsTable = false;
    } else if (token === ')') {
      if (levels.length > 1) levels.pop();
    } else if (level.expectsTable && WORD.test(token)) {
      if (token === 'only' || token === 'lateral') continue;
      level.expectsTable = false;
      at = readUse(tokens, at, uses);
    } else if (token === 'tenant_id') {
      const pin = pinAt(tokens, at);
      if (level.inSet) {
        suspect ||= tokens[at + 1] === '=';
      } else if (pin !== null) {
        pins.push(pin);
      }
    } else if (token === '=' && !level.inSet) {
      const tie = tieAt(tokens, at);
      if (tie !== null) ties.push(tie);
    } else if (token === 'right' || token === 'full') {
      suspect ||= tokens[at + 1] === 'join' || tokens[at + 1] === 'outer';
    } else if (token === ',' && level.inFrom) {
      level.expectsTable = true;
    } else if (WORD.test(token)) {
      readWord(tokens, at, level);
    }
  }
  return { uses, pins, ties, suspect };
}

function readWord(tokens: readonly string[], at: number, level: Level): void {
  const token = tokens[at]!;
  const before = tokens[at - 1];
  if (token === 'from' || token === 'using') {
    if (before === 'distinct') return;
    // `join x using (…)` names columns.
    if (token === 'using' && tokens[at + 1] === '(') return;
    Object.assign(level, { inFrom: true, expectsTable: true, inSet: false });
  } else if (token === 'join') {
    Object.assign(level, { inFrom: true, expectsTable: true });
  } else if (token === 'into') {
    level.expectsTable = true;
  } else if (token === 'update') {
    // Neither `for update` nor `do update`.
    level.expectsTable = before !== 'for' && before !== 'key' && before !== 'do';
  } else if (ENDS_FROM.test(token)) {
    level.inFrom = false;
    level.inSet = token === 'set';
  }
}

/** Takes the table named at `at` with its alias. @returns position of its last token */
function readUse(tokens: readonly string[], at: number, uses: Use[]): number {
  const inserts = tokens[at - 1] === 'into';
  const outer = /^(left|outer)$/.test(tokens[at - 2] ?? '') && tokens[at - 1] === 'join';
  let end = at;
  while (tokens[end + 1] === '.') end += 2;
  const table = tokens[end]!;
  if (tokens[end + 1] === '(' && !inserts) return end;
  let name = table;
  const next = tokens[end + 1];
  if (next === 'as') {
    name = tokens[end + 2] ?? table;
    end += 2;
  } else if (next !== undefined && WORD.test(next) && !NO_ALIAS.test(next)) {
    name = next;
    end += 1;
  }
  uses.push(inserts ? { table, name, outer, insertAt: end + 1 } : { table, name, outer });
  return end;
}

/** The name that `tenant_id = $1` at `at` pins: an alias, '' where it stands alone; null: it is no pin. */
function pinAt(tokens: readonly string[], at: number): string | null {
  if (tokens[at + 1] !== '=' || tokens[at + 2] !== '$1') return null;
  const cast = tokens[at + 3] === '::' ? 2 : 0;
  if (!endsTerm(tokens[at + 3 + cast])) return null;
  const qualified = tokens[at - 1] === '.';
  if (isNegated(tokens, at - (qualified ? 3 : 1))) return null;
  return qualified ? tokens[at - 2]! : '';
}

/** `a.tenant_id = b.tenant_id`, or two columns that end in `uid`, around the `=` at `at`. */
function tieAt(tokens: readonly string[], at: number): Tie | null {
  const [left, leftDot, leftColumn] = tokens.slice(at - 3, at);
  const [right, rightDot, rightColumn, after] = tokens.slice(at + 1, at + 5);
  if (leftDot !== '.' || rightDot !== '.' || !endsTerm(after)) return null;
  const keys = isKey(leftColumn) && isKey(rightColumn);
  if (!keys && !(leftColumn === 'tenant_id' && rightColumn === 'tenant_id')) return null;
  if (isNegated(tokens, at - 4)) return null;
  return { left: left!, right: right! };
}

function isKey(column: string | undefined): boolean {
  return column !== undefined && /(^|_)uid$/.test(column);
}

/** Whether a comparison is over before `token`: nothing is added to it, nor is its outcome compared. */
function endsTerm(token: string | undefined): boolean {
  return (
    token === undefined ||
    /^(\)|,|;|and|or|then|where|order|group|limit|for|on|returning|union|left|join|inner|cross)$/.test(token)
  );
}

/** Whether `not` stands at `at`, or before the parentheses that open there. */
function isNegated(tokens: readonly string[], at: number): boolean {
  let before = at;
  while (tokens[before] === '(') before--;
  return tokens[before] === 'not';
}

/** Whether `(tenant_id, …) values ($1, …), …` or `(tenant_id, …) select $1, …` stands at `at`. */
function insertsForTenant(tokens: readonly string[], at: number): boolean {
  if (tokens[at] !== '(' || tokens[at + 1] !== 'tenant_id') return false;
  let next = closing(tokens, at) + 1;
  if (tokens[next] === 'overriding') next += 3;
  if (tokens[next] === 'select') return isTenant(tokens, next + 1);
  if (tokens[next] !== 'values') return false;
  do {
    next++;
    if (tokens[next] !== '(' || !isTenant(tokens, next + 1)) return false;
    next = closing(tokens, next) + 1;
  } while (tokens[next] === ',');
  return true;
}

function isTenant(tokens: readonly string[], at: number): boolean {
  if (tokens[at] !== '$1') return false;
  const after = tokens[at + 1] === '::' ? tokens[at + 3] : tokens[at + 1];
  return after === ',' || after === ')' || after === 'from';
}

/** Position of the parenthesis that closes the one at `at`. */
function closing(tokens: readonly string[], at: number): number {
  let depth = 0;
  for (let position = at; position < tokens.length; position++) {
    if (tokens[position] === '(') depth++;
    if (tokens[position] === ')' && --depth === 0) return position;
  }
  return tokens.length;
}
