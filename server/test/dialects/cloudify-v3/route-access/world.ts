/** Two tenants with people in them, and things in one: what the table of `rows.ts` is asked about. */
import assert from 'node:assert/strict';
import { DEFAULT_TENANT } from '../../../../src/identity/tenants.js';
import type { TestServer } from '../../../support/a-server.js';
import { bytesOf } from '../../../support/catalog.js';
import { type Answer, type Asked, clientOf } from '../client.js';
import { MARK, type Who } from './rows.js';

/** Those who make things: a user of our tenant, and the administrator in it. */
export type Maker = 'owner' | 'admin';

export interface World {
  readonly server: TestServer;
  /** Names that are there from the start. */
  readonly tenant: string;
  readonly neighbourTenant: string;
  readonly blueprint: string;
  readonly deployment: string;
  readonly node: string;
  readonly nodeInstance: string;
  readonly execution: string;
  readonly secret: string;
  /** A request of `v3.1` in our tenant that must succeed; its body of `JSON`. */
  ask(maker: Maker, method: string, path: string, asked?: Asked): Promise<Answer>;
  /** A request as one of the table; any answer will do. */
  askAs(who: Who | Maker, method: string, path: string, asked?: Asked): Promise<Answer>;
  /** Makes a thing at its first use, and gives what was made from then on. */
  once<T>(name: string, make: () => Promise<T>): Promise<T>;
  /** A name nobody has had, for things that requests of the table are to make, whoever sends them. */
  newName(): string;
  /** New things, each for one deed that uses it up; they give its id. */
  readonly fresh: {
    blueprint(): Promise<string>;
    deployment(): Promise<string>;
    execution(): Promise<string>;
    secret(): Promise<string>;
    user(): Promise<string>;
    userGroup(): Promise<string>;
    tenant(): Promise<string>;
    /** One of `owner`'s. */
    token(): Promise<string>;
  };
  /** Waits until what requests have set off is done, and tells which rows have changed since it was last asked. */
  changes(): Promise<readonly Change[]>;
}

export interface Change {
  readonly table: string;
  readonly kind: string;
  /** Null for tables without tenants. */
  readonly tenant: string | null;
}

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
description: ${MARK}
imports: [cloudify/types/types.yaml]
inputs:
  word: { type: string, default: ${MARK} }
node_templates:
  alfa-node:
    type: cloudify.nodes.Root
outputs:
  word: { description: ${MARK}, value: { get_input: word } }
capabilities:
  word: { description: ${MARK}, value: { get_input: word } }
