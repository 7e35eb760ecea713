import type { TenantId } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

const WHY = 'one reading follows the news of all tenants; what is written is confined to the tenant of each';

/** Where somebody else stopped; nobody else goes on meanwhile. */
export const lockPosition = systemStatement<{ position: number }>(
  'server_news_lock',
  'select position from server_news for update',
  WHY,
);

export const beginPosition = systemStatement(
  'server_news_begin',
  'insert into server_news (position) values ($1) on conflict do nothing',
  WHY,
);

export const movePosition = systemStatement('server_news_move', 'update server_news set position = $1', WHY);

/**
 * Instances that are hosts are their own: a join with their nodes would say the same, and may compare each instance with each node before
 * the tables are analyzed.
 *
 * Those that packs of events with ids from above `$1` up to `$2` name, and those whose deployment was given another form. Each is
 * looked for by its id.
 */
export const selectNamed = systemStatement<{ tenantId: TenantId; id: string }>(
  'server_news_named',
  `select i.tenant_id as "tenantId", i.id from (
     select distinct p.tenant_id, i.instance from event_packs p cross join lateral unnest(p.instances) i(instance)
     where p.id > $1 and p.id <= $2 and i.instance is not null
     union select c.tenant_id, c.subject from changes c where c.id > $1 and c.id <= $2 and c.what = 'instance') named
   cross join lateral (select h.tenant_id, h.id from node_instances h
     where h.tenant_id = named.tenant_id and h.id = named.instance and h.host = h.id offset 0) i
   order by i.tenant_id`,
  WHY,
);

/** All instances of hosts above `$1` (tenant, id), for the first time. */
export const selectHosts = systemStatement<{ tenantId: TenantId; id: string }>(
  'server_news_hosts',
  `select i.tenant_id as "tenantId", i.id from node_instances i
   where i.host = i.id and (i.tenant_id, i.id) > ($1::bigint, $2::text) order by i.tenant_id, i.id limit $3`,
  WHY,
);

/** Tenants with servers that the engine knew as an instance which is not there any more, with their deployment. */
export const selectAdrift = systemStatement<{ tenantId: TenantId; uid: number }>(
  'server_news_adrift',
  `select s.tenant_id as "tenantId", s.uid from servers s join cloud_accounts a on a.uid = s.cloud_account_uid
   where s.deployment_uid is null and s.node_instance_id is not null and s.status <> 'historical' and a.kind = 'platform' limit 1000`,
  WHY,
);

/** Projected servers whose instance was taken away while its deployment stayed: fewer instances, another plan. `$2` deployments. */
export const selectRemoved = tenantStatement<{ uid: number }>(
  'server_news_removed',
  `select s.uid from servers s join cloud_accounts a on a.uid = s.cloud_account_uid
   where s.tenant_id = $1 and a.tenant_id = $1 and a.kind = 'platform' and s.status <> 'historical' and s.deployment_uid is not null
     and exists (select from deployments d where d.tenant_id = $1 and d.uid = s.deployment_uid and d.id = any($2::text[]))
     and not exists (select from node_instances i where i.tenant_id = $1 and i.id = s.node_instance_id)`,
);

/** Deployments of which `changes` from above `$1` up to `$2` tell that they have other instances. */
export const selectReformed = systemStatement<{ tenantId: TenantId; id: string }>(
  'server_news_reformed',
  `select distinct c.tenant_id as "tenantId", c.subject as id from changes c
   where c.id > $1 and c.id <= $2 and c.what = 'structure'`,
  WHY,
);

/**
 * Instances `$2` that begin to be and have no server: those that the inventory builds itself are left to it. The hierarchy of a
 * type is looked up once for each node, by the keys of deployment and node: whatever the planner takes the tables to be, no instance is compared
 * with nodes that are not its own.
 */
export const selectNew = tenantStatement<{ id: string }>(
  'server_news_new',
  `with asked as materialized (
     select i.id, i.deployment_uid, i.node from unnest($2::text[]) as k(id)
     cross join lateral (select f.id, f.deployment_uid, f.node, f.state from node_instances f
       where f.tenant_id = $1 and f.id = k.id offset 0) i
     where i.state not in ('uninitialized', 'deleted')
       and not exists (select from servers s where s.tenant_id = $1 and s.node_instance_id = i.id and s.status <> 'historical')),
   own as materialized (
     select k.deployment_uid, k.node from (select distinct deployment_uid, node from asked) k
     cross join lateral (select n.type, h.types from deployments h join nodes n on n.deployment_uid = h.uid
       where h.tenant_id = $1 and h.uid = k.deployment_uid and n.name = k.node offset 0) t
     where (t.types -> 'nodeTypes' -> t.type -> 'hierarchy')::jsonb ? 'orrery.nodes.Server')
   select a.id from asked a where not exists (select from own o where o.deployment_uid = a.deployment_uid and o.node = a.node)
   order by a.id`,
);

