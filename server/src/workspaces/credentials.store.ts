import { sql } from 'kysely';
import type { ListSpec } from '../store/list.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'credentials belong to users, and users to no tenant';

export type CredentialField = 'id' | 'name' | 'owner' | 'type' | 'createdAt' | 'updatedAt';

/** The caller's own. */
export const CREDENTIAL_LIST: ListSpec<CredentialField> = {
  from: 'credentials c join users o on o.id = c.user_id',
  driver: { table: 'credentials', alias: 'c', key: 'uid' },
  fields: {
    id: { sql: 'c.id', type: 'name' },
    name: { sql: 'c.name', type: 'text' },
    owner: { sql: 'o.uuid', type: 'name' },
    type: { sql: 'c.type', type: 'text' },
    createdAt: { sql: 'c.created_at', type: 'time' },
    updatedAt: { sql: 'c.updated_at', type: 'time' },
  },
  confine: (scope) => sql`c.user_id = ${scope.userId}`,
  defaultSort: [{ field: 'updatedAt', descending: true }],
  tieBreak: 'c.uid',
  search: ['name'],
};

export const insertCredential = systemStatement<{ id: string }>(
  'user_credentials_insert',
  'insert into credentials (user_id, name, type) values ($1, $2, $3) returning id',
  WHY,
);

/** Null: as it is. */
export const updateCredential = systemStatement<{ id: string }>(
  'user_credentials_update',
  `update credentials c set name = coalesce($3, c.name), type = coalesce($4, c.type), updated_at = now()
   where c.user_id = $1 and c.id = $2 returning c.id`,
  WHY,
);

export const deleteCredential = systemStatement<{ id: string }>(
  'user_credentials_delete',
  'delete from credentials c where c.user_id = $1 and c.id = $2 returning c.id',
  WHY,
);

export const selectCredential = systemStatement<{ id: string }>(
  'user_credentials_select',
  'select c.id from credentials c where c.user_id = $1 and c.id = $2',
  WHY,
);
