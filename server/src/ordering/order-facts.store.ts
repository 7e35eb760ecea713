/** What planning an order looks up of groups, environments, offers and parameters; each statement once for a whole order. */
import type { Json, JsonObject } from '../dsl/plan.js';
import { tenantStatement } from '../store/statement.js';
import type { Ref } from './order-items.js';

const ref = (alias: string) => `${alias}.uid, ${alias}.number, ${alias}.code, ${alias}.name`;

export interface EnvironmentFact extends Ref {
  readonly account: number | null;
  /** Id of the account, as blueprints name it. */
  readonly accountId: string | null;
  readonly location: string;
  readonly networks: readonly { readonly name: string }[];
  readonly autoApproval: boolean;
}

/** Environments that group `$2` may use. */
export const environmentsOfGroup = tenantStatement<EnvironmentFact>(
  'facts_environments',
  `select ${ref('e')}, e.cloud_account_uid as account, c.id as "accountId", e.location, e.networks, e.auto_approval as "autoApproval"
   from group_environments ge join ordering_environments e on e.uid = ge.environment_uid
   left join cloud_accounts c on c.uid = e.cloud_account_uid
   where ge.tenant_id = $1 and e.tenant_id = $1 and ge.group_uid = $2 and not e.unassigned order by e.number limit 1000`,
);

export interface BuildFact extends Ref {
  readonly environment: number;
  /** In the account of the environment; null: none is named. */
  readonly image: string | null;
}

/** OS builds of environments `$2`. */
export const buildsOf = tenantStatement<BuildFact>(
  'facts_builds',
  `select ${ref('b')}, eb.environment_uid as environment,
     (select m.image from os_build_images m where m.tenant_id = $1 and m.os_build_uid = b.uid and m.cloud_account_uid = e.cloud_account_uid order by m.uid limit 1) as image
   from environment_os_builds eb join os_builds b on b.uid = eb.os_build_uid join ordering_environments e on e.uid = eb.environment_uid
   where eb.tenant_id = $1 and b.tenant_id = $1 and e.tenant_id = $1 and eb.environment_uid = any($2::bigint[]) order by b.number`,
);

/** Applications of environments `$2`. */
export const applicationsOf = tenantStatement<Ref & { environment: number; action: number | null }>(
  'facts_applications',
  `select ${ref('a')}, ea.environment_uid as environment, a.action_uid as action
   from environment_applications ea join applications a on a.uid = ea.application_uid
   where ea.tenant_id = $1 and a.tenant_id = $1 and ea.environment_uid = any($2::bigint[]) order by a.number`,
);

export interface OfferFact extends Ref {
  readonly orderable: boolean;
  readonly anyGroup: boolean;
  /** The group is one of those that may deploy it. */
  readonly ofGroup: boolean;
  readonly resourceType: Ref | null;
  readonly blueprint: string | null;
  readonly parameters: readonly JsonObject[];
}

/** `$2` number, `$3` code, `$4` path of the group. */
export const offerByKey = tenantStatement<OfferFact>(
  'facts_offer',
  `select ${ref('o')}, o.orderable, o.any_group as "anyGroup", o.parameters, b.id as blueprint,
     exists (select from offer_groups og where og.tenant_id = $1 and og.offer_uid = o.uid and og.group_uid = any($4::bigint[])) as "ofGroup",
     case when t.uid is not null then json_build_object('uid', t.uid, 'number', t.number, 'code', t.code, 'name', t.name) end as "resourceType"
   from offers o left join resource_types t on t.uid = o.resource_type_uid left join blueprints b on b.uid = o.blueprint_uid
   where o.tenant_id = $1 and (o.number = $2 or o.code = $3)`,
);

export interface OfferItemFact {
  readonly name: string;
  readonly kind: 'server' | 'action' | 'offer' | 'network' | 'loadbalancer';
  readonly position: number;
  readonly inParallel: boolean;
  readonly continueOnFailure: boolean;
  readonly shown: boolean;
  readonly action: (Ref & { readonly inputs: readonly JsonObject[]; readonly kind: string }) | null;
  readonly settings: JsonObject;
}

