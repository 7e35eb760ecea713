/** What holds of every call, whatever it is about (specs: cloudbolt.md §1–4). */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ADMIN, aServer } from '../../support/a-server.js';
import { speaking } from './client.js';

const { url } = await aServer({ TZ: 'UTC' }, { selfService: true });
const admin = speaking(url, ADMIN);
const nobody = speaking(url, null);

/** Exactly these bytes of a path. */
function raw(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const authorization = `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`;
    const sent = httpRequest({ hostname, port, path, headers: { authorization, ...headers } }, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('paths and queries', () => {
  test('the root is exactly the sixteen collections of the document, here and one step up', async () => {
    const { body } = await admin.expect(200, 'GET', '/api/v2/');
    assert.equal(Object.keys(body).length, 16);
    for (const [name, path] of Object.entries(body)) assert.equal(path, `/api/v2/${name}/`);
    assert.deepEqual((await admin.expect(200, 'GET', '/api/')).body, body);
  });

  for (const path of [
    '/api/v2/groups',
    '/api/v2/groups/',
    '/api/v2/groups//',
    '/api/v2//groups/?',
    '/api/v2/groups/2',
    '/api/v2/groups//2//',
  ]) {
    test(`${path} is answered directly`, async () => assert.equal((await raw(path)).status, 200));
  }

  test('a POST to a path with a slash and an empty query is no redirect', async () => {
    await admin.expect(201, 'POST', '/api/v2/groups/?', { name: 'Slashes', type: 'Organization' });
  });

  test('semicolons, colons, plus signs and repeated parameters come as clients write them', async () => {
    const { status, body } = await raw(
      '/api/v2/blueprints/?page_size=1&page_size=7&nothing=1&filter=name:Custom+Server;is-orderable:1',
    );
    assert.equal(status, 200);
    const page = JSON.parse(body);
    assert.equal(page.total, 1);
    assert.match(page._links.self.href, /page_size=7/);
    const escaped = await raw('/api/v2/blueprints/?filter=name%3ACustom%20Server%3Bis-orderable%3Atrue');
    assert.equal(JSON.parse(escaped.body).total, 1);
  });

  test('a wrong method says which there are; a wrong path is not found, as JSON', async () => {
    const put = await admin.call('PUT', 'groups/2/', {});
    assert.equal(put.status, 405);
    assert.equal(put.body.error, 'Method "PUT" not allowed.');
    assert.match(put.headers.get('allow')!, /GET/);
    assert.equal((await admin.delete('groups/')).status, 405);
    for (const path of [
      'nothing',
      'groups/nothing',
      'groups/99999',
      'groups/GRP-zzzzzzzz',
      'environments/GRP-abcdefgh',
    ]) {
      const { status, body } = await admin.get(path);
      assert.equal(status, 404, path);
      assert.match(body.detail, /not found/i);
      assert.equal(body.status_code, 404);
    }
  });
});

describe('bodies', () => {
  test('an empty JSON body is no body, on any method', async () => {
    const { status } = await admin.call('DELETE', 'groups/99999', '');
    assert.equal(status, 404);
    const missing = await admin.call('POST', 'groups/', '');
    assert.equal(missing.status, 400);
    assert.match(missing.body.error, /'name'/);
  });

  test('what is no JSON object is refused by name', async () => {
    for (const body of ['{', '[]', '7', '"x"'])
      assert.equal((await admin.call('POST', 'groups/', body)).status, 400, body);
  });

  test('gzip is told by its bytes, not by its header', async () => {
    const claimed = await admin.call(
      'POST',
      'groups/',
      JSON.stringify({ name: 'No gzip', type: 'Organization' }),
      {
        'content-encoding': 'gzip',
      },
    );
    assert.equal(claimed.status, 201);
    const zipped = await fetch(`${url}/api/v2/groups/`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: new Uint8Array(gzipSync(JSON.stringify({ name: 'Gzip', type: 'Organization' }))),
    });
    assert.equal(zipped.status, 201);
  });

  test('links come relative or absolute, by number or Global ID; false may be a text', async () => {
    const { body: parent } = await admin.get('groups/2');
    for (const [at, href] of [
      '/api/v2/groups/2',
      'https://elsewhere/api/v2/groups/2/',
      `/api/v2/groups/${parent['global-id']}/`,
    ].entries()) {
      const { body } = await admin.expect(201, 'POST', 'groups', {
        name: `Below ${at}`,
        type: 'Organization',
        parent: href,
        auto_approval: 'False',
        description: null,
      });
      assert.equal(body._links.parent.href, '/api/v2/groups/2');
      assert.equal(body['auto-approval'], false);
    }
    const wrong = await admin.post('groups', {
      name: 'x',
      type: 'Organization',
      parent: '/api/v2/environments/1',
    });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.error, /'parent'/);
  });
});