`;
const PASSWORD = 'a password of the table';

/** Told of nobody's deed: when somebody was last seen, and what processes say of themselves. */
const VOLATILE_COLUMNS = ['last_used_at', 'last_login_at', 'first_login_at'];
const VOLATILE_TABLES = [
  'row_counts',
  'event_differences',
  'event_hours',
  'event_weeks',
  'event_subjects',
  'cluster',
  'cluster_nodes',
  'cluster_processes',
  'cluster_log',
];

export async function aWorld(server: TestServer): Promise<World> {
  const { core, pool } = server;
  const [tenant, neighbourTenant] = ['alfa', 'bravo'];
  const admin = await core.callers.actingAs('admin', DEFAULT_TENANT, 'table');
  await core.tenants.create(admin, tenant);
  await core.tenants.create(admin, neighbourTenant);

  const tokens = new Map<Who | Maker, string>([['bad token', `ctok-${'a'.repeat(10)}-${'b'.repeat(40)}`]]);
  const person = async (who: Who | Maker, place: string | null, role: string) => {
    const username = `${place ?? 'no'}-${who}`;
    await core.users.create(admin, { username, password: PASSWORD, role: 'member' });
    if (place !== null) await core.tenants.addUser(admin, place, username, role);
    const caller = await core.callers.actingAs(username, place, 'table');
    const description = place === tenant ? MARK : 'of nobody here';
    tokens.set(who, (await core.tokens.issue(caller, { description })).value);
    return username;
  };
  for (const role of ['viewer', 'operations', 'user', 'manager'] as const) await person(role, tenant, role);
  await person('owner', tenant, 'user');
  await person('member', null, '');
  await person('stranger', neighbourTenant, 'manager');
  await core.users.deactivate(admin, await person('suspended', tenant, 'manager'));
  tokens.set('neighbour', tokens.get('stranger')!);
  tokens.set('admin', (await core.tokens.issue(admin)).value);

  const plain = clientOf(server);
  const askAs: World['askAs'] = (who, method, path, asked = {}) => {
    const token = tokens.get(who);
    return plain(method, path, {
      ...asked,
      tenant: who === 'member' ? null : who === 'neighbour' ? neighbourTenant : tenant,
      anonymous: true,
      headers: {
        ...asked.headers,
        ...(token === undefined
          ? {}
          : asked.root === '/orrery/v1'
            ? { authorization: `Bearer ${token}` }
            : { 'authentication-token': token }),
      },
    });
  };
  const ask: World['ask'] = async (maker, method, path, asked = {}) => {
    const answer = await askAs(maker, method, path, asked);
    assert.ok(answer.status < 300, `${maker}: ${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };

  let names = 0;
  const newName = () => `new-${++names}`;
  const ours = () => `alfa-${++names}`;
  const archive = new Uint8Array(bytesOf({ 'blueprint.yaml': BLUEPRINT }));
  const made = new Map<string, Promise<unknown>>();
  const put = async (path: string, body: unknown): Promise<void> => {
    await ask('owner', 'PUT', path, { version: 'v3', body });
  };
  const fresh: World['fresh'] = {
    async blueprint() {
      const id = ours();
      await put(`/blueprints/${id}`, archive);
      return id;
    },
    async deployment() {
      const id = ours();
      await put(`/deployments/${id}`, { blueprint_id: world.blueprint });
      return id;
    },
    async execution() {
      const deployment_id = await fresh.deployment();
      const body = { deployment_id, workflow_id: 'install' };
      return String((await ask('owner', 'POST', '/executions', { body })).json.id);
    },
    async secret() {
      const key = ours();
      await put(`/secrets/${key}`, { value: MARK });
      return key;
    },
    async user() {
      const username = ours();
      await core.users.create(admin, { username, password: PASSWORD, role: 'member' });
      return username;
    },
    async userGroup() {
      const name = ours();
      await core.userGroups.create(admin, { name, role: 'member', ldapDn: null });
      return name;
    },
    async tenant() {
      const name = ours();
      await core.tenants.create(admin, name);
      return name;
    },
    async token() {
      const { json } = await ask('owner', 'POST', '/tokens', { body: { description: MARK } });
      return String(json.id);
    },
  };

  const world: { -readonly [K in keyof World]: World[K] } = {
    server,
    tenant,
    neighbourTenant,
    blueprint: 'alfa-blueprint',
    deployment: 'alfa-deployment',
    node: 'alfa-node',
    nodeInstance: '',
    execution: '',
    secret: 'alfa-secret',
    ask,
    askAs,
    newName,
    fresh,
    once<T>(name: string, make: () => Promise<T>): Promise<T> {
      if (!made.has(name)) made.set(name, make());
      return made.get(name) as Promise<T>;
    },
    async changes() {
      await core.blueprintUploads.settled();
      const { rows } = await pool.query<Change>('delete from seen_changes returning "table", kind, tenant');
      return rows;
    },
  };
  await put(`/blueprints/${world.blueprint}`, archive);
  await put(`/deployments/${world.deployment}`, { blueprint_id: world.blueprint, labels: [{ alfa: MARK }] });
  await put(`/secrets/${world.secret}`, { value: MARK });
  const body = { deployment_id: world.deployment, workflow_id: 'install' };
  world.execution = String((await ask('owner', 'POST', '/executions', { body })).json.id);
  const instances = await ask('owner', 'GET', `/node-instances?deployment_id=${world.deployment}`);
  world.nodeInstance = String(instances.json.items?.[0]?.id);
  await ask('owner', 'PATCH', `/node-instances/${world.nodeInstance}`, {
    body: { version: 1, runtime_properties: { word: MARK } },
  });
  await pool.query(
    `select append_events(tenant_id, json_build_array(json_build_object('executionUid', uid, 'deploymentUid', deployment_uid, 'kind', 'log',
       'logger', 'alfa', 'message', $2::text))) from executions where id = $1`,
    [world.execution, MARK],
  );
  await watchChanges(server);
  return world;
}

/** From now on every row that is inserted, updated or deleted is remembered, whoever does it. */
async function watchChanges({ pool }: TestServer): Promise<void> {
  const ignored = VOLATILE_COLUMNS.map((column) => ` - '${column}'`).join('');
  await pool.query(`
    create table seen_changes ("table" text not null, kind text not null, tenant text);
    create function see_change() returns trigger language plpgsql as $$
      declare row jsonb := to_jsonb(coalesce(new, old));
      begin
        if tg_op = 'UPDATE' and (to_jsonb(new)${ignored}) = (to_jsonb(old)${ignored}) then return null; end if;
        insert into seen_changes
        select tg_argv[0], lower(tg_op), (select t.name from tenants t where t.id = (row ->> 'tenant_id')::bigint);
        return null;
      end $$`);
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
       and relname <> all ($1)`,
    [[...VOLATILE_TABLES, 'seen_changes', 'migrations']],
  );
  for (const { name } of rows) {
    await pool.query(
      `create trigger see_change after insert or update or delete on "${name}" for each row execute function see_change('${name}')`,
    );
  }
}
