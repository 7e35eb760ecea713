/** A slice of `node scripts/fuzz.mjs layer5`, the same each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../support/a-server.js';
import { furnishCloud } from './a-furnished-cloud.js';
import { fuzzRoutes } from './fuzz-routes.js';

const { url } = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });

test('whatever is sent, by whomever, is answered in time and without a fault of the server', async () => {
  const { look, reopen } = await furnishCloud(url, ADMIN.password);
  const report = await fuzzRoutes({ url, seed: 1, count: 500, look, reopen });
  assert.deepEqual(
    report.troubles.map(({ number, what, request, answer }) => ({ number, what, request, answer })),
    [],
  );
  assert.equal(report.sent, 500);
  assert.ok(report.reached > 40, JSON.stringify(report));
});
