/** Signing in at a real OpenID Connect provider, on a loopback port, as a browser does. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import Provider from 'oidc-provider';
import { aServer } from '../support/a-server.js';

const { url, core, pool } = await aServer();
const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');

const CLAIMS: Readonly<Record<string, object>> = {
  ann: {
    email: 'ann@example.com',
    email_verified: true,
    preferred_username: 'ann',
    given_name: 'Ann',
    family_name: 'Archer',
  },
  eve: { email: 'admin@example.com', email_verified: false, preferred_username: 'admin', name: 'Eve' },
};

const http = createServer();
await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
after(() => {
  http.closeAllConnections();
  http.close();
});
const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'orrery',
      client_secret: 'the secret of this client',
      redirect_uris: [`${url}/login/with/example/callback`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  pkce: { required: () => true },
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'given_name', 'family_name', 'preferred_username'],
  },
  findAccount: (_context: unknown, id: string) => ({
    accountId: id,
    claims: () => ({ sub: id, ...CLAIMS[id] }),
  }),
  cookies: { keys: ['a key for cookies'] },
});
http.on('request', provider.callback());

const settings = {
  issuer,
  clientId: 'orrery',
  title: 'Example',
  tenants: [{ tenant: 'default_tenant', role: 'viewer' }],
};
const put = (more: object = {}) =>
  core.authorities.put(admin, 'example', {
    kind: 'oidc',
    settings,
    secret: 'the secret of this client',
    ...more,
  });
await put();

/** Follows whatever it is told, with a jar of cookies for each of the two servers. */
function aBrowser() {
  const jars = new Map<string, Map<string, string>>();
  async function ask(
    address: string,
    form?: Record<string, string>,
  ): Promise<{ response: Response; text: string }> {
    const { origin } = new URL(address);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    const response = await fetch(address, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    for (const set of response.headers.getSetCookie()) {
      const [pair] = set.split(';');
      const at = pair!.indexOf('=');
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(set)) jar.delete(pair!.slice(0, at));
      else jar.set(pair!.slice(0, at), pair!.slice(at + 1));
    }
    return { response, text: await response.text() };
  }
  /** Until something is no redirect, or leads to where `stop` says. */
  async function follow(
    address: string,
    stop: RegExp = /^$/,
  ): Promise<{ at: string; status: number; text: string }> {
    let at = address;
    for (let hops = 0; hops < 20; hops++) {
      if (stop.test(at)) return { at, status: 0, text: '' };
      const { response, text } = await ask(at);
      const to = response.headers.get('location');
      if (to !== null) at = new URL(to, at).href;
      else if (/name="prompt" value="(\w+)"/.test(text)) {
        const action = new URL(/action="([^"]+)"/.exec(text)![1]!, at).href;
        const prompt = /name="prompt" value="(\w+)"/.exec(text)![1]!;
        const done = await ask(action, { prompt, login: current, password: 'any' });
        at = new URL(done.response.headers.get('location')!, action).href;
      } else return { at, status: response.status, text };
    }
    throw new Error(`went in circles, at ${at}`);
  }
  let current = '';
  return {
    jars,
    ask,
    follow,
    as(name: string) {
      current = name;
      return this;
    },
  };
}
const CALLBACK = /\/callback\?/;

test('somebody of the provider signs in, is made a user on the way, and comes to where they wanted', async () => {
  assert.match((await aBrowser().ask(`${url}/login`)).text, /Sign in with Example/);
  const browser = aBrowser().as('ann');
  const { at, status, text } = await browser.follow(`${url}/login/with/example?ref=/security/tokens`);
  assert.deepEqual([at, status], [`${url}/security/tokens`, 200]);
  assert.match(text, /Signed in as <strong>Ann Archer<\/strong>/);
  const profile = await core.profiles.get(admin, { username: 'ann' });
  assert.deepEqual(
    [profile.authentication, profile.authority, profile.email, profile.systemRole],
    ['oidc', 'example', 'ann@example.com', 'member'],
  );
  assert.deepEqual(
    profile.memberships.map(({ name, roles }) => [name, roles]),
    [['default_tenant', ['viewer']]],
  );
  const { rows } = await pool.query(`select password_hash from users where username = 'ann'`);
  assert.equal(rows[0].password_hash, null);
});

