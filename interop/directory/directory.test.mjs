// People of a real directory sign in: through the pages, as a browser does. `scripts/interop.mjs` says where the server is.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Attribute, Change, Client } from 'ldapts';
import { BASE, READER, startDirectory } from './slapd.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const {
  ORRERY_INTEROP_HOST: host,
  ORRERY_INTEROP_PORT: port,
  ORRERY_INTEROP_PASSWORD: adminPassword,
} = process.env;
const url = `http://${host}:${port}`;

const person = (uid, cn, more = '') => `
dn: uid=${uid},ou=people,${BASE}
objectClass: inetOrgPerson
uid: ${uid}
cn: ${cn}
givenName: ${cn.split(' ')[0]}
sn: ${cn.split(' ').at(-1)}
mail: ${uid}@example.com
userPassword: ${uid} password
${more}`;
const group = (cn, ...members) => `
dn: cn=${cn},ou=groups,${BASE}
objectClass: groupOfNames
cn: ${cn}
${members.map((dn) => `member: ${dn}`).join('\n')}
`;
const ofPeople = (uid) => `uid=${uid},ou=people,${BASE}`;
const ofGroups = (cn) => `cn=${cn},ou=groups,${BASE}`;

const directory = await startDirectory(
  join(root, '.cache'),
  `dn: ${BASE}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ${READER.dn}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${READER.password}

dn: ou=people,${BASE}
objectClass: organizationalUnit
ou: people

dn: ou=others,${BASE}
objectClass: organizationalUnit
ou: others

dn: ou=groups,${BASE}
objectClass: organizationalUnit
ou: groups
${person('ann', 'Ann Archer')}${person('bob', 'Bob Baker')}${person('admin', 'Somebody Else')}${person('twice', 'First Twin')}
dn: uid=twice,ou=others,${BASE}
objectClass: inetOrgPerson
uid: twice
cn: Second Twin
sn: Twin
userPassword: twice password
${group('inner', ofPeople('ann'))}${group('middle', ofGroups('inner'), ofPeople('bob'))}${group('outer', ofGroups('middle'), ofGroups('outer'))}${group('apart', ofPeople('bob'))}`,
);
after(() => directory.stop());

const basic = `Basic ${Buffer.from(`admin:${adminPassword}`).toString('base64')}`;
async function api(method, path, body) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: basic,
      tenant: 'default_tenant',
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

const usual = {
  url: `ldap://127.0.0.1:${directory.plain}`,
  bindDn: READER.dn,
  userBase: BASE,
  groupBase: `ou=groups,${BASE}`,
  timeoutSeconds: 2,
  tenants: [{ tenant: 'default_tenant', role: 'viewer' }],
};
const put = (name, settings = {}, secret = READER.password) =>
  api('PUT', `/orrery/v1/authorities/${name}`, { kind: 'ldap', secret, settings: { ...usual, ...settings } });
const signIn = (identifier, password = `${identifier} password`, where = 'corp') =>
  fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ identifier, password, directory: where }),
  });
const status = async (...args) => (await signIn(...args)).status;

await put('corp');

test('somebody of the directory signs in, and is a user here from then on, without a password', async () => {
  const answer = await signIn('ann');
  assert.equal(answer.status, 303);
  const cookie = answer.headers.get('set-cookie').split(';')[0];
  const page = await (await fetch(`${url}/security/tokens`, { headers: { cookie } })).text();
  assert.match(page, /Signed in as <strong>Ann Archer<\/strong>/);
  assert.doesNotMatch(page, /New password/);
  const user = await api('GET', '/api/v3.1/users/ann?_get_data=true');
  assert.deepEqual(Object.keys(user.tenants), ['default_tenant']);
  assert.deepEqual(user.tenants.default_tenant.roles, ['viewer']);
  assert.equal(user.role, 'default');
  assert.equal(await status('ann', 'ann password', ''), 303, 'the directory is known by now');
  const withBasic = await fetch(`${url}/api/v3.1/status`, {
    headers: { authorization: `Basic ${Buffer.from('ann:ann password').toString('base64')}` },
  });
  assert.equal(withBasic.status, 401, 'no password is here to compare with');
});

test('a wrong password, an empty one and an unknown name are refused alike', async () => {
  const pages = await Promise.all(
    [
      await signIn('ann', 'wrong'),
      await signIn('nobody', 'nobody password'),
      await signIn('ann', 'ann password', 'elsewhere'),
    ].map(async (answer) => [answer.status, /role="alert".*?<\/div>/.exec(await answer.text())[0]]),
  );
  assert.equal(pages[0][0], 401);
  assert.deepEqual(pages[1], pages[0]);
  assert.deepEqual(pages[2], pages[0]);
  assert.equal(await status('ann', ''), 401, 'a bind without a password is no proof of anything');
});

