import type { JsonObject } from '../dsl/plan.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'preferences belong to users, and users to no tenant';

export interface PreferencesRow {
  readonly preferences: JsonObject;
  readonly updatedAt: Date;
}

export const selectPreferences = systemStatement<PreferencesRow>(
  'preferences_select',
  'select preferences, updated_at as "updatedAt" from user_preferences where user_id = $1',
  WHY,
);

/** Locked against another change of the same user. */
/** No row: the user has been removed meanwhile. */
export const lockPreferences = systemStatement<PreferencesRow>(
  'preferences_lock',
  `insert into user_preferences (user_id) select u.id from users u where u.id = $1 for key share
   on conflict (user_id) do update set updated_at = user_preferences.updated_at
   returning preferences, updated_at as "updatedAt"`,
  WHY,
);

export const updatePreferences = systemStatement<PreferencesRow>(
  'preferences_update',
  `update user_preferences set preferences = $2, updated_at = now() where user_id = $1
   returning preferences, updated_at as "updatedAt"`,
  WHY,
);

/** Whether `$3`, a workspace, is in the tenant `$2` that the user `$1` is in, or may act in (`$4`); no row: not in the tenant. */
export const selectChoice = systemStatement<{ fits: boolean }>(
  'preferences_select_choice',
  `select $3::uuid is null or exists (select from workspaces w where w.tenant_id = t.id and w.id = $3::uuid) as fits
   from tenants t where t.uuid = $2::uuid and ($4::boolean
     or exists (select from tenant_users tu where tu.tenant_id = t.id and tu.user_id = $1)
     or exists (select from user_group_members m join tenant_user_groups tg on tg.group_id = m.group_id
                where m.user_id = $1 and tg.tenant_id = t.id))`,
  'looks at the tenant that a user wants to act in from now on',
);