test('who comes again is the same user; who shares a name or an address with somebody here is not them', async () => {
  await aBrowser().as('ann').follow(`${url}/login/with/example`);
  await aBrowser().as('eve').follow(`${url}/login/with/example`);
  const { rows } = await pool.query<{ username: string; system_role: string; email: string | null }>(
    `select username, system_role, email from users where authority = 'example' order by username`,
  );
  assert.deepEqual(rows, [
    { username: 'admin@example', system_role: 'member', email: null },
    { username: 'ann', system_role: 'member', email: 'ann@example.com' },
  ]);
});

test('what comes back is good once, in the browser that it was begun in, and only as it was begun', async () => {
  const browser = aBrowser().as('ann');
  const { at } = await browser.follow(`${url}/login/with/example`, CALLBACK);
  assert.equal((await aBrowser().ask(at)).response.status, 401, 'another browser has no ticket');

  const forged = new URL(at);
  forged.searchParams.set('state', 'another');
  const jar = browser.jars.get(url)!;
  const ticket = jar.get('orrery_provider')!;
  assert.equal((await browser.ask(forged.href)).response.status, 401, 'another state');
  assert.equal(jar.has('orrery_provider'), false);

  jar.set('orrery_provider', `${ticket.slice(0, -3)}abc`);
  assert.equal((await browser.ask(at)).response.status, 401, 'a ticket that was altered');
  jar.set('orrery_provider', ticket);
  const { response } = await browser.ask(at);
  assert.equal(response.status, 303);
  assert.match(response.headers.getSetCookie().join(), /provider_token=ob_/);
  jar.set('orrery_provider', ticket);
  assert.equal((await browser.ask(at)).response.status, 401, 'the code was used');
});

test('a refusal of the provider is told as one', async () => {
  const browser = aBrowser();
  await browser.ask(`${url}/login/with/example`);
  const location = (await browser.ask(`${url}/login/with/example`)).response.headers.get('location')!;
  const state = new URL(location).searchParams.get('state')!;
  const back = `${url}/login/with/example/callback?${new URLSearchParams({ error: 'access_denied', state, iss: issuer })}`;
  const { response, text } = await browser.ask(back);
  assert.equal(response.status, 401);
  assert.match(text, /did not let you in/);
});

test('a proof key is sent, and only its digest', async () => {
  const location = (await aBrowser().ask(`${url}/login/with/example`)).response.headers.get('location')!;
  const asked = new URL(location).searchParams;
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.ok(asked.get('nonce') && asked.get('state') && asked.get('code_challenge'));
  assert.equal(asked.get('redirect_uri'), `${url}/login/with/example/callback`);
});

test('whoever is suspended here is refused, whatever the provider says', async () => {
  await core.profiles.setActive(admin, { username: 'ann' }, false);
  assert.equal((await aBrowser().as('ann').follow(`${url}/login/with/example`)).status, 401);
  await core.profiles.setActive(admin, { username: 'ann' }, true);
});

test('a provider that is not there is a 503; one that is unknown or switched off, a 404', async () => {
  await core.authorities.put(admin, 'gone', {
    kind: 'oidc',
    settings: { ...settings, issuer: 'http://127.0.0.1:1' },
  });
  assert.equal((await aBrowser().ask(`${url}/login/with/gone`)).response.status, 503);
  assert.equal((await aBrowser().ask(`${url}/login/with/nobody`)).response.status, 404);
  await put({ enabled: false });
  assert.equal((await aBrowser().ask(`${url}/login/with/example`)).response.status, 404);
  await put();
});

test('a provider is asked without encryption on this machine alone', async () => {
  for (const bad of ['http://id.example.com', 'http://127.0.0.1.example.com', 'ftp://id.example.com']) {
    await assert.rejects(
      core.authorities.put(admin, 'bad', { kind: 'oidc', settings: { ...settings, issuer: bad } }),
      { kind: 'invalid', reason: 'authority-invalid' },
      bad,
    );
  }
});
