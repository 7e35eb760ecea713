/** The sign-in page and the page of one's own tokens, as a browser without scripts meets them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { ADMIN, aServer } from '../support/a-server.js';

const { url, core, lines } = await aServer({
  ORRERY_SIGN_IN_SOURCES: 'http://meshery.example:9081',
  ORRERY_LOGIN_FAILURES_PER_ADDRESS: '30',
});
const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');
await core.users.create(admin, { username: 'mia', password: 'mia password', role: 'member' });
await core.tenants.addUser(admin, 'default_tenant', 'mia', 'user');
await core.profiles.update(admin, { username: 'mia' }, { email: 'mia@example.com' });

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly to: string | null;
  readonly headers: Headers;
}

/** One browser: it keeps its cookie and says where its forms come from. */
function aBrowser() {
  let cookie = '';
  const ask = async (
    method: string,
    path: string,
    form?: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(cookie === '' ? {} : { cookie }),
        ...(method === 'POST' ? { origin: url, 'sec-fetch-site': 'same-origin' } : {}),
        ...headers,
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    const set = response.headers.get('set-cookie');
    if (set !== null) cookie = set.split(';')[0]!;
    return {
      status: response.status,
      text: await response.text(),
      to: response.headers.get('location'),
      headers: response.headers,
    };
  };
  return {
    get: (path: string, headers?: Record<string, string>) => ask('GET', path, undefined, headers),
    post: (path: string, form: Record<string, string>, headers?: Record<string, string>) =>
      ask('POST', path, form, headers),
    get cookie() {
      return cookie;
    },
    /** The value that the forms of the last page carry. */
    async formKey(): Promise<string> {
      const { text } = await ask('GET', '/security/tokens');
      return /name="form_key" value="([^"]+)"/.exec(text)![1]!;
    },
    async signIn(identifier = 'mia', password = 'mia password', more: Record<string, string> = {}) {
      return ask('POST', '/login', { identifier, password, ...more });
    },
  };
}
const api = (path: string, headers: Record<string, string>) => fetch(`${url}${path}`, { headers });
const shownValue = (text: string) => /<code class="value">([^<]+)<\/code>/.exec(text)?.[1] ?? '';

test('the page asks for a name and a password, and nothing of it comes from elsewhere', async () => {
  const { status, text, headers } = await aBrowser().get('/login');
  assert.equal(status, 200);
  assert.match(headers.get('content-security-policy')!, /^default-src 'self';.*frame-ancestors 'none'/);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.doesNotMatch(text, /<script|https?:\/\/(?!www\.w3\.org)|style="/);
  const sheet = /href="(\/assets\/pages-[^"]+\.css)"/.exec(text)![1]!;
  const style = await fetch(`${url}${sheet}`);
  assert.equal(style.headers.get('content-type'), 'text/css; charset=utf-8');
  assert.match(style.headers.get('cache-control')!, /immutable/);
});

test('signing in, by name or address, leads on with a cookie that scripts cannot read', async () => {
  for (const identifier of ['mia', 'MIA', 'mia@example.com', 'Mia@Example.com']) {
    const browser = aBrowser();
    const { status, to, headers } = await browser.signIn(identifier);
    assert.equal(status, 303);
    assert.equal(to, '/dashboard');
    assert.equal((await browser.get(to)).to, '/security/tokens');
    assert.match(
      headers.get('set-cookie')!,
      /^provider_token=ob_[a-z0-9]{52}; Path=\/; Max-Age=86\d{3}; HttpOnly; SameSite=Lax$/,
    );
    assert.match((await browser.get('/security/tokens')).text, /Signed in as <strong>mia/);
  }
});

