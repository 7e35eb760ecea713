/**
 * Every route that is served, asked by everybody. Two laws hold of all of them, whichever file adds one: without credentials there is no
 * answer, and who has no role sees nothing and changes nothing. Beyond that, a table says who may do what.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fastify from 'fastify';
import type { Core } from '../../../src/core.js';
import { cloudboltV2 } from '../../../src/dialects/cloudbolt-v2/index.js';
import { type Route, watchRoutes } from '../../../src/openapi/routes.js';
import { ADMIN, aServer } from '../../support/a-server.js';
import { type Speaking, speaking } from './client.js';

const { url, core } = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' }, { selfService: true });

async function routesOf(): Promise<readonly Route[]> {
  const app = fastify();
  const routes = watchRoutes(app);
  await app.register(async (scope) => cloudboltV2.mount(scope, { settings: core.settings } as Core));
  await app.ready();
  await app.close();
  return routes;
}

const routes = await routesOf();
const admin = speaking(url, ADMIN);
const nobody = speaking(url, null);

async function aPerson(username: string, more: object = {}): Promise<Speaking> {
  const password = `${username}-password`;
  await admin.expect(201, 'POST', 'users/', { username, password, ...more });
  return speaking(url, { username, password });
}
const inDefault = (...roles: string[]) => ({ groups: [{ group: '/api/v2/groups/2', roles }] });

const stranger = await aPerson('stranger');
const people: Readonly<Record<string, Speaking>> = {
  s: stranger,
  r: await aPerson('requestor', inDefault('requestor')),
  g: await aPerson('group-admin', inDefault('group_admin')),
  v: await aPerson('viewer', { 'global-viewer': true }),
  m: await aPerson('manager', { 'devops-admin': true }),
  a: admin,
};

/** The same of every route: numbers in the place of parameters, of things that are there on a fresh server. */
function pathOf({ path }: Route): string {
  return path.replace(/:(type)\b/, 'service').replace(/:\w+/g, '1');
}

describe('without credentials', () => {
  for (const route of routes) {
    const open = route.schema.open === true;
    test(`${route.method} ${route.path} is ${open ? 'open' : 'refused'}`, async () => {
      const { status, headers } = await nobody.call(
        route.method,
        pathOf(route),
        route.method === 'GET' ? undefined : '{}',
      );
      if (open) return assert.notEqual(status, 401);
      assert.equal(status, 401);
      assert.match(headers.get('www-authenticate') ?? '', /^Bearer/);
    });
  }
});

/** What is about the one who asks, or about the server, is told to everybody who is somebody. */
const OF_ONESELF = new Set([
  'GET /api',
  'GET /api/v2',
  'GET /api/v2/',
  'GET /api/v2/user',
  'GET /api/v2/users',
]);

describe('with no role anywhere', () => {
  for (const route of routes) {
    if (route.schema.open === true) continue;
    test(`${route.method} ${route.path} shows nothing and changes nothing`, async () => {
      const body = route.method === 'GET' ? undefined : {};
      const { status, body: told } = await stranger.call(route.method, pathOf(route), body);
      assert.ok(status < 500, String(status));
      if (OF_ONESELF.has(`${route.method} ${route.path}`)) return assert.equal(status, 200);
      if (route.method !== 'GET') return assert.ok(status >= 400, `${status} ${JSON.stringify(told)}`);
      if (status === 200) assert.equal(told.total, 0, JSON.stringify(told));
      else assert.ok(status === 403 || status === 404, String(status));
    });
  }
});

interface Row {
  readonly method: string;
  readonly path: (fresh: string) => string;
  /** Of the people above: those who may. */
  readonly may: string;
  readonly body?: (fresh: string) => object;
  /** Made by the administrator beforehand, for what is taken away. */
  readonly made?: readonly [collection: string, body: object];
}

const there = (path: string) => () => path;
const reads = (path: string, may = 'rgvma'): Row => ({ method: 'GET', path: there(path), may });
const makes = (collection: string, may: string, more: object = {}): Row => ({
  method: 'POST',
  path: there(`${collection}/`),
  may,
  body: (fresh) => ({ name: fresh, ...more }),
});
const deletes = (collection: string, may: string, more: object = {}): Row => ({
  method: 'DELETE',
  path: (id) => `${collection}/${id}/`,
  may,
  made: [collection, more],
});

const ORGANIZATION = { type: 'Organization' };
const BELOW = { ...ORGANIZATION, parent: '/api/v2/groups/2' };
const ROWS: readonly Row[] = [
  reads('groups/2'),
  reads('groups/1', 'vma'),
  reads('groups/2/orderable-environments'),
  reads('groups/2/orderable-blueprints'),
  reads('environments/2'),
  reads('environments/1', 'vma'),
  reads('os-builds/1'),
  reads('blueprints/1'),
  reads('resource-types/1'),
  reads('server-actions/1'),
  reads('service-actions/1'),
  reads('resource-actions/1'),
  reads('actions/1', 'vma'),
  reads('users/1', 'gvma'),
  reads('actions/1/export', 'ma'),
  reads('blueprints/1/export', 'ma'),
  reads('server-actions/1/export', 'ma'),
  makes('groups', 'ma', ORGANIZATION),
  makes('groups', 'gma', BELOW),
  deletes('groups', 'ma', ORGANIZATION),
  deletes('groups', 'gma', BELOW),
  makes('environments', 'ma'),
  deletes('environments', 'ma'),
  makes('os-builds', 'ma'),
  deletes('os-builds', 'ma'),
  makes('applications', 'ma'),
  deletes('applications', 'ma'),
  makes('blueprints', 'ma'),
  deletes('blueprints', 'ma'),
  {
    method: 'POST',
    path: there('users/'),
    may: 'a',
    body: (fresh) => ({ username: fresh, password: 'a-long-password' }),
  },
];

let count = 0;

describe('who may', () => {
  for (const row of ROWS) {
    const about = JSON.stringify(row.made?.[1] ?? row.body?.('x') ?? '');
    test(`${row.method} ${row.path(':id')} ${about}: exactly ${row.may}`, async () => {
      for (const [letter, person] of Object.entries(people)) {
        count += 1;
        let fresh = `fresh-${count}`;
        if (row.made !== undefined) {
          const [collection, more] = row.made;
          const { body } = await admin.expect(201, 'POST', `${collection}/`, { name: fresh, ...more });
          fresh = body.id;
        }
        const { status, text } = await person.call(row.method, row.path(fresh), row.body?.(fresh));
        const may = row.may.includes(letter);
        const told = `${letter}: ${status} ${text.slice(0, 200)}`;
        if (may) assert.ok(status >= 200 && status < 300, told);
        else assert.ok(status === 403 || status === 404, told);
      }
    });
  }
});