/** A hostname as a plugin told it, else the instance's name. */
const HOSTNAME = `left(coalesce(nullif(i.runtime_properties ->> 'hostname', ''), replace(i.id, '_', '-')), 256)`;
const POWER = `case when i.state = 'started' then 'on' when i.state in ('stopped', 'deleting', 'deleted') then 'off'
  else 'unknown' end`;
const STATUS = `case when i.state in ('started', 'starting', 'stopping', 'stopped') then 'active' when i.state = 'deleting' then 'ending'
  when i.state in ('deleted', 'uninitialized') then 'historical' else 'building' end`;

/** The deployments of instances `$2`: nobody deletes one before what is written of them is there, and one that was just deleted is none. */
const HELD = `with held as materialized (
     select d.uid, d.created_by, d.resource_tags from deployments d where d.tenant_id = $1
       and d.uid in (select h.deployment_uid from node_instances h where h.tenant_id = $1 and h.id = any($2::text[]))
     order by d.uid for key share)`;

/** `$2` instances, `$3` the first number, `$4` account. One that is there already stays. */
export const insertProjected = tenantStatement(
  'server_news_insert',
  `${HELD}
   insert into servers (tenant_id, number, hostname, cloud_account_uid, group_uid, environment_uid, owner_id, deployment_uid, node,
     node_instance_id, status)
   select $1, $3::bigint + row_number() over (order by i.id) - 1, ${HOSTNAME}, $4,
     (select g.uid from ordering_groups g where g.tenant_id = $1 and g.name = 'Unassigned' and g.parent_uid is null),
     (select e.uid from ordering_environments e where e.tenant_id = $1 and e.unassigned), d.created_by, d.uid, i.node, i.id, 'building'
   from node_instances i join held d on d.uid = i.deployment_uid where i.tenant_id = $1 and i.id = any($2::text[])
   on conflict do nothing`,
);

/** The resources of the projected servers of instances `$2`, in account `$3`. */
export const upsertProjected = tenantStatement(
  'server_news_resources',
  `${HELD}
   insert into inventory_resources (tenant_id, cloud_account_uid, type, region, provider_id, name, tags, facts, digest, owner_id,
     deployment_uid, node_instance_id)
   select $1, $3, 'instance', 'global', p.id, p.hostname, p.tags, p.facts, sha256(convert_to(concat(p.hostname, p.facts, p.tags), 'UTF8')),
     p.owner_id, p.deployment_uid, p.id
   from (select i.id, ${HOSTNAME} as hostname, coalesce(d.resource_tags::jsonb, '{}') as tags, s.owner_id, i.deployment_uid,
       jsonb_build_object('power', ${POWER}, 'state', i.state, 'private_ip', coalesce(i.runtime_properties ->> 'ip', ''),
         'public_ip', coalesce(i.runtime_properties ->> 'public_ip', '')) as facts
     from node_instances i join held d on d.uid = i.deployment_uid
     join servers s on s.tenant_id = $1 and s.node_instance_id = i.id and s.status <> 'historical' and s.cloud_account_uid = $3
     where i.tenant_id = $1 and i.id = any($2::text[])) p
   on conflict (cloud_account_uid, type, region, provider_id) do update set name = excluded.name, tags = excluded.tags, facts = excluded.facts,
     digest = excluded.digest, modified_at = now(), destroyed_at = null, deployment_uid = excluded.deployment_uid
   where inventory_resources.digest <> excluded.digest or inventory_resources.destroyed_at is not null
     or inventory_resources.deployment_uid is distinct from excluded.deployment_uid`,
);

/** Projected servers as their instances `$2` are now, in account `$3`. */
export const updateProjected = tenantStatement<{ uid: number; status: string }>(
  'server_news_update',
  `update servers s set hostname = now_.hostname, power = now_.power, ip = now_.ip, private_ip = now_.private_ip,
     status = case when now_.status = 'historical' then s.status else now_.status end,
     resource_uid = r.uid, seen_at = now(), updated_at = now()
   from (select i.id, ${HOSTNAME} as hostname, ${POWER} as power, ${STATUS} as status,
       coalesce(nullif(i.runtime_properties ->> 'public_ip', ''), i.runtime_properties ->> 'ip', '') as ip,
       coalesce(i.runtime_properties ->> 'ip', '') as private_ip
     from node_instances i where i.tenant_id = $1 and i.id = any($2::text[])) now_
   join inventory_resources r on r.tenant_id = $1 and r.cloud_account_uid = $3 and r.type = 'instance' and r.region = 'global' and r.provider_id = now_.id
   where s.tenant_id = $1 and s.node_instance_id = now_.id and s.status <> 'historical' and s.cloud_account_uid = $3
   returning s.uid, now_.status`,
);
