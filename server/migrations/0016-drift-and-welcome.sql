-- How many instances check_drift has found to be other than they were configured to be. Lists of deployments show the number, so
-- it is kept; while an execution works on the deployment they count instead (deployments.store.ts).

-- What Python calls true counts as a finding: that is how operations tell one.
create function is_finding(found jsonb) returns boolean language sql immutable parallel safe as $$
  select coalesce(found -> 'result', 'null') not in ('null', 'false', '0', '""', '[]', '{}')
$$;

-- The instance itself, or one of its relationships.
create function has_drifted(properties jsonb) returns boolean language plpgsql immutable parallel safe as $$
begin
  if not properties ?| '{configuration_drift,source_relationships_configuration_drift,target_relationships_configuration_drift}' then
    return false;
  end if;
  return is_finding(properties -> 'configuration_drift') or exists (
    select from (values (properties -> 'source_relationships_configuration_drift'),
                        (properties -> 'target_relationships_configuration_drift')) kept (links)
    cross join lateral jsonb_each(case jsonb_typeof(kept.links) when 'object' then kept.links else '{}' end) link
    where is_finding(link.value));
end
$$;

alter table deployments add column drifted_instances integer not null default 0;
update deployments d set drifted_instances = i.drifted
from (select deployment_uid, count(*) as drifted from node_instances where has_drifted(system_properties) group by deployment_uid) i
where i.deployment_uid = d.uid;

-- Whether a web interface should welcome the user with its tour. Nothing here looks at it.
alter table users add column getting_started boolean not null default false;
