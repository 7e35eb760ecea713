import assert from 'node:assert/strict';
import { isPage } from './identity-rows.js';
import { type Row, row, type World } from './row.js';

const things = { environments: 'environment', teams: 'team', designs: 'design', views: 'view' } as const;

export const WORKSPACE_ROWS: readonly Row[] = [
  row('GET /api/workspaces', 'viewer', 200, '/api/workspaces', isPage('workspaces')),
  row(
    'POST /api/workspaces',
    'user',
    201,
    ({ org }) => ({ path: '/api/workspaces', body: { name: 'w', organization_id: org } }),
    (json, { org }) => assert.equal(json.organization_id, org),
  ),
  row('GET /api/workspaces/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/workspaces/${await make.workspace()}`,
  })),
  row(
    'PUT /api/workspaces/:id',
    'user',
    200,
    async ({ make }) => ({ path: `/api/workspaces/${await make.workspace()}`, body: { description: 'd' } }),
    (json) => assert.equal(json.description, 'd'),
  ),
  row('DELETE /api/workspaces/:id', 'user', 204, async ({ make }) => ({
    path: `/api/workspaces/${await make.workspace()}`,
  })),
  ...(Object.keys(things) as (keyof typeof things)[]).flatMap((items): Row[] => {
    const thing = things[items];
    const path = async ({ make }: World) => `/api/workspaces/${await make.workspace()}/${items}`;
    const route = `/api/workspaces/:id/${items}`;
    return [
      row(
        `GET ${route}`,
        'viewer',
        200,
        async (world) => ({ path: `${await path(world)}?filter={"assigned":false}` }),
        isPage(items),
      ),
      row(
        `POST ${route}/:${thing}Id`,
        'user',
        200,
        async (world) => ({ path: `${await path(world)}/${await world.make[thing]()}` }),
        (json) => {
          isPage(`workspaces_${items}_mapping`)(json);
          assert.ok(json[`workspaces_${items}_mapping`]![0]!.workspace_id);
        },
      ),
      row(`DELETE ${route}/:${thing}Id`, 'user', 204, async (world) => {
        const at = `${await path(world)}/${await world.make[thing]()}`;
        await world.ask('POST', at);
        return { path: at };
      }),
    ];
  }),
  row(
    'GET /api/workspaces/:id/events',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/workspaces/${await make.workspace()}/events` }),
    isPage('data'),
  ),
  row(
    'GET /api/environments',
    'viewer',
    200,
    ({ org }) => ({ path: `/api/environments?orgID=${org}` }),
    isPage('environments'),
  ),
  row(
    'POST /api/environments',
    'user',
    201,
    ({ org }) => ({ path: '/api/environments', body: { name: 'e', organization_id: org } }),
    (json) => assert.equal(json.environments![0]!.id, json.id),
  ),
  row(
    'GET /api/environments/:id',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/environments/${await make.environment()}` }),
    (json) => assert.equal(json.environments![0]!.id, json.id),
  ),
  row(
    'PUT /api/environments/:id',
    'user',
    200,
    async ({ make }) => ({ path: `/api/environments/${await make.environment()}`, body: { name: 'f' } }),
    (json) => assert.equal(json.name, 'f'),
  ),
  row('DELETE /api/environments/:id', 'user', 204, async ({ make }) => ({
    path: `/api/environments/${await make.environment()}`,
  })),
  row(
    'GET /api/environments/:id/connections',
    'viewer',
    200,
    async ({ make }) => ({ path: `/api/environments/${await make.environment()}/connections` }),
    isPage('connections'),
  ),
  row(
    'POST /api/environments/:id/connections/:connectionId',
    'user',
    200,
    async ({ make }) => ({
      path: `/api/environments/${await make.environment()}/connections/${await make.connection()}`,
    }),
    isPage('environments_connections_mapping'),
  ),
  row('DELETE /api/environments/:id/connections/:connectionId', 'user', 204, async ({ make, ask }) => {
    const path = `/api/environments/${await make.environment()}/connections/${await make.connection()}`;
    await ask('POST', path);
    return { path };
  }),
  row(
    'GET /api/integrations/connections',
    'viewer',
    200,
    '/api/integrations/connections?kind=kubernetes,aws',
    (json) => {
      isPage('connections')(json);
      assert.ok(json.status_summary);
    },
  ),
  row(
    'POST /api/integrations/connections',
    'manager',
    201,
    () => ({
      path: '/api/integrations/connections',
      body: { name: 'c', kind: 'kubernetes', credential_secret: { token: 'canary' } },
    }),
    (json, _world, { text }) => {
      assert.equal(json.connections![0]!.id, json.id);
      assert.ok(json.credential_id);
      assert.ok(!text.includes('canary'));
    },
  ),
  row('GET /api/integrations/connections/:id', 'viewer', 200, async ({ make }) => ({
    path: `/api/integrations/connections/${await make.connection()}`,
  })),
  row(
    'PUT /api/integrations/connections/:id',
    'manager',
    200,
    async ({ make }) => ({
      path: `/api/integrations/connections/${await make.connection()}`,
      body: { status: 'connected' },
    }),
    (json) => assert.equal(json.status, 'connected'),
  ),
  row(
    'DELETE /api/integrations/connections/:id',
    'manager',
    200,
    async ({ make }) => ({ path: `/api/integrations/connections/${await make.connection()}` }),
    (json) => assert.equal(json.status, 'deleted'),
  ),
  row('DELETE /api/integrations/connections/meshery/:serverId', 'manager', 200, async ({ ask }) => {
    const id = crypto.randomUUID();
    await ask('POST', '/api/integrations/connections', {
      body: { name: 'm', kind: 'meshery', metadata: { instance_id: id } },
    });
    return { path: `/api/integrations/connections/meshery/${id}` };
  }),
  row(
    'GET /api/integrations/connections/kubernetes/:id/context',
    'viewer',
    200,
    async ({ make }) => ({
      path: `/api/integrations/connections/kubernetes/${await make.connection()}/context`,
    }),
    isPage('contexts'),
  ),
  ...['/api/integrations/credentials', '/api/system/user/credentials'].flatMap((root) => [
    row(`GET ${root}`, 'self', 200, root, (json, _world, { text }) => {
      isPage('credentials')(json);
      assert.ok(!text.includes('canary'));
    }),
    row(
      `POST ${root}`,
      'self',
      201,
      () => ({ path: root, body: { name: 'c', type: 'token', secret: { word: 'canary' } } }),
      (json) => assert.deepEqual(json.secret, {}),
    ),
    row(
      `PUT ${root}`,
      'self',
      200,
      async ({ make }, who) => ({ path: root, body: { id: await make.credential(alone(who)), name: 'd' } }),
      (json) => assert.equal(json.name, 'd'),
    ),
    row(`DELETE ${root}`, 'self', 200, async ({ make }, who) => ({
      path: `${root}?credential_id=${await make.credential(alone(who))}`,
    })),
  ]),
  row(
    'GET /api/integrations/credentials/:id',
    'self',
    200,
    async ({ make }, who) => ({ path: `/api/integrations/credentials/${await make.credential(alone(who))}` }),
    (json) => assert.deepEqual(json.secret, { word: 'canary' }),
  ),
  ...['/api/events', '/events'].flatMap((root) => [
    row(
      `POST ${root}`,
      'viewer',
      200,
      () => ({
        path: root,
        body: { category: 'c', action: 'a', severity: 'error', metadata: { some_key: 1 } },
        headers: { systemid: crypto.randomUUID() },
      }),
      (json) => {
        assert.deepEqual(json.metadata, { some_key: 1 });
        assert.ok(json.system_id);
      },
    ),
    row(
      `POST ${root}/delete`,
      'viewer',
      200,
      async ({ make }, who) => ({ path: `${root}/delete`, body: { ids: [await make.event(inside(who))] } }),
      (json) => assert.equal((json.deleted as unknown as unknown[]).length, 1),
    ),
    row(
      `PUT ${root}/status`,
      'viewer',
      200,
      async ({ make }, who) => ({
        path: `${root}/status`,
        body: { ids: [await make.event(inside(who))], status: 'read' },
      }),
      (json) => assert.equal((json.updated as unknown as unknown[]).length, 1),
    ),
    row(
      `PUT ${root}/:id/status`,
      'viewer',
      200,
      async ({ make }, who) => ({
        path: `${root}/${await make.event(inside(who))}/status`,
        body: { status: 'read' },
      }),
      (json) => assert.equal(json.status, 'read'),
    ),
    row(`DELETE ${root}/:id`, 'viewer', 200, async ({ make }, who) => ({
      path: `${root}/${await make.event(inside(who))}`,
    })),
  ]),
  row(
    'DELETE /api/events',
    'viewer',
    200,
    async ({ make }, who) => ({ path: '/api/events', body: { ids: [await make.event(inside(who))] } }),
    (json) => assert.equal((json.deleted as unknown as unknown[]).length, 1),
  ),
  row('GET /api/events/list', 'viewer', 200, '/api/events/list?order=%20', (json) => {
    isPage('data')(json);
    assert.ok(Array.isArray(json.count_by_severity_level));
  }),
  row('GET /api/events/types', 'viewer', 200, '/api/events/types', (json) => assert.ok(Array.isArray(json))),
  row('GET /api/events', 'viewer', 200, '/api/events?cumulative=true', (json) =>
    assert.equal(typeof json.audit, 'number'),
  ),
  row('GET /api/events/summary', 'viewer', 200, '/api/events/summary', isPage('data')),
];

type Someone = World['people']['user'];
/** Those who are not in the organization cannot make things there. */
function inside(who: Someone): Someone | undefined {
  return who.email.startsWith('outsider') ? undefined : who;
}
/** A credential is somebody's own, wherever they act. */
function alone(who: Someone): Someone | undefined {
  return inside(who);
}
