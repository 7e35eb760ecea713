import { tenantStatement } from '../store/statement.js';

export interface AwardRow {
  readonly id: string;
  readonly tenant: string;
  readonly label: string;
  readonly name: string;
  readonly description: string;
  readonly imageUrl: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const AWARD = `a.id, (select t.uuid from tenants t where t.id = a.tenant_id) as tenant, a.label, a.name, a.description,
  a.image_url as "imageUrl", a.created_at as "createdAt", a.updated_at as "updatedAt"`;

export const selectAwards = tenantStatement<AwardRow>(
  'awards_select',
  `select ${AWARD} from awards a where a.tenant_id = $1 order by a.label limit 1000`,
);

export const selectAward = tenantStatement<AwardRow>(
  'awards_select_one',
  `select ${AWARD} from awards a where a.tenant_id = $1 and a.id = $2`,
);

export const insertAward = tenantStatement<AwardRow>(
  'awards_insert',
  `insert into awards as a (tenant_id, label, name, description, image_url) values ($1, $2, $3, $4, $5)
   on conflict (tenant_id, label) do nothing returning ${AWARD}`,
);

export const updateAward = tenantStatement<AwardRow>(
  'awards_update',
  `update awards a set label = $3, name = $4, description = $5, image_url = $6, updated_at = now()
   where a.tenant_id = $1 and a.id = $2 returning ${AWARD}`,
);

export const deleteAward = tenantStatement<AwardRow>(
  'awards_delete',
  `delete from awards a where a.tenant_id = $1 and a.id = $2 returning ${AWARD}`,
);

export const insertMemberAward = tenantStatement(
  'awards_give',
  `insert into member_awards (tenant_id, award_uid, user_id)
   select $1, a.uid, $3::bigint from awards a where a.tenant_id = $1 and a.label = $2
   on conflict (award_uid, user_id) do update set created_at = member_awards.created_at`,
);
