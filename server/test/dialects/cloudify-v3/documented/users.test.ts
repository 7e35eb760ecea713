import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl } = await aDocumentedServer();

const USER: Attributes = {
  username: 'text',
  active: 'flag',
  created_at: 'time',
  first_name: 'text?',
  last_name: 'text?',
  last_login_at: 'time?',
  role: 'text',
  groups: 'list',
  tenants: 'list',
};
const GROUP: Attributes = { ldap_dn: 'text?', name: 'text', tenants: 'list', users: 'list' };
const PASSWORD = 'a password of theirs';

async function user(username: string, role = 'user'): Promise<void> {
  const { status, text } = await curl('PUT /users', { json: { username, password: PASSWORD, role } });
  assert.equal(status, 201, text);
}

async function group(name: string): Promise<void> {
  const { status, text } = await curl('POST /user-groups', { json: { group_name: name } });
  assert.equal(status, 201, text);
}

const as = (username: string, password = PASSWORD) => ({ user: `${username}:${password}`, tenant: null });

describe('users', () => {
  covers('Users: list', 'tells each with groups and tenants', async () => {
    const items = itemsOf(await curl('GET /users'));
    for (const item of items) assertTold(item, USER);
    const admin = items.find(({ username }) => username === 'admin');
    assert.deepEqual(
      [admin!.role, admin!.active, admin!.tenants],
      ['administrator', true, ['default_tenant']],
    );
  });

  covers('Users: get', 'tells one by its name, without anything of the password', async () => {
    const answer = await curl('GET /users/admin');
    assertTold(answer.json, USER);
    assert.equal(/passw|argon|scrypt/i.test(answer.text), false);
    // Told a second late.
    for (;;) {
      const { json: told } = await curl('GET /users/admin');
      if (told.last_login_at === null) continue;
      assertTold(told, { last_login_at: 'time' });
      break;
    }
    const { json } = await curl('GET /users/nobody');
    assert.equal(json.error_code, 'not_found_error');
  });

  for (const [role, active] of [
    ['user', true],
    ['administrator', true],
    ['suspended', false],
  ] as const) {
    const username = `a-${role}`;
    covers('Users: create', 'with each of the documented roles', async () => {
      const { json } = await curl('PUT /users', { json: { username, password: PASSWORD, role } });
      assertTold(json, USER);
      assert.deepEqual([json.username, json.role, json.active], [username, role, active]);
      assert.equal((await curl('GET /version', as(username))).status, active ? 200 : 401);
    });
  }

  covers('Users: delete', 'answers with who it was, and they are gone', async () => {
    await user('gone');
    const { json } = await curl('DELETE /users/gone', { json: null });
    assertTold(json, USER);
    assert.equal(json.username, 'gone');
    assert.equal((await curl('GET /users/gone')).status, 404);
    assert.equal((await curl('GET /version', as('gone'))).status, 401);
  });

  covers('Users: set password', 'the new one signs in, the old one no longer', async () => {
    await user('changing');
    const { json } = await curl('POST /users/changing', { json: { password: 'quite another one' } });
    assertTold(json, USER);
    assert.equal((await curl('GET /version', as('changing', 'quite another one'))).status, 200);
    assert.equal((await curl('GET /version', as('changing'))).status, 401);
  });

  covers('Users: set role', 'makes administrators, and suspends', async () => {
    await user('climbing');
    assert.equal((await curl('GET /users', as('climbing'))).status, 403);
    const raised = await curl('POST /users/climbing', { json: { role: 'administrator' } });
    assertTold(raised.json, USER);
    assert.equal(raised.json.role, 'administrator');
    assert.equal((await curl('GET /users', as('climbing'))).status, 200);
    const out = await curl('POST /users/climbing', { json: { role: 'suspended' } });
    assert.deepEqual([out.json.role, out.json.active], ['suspended', false]);
    assert.equal((await curl('GET /version', as('climbing'))).status, 401);
    const back = await curl('POST /users/climbing', { json: { role: 'user' } });
    assert.deepEqual([back.json.role, back.json.active], ['user', true]);
    assert.equal((await curl('GET /version', as('climbing'))).status, 200);
  });
});

describe('user groups', () => {
  covers('User groups: create', 'with the name that a directory gives it', async () => {
    const body = { group_name: 'new_group', ldap_group_dn: 'cn=crew,dc=example' };
    const { json } = await curl('POST /user-groups', { json: body });
    assert.deepEqual(
      [json.name, json.ldap_dn, json.tenants, json.users],
      ['new_group', 'cn=crew,dc=example', [], []],
    );
  });

  covers('User groups: list', 'tells each with its members', async () => {
    await group('listed');
    const items = itemsOf(await curl('GET /user-groups'));
    for (const item of items) assertTold(item, GROUP);
    assert.ok(items.some(({ name, ldap_dn: dn }) => name === 'listed' && dn === null));
  });

  covers('User groups: get', 'tells one by its name', async () => {
    await group('one');
    const { json } = await curl('GET /user-groups/one');
    assertTold(json, GROUP);
    assert.equal(json.name, 'one');
  });

  covers('User groups: delete', 'answers with what it was, and it is gone', async () => {
    await group('gone');
    const { json } = await curl('DELETE /user-groups/gone', { json: null });
    assertTold(json, GROUP);
    assert.equal(json.name, 'gone');
    assert.equal((await curl('GET /user-groups/gone')).status, 404);
  });

  covers('User groups: add user', 'answers with all members', async () => {
    await group('joined');
    await user('joiner');
    const { json } = await curl('PUT /user-groups/users', {
      json: { username: 'joiner', group_name: 'joined' },
    });
    assertTold(json, GROUP);
    assert.deepEqual(json.users, ['joiner']);
    assert.deepEqual((await curl('GET /users/joiner')).json.groups, ['joined']);
  });

  covers('User groups: remove user', 'answers with who is left', async () => {
    await group('left');
    for (const name of ['stayer', 'leaver']) {
      await user(name);
      await curl('PUT /user-groups/users', { json: { username: name, group_name: 'left' } });
    }
    const { json } = await curl('DELETE /user-groups/users', {
      json: { username: 'leaver', group_name: 'left' },
    });
    assertTold(json, GROUP);
    assert.deepEqual(json.users, ['stayer']);
  });
});
