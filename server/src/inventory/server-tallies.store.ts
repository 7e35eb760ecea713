import { systemStatement } from '../store/statement.js';

const WHY = 'tallies of all tenants are folded alike; no row of a tenant is read';
const KIND = 'tenant_id, status, power, group_uid, environment_uid, os_build_uid, cloud_account_uid';

/** In the order of the sums, so that two that fold at once wait for each other and never in a circle. `$1`: so many at most. */
export const foldDifferences = systemStatement<{ folded: number }>(
  'server_tallies_fold',
  `with taken as (
     delete from server_tallies d where d.ctid = any(array(
       select f.ctid from server_tallies f where not f.folded limit $1 for update skip locked))
     returning ${KIND}, difference),
   kept as (
     insert into server_tallies (${KIND}, difference, folded)
     select ${KIND}, sum(difference), true from taken group by ${KIND} having sum(difference) <> 0 order by ${KIND}
     on conflict (${KIND}) where folded do update set difference = server_tallies.difference + excluded.difference)
   select count(*)::integer as folded from taken`,
  WHY,
);

/** Of what there is none any more. */
export const deleteEmptySums = systemStatement(
  'server_tallies_delete_empty',
  'delete from server_tallies t where t.folded and t.difference = 0',
  WHY,
);
