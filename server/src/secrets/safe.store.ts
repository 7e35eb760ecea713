import { systemStatement } from '../store/statement.js';

const WHY =
  'values kept here belong to users or to the installation; rooms name their place and check who asks';

export interface KeptRow {
  readonly sealed: Buffer;
  readonly sealedKey: Buffer;
  readonly masterKey: string;
}

export const upsertKept = systemStatement(
  'safe_upsert',
  `insert into sealed_values (place, sealed, sealed_key, master_key) values ($1, $2, $3, $4)
   on conflict (place) do update set sealed = excluded.sealed, sealed_key = excluded.sealed_key, master_key = excluded.master_key`,
  WHY,
);

export const selectKept = systemStatement<KeptRow>(
  'safe_select',
  'select sealed, sealed_key as "sealedKey", master_key as "masterKey" from sealed_values where place = $1',
  WHY,
);

export const deleteKept = systemStatement('safe_delete', 'delete from sealed_values where place = $1', WHY);
