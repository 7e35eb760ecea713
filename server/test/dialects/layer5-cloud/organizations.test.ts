import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { aServer } from '../../support/a-server.js';
import type { Found } from '../cloudify-v3/client.js';
import { askerOf, houseOf, type Person } from './client.js';

const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });
const house = await houseOf(server);
const ada = await house.person('ada');
const bob = await house.person('bob');

async function anotherOrg(person: Person, name: string): Promise<string> {
  const { json } = await person.ask('POST', '/api/identity/orgs', { body: { name } });
  return String(json.id);
}
/** Where a request acts: the organization that a new design lands in. */
async function actsIn(person: Person, headers: Record<string, string> = {}, query = ''): Promise<string> {
  const { json, text } = await person.ask('POST', `/api/pattern${query}`, {
    headers,
    body: { name: 'd', pattern_file: '...' },
  });
  assert.ok(Array.isArray(json), text);
  return String(json[0]!.org_id);
}
const nowhere = '0c5b8f0e-1c5e-4a56-9d6b-3c8f2f0a7d11';

describe('the acting organization', async () => {
  const [first, second, third, fourth] = await Promise.all(
    ['One', 'Two', 'Three', 'Four'].map((name) => anotherOrg(ada, `Ada ${name}`)),
  );
  const header = { 'layer5-current-orgid': first! };
  const alias = { 'x-current-orgid': second! };
  const cookie = { cookie: `a=b; Layer5-Current-Orgid=${third}` };

  test('is the one that the user has been in for the longest', async () =>
    assert.equal(await actsIn(ada), ada.org));
  test('is the preferred one before that', async () => {
    const { status } = await ada.ask('PUT', '/api/identity/users/preferences', {
      body: { selectedOrganization: fourth },
    });
    assert.equal(status, 201);
    assert.equal(await actsIn(ada), fourth);
  });
  test('is that of the cookie before the preferred one', async () =>
    assert.equal(await actsIn(ada, cookie), third));
  test('is that of X-Current-Orgid before the cookie', async () =>
    assert.equal(await actsIn(ada, { ...cookie, ...alias }), second));
  test('is that of layer5-current-orgid before the other header', async () =>
    assert.equal(await actsIn(ada, { ...cookie, ...alias, ...header }), first));
  test('is that of the query before every header', async () => {
    for (const name of ['orgId', 'orgID', 'org_id'])
      assert.equal(await actsIn(ada, header, `?${name}=${ada.org}`), ada.org);
  });
  test('is not told by what is empty or no UUID', async () => {
    assert.equal(
      await actsIn(ada, { 'layer5-current-orgid': '', 'x-current-orgid': 'mine', ...cookie }),
      third,
    );
  });
  test('is refused where the caller is not in it, whether it is there or not, in the same words, and nothing is made', async () => {
    const before = (await server.pool.query('select count(*) from designs')).rows;
    for (const id of [bob.org, nowhere]) {
      for (const [headers, query] of [
        [{ 'layer5-current-orgid': id }, ''],
        [{ 'x-current-orgid': id }, ''],
        [{ cookie: `Layer5-Current-Orgid=${id}` }, ''],
        [{}, `?orgId=${id}`],
      ] as const) {
        const { status, json } = await ada.ask('POST', `/api/pattern${query}`, {
          headers,
          body: { name: 'd', pattern_file: '...' },
        });
        assert.deepEqual([status, json.error], [403, 'You are not a member of this organization']);
      }
    }
    assert.deepEqual((await server.pool.query('select count(*) from designs')).rows, before);
  });
  test('is every one for provider admins, and for nobody else', async () => {
    for (const all of ['all', '11111111-1111-1111-1111-111111111111']) {
      const headers = { 'layer5-current-orgid': all };
      assert.equal((await ada.ask('GET', '/api/content/patterns', { headers })).status, 403);
      const { json } = await house.admin.ask('GET', '/api/workspaces?pagesize=all', { headers });
      assert.ok(JSON.stringify(json).includes(bob.org));
    }
  });
  test('that is preferred and has been left is passed over', async () => {
    const { json } = await bob.ask('POST', '/api/identity/orgs', { body: { name: 'Bob and Ada' } });
    await bob.ask('POST', `/api/identity/orgs/${json.id}/users/${ada.id}`);
    await ada.ask('PUT', '/api/identity/users/preferences', { body: { selectedOrganizationID: json.id } });
    assert.equal(await actsIn(ada), json.id);
    await bob.ask('DELETE', `/api/identity/orgs/${json.id}/users/${ada.id}`);
    assert.equal(await actsIn(ada), ada.org);
  });
});

