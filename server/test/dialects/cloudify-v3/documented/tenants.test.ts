import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl } = await aDocumentedServer();

const ATTRIBUTES: Attributes = { name: 'text', groups: 'list', users: 'list' };

for (const username of ['ann', 'ben']) {
  const body = { username, password: 'a password of theirs', role: 'user' };
  assert.equal((await curl('PUT /users', { json: body })).status, 201);
}
const grouped = await curl('POST /user-groups', { json: { group_name: 'crew' } });
assert.equal(grouped.status, 201, grouped.text);

async function create(name: string): Promise<void> {
  const { status, text } = await curl(`POST /tenants/${name}`, { json: null });
  assert.equal(status, 201, text);
}

/** What `name` is now. */
const now = async (name: string) => (await curl(`GET /tenants/${name}`)).json as unknown as Members;
interface Members {
  readonly users: string[];
  readonly groups: string[];
}

describe('tenants', () => {
  covers('Tenants: list', 'tells each with the names of its members', async () => {
    const items = itemsOf(await curl('GET /tenants'));
    for (const item of items) assertTold(item, ATTRIBUTES);
    const first = items.find(({ name }) => name === 'default_tenant');
    assert.ok((first!.users as string[]).includes('admin'));
  });

  covers('Tenants: get, as its example', 'tells one by its name', async () => {
    const { json } = await curl('GET /tenants/default_tenant');
    assertTold(json, ATTRIBUTES);
    assert.equal(json.name, 'default_tenant');
  });

  covers('Tenants: get, as its heading', 'tells one as a list of one', async () => {
    await create('by-name');
    assert.deepEqual(itemsOf(await curl('GET /tenants?name=by-name')), [
      { name: 'by-name', groups: [], users: [] },
    ]);
  });

  covers('Tenants: create', 'answers with an empty tenant', async () => {
    const { json } = await curl('POST /tenants/new_tenant', { json: null });
    assert.deepEqual(json, { name: 'new_tenant', groups: [], users: [] });
    const again = await curl('POST /tenants/new_tenant', { json: null });
    assert.deepEqual([again.status, again.json.error_code], [409, 'conflict_error']);
  });

  covers('Tenants: delete', 'answers with what it was, and it is gone', async () => {
    await create('gone');
    const { json } = await curl('DELETE /tenants/gone', { json: null });
    assert.deepEqual(json, { name: 'gone', groups: [], users: [] });
    const after = await curl('GET /tenants/gone');
    assert.deepEqual([after.status, after.json.error_code], [404, 'not_found_error']);
  });
});

describe('members of tenants', () => {
  covers('Tenants: add user, as its example', 'may then do what users do there', async () => {
    await create('with-ann');
    const ann = { user: 'ann:a password of theirs', tenant: 'with-ann' };
    assert.equal((await curl('GET /blueprints', ann)).status, 403);
    const { json } = await curl('PUT /tenants/users', {
      json: { username: 'ann', tenant_name: 'with-ann' },
    });
    assertTold(json, ATTRIBUTES);
    assert.deepEqual([json.name, json.users], ['with-ann', ['ann']]);
    assert.deepEqual(itemsOf(await curl('GET /blueprints', ann)), []);
    const secret = await curl('PUT /secrets/mine', { ...ann, json: { value: 'x' } });
    assert.equal(secret.status, 200, secret.text);
  });

  covers('Tenants: add user, as its table', 'with the other spelling of the tenant', async () => {
    await create('spelled');
    await curl('PUT /tenants/users', { json: { username: 'ben', tenants_name: 'spelled' } });
    assert.deepEqual((await now('spelled')).users, ['ben']);
  });

  const leaving = (key: string, tenant: string) => async () => {
    await create(tenant);
    for (const username of ['ann', 'ben'])
      await curl('PUT /tenants/users', { json: { username, tenant_name: tenant } });
    const { json } = await curl('DELETE /tenants/users', { json: { username: 'ann', [key]: tenant } });
    assert.deepEqual(json, { name: tenant, groups: [], users: ['ben'] });
    const again = await curl('DELETE /tenants/users', { json: { username: 'ann', [key]: tenant } });
    assert.equal(again.status, 404);
  };
  covers(
    'Tenants: remove user, as its example',
    'answers with who is left',
    leaving('tenants_name', 'left-1'),
  );
  covers('Tenants: remove user, as its table', 'answers with who is left', leaving('tenant_name', 'left-2'));

  const joining = (key: string, tenant: string) => async () => {
    await create(tenant);
    const { json } = await curl('PUT /tenants/user-groups', {
      json: { group_name: 'crew', [key]: tenant },
    });
    assertTold(json, ATTRIBUTES);
    assert.deepEqual([json.name, json.groups], [tenant, ['crew']]);
    assert.deepEqual((await now(tenant)).groups, ['crew']);
  };
  covers(
    'Tenants: add user group, as its example',
    'answers with its groups',
    joining('tenant_name', 'group-1'),
  );
  covers(
    'Tenants: add user group, as its table',
    'answers with its groups',
    joining('tenants_name', 'group-2'),
  );

  const parting = (key: string, tenant: string) => async () => {
    await create(tenant);
    await curl('PUT /tenants/user-groups', { json: { group_name: 'crew', tenant_name: tenant } });
    const body = { group_name: 'crew', [key]: tenant };
    const { json } = await curl('DELETE /tenants/user-groups', { json: body });
    assert.deepEqual(json, { name: tenant, groups: [], users: [] });
  };
  covers('Tenants: remove user group, as its example', 'leaves no trace', parting('tenants_name', 'group-3'));
  covers('Tenants: remove user group, as its table', 'leaves no trace', parting('tenant_name', 'group-4'));
});
