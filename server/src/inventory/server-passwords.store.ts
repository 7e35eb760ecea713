import { tenantStatement } from '../store/statement.js';

/** Passwords kept for servers `$2` (server-passwords.ts). */
export const deletePasswords = tenantStatement(
  'server_passwords_delete',
  `delete from sealed_values v using servers s
   where s.tenant_id = $1 and s.uid = any($2::bigint[]) and v.place = 'servers/' || s.uid || '/password'`,
);