describe('a thing that is addressed by its id', () => {
  const made = async (org: string, path: string, body: object, idOf = (json: Found) => json.id) => {
    const { json, text, status } = await ada.ask('POST', path, { org, body });
    assert.ok(status < 300, text);
    return String(idOf(json));
  };
  test('is reached in another organization of the caller’s, where none is named', async () => {
    const other = await anotherOrg(ada, 'Elsewhere');
    const paths = [
      `/api/workspaces/${await made(other, '/api/workspaces', { name: 'w' })}`,
      `/api/environments/${await made(other, '/api/environments', { name: 'e' })}`,
      `/api/integrations/connections/${await made(other, '/api/integrations/connections', { name: 'c', kind: 'aws' })}`,
      `/api/content/patterns/${await made(other, '/api/pattern', { name: 'd', pattern_file: '...' }, (json) => json[0]!.id)}`,
      `/api/content/views/${await made(other, '/api/content/views', { name: 'v' })}`,
      `/api/auth/keychains/${await made(other, '/api/auth/keychains', { name: 'k' })}`,
      `/api/organizations/invitations/${await made(other, '/api/organizations/invitations', { name: 'i' })}`,
      `/api/organizations/badges/${await made(other, '/api/organizations/badges', { label: 'b', name: 'B' })}`,
      `/api/academy/curricula/${await made(other, '/api/academy/curricula', { type: 'challenge', title: 't', visibility: 'private' })}`,
    ];
    assert.equal(await actsIn(ada), ada.org, 'she acts in her first one');
    for (const path of paths) {
      const there = await ada.ask('GET', path);
      assert.equal(there.status, 200, `${path}: ${there.text}`);
      const named = await ada.ask('GET', path, { org: ada.org });
      // Who made a design or a view sees it from everywhere, and so do learners what is theirs to learn.
      const own = /^\/api\/(content|academy)\//.test(path);
      assert.equal(named.status, own ? 200 : 404, `${path}: an organization that is named holds`);
      const stranger = await bob.ask('GET', path);
      assert.equal(stranger.status, 404, path);
      const { status, text } = await ada.ask('DELETE', path);
      assert.ok(status < 300, `${path}: ${text}`);
      assert.equal((await ada.ask('GET', path, { org: other })).status, 404, path);
    }
  });
  test('takes what is put into it from its own organization', async () => {
    const other = await anotherOrg(ada, 'Further away');
    const workspace = await made(other, '/api/workspaces', { name: 'w' });
    const beside = await made(other, '/api/environments', { name: 'e' });
    const foreign = await made(ada.org, '/api/environments', { name: 'e' });
    const put = (id: string) => ada.ask('POST', `/api/workspaces/${workspace}/environments/${id}`);
    assert.deepEqual([(await put(beside)).status, (await put(foreign)).status], [200, 400]);
    const { json } = await ada.ask('GET', `/api/workspaces/${workspace}/environments`);
    assert.deepEqual([json.total_count, json.environments![0]!.id], [1, beside]);
  });
  test('is copied into the acting organization', async () => {
    const other = await anotherOrg(ada, 'Source');
    const id = await made(other, '/api/pattern', { name: 'd', pattern_file: '...' }, (json) => json[0]!.id);
    assert.equal((await ada.ask('POST', `/api/content/patterns/clone/${id}`)).json.org_id, ada.org);
  });
});

