/** Every endpoint row of the specification (cloudbolt.md §5), the route that serves it, and the test that shows it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fastify from 'fastify';
import { loadSettings } from '../../../src/config.js';
import type { Core } from '../../../src/core.js';
import { cloudboltV2 } from '../../../src/dialects/cloudbolt-v2/index.js';
import { watchRoutes } from '../../../src/openapi/routes.js';

const ROOT = fileURLToPath(new URL('../../../../..', import.meta.url));

const WIRE = 'dialects/cloudbolt-v2/wire.test.ts';
const CATALOGUE = 'dialects/cloudbolt-v2/catalogue.test.ts';
const ACCESS = 'dialects/cloudbolt-v2/access.test.ts';
const PACKAGES = 'dialects/cloudbolt-v2/packages.test.ts';
const ORDERS = 'journeys/order-a-server.test.ts';
const CARTS = 'dialects/cloudbolt-v2/orders.test.ts';
const MOVES = 'dialects/cloudbolt-v2/order-states.test.ts';
const ACROSS = 'journeys/order-across-dialects.test.ts';
const SERVERS = 'dialects/cloudbolt-v2/servers.test.ts';
const HAPPENINGS = 'dialects/cloudbolt-v2/happenings.test.ts';
const ACTIONS = 'dialects/cloudbolt-v2/actions.test.ts';

const EXPORTABLE = [
  'actions',
  'blueprints',
  'server-actions',
  'service-actions',
  'orchestration-actions',
  'rules',
];

/** Row -> file and words of the title of a test; the row `METHOD /path`, as the specification has it. */
const SHOWN: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'GET /': [WIRE, 'the root is exactly the sixteen collections'],
  'POST /api-token-auth/': [WIRE, 'a token is one key, and good for every call'],
  'GET /users/': [CATALOGUE, 'a user without roles sees nothing'],
  'GET /users/{id}/': [CATALOGUE, 'are told with dotted keys'],
  'POST /users/': [CATALOGUE, 'are told with dotted keys, and made with their roles or not at all'],
  'DELETE /users/{id}/': [CATALOGUE, 'leave with what they had'],
  'GET /users/{id}/orderable-groups/': [CATALOGUE, 'orderable groups are told in both spellings'],
  'GET /user/': [CATALOGUE, 'the one who asks is a singleton'],
  'GET /groups/': [CATALOGUE, 'has the groups, environments and offers'],
  'GET /groups/{id}/': [CATALOGUE, 'are made below others, seen from above'],
  'POST /groups/': [CATALOGUE, 'are made below others, seen from above'],
  'DELETE /groups/{id}/': [CATALOGUE, 'are deleted only when nothing is left of them'],
  'GET /groups/{id}/orderable-environments/': [CATALOGUE, 'orderable environments leave out'],
  'GET /groups/{id}/orderable-blueprints/': [CATALOGUE, 'orderable environments leave out'],
  'GET /environments/': [CATALOGUE, 'people see environments of their groups alone'],
  'GET /environments/{id}/': [CATALOGUE, 'has the groups, environments and offers'],
  'POST /environments/': [CATALOGUE, 'are made of each other'],
  'DELETE /environments/{id}/': [CATALOGUE, 'are made of each other'],
  'GET /blueprints/': [WIRE, 'semicolons, colons, plus signs'],
  'GET /blueprints/{id}/': [CATALOGUE, 'has the groups, environments and offers'],
  'POST /blueprints/': [CATALOGUE, 'are offered with items of servers and actions'],
  'GET /os-builds/': [WIRE, 'finds'],
  'GET /os-builds/{id}/': [CATALOGUE, 'are made of each other'],
  'POST /os-builds/': [CATALOGUE, 'are made of each other'],
  'DELETE /os-builds/{id}/': [CATALOGUE, 'are made of each other'],
  'GET /applications/': [CATALOGUE, 'a user without roles sees nothing'],
  'GET /applications/{id}/': [ACCESS, 'shows nothing and changes nothing'],
  'POST /applications/': [CATALOGUE, 'are made of each other'],
  'DELETE /applications/{id}/': [CATALOGUE, 'are made of each other'],
  'GET /resource-types/': [CATALOGUE, 'a user without roles sees nothing'],
  'GET /resource-types/{id}/': [WIRE, 'a relation is filtered by number and by Global ID'],
  'GET /actions/': [WIRE, 'a relation is filtered by number and by Global ID'],
  'GET /actions/{id}/': [ACCESS, 'who may'],
  'DELETE /actions/{id}/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /server-actions/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /server-actions/{id}/': [CATALOGUE, 'has the groups, environments and offers'],
  'DELETE /server-actions/{id}/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /service-actions/': [CATALOGUE, 'has the groups, environments and offers'],
  'GET /service-actions/{id}/': [ACCESS, 'who may'],
  'GET /resource-actions/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /resource-actions/{id}/': [ACCESS, 'who may'],
  'DELETE /service-actions/{id}/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /orchestration-actions/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /orchestration-actions/{id}/': [ACCESS, 'shows nothing and changes nothing'],
  'DELETE /orchestration-actions/{id}/': [ACCESS, 'shows nothing and changes nothing'],
  'GET /rules/': [WIRE, 'a list without anything has one page'],
  'GET /rules/{id}/': [PACKAGES, 'a rule is carried with its actions'],
  'DELETE /rules/{id}/': [PACKAGES, 'a rule is carried with its actions'],
  ...Object.fromEntries(
    EXPORTABLE.flatMap((name) => [
      [`GET /${name}/{id}/export/`, [PACKAGES, 'carrying to another installation']],
      [`POST /${name}/import/`, [PACKAGES, 'carrying to another installation']],
    ]),
  ),
  'GET /exportable-content/': [PACKAGES, 'names of what can be exported are told to everybody'],
  'GET /user/current-order/': [CARTS, 'a cart is kept, current, added to'],
  'GET /orders/': [CARTS, 'an order is made as it is written'],
  'DELETE /orders/{id}/': [CARTS, 'a cart is kept, current, added to'],
  'GET /orders/{id}/deploy-items/': [CARTS, 'items of each kind have lists'],
  'GET /orders/{id}/prov-items/': [CARTS, 'items of each kind have lists'],
  'GET /orders/{id}/mod-items/': [CARTS, 'items of each kind have lists'],
  'GET /orders/{id}/decom-items/': [CARTS, 'items of each kind have lists'],
  'POST /orders/{id}/deploy-items/': [CARTS, 'items of each kind have lists'],
  'POST /orders/{id}/prov-items/': [CARTS, 'items of each kind have lists'],
  'POST /orders/{id}/decom-items/': [CARTS, 'items of each kind have lists'],
  'POST /orders/{id}/actions/cancel': [MOVES, 'are denied with a reason, canceled, and duplicated'],
  'POST /orders/{id}/actions/approve': [MOVES, 'wait for an approver'],
  'POST /orders/{id}/actions/deny': [MOVES, 'are denied with a reason, canceled, and duplicated'],
  'POST /orders/{id}/actions/duplicate': [MOVES, 'are denied with a reason, canceled, and duplicated'],
  'GET /jobs/': [MOVES, 'jobs are listed by type and status'],
  'GET /jobs/{id}/log-download': [ACROSS, 'a blueprint of one API is ordered through the other'],
  'POST /jobs/{id}/actions/cancel': [MOVES, 'jobs are listed by type and status'],
  'POST /orders/': [ORDERS, 'a server is ordered, built, changed and taken away'],
  'GET /orders/{id}/': [ORDERS, 'a server is ordered, built, changed and taken away'],
  'POST /orders/{id}/mod-items/': [ORDERS, 'a server is ordered, built, changed and taken away'],
  'POST /orders/{id}/actions/submit': [ORDERS, 'a server is ordered, built, changed and taken away'],
  'GET /jobs/{id}/': [ORDERS, 'a server is ordered, built, changed and taken away'],
  'GET /jobs/{id}/log-download-txt/': [ORDERS, 'a server is ordered, built, changed and taken away'],
  'GET /servers/': [SERVERS, 'a server that is there is listed thin'],
  'GET /servers/{id}/': [SERVERS, 'a server that is there is listed thin, and told whole'],
  'POST /servers/{id}/actions/poweron': [SERVERS, 'actions are jobs that act on the process'],
  'POST /servers/{id}/actions/poweroff': [SERVERS, 'actions are jobs that act on the process'],
  'POST /servers/{id}/actions/reboot': [SERVERS, 'actions are jobs that act on the process'],
  'POST /servers/{id}/actions/refresh-info': [SERVERS, 'actions are jobs that act on the process'],
  'POST /servers/{id}/actions/snapshot': [SERVERS, 'actions are jobs that act on the process'],
  'GET /servers/{id}/related-jobs/': [SERVERS, 'actions are jobs that act on the process'],
  'GET /servers/{id}/history/': [SERVERS, 'actions are jobs that act on the process'],
  'GET /resource-handlers/': [SERVERS, 'resource handlers are listed and told without secrets'],
  'GET /resource-handlers/{id}/': [SERVERS, 'resource handlers are listed and told without secrets'],
  'POST /resource-handlers/': [SERVERS, 'resource handlers are listed and told without secrets'],
  'DELETE /resource-handlers/{id}/': [SERVERS, 'servers of a handler that is removed are historical'],
  'POST /resource-handlers/actions/sync-vms': [SERVERS, 'synchronizing imports what others made'],
  'POST /resource-handlers/{id}/import-template/': [SERVERS, 'templates of a handler stand for OS builds'],
  'GET /services/': [SERVERS, 'resources and services are empty where nothing was built'],
  'GET /resources/{type}/': [SERVERS, 'resources and services are empty where nothing was built'],
  'GET /services/{id}/': [ACTIONS, 'is told whole, with what can be run on it'],
  'GET /resources/{type}/{id}/': [ACTIONS, 'is told whole, with what can be run on it'],
  'GET /resources/{type}/{id}/related-jobs/': [ACTIONS, 'has its jobs and its history'],
  'GET /resources/{type}/{id}/history/': [ACTIONS, 'has its jobs and its history'],
  'POST /resources/{type}/{id}/actions/{n}/': [ACTIONS, 'has actions run on it, by either path'],
  'POST /services/{id}/actions/{n}/': [ACTIONS, 'has actions run on it, by either path'],
  'POST /servers/{id}/actions/{n}/': [ACTIONS, 'run as executions on the deployment that built it'],
  'DELETE /servers/{id}/': [HAPPENINGS, 'is changed and taken away by orders'],
  'POST /rules/{id}/actions/run': [ACTIONS, 'run their action with what their condition has found'],
};

