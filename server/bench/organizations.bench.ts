/**
 * organizations --users 100000 --clients 10 --seconds 10: the list of organisations with their figures, asked over HTTP from the
 * real server process with an API key, as the vendor's documented sample does, on an installation with so many users.
 *
 * Limit: the same server telling who the key belongs to.
 */
import { load, serve } from './serving.js';
import { aStand, numbers, report } from './stand.js';

const given = numbers({ users: '100000', organizations: '10', clients: '1,10', seconds: '10' });
const users = given.users[0]!;
const organizations = given.organizations[0]!;
const stand = await aStand();
for (let number = 1; number < organizations; number += 1) {
  await stand.core.tenantProfiles.create(stand.admin, { title: `Organization ${number}` });
}
await stand.pool.query(
  `with made as (
     insert into users (username, system_role, email) select 'user' || n, 'member', 'user' || n || '@example.org'
     from generate_series(1, $1::integer) n returning id),
   houses as (select id, row_number() over (order by id) - 1 as place from tenants)
   insert into tenant_users (user_id, tenant_id, role)
   select made.id, houses.id, 'viewer' from made join houses on houses.place = made.id % $2`,
  [users, organizations],
);
for (let number = 0; number < 63; number += 1) {
  await stand.core.cloudAccounts.create(stand.admin, {
    name: `cloud ${number}`,
    kind: 'aws',
    signIn: 'import',
  });
}
await stand.pool.query('vacuum analyze');
const { value: key } = await stand.core.apiKeys.create(stand.admin, { id: stand.admin.userId });
const { child, url } = await serve(stand);
const headers = { 'api-key': key, 'accept-encoding': 'gzip' };
const told = (await (
  await fetch(`${url}/v2/prototype/domain/organizations/detail/get`, { headers })
).json()) as { organizations: { users: number; clouds: number }[] };
const sum = (member: 'users' | 'clouds') => told.organizations.reduce((all, each) => all + each[member], 0);
// The platform's own account may be there as well.
if (sum('users') !== users || sum('clouds') < 63)
  throw new Error(`the figures are wrong: ${JSON.stringify(told)}`);

const rows = [];
for (const clients of given.clients) {
  for (const [what, path] of [
    ['organisations with their figures', '/v2/prototype/domain/organizations/detail/get'],
    ['limit: who the key belongs to', '/v2/public/user/info'],
  ] as const) {
    await load({ url: url + path, headers, clients, seconds: 2 });
    const result = await load({ url: url + path, headers, clients, seconds: given.seconds[0]! });
    rows.push({
      request: what,
      clients,
      'requests/s': result.requests / result.seconds,
      'p50 ms': result.p50,
      'p99 ms': result.p99,
      failures: result.failures,
    });
  }
}
child.kill('SIGTERM');
await new Promise((resolve) => child.once('exit', resolve));
await stand.close();
report('organizations', rows, [
  `${users} users in ${organizations} organisations, 63 clouds; server, database and load share the cores`,
]);