describe('signing in with a second factor', () => {
  test('needs the code beside the password, and takes it once', async () => {
    const caller = await server.core.callers.actingAs('bob@example.com', null, 'test');
    const { secret } = await server.core.secondFactors.enable(caller, { confirmed: true });
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
    const open = askerOf(server, null);
    const login = (more: object) =>
      open('POST', '/api/auth/login', { body: { email: bob.email, password: 'bob password', ...more } });
    const without = await login({});
    assert.equal(without.status, 401);
    assert.match(String(without.json.error), /one-time code/);
    assert.equal((await login({ code: '000000' })).status, 401);
    const { status, json } = await login({ code });
    assert.equal(status, 200);
    assert.equal(
      (await askerOf(server, String(json.token))('GET', '/api/identity/users/profile')).status,
      200,
    );
    assert.equal((await login({ otp: code })).status, 401, 'a code is good once');
    const wrong = await login({ password: 'wrong', code });
    assert.doesNotMatch(String(wrong.json.error), /one-time code/);
    await server.core.secondFactors.disable(caller, { id: caller.userId });
    assert.equal((await login({})).status, 200);
  });
});

describe('preferences', () => {
  test('are merged: what is not sent stays', async () => {
    await bob.ask('PUT', '/api/identity/users/preferences', {
      body: { anonymousUsageStats: false, remoteProviderPreferences: { a_b: 1 } },
    });
    const { json } = await bob.ask('PUT', '/api/identity/users/preferences', {
      body: { selected_organization: bob.org },
    });
    assert.deepEqual(
      [json.anonymous_usage_stats, json.remoteProviderPreferences, json.selectedOrganizationID],
      [false, { a_b: 1 }, bob.org],
    );
  });
  test('keep a workspace for the organization it is in', async () => {
    const made = await bob.ask('POST', '/api/workspaces', { body: { name: 'w' } });
    const { status, json } = await bob.ask('PUT', '/api/identity/users/preferences', {
      body: { selectedOrganization: bob.org, selectedWorkspace: made.json.id },
    });
    assert.deepEqual([status, json.selectedWorkspaceForOrganizations], [201, { [bob.org]: made.json.id }]);
    const design = await bob.ask('POST', '/api/pattern', { body: { name: 'd', pattern_file: '...' } });
    assert.equal(design.json[0]!.workspace_id, made.json.id);
  });
  for (const [what, body, status] of [
    ['an organization of others', () => ({ selectedOrganization: ada.org, meshAdapters: ['x'] }), 403],
    [
      'a workspace that is not in it',
      () => ({ selectedOrganization: bob.org, selectedWorkspace: nowhere, meshAdapters: ['x'] }),
      400,
    ],
    ['what is no id', () => ({ selectedOrganization: 'mine', meshAdapters: ['x'] }), 400],
  ] as const) {
    test(`refuse ${what}, and nothing of the request is kept`, async () => {
      const answer = await bob.ask('PUT', '/api/identity/users/preferences', { body: body() });
      assert.equal(answer.status, status, answer.text);
      const { json } = await bob.ask('GET', '/api/identity/users/preferences');
      assert.equal(json.meshAdapters, undefined);
    });
  }
  test('may say that no organization is preferred any more', async () => {
    const { json } = await bob.ask('PUT', '/api/identity/users/preferences', {
      body: { selectedOrganization: '' },
    });
    assert.equal(json.selectedOrganization, '');
  });
});

