/** Nothing of one organisation is seen, counted or changed from another: every route, from next door. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aDomain, stateOf } from './a-domain.js';
import { ROWS } from './access.rows.js';
import { servedRoutes } from './served-routes.js';

const MARK = 'alfa';
const domain = await aDomain();
const { ask, neighbour, orgAdmin } = domain;
const marked = await domain.cloud(orgAdmin, `${MARK}-cloud`, stateOf(`${MARK}-web`));
await ask('POST', '/v2/public/badges/create', {
  key: orgAdmin.key,
  body: { target_resource_ids: [`divvyorganizationservice:${marked}`], badges: [{ key: MARK, value: MARK }] },
});

/** Everything of the first organisation that its neighbour might touch. */
async function everything(): Promise<string> {
  const tables = [
    'cloud_accounts',
    'badges',
    'inventory_resources',
    'cloud_account_regions',
    'harvests',
    'harvest_strategies',
  ];
  const rows = [];
  for (const table of tables) {
    const { rows: found } = await domain.server.pool.query(
      `select to_jsonb(t) as row from ${table} t where tenant_id = (select id from tenants where name = 'default_tenant') order by 1`,
    );
    rows.push(...found);
  }
  const { rows: users } = await domain.server.pool.query(
    `select u.id, u.username, u.display_name, u.system_role, u.console_denied, tu.role from users u
     join tenant_users tu on tu.user_id = u.id join tenants t on t.id = tu.tenant_id
     where t.name = 'default_tenant' order by u.id`,
  );
  return JSON.stringify([...rows, ...users]);
}

/** What their own organisation answers to them, or what concerns nobody else. */
const OWN = new Set([
  'POST /v2/public/user/login',
  'POST /v2/public/user/create',
  'POST /v2/public/user/create_api_only_user',
  'POST /v2/prototype/cloud/add',
  'POST /v2/harvestingstrategy/strategy',
]);

let fresh = 1000;
for (const { route } of await servedRoutes(domain.server.core)) {
  const row = ROWS[route];
  if (row === undefined) continue;
  test(`${route} from next door tells nothing and changes nothing`, async () => {
    fresh += 1;
    const { path, body } = await row.request(domain, fresh);
    const before = await everything();
    const [method = ''] = route.split(' ');
    const answer = await ask(method, path, { key: neighbour.key, ...(body === undefined ? {} : { body }) });
    assert.ok(answer.status < 500, answer.text);
    assert.ok(!answer.text.includes(MARK) && !answer.text.includes('Default Organization'), answer.text);
    if (!OWN.has(route)) {
      const told = JSON.stringify(answer.json?.error_message === undefined ? answer.json : null);
      for (const name of ['cloud-', 'somebody-', 'orgadmin', 'i-web']) assert.ok(!told.includes(name), told);
    }
    assert.equal(await everything(), before);
  });
}

test('figures of an organisation are of that organisation', async () => {
  const { organizations } = await domain.get(
    neighbour,
    'GET',
    '/v2/prototype/domain/organizations/detail/get',
  );
  assert.deepEqual(
    organizations.map((each: { name: string; clouds: number }) => [each.name, each.clouds]),
    [[domain.second.name, (await domain.get(neighbour, 'GET', '/v2/public/clouds/list')).total_count]],
  );
});
