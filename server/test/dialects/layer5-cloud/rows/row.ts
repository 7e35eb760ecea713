/**
 * What the documents of this API promise, row by row: each route with who may call it, what is sent, and what must come back.
 * `documented.test.ts` sends every row as the least person who may, as the one who just may not, as a stranger to the
 * organization, and as nobody; `coverage.test.ts` holds the rows against the routes.
 */
import { randomUUID } from 'node:crypto';
import type { TestServer } from '../../../support/a-server.js';
import type { Found } from '../../cloudify-v3/client.js';
import { type Answer, type Ask, type House, houseOf, type Person } from '../client.js';

/** From the least: `open` needs no credentials, `self` any. The others are roles in the organization. */
export type Who = 'open' | 'self' | 'viewer' | 'user' | 'manager' | 'admin';

export interface Sent {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Row {
  /** As the route is written: `GET /api/workspaces/:id`. */
  readonly route: string;
  readonly may: Who;
  readonly status: number;
  /** What is sent, made anew for each time. */
  readonly send: (world: World, who: Person) => Promise<Sent> | Sent;
  /** What must hold of the answer. */
  readonly holds?: (json: Found, world: World, answer: Answer) => void;
}

export interface World {
  readonly server: TestServer;
  readonly house: House;
  /** UUID of the organization of `manager`. */
  readonly org: string;
  readonly people: Readonly<Record<'viewer' | 'user' | 'manager' | 'admin' | 'outsider', Person>>;
  /** Sends as the manager, in the organization. */
  readonly ask: Ask;
  readonly make: Makers;
}

type Maker = (by?: Person) => Promise<string>;
export type Makers = Readonly<
  Record<
    | 'workspace'
    | 'environment'
    | 'connection'
    | 'design'
    | 'filter'
    | 'view'
    | 'team'
    | 'role'
    | 'keychain'
    | 'invitation'
    | 'badge'
    | 'curriculum'
    | 'event'
    | 'credential'
    | 'token'
    | 'resource'
    | 'member'
    | 'request',
    Maker
  >
>;

export async function aWorld(server: TestServer): Promise<World> {
  const house = await houseOf(server);
  const manager = await house.person('manager');
  const { org } = manager;
  const joined = async (name: string, role: string) => {
    const person = await house.person(name);
    await manager.ask('POST', `/api/identity/orgs/${org}/users/${person.id}`);
    await server.pool.query(
      'update tenant_users set role = $3 where tenant_id = (select id from tenants where uuid = $1) and user_id = (select id from users where uuid = $2)',
      [org, person.id, role],
    );
    return person;
  };
  const people = {
    viewer: await joined('viewer', 'viewer'),
    user: await joined('user', 'user'),
    manager,
    admin: house.admin,
    outsider: await house.person('outsider'),
  };
  const ask: Ask = (method, path, asked = {}) => manager.ask(method, path, { org, ...asked });
  let number = 0;
  const next = () => {
    number += 1;
    return `thing-${number}`;
  };
  const posted =
    (path: string, body: () => object, idOf: (json: Found) => unknown = (json) => json.id): Maker =>
    async (by = manager) => {
      const answer = await by.ask('POST', path, { org, body: body() });
      if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.text}`);
      return String(idOf(answer.json));
    };
  const design = posted(
    '/api/pattern',
    () => ({ name: next(), pattern_file: 'name: canary', visibility: 'public' }),
    (json) => json[0]!.id,
  );
  const make: Makers = {
    workspace: posted('/api/workspaces', () => ({ name: next() })),
    environment: posted('/api/environments', () => ({ name: next() })),
    connection: posted('/api/integrations/connections', () => ({ name: next(), kind: 'kubernetes' })),
    design,
    filter: posted(
      '/api/content/filters',
      () => ({ filter_data: { name: next(), filter_file: 'YQ==', visibility: 'public' } }),
      (json) => json[0]!.id,
    ),
    view: posted('/api/content/views', () => ({ name: next(), visibility: 'public' })),
    team: posted(`/api/identity/orgs/${org}/teams`, () => ({ name: next() })),
    role: posted(`/api/identity/orgs/${org}/roles`, () => ({ role_name: next() })),
    keychain: posted('/api/auth/keychains', () => ({ name: next() })),
    invitation: posted('/api/organizations/invitations', () => ({ name: next() })),
    badge: posted('/api/organizations/badges', () => ({ label: next(), name: 'Badge' })),
    curriculum: posted('/api/academy/curricula', () => ({ type: 'learning-path', title: next() })),
    event: posted('/api/events', () => ({ category: 'test', action: next() })),
    credential: posted('/api/integrations/credentials', () => ({
      name: next(),
      type: 'token',
      secret: { word: 'canary' },
    })),
    resource: posted('/api/content/patterns/resource', () => ({ name: next() })),
    async token(by = manager) {
      const { json } = await by.ask('POST', `/api/identity/tokens?name=${next()}`);
      return String(json.tokens![0]!.id);
    },
    async member() {
      const person = await house.person(`member-${randomUUID().slice(0, 8)}`);
      await ask('POST', `/api/identity/orgs/${org}/users/${person.id}`);
      return person.id;
    },
    async request(by = manager) {
      const { json } = await by.ask('POST', '/api/catalog/content/pattern', {
        org,
        body: { id: await design(by) },
      });
      return String(json.id);
    },
  };
  return { server, house, org, people, ask, make };
}

/** Rows in a shorter form. */
export function row(
  route: string,
  may: Who,
  status: number,
  send: Row['send'] | string,
  holds?: Row['holds'],
): Row {
  const sending = typeof send === 'string' ? () => ({ path: send }) : send;
  return { route, may, status, send: sending, ...(holds === undefined ? {} : { holds }) };
}
