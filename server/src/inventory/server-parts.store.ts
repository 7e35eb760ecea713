import { tenantStatement } from '../store/statement.js';

/** `$3` those that there are: [{id, name, gb, datastore, provisioning}]. Ids of ours stay with the handler's names. */
export const saveDisks = tenantStatement(
  'servers_save_disks',
  `insert into server_disks (tenant_id, server_uid, provider_id, name, position, gb, datastore, provisioning)
   select $1, $2, d.id, d.name, d.ordinality, d.gb, d.datastore, d.provisioning
   from rows from (json_to_recordset($3::json) as (id text, name text, gb integer, datastore text, provisioning text))
     with ordinality as d(id, name, gb, datastore, provisioning, ordinality)
   on conflict (server_uid, provider_id) do update set name = excluded.name, position = excluded.position, gb = excluded.gb,
     datastore = excluded.datastore, provisioning = excluded.provisioning`,
);

/** `$3` the handler's names of those that there are. */
export const dropDisks = tenantStatement(
  'servers_drop_disks',
  'delete from server_disks d where d.tenant_id = $1 and d.server_uid = $2 and not (d.provider_id = any($3::text[]))',
);

export const dropNics = tenantStatement(
  'servers_drop_nics',
  'delete from server_nics n where n.tenant_id = $1 and n.server_uid = $2',
);

/** `$3` [{network, mac, ip, privateIp}]. */
export const insertNics = tenantStatement(
  'servers_insert_nics',
  `insert into server_nics (tenant_id, server_uid, position, network, mac, ip, private_ip)
   select $1, $2, n.ordinality, n.network, n.mac, n.ip, n."privateIp"
   from rows from (json_to_recordset($3::json) as (network text, mac text, ip text, "privateIp" text))
     with ordinality as n(network, mac, ip, "privateIp", ordinality)`,
);

export const selectDisk = tenantStatement<{ providerId: string; gb: number }>(
  'servers_select_disk',
  `select d.provider_id as "providerId", d.gb from server_disks d where d.tenant_id = $1 and d.server_uid = $2
     and (d.id::text = $3 or d.provider_id = $3)`,
);

export const selectDisks = tenantStatement<{ serverUid: number; id: string; providerId: string; gb: number }>(
  'servers_select_disks',
  `select d.server_uid as "serverUid", d.id, d.provider_id as "providerId", d.gb from server_disks d
   where d.tenant_id = $1 and d.server_uid = any($2::bigint[]) order by d.server_uid, d.position`,
);

/** `$3` id, `$4` the handler's name, `$5` name, `$6` bytes, `$7` username. */
export const insertSnapshot = tenantStatement(
  'servers_insert_snapshot',
  `insert into server_snapshots (tenant_id, server_uid, id, provider_id, name, bytes, created_by)
   values ($1, $2, $3, $4, $5, $6, (select u.id from users u where u.username = $7)) on conflict (server_uid, id) do nothing`,
);

/** By id or name; the newest of that name. `$3` '': the newest of all. */
export const selectSnapshot = tenantStatement<{ id: string; providerId: string; name: string }>(
  'servers_select_snapshot',
  `select n.id, n.provider_id as "providerId", n.name from server_snapshots n
   where n.tenant_id = $1 and n.server_uid = $2 and ($3 = '' or n.id::text = $3 or n.name = $3) order by n.uid desc limit 1`,
);

export const deleteSnapshot = tenantStatement(
  'servers_delete_snapshot',
  'delete from server_snapshots n where n.tenant_id = $1 and n.server_uid = $2 and n.id = $3',
);