async function served(): Promise<ReadonlySet<string>> {
  const app = fastify();
  const routes = watchRoutes(app);
  const { settings } = loadSettings({});
  await app.register(async (scope) => cloudboltV2.mount(scope, { settings } as Core));
  await app.ready();
  await app.close();
  return new Set(routes.map(({ method, path }) => `${method} ${plain(path.replace('/api/v2', ''))}`));
}

/** Without the names of parameters and the slash at the end. */
function plain(path: string): string {
  return path.replace(/:\w+|\{\w+\}/g, '*').replace(/\/$/, '') || '/';
}

function routeOf(row: string): string {
  const [method, path] = row.split(' ') as [string, string];
  return `${method} ${plain(path)}`;
}

const routes = await served();

test('every row of the specification has a route', () => {
  assert.deepEqual(
    Object.keys(SHOWN).filter((row) => !routes.has(routeOf(row))),
    [],
  );
});

test('every row has a test that shows it', () => {
  for (const [row, [file, title]] of Object.entries(SHOWN)) {
    const path = join(ROOT, 'server/test', file);
    assert.ok(existsSync(path), `${row}: ${file}`);
    assert.ok(readFileSync(path, 'utf8').includes(title), `${row}: ${file} has no test "${title}"`);
  }
});

test('every route that is served is a row, of the specification or of our own', () => {
  const rows = new Set([...Object.keys(SHOWN), ...OURS].map(routeOf));
  assert.deepEqual(
    [...routes].filter((route) => !rows.has(route)),
    [],
  );
});

/** Served beside the specification. */
const OURS = [
  'GET /api',
  'DELETE /blueprints/{id}/',
  'DELETE /resource-actions/{id}/',
  'GET /resource-actions/{id}/export/',
  'POST /resource-actions/import/',
  'GET /orders/{id}/request',
  'GET /orders/{id}/action-items/',
  'POST /orders/{id}/action-items/',
  'POST /groups/{id}/expiry',
  ...['groups', 'environments'].flatMap((name) => [
    `GET /${name}/{id}/parameters`,
    `POST /${name}/{id}/parameters`,
    `DELETE /${name}/{id}/parameters/{parameter}`,
  ]),
  ...['parameters', 'quotas', 'rates'].flatMap((name) => [
    `GET /${name}`,
    `POST /${name}`,
    `GET /${name}/{id}`,
    `DELETE /${name}/{id}`,
  ]),
];
