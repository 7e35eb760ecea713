/** Fills a server with one thing of each kind and people of every role, and looks at what it holds. */
import assert from 'node:assert/strict';
import { zipOf } from '../support/archives.js';
import { bytesOf } from '../support/catalog.js';
import { type PublishedRoute, routesOf } from './published-routes.js';
import type { Surroundings } from './route-requests.js';

export interface Furnished {
  look(): Promise<Surroundings>;
  reopen(): Promise<void>;
}

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  size: { default: 1 }
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: { agent_config: { install_method: none } }
  app:
    type: cloudify.nodes.WebServer
    capabilities: { scalable: { properties: { default_instances: 2 } } }
    relationships:
      - { type: cloudify.relationships.contained_in, target: host }
outputs:
  size: { value: { get_input: size } }
capabilities:
  port: { value: { get_attribute: [app, port] } }
`;
const PASSWORD = 'a password for nobody';
const TENANT = 'default_tenant';
/** Who asks. Their names are nowhere among what requests are made from, so that none of them shuts another out. */
const ROLES = ['manager', 'user', 'operations', 'viewer'] as const;

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** @param password of the first administrator */
export async function furnish(url: string, password: string): Promise<Furnished> {
  const admin = { authorization: basic('admin', password), tenant: TENANT };
  const ask = async (method: string, path: string, body?: object | Buffer) => {
    const isBytes = body instanceof Buffer;
    return fetch(`${url}/api/v3.1${path}`, {
      method,
      headers: { ...admin, 'content-type': isBytes ? 'application/octet-stream' : 'application/json' },
      ...(body === undefined ? {} : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    });
  };
  const must = async (method: string, path: string, body?: object | Buffer) => {
    const answer = await ask(method, path, body);
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
  };

  const archives = [
    bytesOf({ 'blueprint.yaml': BLUEPRINT }),
    zipOf([{ path: 'app/blueprint.yaml', content: BLUEPRINT }]),
  ];
  await must('POST', '/tenants/other');
  for (const role of ROLES) {
    await must('PUT', '/users', { username: `q-${role}`, password: PASSWORD, role: 'default' });
    await must('PUT', '/tenants/users', { username: `q-${role}`, tenant_name: TENANT, role });
  }
  await must('PUT', '/users', { username: 'q-admin', password: PASSWORD, role: 'sys_admin' });
  await must('PUT', '/users', { username: 'q-stranger', password: PASSWORD, role: 'default' });
  await must('PUT', '/users', { username: 'q-other', password: PASSWORD, role: 'default' });
  await must('PUT', '/tenants/users', { username: 'q-other', tenant_name: 'other', role: 'manager' });
  await must('PUT', '/users', { username: 'somebody', password: PASSWORD, role: 'default' });
  await must('POST', '/user-groups', { group_name: 'crew' });
  await must('PUT', '/blueprints/fuzz-0', archives[0]);
  for (const id of ['fuzz-1', 'fuzz-2']) await must('PUT', `/deployments/${id}`, { blueprint_id: 'fuzz-0' });
  await must('PUT', '/secrets/fuzz-0', { value: 'hush' });
  await must('POST', '/executions', { deployment_id: 'fuzz-1', workflow_id: 'install' });

  const routes = routesOf(await (await fetch(`${url}/openapi/cloudify-v3.json`)).json());
  const lists = listsOf(routes);
  const as = (username: string, tenant = TENANT) => ({ authorization: basic(username, PASSWORD), tenant });
  const people = [
    // Most requests should get far.
    ...Array.from({ length: 8 }, () => ['admin', as('q-admin')] as const),
    ...ROLES.map((role) => [role, as(`q-${role}`)] as const),
    ['admin of all, without a tenant', { authorization: basic('q-admin', PASSWORD) }] as const,
    ['manager of another tenant', as('q-other', 'other')] as const,
    ['a user of no tenant', as('q-stranger')] as const,
    ['nobody', {}] as const,
  ];
  return {
    async look() {
      const known = new Map<string, readonly string[]>([
        ['workflows', ['install', 'uninstall', 'execute_operation']],
      ]);
      for (const list of lists)
        known.set(list, namesIn(await (await ask('GET', `/${list}?_size=20`)).text()));
      return { routes, known, people, archives };
    },
    async reopen() {
      await ask('POST', '/maintenance/deactivate');
    },
  };
}

/** Where a process of the installation is told to go, it goes: that is no fault, and the end of the run. */
const UNTOUCHED = new Set(['cluster/nodes', 'managers']);

/** Paths that list something: `blueprints`, `filters/deployments`. */
function listsOf(routes: readonly PublishedRoute[]): string[] {
  return routes.flatMap(({ method, path }) => {
    const list = /^\/api\/v3\.1\/([^{]+)$/.exec(path)?.[1];
    return method === 'GET' && list !== undefined && !UNTOUCHED.has(list) ? [list] : [];
  });
}

/** What the items of a list are known by; nothing where it is no list. */
function namesIn(text: string): string[] {
  let told: { items?: unknown };
  try {
    told = JSON.parse(text) as typeof told;
  } catch {
    return [];
  }
  if (!Array.isArray(told.items)) return [];
  return told.items.flatMap((item) => {
    const { id, key, name, username } = (item ?? {}) as Record<string, unknown>;
    const found = id ?? key ?? name ?? username;
    return typeof found === 'string' && !/^(admin|q-.*)$/.test(found) ? [found] : [];
  });
}
