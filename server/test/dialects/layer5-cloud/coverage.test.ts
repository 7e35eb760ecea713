/**
 * Every row of the specification that is a must has a route, every route a row that is sent by `documented.test.ts`, but for those
 * named here. The lists may only shrink.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layer5Cloud } from '../../../src/dialects/layer5-cloud/index.js';
import { aServer } from '../../support/a-server.js';
import { routesOf } from '../cloudify-v3/route-access/routes.js';
import { houseOf } from './client.js';
import { ROWS } from './rows/all-rows.js';

/** Documented, and not served: 404 (docs/layer5-cloud.md). */
const NOT_YET = `
POST /api/pattern/deploy                  DELETE /api/pattern/deploy
POST /api/academy/registrations/x/progress-tracker/update-current-item
GET /api/academy/registrations/x/test-sessions
POST /api/academy/registrations/test-sessions/start
POST /api/academy/registrations/test-sessions/submit
GET /api/academy/certificates/x
`;

/** Shown by the tests of pages for people, or by tests of their own. */
const SHOWN_ELSEWHERE: Readonly<Record<string, string>> = {
  'DELETE /api/identity/orgs/:orgId': 'organizations.test.ts',
  'DELETE /api/identity/users/self': 'organizations.test.ts',
};

const server = await aServer();

test('every route has a row that is sent, and every row a route', async () => {
  const served = new Set((await routesOf(layer5Cloud, server.core, /^()(.*)$/)).map(({ route }) => route));
  const shown = new Set([...ROWS.map(({ route }) => route), ...Object.keys(SHOWN_ELSEWHERE)]);
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
  for (const [, method, path] of NOT_YET.matchAll(/([A-Z]+) (\/\S+)/g)) {
    const { status, text } = await house.admin.ask(
      method!,
      path!.replace('/x', '/0c5b8f0e-1c5e-4a56-9d6b-3c8f2f0a7d11'),
    );
    assert.ok([404, 405].includes(status), `${method} ${path}: ${status} ${text}`);
  }
});