describe('answers', () => {
  test('the media type is HAL, unless plain JSON is asked for', async () => {
    const type = async (accept: string) => {
      const answer = await admin.call('GET', 'groups/', undefined, { accept });
      return answer.headers.get('content-type')!.split(';')[0];
    };
    assert.equal(await type('*/*'), 'application/hal+json');
    assert.equal(await type('Application/json'), 'application/json');
    assert.equal(await type('application/hal+json, application/json'), 'application/hal+json');
  });

  test('keys come in the order that line-oriented clients count on', async () => {
    const { text, body } = await admin.get('groups/?page_size=1');
    assert.deepEqual(Object.keys(body), ['_links', 'total', 'count', '_embedded']);
    assert.match(
      text,
      /^\{"_links":\{"self":\{"href":"\/api\/v2\/groups\/\?page=1&page_size=1","title":"List of Groups - Page 1 of \d+"\}/,
    );
    assert.deepEqual(Object.keys(body._embedded[0]), ['_links', 'name', 'id']);
    assert.equal(typeof body._embedded[0].id, 'string');
    assert.equal(text.match(/"href"/g)!.length, 1 + 1 + ('next' in body._links ? 1 : 0));
  });
});

describe('pages', () => {
  test('next and previous are there only where there is such a page, and keep what was asked', async () => {
    const path = 'groups/?page_size=2&filter=name.startswith:Page&attributes=type';
    for (const nth of [1, 2, 3, 4, 5])
      await admin.expect(201, 'POST', 'groups', { name: `Page ${nth}`, type: 'Organization' });
    const first = (await admin.expect(200, 'GET', path)).body;
    assert.equal(first.total, 5);
    assert.equal(first.count, 2);
    assert.equal('previous' in first._links, false);
    assert.equal(
      first._links.next.href,
      '/api/v2/groups?page=2&page_size=2&filter=name.startswith:Page&attributes=type',
    );
    const second = (await admin.expect(200, 'GET', first._links.next.href)).body;
    assert.equal(second._links.self.title, 'List of Groups - Page 2 of 3');
    assert.equal(second._embedded[0].name, 'Page 3');
    assert.equal(second._embedded[0].type, 'Organization');
    const last = (await admin.expect(200, 'GET', second._links.next.href)).body;
    assert.deepEqual(
      [last.count, 'next' in last._links, last._links.previous.title],
      [1, false, 'Previous page'],
    );
    assert.equal((await admin.get('groups/?page=4&page_size=2&filter=name.startswith:Page')).status, 404);
  });

  test('a size that is none means ten, and more than a hundred means a hundred', async () => {
    for (const [given, size] of [
      ['x', undefined],
      ['0', undefined],
      ['100000', 100],
    ] as const) {
      const { body } = await admin.expect(200, 'GET', `users/?page_size=${given}`);
      assert.match(body._links.self.href, new RegExp(`page_size=${size ?? 10}$`));
    }
  });

  test('a list without anything has one page', async () => {
    const { body } = await admin.expect(200, 'GET', 'rules/');
    assert.equal(body._links.self.title, 'List of Rules - Page 1 of 1');
    assert.deepEqual([body.total, body.count, body._embedded], [0, 0, []]);
  });
});

describe('filter', () => {
  const names = async (filter: string) => {
    const { body } = await admin.expect(200, 'GET', `os-builds/?filter=${encodeURIComponent(filter)}`);
    return body._embedded.map((each: { id: string }) => Number(each.id));
  };
  for (const [filter, found] of [
    ['name:LOCAL LINUX', [1]],
    ['name.exact:local linux', [1]],
    ['name.contains:Linux', [1, 2]],
    ['name.contains:linux', []],
    ['name.icontains:linux', [1, 2]],
    // Characters of patterns mean themselves.
    ['name.contains:%', []],
    ['name.icontains:l_nux', []],
    ['name.startswith:\\', []],
    ['name.endswith:_', []],
    ['name.startswith:Local', [1, 2]],
    ['name.istartswith:lOCAL', [1, 2]],
    ['name.endswith:Minimal', [2]],
    ['name.iendswith:MINIMAL', [2]],
    ['name.regex:^Local L[a-z]+$', [1]],
    ['name.iregex:minimal$', [2]],
    ['id.gt:1', [2]],
    ['id.gte:1;id.lt:2', [1]],
    ['id.lte:1', [1]],
    ['pk:2;;', [2]],
    ['name.isnull:0', [1, 2]],
    ['name.isnull:True', []],
    [`create-date.year:${new Date().getFullYear()}`, [1, 2]],
    ['create-date.year:1999', []],
    ['create-date.gt:2014-03-13T14:26:41', [1, 2]],
    ['create-date.lt:2014-03-13', []],
    ['name__icontains:minimal', [2]],
  ] as const) {
    test(`${filter} finds ${found.join(', ') || 'nothing'}`, async () =>
      assert.deepEqual(await names(filter), found));
  }

  for (const filter of [
    'foo:1',
    'name.foo:1',
    'name.in:1',
    'id:x',
    'create-date:yesterday',
    'create-date:2014-02-31',
    'create-date.contains:2014',
    'name',
    'name.regex:(',
    'name.regex:(a)\\1',
    `name.regex:${'a'.repeat(300)}`,
    'tenant_id:1',
  ]) {
    test(`${filter.slice(0, 40)} is refused, never passed over`, async () => {
      const { status, body } = await admin.get(`os-builds/?filter=${encodeURIComponent(filter)}`);
      assert.equal(status, 400);
      assert.equal(body.status_code, 400);
    });
  }

  test('a relation is filtered by number and by Global ID, and shown by its title', async () => {
    const { body: type } = await admin.get('resource-types/1');
    for (const value of ['1', type['global-id']]) {
      const { body } = await admin.expect(
        200,
        'GET',
        `blueprints/?filter=resource-type:${value}&attributes=resource-type,resource_type.name`,
      );
      assert.deepEqual(
        body._embedded.map((each: Record<string, string>) => [
          each.name,
          each['resource-type'],
          each['resource_type.name'],
        ]),
        [['Web Service', 'Service', 'service']],
      );
    }
    const words = await admin.expect(200, 'GET', 'actions/?filter=type:remote script&attributes=type');
    assert.equal(words.body.total, 2);
    assert.equal(words.body._embedded[0].type, 'Remote Script');
  });

  test('an attribute that is not known is refused; a missing value is null', async () => {
    assert.equal((await admin.get('users/?attributes=password_hash')).status, 400);
    const { body } = await admin.expect(200, 'GET', 'groups/2?attributes=parent.name,create-date');
    assert.equal(body['parent.name'], null);
    assert.match(body['create-date'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?$/);
  });
});

describe('signing in', () => {
  test('a token is one key, and good for every call, in any case of the word Bearer', async () => {
    const { body, headers } = await nobody.expect(200, 'POST', 'api-token-auth/?', ADMIN);
    assert.deepEqual(Object.keys(body), ['token']);
    assert.match(headers.get('content-type')!, /^application\/json/);
    const payload = JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString());
    assert.deepEqual([payload.user_id, payload.username, typeof payload.email], [1, 'admin', 'string']);
    assert.ok(payload.exp - Date.now() / 1000 <= 300);
    for (const word of ['Bearer', 'bearer', 'BEARER']) {
      const { status } = await nobody.call('GET', 'user/', undefined, {
        authorization: `${word} ${body.token}`,
      });
      assert.equal(status, 200);
    }
  });

  test('forms are taken too, and a stale credential beside them is passed over', async () => {
    const form = await nobody.call('POST', 'api-token-auth', new URLSearchParams(ADMIN).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: 'Bearer stale',
    });
    assert.equal(form.status, 200);
    const data = new FormData();
    for (const [name, value] of Object.entries(ADMIN)) data.set(name, value);
    assert.equal((await fetch(`${url}/api/v2/api-token-auth/`, { method: 'POST', body: data })).status, 200);
  });

  test('whatever is wrong, the refusal is the same; what is missing is named', async () => {
    const attempts = [
      { ...ADMIN, password: 'wrong' },
      { username: 'nobody-here', password: 'x' },
      { ...ADMIN, domain: 'nowhere.example' },
    ];
    const texts = new Set<string>();
    for (const attempt of attempts) {
      const { status, body } = await nobody.post('api-token-auth/', attempt);
      assert.equal(status, 400);
      assert.equal('token' in body, false);
      texts.add(body.detail);
    }
    assert.deepEqual([...texts], ['Unable to log in with provided credentials.']);
    assert.match((await nobody.post('api-token-auth/', { username: 'admin' })).body.error, /'password'/);
  });

  test('no, broken and foreign credentials are 401 with the challenge', async () => {
    for (const authorization of [
      undefined,
      'Bearer x',
      'Bearer eyJhbGciOiJub25lIn0.e30.AA',
      'Basic !!',
      'Digest x',
      'Bearer',
    ]) {
      const { status, headers, body } = await nobody.call(
        'GET',
        'groups/',
        undefined,
        authorization === undefined ? {} : { authorization },
      );
      assert.equal(status, 401, String(authorization));
      assert.equal(headers.get('www-authenticate'), 'Bearer realm="api", Basic realm="api"');
      assert.equal(body.status_code, 401);
    }
  });

  test('who may not use the API gets no token, and a token ends with that right', async () => {
    const person = { username: 'keyless', password: 'keyless-password' };
    await admin.expect(201, 'POST', 'users/', { ...person, 'api-access': 'false' });
    assert.equal((await nobody.post('api-token-auth/', person)).status, 400);
  });
});
