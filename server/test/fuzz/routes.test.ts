/** A slice of `node scripts/fuzz.mjs routes`, the same each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../support/a-server.js';
import { furnish } from './a-furnished-server.js';
import { fuzzRoutes } from './fuzz-routes.js';
import { routesOf } from './published-routes.js';
import { requestOf } from './route-requests.js';

const { url } = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' }, { worker: true });

test('whatever is sent, by whomever, is answered in time and without a fault of the server', async () => {
  const { look, reopen } = await furnish(url, ADMIN.password);
  const report = await fuzzRoutes({ url, seed: 1, count: 600, look, reopen });
  assert.deepEqual(
    report.troubles.map(({ number, what, request, answer }) => ({ number, what, request, answer })),
    [],
  );
  assert.equal(report.sent, 600);
  // Requests get behind the first check: many routes do what they are asked.
  assert.ok(report.reached > 30, JSON.stringify(report));
});

test('a request follows from the seed and its number', async () => {
  const routes = routesOf(await (await fetch(`${url}/openapi/cloudify-v3.json`)).json());
  assert.ok(routes.length > 80);
  const surroundings = { routes, known: new Map(), people: [['nobody', {}] as const], archives: [] };
  for (let number = 0; number < 50; number += 1) {
    assert.deepEqual(requestOf(surroundings, 7, number), requestOf(surroundings, 7, number));
  }
  const first = requestOf(surroundings, 7, 0);
  assert.ok(
    Array.from({ length: 10 }, (_, at) => requestOf(surroundings, 8, at)).some(
      (one) => one.target !== first.target,
    ),
  );
});
