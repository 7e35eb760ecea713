/** A slice of `node scripts/fuzz.mjs cloudbolt`, the same each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../support/a-server.js';
import { furnishSelfService } from './a-self-service-server.js';
import { fuzzRoutes } from './fuzz-routes.js';

const { url } = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' }, { worker: true, selfService: true });

test('whatever is sent to self-service, by whomever, is answered in time and without a fault of the server', async () => {
  const { look, reopen } = await furnishSelfService(url, ADMIN.password);
  const report = await fuzzRoutes({ url, seed: 1, count: 500, look, reopen });
  assert.deepEqual(
    report.troubles.map(({ number, what, request, answer }) => ({ number, what, request, answer })),
    [],
  );
  assert.equal(report.sent, 500);
  assert.ok(report.reached > 20, JSON.stringify(report));
});
