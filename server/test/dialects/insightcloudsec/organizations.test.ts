/** Organisations, their figures, and moving between them: §6.2 of specs/insightcloudsec.md. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN } from '../../support/a-server.js';
import { aDomain } from './a-domain.js';

const domain = await aDomain();
const { ask, get, admin, second } = domain;
const setOrganization = (organization_name: string) =>
  get(admin, 'POST', '/v2/prototype/domain/switch_organization', { organization_name });

test('figures of organisations are those of the moment', async () => {
  const figures = async () => {
    const { organizations } = await get(admin, 'GET', '/v2/prototype/domain/organizations/detail/get');
    return organizations.find((one: { name: string }) => one.name === second.name);
  };
  await setOrganization(second.name);
  assert.deepEqual(await figures(), {
    status: 'ok',
    smtp_configured: false,
    clouds: 0,
    name: second.name,
    resource_id: `divvyorganization:${second.id}`,
    organization_id: second.id,
    bots: 0,
    users: 1,
  });
  const cloud = await domain.cloud(admin, 'Counted');
  const user = await get(admin, 'POST', '/v2/public/user/create_api_only_user', {
    name: 'R',
    username: 'counted',
    email: 'r@example.org',
  });
  assert.deepEqual([(await figures()).clouds, (await figures()).users], [1, 2]);
  await get(admin, 'POST', `/v2/public/cloud/divvyorganizationservice:${cloud}/delete`);
  await get(admin, 'DELETE', `/v2/prototype/user/${user.user_id}/delete`);
  assert.deepEqual([(await figures()).clouds, (await figures()).users], [0, 1]);
  await setOrganization('Default Organization');
});

test('a domain user works in the organisation switched to, with session and key alike', async () => {
  const { session_id: session } = (await ask('POST', '/v2/public/user/login', { body: ADMIN })).json;
  await setOrganization(second.name);
  assert.equal((await ask('GET', '/v2/public/user/info', { session })).json.organization_name, second.name);
  const { users } = await get(admin, 'GET', '/v2/public/users/list');
  assert.deepEqual(
    users.map((one: { username: string }) => one.username),
    ['neighbour'],
  );
  await setOrganization('Default Organization');
  const unknown = await ask('POST', '/v2/prototype/domain/switch_organization', {
    key: admin.key,
    body: { organization_name: 'Nowhere' },
  });
  assert.equal(unknown.status, 404);
});

test('an organisation is made, renamed and deleted with its users and clouds', async () => {
  const create = (organization_name: string) =>
    ask('POST', '/v2/prototype/domain/organization/create', { key: admin.key, body: { organization_name } });
  const { organization_id: id, resource_id } = (await create('Third')).json;
  assert.equal((await create('third')).status, 400, 'names are unique');
  await get(admin, 'POST', `/v2/prototype/domain/organization/${resource_id}/update`, {
    organization_name: 'Renamed',
  });
  await setOrganization('Renamed');
  const user = await get(admin, 'POST', '/v2/public/user/create_api_only_user', {
    name: 'R',
    username: 'third',
    email: 'r@example.org',
  });
  await domain.cloud(admin, 'Third cloud');
  const remove = (org: number | string) =>
    ask('DELETE', `/v2/prototype/domain/organization/${org}/delete`, { key: admin.key });
  assert.equal((await remove(id)).status, 400, 'one works in it');
  await setOrganization('Default Organization');
  assert.equal((await remove(`divvyorganization:${id}`)).status, 200);
  const names = await get(admin, 'GET', '/v2/prototype/domain/organizations/get');
  assert.ok(!names.some((one: { organization_id: number }) => one.organization_id === id));
  assert.equal((await ask('GET', '/v2/public/user/info', { key: user.api_key })).status, 403);
  assert.equal((await remove(1)).status, 400, 'the first one stays');
  assert.equal((await remove(id)).status, 404);
});
