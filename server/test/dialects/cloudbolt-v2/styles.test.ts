/** The other way in which links are printed, and Basic switched off. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';
import { speaking } from './client.js';

const settings = { ORRERY_CLOUDBOLT_HREF_STYLE: 'modern', ORRERY_CLOUDBOLT_BASIC: 'off' };
const { url } = await aServer(settings, { selfService: true });
const nobody = speaking(url, null);
const { body: signedIn } = await nobody.post('api-token-auth/', ADMIN);
const get = async (path: string) =>
  nobody.call('GET', path, undefined, { authorization: `Bearer ${signedIn.token}` });

test('modern links end in a slash, and name groups, environments, blueprints and OS builds by Global ID', async () => {
  const { body: group } = await get('groups/2');
  assert.match(group['global-id'], /^GRP-[a-z0-9]{8}$/);
  assert.equal(group._links.self.href, `/api/v2/groups/${group['global-id']}/`);
  assert.match(group._links.environments[0].href, /^\/api\/v2\/environments\/ENV-[a-z0-9]{8}\/$/);
  assert.equal(group._links.self.href.split('/').at(-2), group['global-id']);
  const { body: user } = await get('user');
  assert.equal(user._links.self.href, '/api/v2/users/1/');
  assert.equal(user._links['orderable-groups'].href, '/api/v2/users/1/orderable-groups/');
  const { body: environment } = await get(group._links.environments[0].href);
  assert.match(environment._links['os-builds'][0].href, /^\/api\/v2\/os-builds\/OSB-[a-z0-9]{8}\/$/);
});

test('both ways are read, whatever is printed', async () => {
  for (const path of ['/api/v2/groups/2', '/api/v2/groups/2/', 'users/USR-00000001/']) {
    assert.equal((await get(path)).status, 200, path);
  }
});

test('name and password are not taken where the setting says so', async () => {
  const { status, body } = await speaking(url, ADMIN).get('groups/');
  assert.equal(status, 401);
  assert.match(body.error, /token/);
});
