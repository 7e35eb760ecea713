/**
 * Who may call what: every route, sent as every type of user, as somebody without credentials and with a dead key. The table
 * of routes says whom each is for; whoever is named gets an answer, whoever is not gets 403.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UserType } from '../../../src/dialects/insightcloudsec/endpoint.js';
import { aDomain, type Person } from './a-domain.js';
import { ROWS } from './access.rows.js';
import { servedRoutes } from './served-routes.js';

const domain = await aDomain();
const { ask } = domain;
const people: Readonly<Record<UserType, Person>> = {
  basic: domain.basic,
  'org-admin': domain.orgAdmin,
  'domain-viewer': domain.viewer,
  'domain-admin': domain.admin,
};
/** Routes of which a Basic User reaches the list and nothing in it: ids are unknown to them (§6.10). */
const BEYOND_REACH = new Set([
  'GET /v2/public/cloud/:cloud/regions/list',
  'GET /v2/public/divvy/cloud/:cloud/last_harvest/get',
  'POST /v2/public/badges/:cloud/list',
  'GET /v2/public/resource/:resource/detail',
  'GET /v2/public/resource/:resource/tags/list',
]);
/** Of others, which a Basic User cannot see; of oneself, `keys.test.ts` tells. */
const OF_OTHERS = new Set(['POST /v2/public/apikey/create', 'POST /v2/public/apikey/deactivate']);
/** What a Domain Viewer may change: where they work, and their own ways in. */
const VIEWER_WRITES = new Set([
  'POST /v2/prototype/domain/switch_organization',
  'POST /v2/public/user/logout',
  'POST /v2/public/user/tfa_enable',
  'POST /v2/public/user/tfa_disable',
  'POST /v2/public/user/password/change',
]);

let fresh = 0;
const next = () => {
  fresh += 1;
  return fresh;
};
const routes = await servedRoutes(domain.server.core);

for (const { route, may } of routes) {
  const row = ROWS[route];
  const [method = '', pattern = ''] = route.split(' ');
  const anywhere = pattern.replace(/:\w+/g, '1');
  if (row === undefined) continue;
  describe(route, () => {
    for (const [type, person] of Object.entries(people) as [UserType, Person][]) {
      const allowed = may === null || may.includes(type);
      test(`${allowed ? 'answers' : 'refuses'} a user of type ${type}`, async () => {
        // Whoever is refused is refused before anything is looked up.
        const { path, body } = allowed ? await row.request(domain, next()) : { path: anywhere, body: {} };
        const answer = await ask(method, path, { key: person.key, ...(body === undefined ? {} : { body }) });
        const unreached = type === 'basic' && (BEYOND_REACH.has(route) || OF_OTHERS.has(route));
        const good = !allowed ? [403] : unreached ? [403, 404] : [200, 204, ...(row.also ?? [])];
        assert.ok(good.includes(answer.status), `${answer.status}: ${answer.text}`);
        if (route.includes('tfa_enable'))
          await ask('POST', '/v2/public/user/tfa_disable', { key: person.key });
      });
    }
    if (may === null) return;
    test('refuses who shows nothing, and a key that is not good, before it reads a body', async () => {
      const broken = Buffer.from('{"broken":');
      const bare = await ask(method, anywhere, { body: broken });
      assert.deepEqual([bare.status, bare.json.error_type], [401, 'unauthenticated']);
      const dead = await ask(method, anywhere, { body: broken, key: 'A'.repeat(51) });
      assert.deepEqual([dead.status, dead.json.error_type], [403, 'api_key_invalid']);
      const over = await ask(method, anywhere, { body: broken, session: 'a'.repeat(32) });
      assert.deepEqual([over.status, over.json.error_type], [401, 'unauthenticated']);
    });
  });
}

test('a Domain Viewer changes nothing but where they work and their own ways in', () => {
  const reads = /\/(list|get|query|etl-query|search|count|tfa_state)$/;
  const writes = routes.filter(
    ({ route, may }) => !route.startsWith('GET ') && may?.includes('domain-viewer'),
  );
  assert.deepEqual(
    writes
      .map(({ route }) => route)
      .filter((route) => !reads.test(route))
      .sort(),
    [...VIEWER_WRITES].sort(),
  );
});

test('a Domain Viewer who tries to change something is refused whatever the body says', async () => {
  for (const { route, may } of routes) {
    const [method = '', path = ''] = route.split(' ');
    if (may === null || may.includes('domain-viewer')) continue;
    const { status } = await ask(method, path.replace(/:\w+/g, '1'), {
      key: domain.viewer.key,
      body: { a: 1 },
    });
    assert.equal(status, 403, route);
  }
});
