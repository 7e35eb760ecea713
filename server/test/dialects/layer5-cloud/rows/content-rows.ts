import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { isPage } from './identity-rows.js';
import { type Row, row } from './row.js';

const manifest = Buffer.from('apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n').toString('base64');

const contents = (['patterns', 'filters'] as const).flatMap((items): Row[] => {
  const root = `/api/content/${items}`;
  const kind = items === 'patterns' ? 'design' : 'filter';
  const body =
    items === 'patterns'
      ? { pattern_data: { name: 'n', pattern_file: '...' }, save: true }
      : { filter_data: { name: 'n', filter_file: 'YQ==' } };
  return [
    row(`GET ${root}`, 'viewer', 200, `${root}?populate=true`, isPage(items)),
    row(
      `POST ${root}`,
      'user',
      200,
      () => ({ path: root, body }),
      (json) => assert.ok(Array.isArray(json) && json.length === 1),
    ),
    row(
      `POST ${root}/delete`,
      'user',
      200,
      async ({ make }, who) => ({
        path: `${root}/delete`,
        body: { [items]: [{ id: await make[kind](rightful(who)) }] },
      }),
      (json) => assert.equal(json.total_count, 1),
    ),
    row(
      `DELETE ${root}`,
      'user',
      200,
      async ({ make }, who) => ({ path: root, body: { [items]: [{ id: await make[kind](rightful(who)) }] } }),
      (json) => assert.equal(json.total_count, 1),
    ),
    row(
      `GET ${root}/:id`,
      'viewer',
      200,
      async ({ make }) => ({ path: `${root}/${await make[kind]()}` }),
      (json) => {
        assert.equal(json.view_count, 1);
        assert.ok(!('type' in json));
      },
    ),
    row(
      `DELETE ${root}/:id`,
      'user',
      200,
      async ({ make }, who) => ({ path: `${root}/${await make[kind](rightful(who))}` }),
      (json) => assert.ok(json.id),
    ),
    row(
      `POST ${root}/clone/:id`,
      'user',
      200,
      async ({ make }) => ({ path: `${root}/clone/${await make[kind]()}` }),
      (json, { people }) => {
        assert.match(String(json.name), / \(Copy\)$/);
        assert.deepEqual([json.visibility, json.user_id], ['private', people.user.id]);
      },
    ),
    row(`POST ${root}/upload/:id`, 'user', 200, async ({ make }, who) => ({
      path: `${root}/upload/${await make[kind](rightful(who))}`,
      body: Buffer.from([1, 2, 0, 255]),
      headers: { 'content-type': 'application/x-tar' },
    })),
  ];
  /** Whose thing it is: of those who may make one. */
  function rightful<Person extends { readonly email: string }>(who: Person): Person | undefined {
    return /^(user|manager)@/.test(who.email) ? who : undefined;
  }
});

const mine = <Person extends { readonly email: string }>(who: Person): Person | undefined =>
  /^(user|manager)@/.test(who.email) ? who : undefined;