/** Build items of offer `$2`, in the order in which they are built. */
export const itemsOfOffer = tenantStatement<OfferItemFact>(
  'facts_offer_items',
  `select i.name, i.kind, i.position, i.in_parallel as "inParallel", i.continue_on_failure as "continueOnFailure",
     i.shown_on_order_form as shown, i.settings,
     case when a.uid is not null then json_build_object('uid', a.uid, 'number', a.number, 'code', a.code, 'name', a.name, 'inputs', a.inputs, 'kind', a.kind) end as action
   from offer_items i left join actions a on a.uid = i.action_uid
   where i.tenant_id = $1 and i.offer_uid = $2 and i.phase = 'build' order by i.position, i.uid`,
);

export interface ParameterFact {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly multiple: boolean;
  readonly constraints: JsonObject;
  readonly options: readonly Json[] | null;
}

/** Parameters of names `$2`, in lower case with underscores. */
export const parametersOf = tenantStatement<ParameterFact>(
  'facts_parameters',
  `select p.name, p.label, p.type, p.allow_multiple as multiple, p.constraints, p.options
   from parameters p where p.tenant_id = $1 and lower(p.name) = any($2::text[])`,
);

export interface UseFact {
  readonly name: string;
  readonly environment: number | null;
  readonly required: boolean;
  readonly constraints: JsonObject;
  readonly options: readonly Json[] | null;
  readonly value: Json;
}

/** What environments `$2` and the groups of path `$3` say of parameters; of groups above only where they pass it on. The nearest last. */
export const usesOf = tenantStatement<UseFact>(
  'facts_uses',
  `select p.name, u.environment_uid as environment, u.required, u.constraints, u.options, u.default_value as value
   from parameter_uses u join parameters p on p.uid = u.parameter_uid left join ordering_groups g on g.uid = u.group_uid
   where u.tenant_id = $1 and p.tenant_id = $1
     and (u.environment_uid = any($2::bigint[])
       or (u.group_uid = any($3::bigint[]) and (g.inherit_parameters or u.group_uid = ($3::bigint[])[cardinality($3::bigint[])])))
   order by u.environment_uid nulls last, array_position($3::bigint[], u.group_uid), u.uid`,
);

/** Choices of preconfigurations named `$2` (lower case); `environments`: where it may be chosen. */
export const preconfigurationsOf = tenantStatement<{
  name: string;
  label: string;
  environments: readonly number[];
  choices: Readonly<Record<string, JsonObject>>;
}>(
  'facts_preconfigurations',
  `select p.name, p.label,
     coalesce((select json_agg(e.environment_uid) from environment_preconfigurations e where e.tenant_id = $1 and e.preconfiguration_uid = p.uid), '[]') as environments,
     coalesce((select jsonb_object_agg(c.name, c.parameter_values) from preconfiguration_choices c where c.tenant_id = $1 and c.preconfiguration_uid = p.uid), '{}') as choices
   from preconfigurations p where p.tenant_id = $1 and lower(p.name) = any($2::text[])`,
);

/** The price list. */
export const selectRates = tenantStatement<{
  subject: string;
  name: string;
  environment: number | null;
  amount: number;
}>(
  'facts_rates',
  `select r.subject, r.name, r.environment_uid as environment, r.amount::float8 as amount from rates r where r.tenant_id = $1`,
);

/** What actions `$2` run. */
export const sourcesOf = tenantStatement<{
  uid: number;
  kind: string;
  source: string;
  filename: string;
  settings: JsonObject;
}>(
  'facts_action_sources',
  `select a.uid, a.kind, a.source, a.script_filename as filename, a.settings from actions a where a.tenant_id = $1 and a.uid = any($2::bigint[])`,
);