test('whoever is not signed in is sent to the page and back', async () => {
  const browser = aBrowser();
  const sent = await browser.get('/security/tokens');
  assert.deepEqual([sent.status, sent.to], [303, '/login?ref=%2Fsecurity%2Ftokens']);
  const page = await browser.get(sent.to!);
  assert.match(page.text, /name="ref" value="&#47;?|name="ref" value="\/security\/tokens"/);
  assert.equal(
    (await browser.signIn('mia', 'mia password', { ref: '/security/tokens' })).to,
    '/security/tokens',
  );
  assert.equal((await browser.get('/login?ref=/security/tokens')).to, '/security/tokens');
});

test('no ref leads to another server', async () => {
  for (const ref of [
    '//evil.example',
    'https://evil.example',
    '/\\evil.example',
    Buffer.from('//evil.example').toString('base64url'),
  ]) {
    assert.equal((await aBrowser().signIn('mia', 'mia password', { ref })).to, '/dashboard', ref);
  }
});

test('a wrong password and an unknown name get the same page, and what was typed is text in it', async () => {
  const typed = '"><script>alert(1)</script>';
  const wrong = await aBrowser().signIn('mia', 'wrong');
  const unknown = await aBrowser().signIn(typed, 'wrong');
  assert.deepEqual([wrong.status, unknown.status], [401, 401]);
  assert.equal(wrong.headers.get('set-cookie'), null);
  assert.match(wrong.text, /role="alert"[^>]*><p>This did not work/);
  assert.match(unknown.text, /This did not work/);
  assert.doesNotMatch(unknown.text, /<script/);
});

test('a form that another site sends is refused, signed in or not', async () => {
  const browser = aBrowser();
  for (const headers of [
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { origin: 'null' },
  ] as Record<string, string>[]) {
    const answer = await browser.post('/login', { identifier: 'mia', password: 'mia password' }, headers);
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get('set-cookie'), null);
  }
  await browser.signIn();
  const key = await browser.formKey();
  assert.equal((await browser.post('/security/tokens', { name: 'x' })).status, 403);
  assert.equal(
    (await browser.post('/security/tokens', { name: 'x', form_key: `${key.slice(0, -1)}!` })).status,
    403,
  );
  assert.equal(
    (await browser.post('/security/tokens', { name: 'x', form_key: key }, { origin: 'https://evil.example' }))
      .status,
    403,
  );
  const other = aBrowser();
  await other.signIn();
  assert.equal(
    (await browser.post('/security/tokens', { name: 'x', form_key: await other.formKey() })).status,
    403,
  );
});

test('a token is made, told once, listed without its value, and revoked', async () => {
  const browser = aBrowser();
  await browser.signIn();
  const made = await browser.post('/security/tokens', {
    name: 'laptop <b>',
    purpose: 'work',
    form_key: await browser.formKey(),
  });
  assert.equal(made.status, 200);
  const value = shownValue(made.text);
  assert.match(value, /^l5_[a-z0-9]{52}$/);
  assert.equal((await core.tokens.verify(value, null, ['security'])).username, 'mia');
  const listed = await browser.get('/security/tokens');
  assert.ok(!listed.text.includes(value));
  assert.match(listed.text, /laptop &#60;b&#62;/);
  assert.ok(listed.text.includes(`…${value.slice(-4)}`));
  const { items } = await core.securityTokens.list(await core.callers.actingAs('mia', null, 't'), {
    shape: { id: 'uuid', suffix: 'suffix' },
    filters: [{ field: 'kind', anyOf: ['security'] }],
    sort: [],
    offset: 0,
    size: 10,
  });
  const [{ id }] = JSON.parse(items) as [{ id: string }];
  const revoked = await browser.post('/security/tokens/revoke', { id, form_key: await browser.formKey() });
  assert.match(revoked.text, /role="status"><p>Revoked/);
  await assert.rejects(core.tokens.verify(value, null, ['security']), { kind: 'unauthenticated' });
  assert.equal(
    (await browser.post('/security/tokens/revoke', { id, form_key: await browser.formKey() })).status,
    400,
  );
  assert.ok(!lines.join('\n').includes(value));
});

test('an API key is offered to those who may have one, and replaces the one before', async () => {
  const mia = aBrowser();
  await mia.signIn();
  assert.doesNotMatch((await mia.get('/security/tokens')).text, /API key<\/h2>/);
  assert.equal((await mia.post('/security/tokens/key', { form_key: await mia.formKey() })).status, 400);
  const boss = aBrowser();
  await boss.signIn(ADMIN.username, ADMIN.password);
  const first = shownValue(
    (await boss.post('/security/tokens/key', { form_key: await boss.formKey() })).text,
  );
  const second = shownValue(
    (await boss.post('/security/tokens/key', { form_key: await boss.formKey() })).text,
  );
  assert.match(second, /^[A-Za-z0-9]{51}$/);
  await assert.rejects(core.tokens.verify(first, null, ['key']));
  assert.equal((await core.tokens.verify(second, null, ['key'])).username, 'admin');
});

test('signing out ends this sign-in and no other; a client that wants JSON gets it', async () => {
  const browser = aBrowser();
  const other = aBrowser();
  await browser.signIn();
  await other.signIn();
  const before = browser.cookie;
  const out = await browser.get('/logout');
  assert.deepEqual([out.status, out.to], [302, '/login']);
  assert.equal(browser.cookie, 'provider_token=');
  assert.equal(
    (await api('/security/tokens', { cookie: before })).url,
    `${url}/login?ref=%2Fsecurity%2Ftokens`,
  );
  assert.equal((await other.get('/security/tokens')).status, 200);
  const json = await other.get('/logout', { accept: 'application/json' });
  assert.deepEqual([json.status, JSON.parse(json.text)], [200, { message: 'signed out' }]);
});

test('another server gets a token only where it is allowed by setting, or by the one who signs in', async () => {
  const source = (address: string) => Buffer.from(address).toString('base64url');
  const known = aBrowser();
  const errand = { source: source('http://meshery.example:9081'), ref: source('/extension') };
  const query = new URLSearchParams(errand).toString();
  const step = await known.signIn('mia', 'mia password', errand);
  assert.deepEqual(
    [step.status, step.to],
    [303, `/login?${new URLSearchParams({ ref: errand.ref, source: errand.source })}`],
  );
  const handed = await known.get(`/login?${query}`);
  assert.equal(handed.status, 302);
  const to = new URL(handed.to!);
  assert.equal(`${to.origin}${to.pathname}`, 'http://meshery.example:9081/api/user/token');
  assert.equal(to.searchParams.get('ref'), errand.ref);
  assert.equal((await core.tokens.verify(to.searchParams.get('token')!, null, ['security'])).username, 'mia');

  const stranger = { source: source('https://stranger.example') };
  const asked = await known.get(`/login?${new URLSearchParams(stranger)}`);
  assert.equal(asked.status, 200);
  assert.match(asked.text, /Allow stranger\.example\?/);
  assert.match(
    asked.headers.get('content-security-policy')!,
    /form-action 'self' https:\/\/stranger\.example/,
  );
  assert.equal((await known.post('/login/allow', stranger)).status, 403);
  const key = /name="form_key" value="([^"]+)"/.exec(asked.text)![1]!;
  const allowed = await known.post('/login/allow', { ...stranger, form_key: key });
  assert.match(allowed.to!, /^https:\/\/stranger\.example\/api\/user\/token\?token=l5_/);
  assert.equal((await known.get(`/login?source=${source('javascript:alert(1)')}`)).status, 400);
});

