/**
 * servers --servers 100000 --clients 1,4 --seconds 3: pages of servers over CloudBolt's API, filtered and with attributes, from the
 * real server process, signed in by Basic on every call, while the load comes from another process on the same cores.
 *
 * The last two questions are a member's, who sees the servers of one group and 200 of their own.
 *
 * Limit: the same server answering what asks the database for the sign-in only. To hold: p99 of 50 ms.
 */
import { DEFAULT_TENANT } from '../src/identity/tenants.js';
import { foldServerTallies } from '../src/inventory/server-tallies.js';
import { foldRowCounts } from '../src/store/row-counts.js';
import { headers, load, serve } from './serving.js';
import { aStand, numbers, PASSWORD, report, type Stand } from './stand.js';

const MEMBER = 'member1';
const given = numbers({ servers: '100000', clients: '1,4', seconds: '3' });
const count = given.servers[0]!;
const stand = await aStand();
await fill(stand);
await stand.pool.query('vacuum analyze');
const { child, url } = await serve(stand);
const rows = [];
const SHOWN = 'attributes=ip,status,power-status,environment.name,owner.user.username';
for (const clients of given.clients) {
  for (const [what, path, who] of [
    ['first page of 100', '/api/v2/servers/?page_size=100'],
    ['a page in the middle, attributes', `/api/v2/servers/?page=500&page_size=100&${SHOWN}`],
    ['by name', `/api/v2/servers/?filter=hostname:web0050000&${SHOWN}`],
    [
      'status and power, attributes',
      `/api/v2/servers/?filter=status:ACTIVE;power-status:POWEROFF&page_size=100&${SHOWN}`,
    ],
    [
      'environment.name.contains, attributes',
      `/api/v2/servers/?filter=environment.name.contains:Dev&page_size=100&${SHOWN}`,
    ],
    [
      'group and power, attributes',
      `/api/v2/servers/?filter=group.name:Group+7;power-status:POWERON&page_size=100&${SHOWN}`,
    ],
    ['hostname.contains', `/api/v2/servers/?filter=hostname.contains:500&page_size=100&${SHOWN}`],
    ['a member: first page, attributes', `/api/v2/servers/?page_size=100&${SHOWN}`, MEMBER],
    [
      'a member: environment.name.contains, attributes',
      `/api/v2/servers/?filter=environment.name.contains:Dev&page_size=100&${SHOWN}`,
      MEMBER,
    ],
    ['limit: sign-in alone', '/api/v3.1/version'],
  ] as const) {
    const asked = { url: url + path, headers: headers(who), clients };
    await load({ ...asked, seconds: 0.5 });
    const result = await load({ ...asked, seconds: given.seconds[0]! });
    rows.push({
      request: what,
      clients,
      'requests/s': result.requests / result.seconds,
      'p50 ms': result.p50,
      'p99 ms': result.p99,
      'kB each': result.bytes / result.requests / 1000,
      failures: result.failures,
    });
  }
}
child.kill('SIGTERM');
await new Promise((resolve) => child.once('exit', resolve));
await stand.close();
report('servers', rows, [`${count} servers in one tenant; server, database and load share the cores`]);

/**
 * Servers as the inventory writes them: in twenty environments, of which each group uses all, most of them on, of 500 owners. Those of
 * one environment lie together.
 */
async function fill({ pool, admin, core }: Stand): Promise<void> {
  const tenant = admin.tenant!.id;
  await core.users.create(admin, { username: MEMBER, password: PASSWORD, role: 'member' });
  await core.tenants.addUser(admin, DEFAULT_TENANT, MEMBER, 'user');
  await pool.query(
    `insert into users (username, system_role) select 'member' || n, 'member' from generate_series(2, 500) n`,
  );
  await pool.query(`insert into group_types (tenant_id, name) values ($1, 'Bench')`, [tenant]);
  await pool.query(
    `insert into ordering_groups (tenant_id, number, name, type_uid, path)
     select $1, 1000 + n, 'Group ' || n, t.uid, '{}' from generate_series(1, 20) n, group_types t where t.name = 'Bench'`,
    [tenant],
  );
  await pool.query(`update ordering_groups set path = array[uid] where path = '{}'`);
  await pool.query(
    `insert into ordering_environments (tenant_id, number, name)
     select $1, 1000 + n, case when n % 4 = 0 then 'Dev ' else 'Prod ' end || n from generate_series(1, 20) n`,
    [tenant],
  );
  await pool.query(
    `with role as (insert into ordering_roles (tenant_id, name, label, permissions) values ($1, 'bench', 'Bench', '{server.view}') returning uid)
     insert into ordering_members (tenant_id, group_uid, user_id, role_uid)
     select $1, g.uid, u.id, role.uid from role, users u join ordering_groups g on g.name = 'Group ' || (1 + substr(u.username, 7)::integer % 20)
     where u.username like 'member%'`,
    [tenant],
  );
  await pool.query(
    `insert into servers (tenant_id, number, hostname, status, power, group_uid, environment_uid, owner_id, ip, private_ip, cpus, memory_mb, disk_gb, os_family, facts)
     select $1, n, 'web' || lpad(n::text, 7, '0'), case when n % 10 = 0 then 'historical' else 'active' end, case when n / 3 % 5 = 0 then 'off' else 'on' end,
       g.uid, e.uid, u.id, '10.' || n / 65536 || '.' || n / 256 % 256 || '.' || n % 256, '', 2, 4096, 40, 'Linux', '{"instance_type": "t3.medium"}'
     from generate_series(1, $2::integer) n join ordering_environments e on e.number = 1001 + n * 20 / ($2::integer + 1)
     join ordering_groups g on g.name = 'Group ' || (1 + n % 20) join users u on u.username = 'member' || (1 + n % 500)
     order by n`,
    [tenant, count],
  );
  await foldRowCounts(pool);
  await foldServerTallies(pool);
}