for (const typed of [
  '*',
  'a*',
  'ann)(objectClass=*',
  '*)(uid=*))(|(uid=*',
  'ann\\2a',
  '\\',
  '(',
  'ann\u0000',
]) {
  test(`${JSON.stringify(typed)} is a name that nobody has, not a question to the directory`, async () => {
    assert.equal(await status(typed, 'ann password'), 401);
  });
}

test('who shares a name with somebody here is somebody else here', async () => {
  assert.equal(await status('admin', 'admin password'), 303);
  const user = await api('GET', '/api/v3.1/users/admin@corp');
  assert.equal(user.role, 'default');
  assert.equal((await api('GET', '/api/v3.1/users/admin')).role, 'sys_admin');
});

test('a name that two entries have is nobody’s', async () => {
  assert.equal(await status('twice'), 401);
});

test('groups of the directory, group in group, fill those of their names here', async () => {
  for (const [name, dn] of [
    ['outer-here', ofGroups('OUTER')],
    ['apart-here', ofGroups('apart')],
  ])
    await api('POST', '/api/v3.1/user-groups', { group_name: name, ldap_group_dn: dn, role: 'default' });
  await api('POST', '/api/v3.1/user-groups', { group_name: 'by-hand', role: 'default' });
  await api('PUT', '/api/v3.1/user-groups/users', { username: 'ann', group_name: 'by-hand' });
  const groupsOf = async (name) => (await api('GET', `/api/v3.1/users/${name}?_get_data=true`)).groups;
  assert.equal(await status('ann'), 303);
  assert.deepEqual(await groupsOf('ann'), ['by-hand', 'outer-here']);
  assert.equal(await status('bob'), 303);
  assert.deepEqual(await groupsOf('bob'), ['apart-here', 'outer-here']);

  const client = new Client({ url: usual.url });
  await client.bind(`cn=root,${BASE}`, 'root');
  const gone = new Change({
    operation: 'delete',
    modification: new Attribute({ type: 'member', values: [ofPeople('bob')] }),
  });
  await client.modify(ofGroups('middle'), gone);
  await client.unbind();
  assert.equal(await status('bob'), 303);
  assert.deepEqual(await groupsOf('bob'), ['apart-here']);
});

test('whoever is suspended here is refused, whatever the directory says', async () => {
  await api('POST', '/api/v3.1/users/active/bob', { action: 'deactivate' });
  assert.equal(await status('bob'), 401);
  await api('POST', '/api/v3.1/users/active/bob', { action: 'activate' });
  assert.equal(await status('bob'), 303);
});

test('TLS from the start, and after a StartTLS, with the directory’s own authority', async () => {
  const ca = readFileSync(join(directory.folder, 'ca.pem'), 'utf8');
  await put('secure', { url: `ldaps://localhost:${directory.secure}`, certificates: ca });
  assert.equal(await status('ann', 'ann password', 'secure'), 303);
  await put('started', { url: `ldap://localhost:${directory.plain}`, startTls: true, certificates: ca });
  assert.equal(await status('ann', 'ann password', 'started'), 303);
});

test('a directory that cannot be believed, reached or waited for is a 503, soon', async () => {
  await put('unknown-authority', { url: `ldaps://localhost:${directory.secure}` });
  const unheard = createServer(() => {});
  await new Promise((resolve) => unheard.listen(0, '127.0.0.1', resolve));
  await put('silent', { url: `ldap://127.0.0.1:${unheard.address().port}`, timeoutSeconds: 1 });
  await put('nobody-there', { url: 'ldap://127.0.0.1:1', timeoutSeconds: 1 });
  await put('wrong-bind', {}, 'not the password');
  for (const name of ['unknown-authority', 'silent', 'nobody-there', 'wrong-bind']) {
    const start = Date.now();
    const answer = await signIn('ann', 'ann password', name);
    assert.equal(answer.status, 503, name);
    assert.match(await answer.text(), new RegExp(`The directory .*${name}.* cannot be asked now`));
    assert.ok(Date.now() - start < 5000, `${name} took ${Date.now() - start} ms`);
  }
  unheard.close();
});

test('a directory that is switched off, or gone, lets nobody in; its secret is never told', async () => {
  const told = JSON.stringify(await api('GET', '/orrery/v1/authorities'));
  assert.ok(!told.includes(READER.password));
  await api('PUT', '/orrery/v1/authorities/corp', { kind: 'ldap', enabled: false, settings: usual });
  assert.equal(await status('ann'), 401);
  await api('PUT', '/orrery/v1/authorities/corp', { kind: 'ldap', settings: usual });
  assert.equal(await status('ann'), 303, 'the secret stayed');
  await api('DELETE', '/orrery/v1/authorities/corp');
  assert.equal(await status('ann'), 401);
});