test('a second factor is set up, asked for, and switched off with the password', async () => {
  const browser = aBrowser();
  await browser.signIn();
  const offered = await browser.post('/security/second-factor', { form_key: await browser.formKey() });
  const secret = shownValue(offered.text).replaceAll(' ', '');
  assert.match(secret, /^[A-Z2-7]{32}$/);
  const code = (steps: number) =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + steps * 30_000 });
  const confirmed = await browser.post('/security/second-factor/confirm', {
    code: code(-1),
    form_key: await browser.formKey(),
  });
  assert.match(confirmed.text, /asks for a code/);
  const alone = await aBrowser().signIn();
  assert.equal(alone.status, 401);
  assert.match(alone.text, /one-time code of the moment/);
  assert.equal((await aBrowser().signIn('mia', 'mia password', { code: code(0) })).status, 303);
  const source = Buffer.from('http://meshery.example:9081').toString('base64url');
  const meshery = aBrowser();
  assert.equal((await meshery.signIn('mia', 'mia password', { source })).status, 401, 'for others too');
  const led = await meshery.signIn('mia', 'mia password', { source, code: code(1) });
  assert.equal(led.status, 303);
  assert.match(
    (await meshery.get(led.to!)).to!,
    /^http:\/\/meshery\.example:9081\/api\/user\/token\?token=l5_/,
  );
  const basic = `Basic ${Buffer.from('mia:mia password').toString('base64')}`;
  const refused = await api('/api/v3.1/status', { authorization: basic });
  assert.equal(refused.status, 401);
  assert.match(((await refused.json()) as { message: string }).message, /one-time code/);
  assert.equal(
    (
      await browser.post('/security/second-factor/disable', {
        current: 'wrong',
        form_key: await browser.formKey(),
      })
    ).status,
    400,
  );
  await browser.post('/security/second-factor/disable', {
    current: 'mia password',
    form_key: await browser.formKey(),
  });
  assert.equal((await aBrowser().signIn()).status, 303);
});

test('a new password ends the other sign-ins', async () => {
  const browser = aBrowser();
  const other = aBrowser();
  await browser.signIn();
  await other.signIn();
  const form_key = await browser.formKey();
  assert.equal(
    (await browser.post('/security/password', { current: 'wrong', fresh: 'mia password 2', form_key }))
      .status,
    400,
  );
  await browser.post('/security/password', { current: 'mia password', fresh: 'mia password 2', form_key });
  assert.equal((await other.get('/security/tokens')).status, 303);
  assert.equal((await browser.get('/security/tokens')).status, 200);
  assert.equal((await aBrowser().signIn('mia', 'mia password 2')).status, 303);
});

test('too many failures of an address are told with the time to wait', async () => {
  let last: Answer | undefined;
  for (let i = 0; i < 40; i++) last = await aBrowser().signIn(`nobody${i}`, 'wrong');
  assert.equal(last!.status, 429);
  assert.ok(Number(last!.headers.get('retry-after')) > 0);
});