describe('organizations and people that go', () => {
  test('an organization is deleted by its owner, not by others, and never one’s last', async () => {
    const id = await anotherOrg(ada, 'Short');
    await ada.ask('POST', `/api/identity/orgs/${id}/users/${bob.id}`);
    assert.equal((await bob.ask('DELETE', `/api/identity/orgs/${id}`)).status, 403);
    assert.equal((await ada.ask('DELETE', `/api/identity/orgs/${id}`)).status, 204);
    assert.equal((await ada.ask('GET', `/api/identity/orgs/${id}`)).status, 403);
    const cid = await house.person('cid');
    assert.equal((await cid.ask('DELETE', `/api/identity/orgs/${cid.org}`)).status, 409);
  });
  test('one that still holds designs stays', async () => {
    const id = await anotherOrg(ada, 'Full');
    await ada.ask('POST', '/api/pattern', { org: id, body: { name: 'd', pattern_file: '...' } });
    assert.equal((await ada.ask('DELETE', `/api/identity/orgs/${id}`)).status, 409);
  });
  test('an account is deleted by its owner with everything that opens it; not while others would have no admin', async () => {
    const dan = await house.person('dan');
    await dan.ask('POST', `/api/identity/orgs/${dan.org}/users/${bob.id}`);
    assert.equal((await dan.ask('DELETE', '/api/identity/users/self')).status, 409);
    await dan.ask('DELETE', `/api/identity/orgs/${dan.org}/users/${bob.id}`);
    assert.equal((await dan.ask('DELETE', '/api/identity/users/self')).status, 204);
    assert.equal((await dan.ask('GET', '/api/identity/users/profile')).status, 401);
  });
  test('an organization keeps an admin', async () => {
    const id = await anotherOrg(ada, 'Shared');
    await ada.ask('POST', `/api/identity/orgs/${id}/users/${bob.id}`);
    assert.equal(
      (
        await ada.ask('PUT', `/api/identity/orgs/${id}/roles`, {
          body: [{ id: ada.id, role_names: ['user'] }],
        })
      ).status,
      409,
    );
    assert.equal((await ada.ask('DELETE', `/api/identity/orgs/${id}/users/${ada.id}`)).status, 409);
    assert.equal(
      (
        await ada.ask('PUT', `/api/identity/orgs/${id}/roles`, {
          body: [{ id: bob.id, role_names: ['organization admin'] }],
        })
      ).status,
      200,
    );
    assert.equal(
      (
        await ada.ask('PUT', `/api/identity/orgs/${id}/roles`, {
          body: [{ id: ada.id, role_names: ['user'] }],
        })
      ).status,
      200,
    );
    assert.equal(
      (await ada.ask('PUT', `/api/identity/orgs/${id}`, { body: { description: 'x' } })).status,
      403,
    );
  });
});

describe('roles, keychains and keys', () => {
  test('a key on a keychain of a custom role opens private designs in that organization, and in no other', async () => {
    const org = await anotherOrg(ada, 'Keys');
    const at = { org };
    await ada.ask('POST', `/api/identity/orgs/${org}/users/${bob.id}`);
    const design = await ada.ask('POST', '/api/pattern', {
      ...at,
      body: { name: 'secret', pattern_file: '...' },
    });
    const id = design.json[0]!.id;
    const see = async () => (await bob.ask('GET', `/api/content/patterns/${id}`, at)).status;
    assert.equal(await see(), 404);
    const role = await ada.ask('POST', `/api/identity/orgs/${org}/roles`, { body: { role_name: 'auditor' } });
    const chain = await ada.ask('POST', '/api/auth/keychains', { ...at, body: { name: 'eyes' } });
    await ada.ask('POST', `/api/auth/keychains/${chain.json.id}/bedb8e5b-56bf-4caf-9e8b-258d30b9229b`, at);
    await ada.ask('POST', `/api/identity/orgs/${org}/roles/${role.json.id}/keychains/${chain.json.id}`, at);
    await ada.ask('PUT', `/api/identity/orgs/${org}/roles`, {
      body: [{ id: bob.id, role_names: ['user', 'auditor'] }],
    });
    assert.equal(await see(), 200);
    const other = await ada.ask('POST', '/api/pattern', {
      org: ada.org,
      body: { name: 'secret', pattern_file: '...' },
    });
    assert.equal((await bob.ask('GET', `/api/content/patterns/${other.json[0]!.id}`)).status, 404);
    await ada.ask('DELETE', `/api/auth/keychains/${chain.json.id}/bedb8e5b-56bf-4caf-9e8b-258d30b9229b`, at);
    assert.equal(await see(), 404);
  });
  test('built-in roles and keys of the catalog stay as they are', async () => {
    const { json } = await ada.ask('GET', `/api/identity/orgs/${ada.org}/roles?search=curator`);
    assert.equal((await ada.ask('DELETE', `/api/identity/roles/${json.roles![0]!.id}`)).status, 403);
    assert.equal(
      (await house.admin.ask('DELETE', '/api/auth/keys/7a7d3cad-4cf4-48fa-b69c-e6a5abc97a07')).status,
      403,
    );
    assert.equal(
      (
        await ada.ask('PUT', `/api/identity/orgs/${ada.org}/roles`, {
          body: [{ id: ada.id, role_names: ['admin'] }],
        })
      ).status,
      403,
    );
  });
});