export const CONTENT_ROWS: readonly Row[] = [
  row(
    'POST /api/pattern',
    'user',
    200,
    () => ({ path: '/api/pattern', body: { name: 'my-design', pattern_file: '...' } }),
    (json) =>
      assert.deepEqual(
        [json[0]!.name, json[0]!.pattern_file, json[0]!.visibility],
        ['my-design', '...', 'private'],
      ),
  ),
  row('GET /api/pattern', 'viewer', 200, '/api/pattern', isPage('patterns')),
  row('GET /api/pattern/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/pattern/${await make.design()}`,
  })),
  row('DELETE /api/pattern/:id', 'user', 200, async ({ make }, who) => ({
    path: `/api/pattern/${await make.design(mine(who))}`,
  })),
  ...contents,
  row(
    'PUT /api/content/filters/:id',
    'user',
    200,
    async ({ make }, who) => ({
      path: `/api/content/filters/${await make.filter(mine(who))}`,
      body: { name: 'renamed' },
    }),
    (json) => assert.equal(json.name, 'renamed'),
  ),
  row(
    'GET /api/content/patterns/download/:id',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/content/patterns/download/${await make.design()}` }),
    (_json, _world, { text, headers }) => {
      assert.equal(text, 'name: canary');
      assert.match(headers.get('content-disposition') ?? '', /^attachment/);
    },
  ),
  row(
    'GET /api/content/filters/download/:id',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/content/filters/download/${await make.filter()}` }),
    (_json, _world, { text }) => assert.equal(text, 'a'),
  ),
  row(
    'POST /api/pattern/import',
    'user',
    200,
    () => ({ path: '/api/pattern/import', body: { file: manifest, fileName: 'shop.yaml' } }),
    (json) => assert.deepEqual([json[0]!.name, json[0]!.design_type], ['shop', 'Kubernetes Manifest']),
  ),
  row(
    'GET /api/content/patterns/resource',
    'viewer',
    200,
    '/api/content/patterns/resource',
    isPage('resources'),
  ),
  row(
    'POST /api/content/patterns/resource',
    'user',
    200,
    () => ({ path: '/api/content/patterns/resource', body: { name: 'r', oam_type: 'workload' } }),
    (json) => assert.equal(json.oam_type, 'workload'),
  ),
  row('GET /api/content/patterns/resource/:id', 'user', 200, async ({ make }, who) => ({
    path: `/api/content/patterns/resource/${await make.resource(mine(who))}`,
  })),
  row(
    'DELETE /api/content/patterns/resource/:id',
    'user',
    200,
    async ({ make }, who) => ({ path: `/api/content/patterns/resource/${await make.resource(mine(who))}` }),
    (json) => assert.equal(json.deleted, true),
  ),
  row('POST /api/content/design/share', 'user', 200, async ({ make, people }, who) => ({
    path: '/api/content/design/share',
    body: {
      content_id: await make.design(mine(who)),
      content_type: 'pattern',
      emails: [people.outsider.email],
      share: true,
    },
  })),
  row('POST /api/content/view/share', 'user', 200, async ({ make, people }, who) => ({
    path: '/api/content/view/share',
    body: { content_id: await make.view(mine(who)), emails: [people.outsider.email], share: true },
  })),
  row('POST /api/resource/:resourceType/share/:resourceId', 'user', 200, async ({ make, people }, who) => ({
    path: `/api/resource/pattern/share/${await make.design(mine(who))}`,
    body: { grant: [{ actor_id: people.outsider.id, actor_type: 'user', roles: ['viewer'] }], revoke: [] },
  })),
  row(
    'GET /api/resource/:resourceType/share/:resourceId/:actorType',
    'user',
    200,
    async ({ make }, who) => ({ path: `/api/resource/pattern/share/${await make.design(mine(who))}/user` }),
    (json) => assert.deepEqual(json.users, []),
  ),
  row(
    'POST /api/catalog/content/:type',
    'user',
    200,
    async ({ make }, who) => ({
      path: '/api/catalog/content/pattern',
      body: {
        id: await make.design(mine(who)),
        catalog_data: { pattern_info: 'x', type: 'Deployment', compatibility: ['kubernetes'] },
      },
    }),
    (json) => assert.equal(json.status, 'pending'),
  ),
  row(
    'GET /api/catalog/requests',
    'viewer',
    200,
    '/api/catalog/requests?filter={"status":["pending"]}',
    isPage('catalog_requests'),
  ),
  row(
    'POST /api/catalog/requests/approve',
    'manager',
    200,
    async ({ make }) => ({ path: '/api/catalog/requests/approve', body: { id: await make.request() } }),
    (json) => assert.equal(json.status, 'approved'),
  ),
  row(
    'POST /api/catalog/requests/deny',
    'manager',
    200,
    async ({ make }) => ({ path: '/api/catalog/requests/deny', body: { requestId: await make.request() } }),
    (json) => assert.equal(json.status, 'denied'),
  ),
  row('GET /api/catalog/content/:type', 'open', 200, '/api/catalog/content/pattern', isPage('patterns')),
  row('GET /api/catalog/content/classes', 'open', 200, '/api/catalog/content/classes', (json) =>
    assert.ok(Array.isArray(json)),
  ),
  ...(['DELETE /api/catalog/content/:type', 'POST /api/catalog/content/:type/unpublish'] as const).map(
    (route) =>
      row(route, 'manager', 200, async ({ make, ask }) => {
        const { json } = await ask('POST', '/api/catalog/requests/approve', {
          body: { id: await make.request() },
        });
        return {
          path: `/api/catalog/content/pattern${route.startsWith('POST') ? '/unpublish' : ''}`,
          body: { id: json.content_id },
        };
      }),
  ),
  row('GET /api/content/views', 'viewer', 200, '/api/content/views', isPage('views')),
  row(
    'POST /api/content/views',
    'user',
    201,
    () => ({ path: '/api/content/views', body: { name: 'v', filters: { some_key: 1 } } }),
    (json) => assert.deepEqual(json.filters, { some_key: 1 }),
  ),
  row('GET /api/content/views/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/content/views/${await make.view()}`,
  })),
  row(
    'PUT /api/content/views/:id',
    'user',
    200,
    async ({ make }, who) => ({
      path: `/api/content/views/${await make.view(mine(who))}`,
      body: { name: 'w' },
    }),
    (json) => assert.equal(json.name, 'w'),
  ),
  row('DELETE /api/content/views/:id', 'user', 204, async ({ make }, who) => ({
    path: `/api/content/views/${await make.view(mine(who))}`,
  })),
  ...(['cirricula', 'curricula', 'Curricula'] as const).flatMap((word) => [
    row(`GET /api/academy/${word}`, 'viewer', 200, `/api/academy/${word}`, (json) => {
      assert.equal(typeof json.total, 'number');
      for (const item of json.data as unknown as { registration_count: unknown }[])
        assert.ok(Number.isInteger(item.registration_count));
    }),
    row(`GET /api/academy/${word}/registered`, 'viewer', 200, `/api/academy/${word}/registered`, (json) =>
      assert.ok(Array.isArray(json.data)),
    ),
  ]),
  ...(['cirricula', 'curricula'] as const).map((word) =>
    row(
      `POST /api/academy/${word}`,
      'manager',
      201,
      ({ org }) => ({
        path: `/api/academy/${word}`,
        body: { type: 'challenge', title: `t ${randomUUID()}`, orgId: org },
      }),
      (json) => assert.equal(json.registration_count, 0),
    ),
  ),
  row('GET /api/academy/curricula/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/academy/curricula/${await make.curriculum()}`,
  })),
  row(
    'PUT /api/academy/curricula/:id',
    'manager',
    200,
    async ({ make }) => ({
      path: `/api/academy/curricula/${await make.curriculum()}`,
      body: { level: 'advanced' },
    }),
    (json) => assert.equal(json.level, 'advanced'),
  ),
  row('DELETE /api/academy/curricula/:id', 'manager', 204, async ({ make }) => ({
    path: `/api/academy/curricula/${await make.curriculum()}`,
  })),
  row('GET /api/academy/:type/:orgId/:slug', 'viewer', 200, async ({ make, ask, org }) => {
    const { json } = await ask('GET', `/api/academy/curricula/${await make.curriculum()}`);
    return { path: `/api/academy/learning-paths/${org}/${json.slug}` };
  }),
  row(
    'POST /api/academy/register',
    'viewer',
    201,
    async ({ make }) => ({ path: '/api/academy/register', body: { contentId: await make.curriculum() } }),
    (json) => assert.equal(json.status, 'registered'),
  ),
  row('GET /api/academy/registrations/:contentId', 'viewer', 200, async ({ make, org }, who) => {
    const id = await make.curriculum();
    await who.ask('POST', '/api/academy/register', { org, body: { contentId: id } });
    return { path: `/api/academy/registrations/${id}` };
  }),
  row(
    'POST /api/academy/curricula/registrations/:registrationId/withdraw',
    'viewer',
    200,
    async ({ make, org }, who) => {
      const { json } = await who.ask('POST', '/api/academy/register', {
        org,
        body: { contentId: await make.curriculum() },
      });
      return { path: `/api/academy/curricula/registrations/${json.id ?? randomUUID()}/withdraw` };
    },
    (json) => assert.equal(json.status, 'withdrawn'),
  ),
  row('GET /api/academy/admin/summary', 'manager', 200, '/api/academy/admin/summary', (json) =>
    assert.equal(typeof json.total_registrations, 'number'),
  ),
  row(
    'GET /api/academy/admin/registrations',
    'manager',
    200,
    '/api/academy/admin/registrations',
    isPage('data'),
  ),
];
