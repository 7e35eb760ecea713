/** There is always an active administrator, also when several are removed at the same time. */
import { DomainError } from '../errors.js';
import type { UserId } from '../ids.js';
import type { Queryable } from '../store/statement.js';
import type { SystemRole } from './roles.js';
import { lockActiveAdmins } from './users.store.js';

/**
 * Before the user is removed, deactivated or demoted, in that transaction. Callers lock the administrators before the
 * user's own row (`lockActiveAdmins`), so that two of them cannot wait for each other.
 *
 * @throws DomainError `invalid` (`last-admin`)
 */
export async function keepAnAdmin(
  client: Queryable,
  user: {
    readonly id: UserId;
    readonly username: string;
    readonly role: SystemRole;
    readonly active: boolean;
  },
): Promise<void> {
  if (user.role !== 'admin' || !user.active) return;
  const admins = await lockActiveAdmins.all(client);
  if (admins.some((admin) => admin.id !== user.id)) return;
  throw new DomainError(
    'invalid',
    'last-admin',
    `User \`${user.username}\` is the last active administrator`,
  );
}