describe('tokens', () => {
  test('are shown once, have no end, and one that is revoked is dead at once while others live', async () => {
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => ada.ask('POST', `/api/identity/tokens?name=${name}`)),
    );
    const [a, b] = [one!.json.tokens![0]!, two!.json.tokens![0]!];
    assert.match(String(a.access_token), /[^A-Za-z0-9+/]/, 'a token must not be taken for base64');
    const works = async (token: unknown) =>
      (await ada.ask('GET', '/api/identity/users/profile', { token: String(token) })).status;
    assert.deepEqual([await works(a.access_token), await works(b.access_token)], [200, 200]);
    const { text } = await ada.ask('GET', '/api/identity/tokens');
    assert.ok(!text.includes(String(a.access_token)));
    assert.equal((await bob.ask('DELETE', `/api/identity/tokens?tokenId=${a.id}`)).status, 404);
    assert.equal((await house.admin.ask('DELETE', `/api/identity/tokens?tokenId=${a.id}`)).status, 404);
    assert.equal((await ada.ask('DELETE', '/api/identity/tokens', { body: { token_id: a.id } })).status, 200);
    assert.deepEqual([await works(a.access_token), await works(b.access_token)], [401, 200]);
    assert.equal(
      (await ada.ask('POST', '/introspect', { token: null, body: { token: a.access_token } })).status,
      401,
    );
  });
  test('do as a cookie, and X-API-Key alone does not', async () => {
    const headers = { cookie: `provider_token=${ada.token}` };
    assert.equal((await ada.ask('GET', '/api/identity/users/profile', { token: null, headers })).status, 200);
    const meshery = { authorization: `bearer ${ada.token}`, 'x-api-key': 'x', systemid: 'y' };
    assert.equal(
      (await ada.ask('GET', '/api/identity/users/profile', { token: null, headers: meshery })).status,
      200,
    );
    assert.equal(
      (
        await ada.ask('GET', '/api/identity/users/profile', {
          token: null,
          headers: { 'x-api-key': ada.token },
        })
      ).status,
      401,
    );
  });
});

describe('what is announced to Meshery', () => {
  test('every endpoint works', async () => {
    const { json } = await ada.ask('GET', '/capabilities', { token: null });
    for (const { feature, endpoint } of json.capabilities as unknown as {
      feature: string;
      endpoint: string;
    }[]) {
      const method =
        feature === 'sync-prefs'
          ? 'PUT'
          : feature === 'share-designs' || feature === 'clone-meshery-patterns'
            ? 'POST'
            : 'GET';
      const path = feature === 'clone-meshery-patterns' ? `${endpoint}/${nowhere}` : endpoint;
      const { status, text } = await ada.ask(method, path, { ...(method === 'GET' ? {} : { body: {} }) });
      assert.ok(
        !text.includes('is not served here') && status < 500 && status !== 405,
        `${feature}: ${status} ${text}`,
      );
    }
  });
});
