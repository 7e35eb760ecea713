/**
 * Everything that the specification names (spec-rows.ts) has a route, or is named as not served; every route has a row that is
 * sent by `documented.test.ts`, but for those named here. The lists may only shrink.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layer5Cloud } from '../../../src/dialects/layer5-cloud/index.js';
import { aServer } from '../../support/a-server.js';
import { routesOf } from '../cloudify-v3/route-access/routes.js';
import { houseOf } from './client.js';
import { ROWS } from './rows/all-rows.js';
import { bare, NOT_YET, SPEC_ROWS } from './spec-rows.js';

/** Shown by the tests of pages for people, or by tests of their own. */
const SHOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  'DELETE /api/identity/orgs/:orgId': 'organizations.test.ts',
  'DELETE /api/identity/users/self': 'organizations.test.ts',
};

/** Named by the specification, and not of this dialect: pages for people, which open all of them. */
const PAGES = ['/login', '/logout', '/security/tokens', '/system/api/docs', '/system/api/docs/openapi.json'];

const server = await aServer();
const served = new Set((await routesOf(layer5Cloud, server.core, /^()(.*)$/)).map(({ route }) => route));
const shown = new Set([...ROWS.map(({ route }) => route), ...Object.keys(SHOWN_ELSEWHERE)]);

test('every row of the specification is a route that is shown, or named as not served', () => {
  const shownBare = new Set([...shown].filter((route) => served.has(route)).map(bare));
  const missing = SPEC_ROWS.filter(({ row }) => !shownBare.has(row) && !NOT_YET.includes(row));
  assert.deepEqual(missing, []);
  const rows = SPEC_ROWS.map(({ row }) => row);
  assert.equal(new Set(rows).size, rows.length, 'no row twice');
  assert.deepEqual(
    NOT_YET.filter((row) => !rows.includes(row)),
    [],
  );
});

test('every route has a row that is sent, and every row a route', () => {
  assert.deepEqual(
    [...served].filter((route) => !shown.has(route)),
    [],
  );
  assert.deepEqual(
    [...shown].filter((route) => !served.has(route)),
    [],
  );
});

test('what is documented and not served is exactly what is named', async () => {
  const house = await houseOf(server);
  for (const row of NOT_YET) {
    const [method = '', path = ''] = row.split(' ');
    const asked = path.replace('/:', '/0c5b8f0e-1c5e-4a56-9d6b-3c8f2f0a7d11');
    const { status, text } = await house.admin.ask(method, asked);
    assert.ok([404, 405].includes(status), `${row}: ${status} ${text}`);
  }
});

test('the pages that the specification names are there', async () => {
  for (const path of PAGES) {
    const { status } = await fetch(`${server.url}${path}`, { redirect: 'manual' });
    assert.ok([200, 302, 303].includes(status), `${path}: ${status}`);
  }
});
