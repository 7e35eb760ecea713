/** Who learns what. One registration per learner and curriculum: who comes back goes on with the one they had. */
import { type Caller, requirePermission, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { UserId } from '../ids.js';
import { isUuid } from '../membership/acting-tenant.js';
import type { Members } from '../membership/members.js';
import { join } from '../membership/members.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  countCurricula,
  OWN_REGISTRATION_LIST,
  REGISTRATION_LIST,
  type RegistrationField,
  selectOpenCurriculum,
  summarize,
  upsertRegistration,
  withdrawRegistration,
} from './curricula.store.js';

export type { RegistrationField } from './curricula.store.js';

export class Registrations {
  readonly #pool: Pool;
  readonly #members: Members;

  constructor(parts: { pool: Pool; members: Members }) {
    this.#pool = parts.pool;
    this.#members = parts.members;
  }

  /** The caller's own, for curricula of whatever tenant. Needs `academy.read`. */
  own(caller: Caller, query: ListQuery<RegistrationField>): Promise<ListPage> {
    return listPage(this.#pool, OWN_REGISTRATION_LIST, scopeFor(caller, 'academy.read'), query);
  }

  /** For the curricula of the tenant of the call. Needs `academy.manage`. */
  list(caller: Caller, query: ListQuery<RegistrationField>): Promise<ListPage> {
    return listPage(this.#pool, REGISTRATION_LIST, scopeFor(caller, 'academy.manage'), query);
  }

  /** How many registrations of each type and status, and how many curricula of each type. Needs `academy.manage`. */
  async summary(caller: Caller): Promise<{
    readonly registrations: readonly { type: string; status: string; count: number }[];
    readonly curricula: readonly { type: string; count: number }[];
  }> {
    const scope = scopeFor(caller, 'academy.manage');
    return {
      registrations: await summarize.all(this.#pool, scope.tenantId),
      curricula: await countCurricula.all(this.#pool, scope.tenantId),
    };
  }

  /**
   * The caller registers; or somebody else, by those who manage the academy of that tenant.
   *
   * @param user UUID; null: the caller
   * @returns id of the registration, and whether it is a new one
   * @throws DomainError `not-found`, `forbidden` (`permission-denied`), `conflict` (`curriculum-closed`)
   */
  async register(
    caller: Caller,
    curriculum: string,
    user: string | null,
  ): Promise<{ readonly id: string; readonly made: boolean }> {
    const scope = scopeFor(caller, 'academy.read');
    requirePerson(caller);
    const learner = await this.#learner(caller, user);
    return inTransaction(this.#pool, async (client) => {
      const everywhere = caller.permissions.has('all-tenants.read');
      const found = isUuid(curriculum)
        ? await selectOpenCurriculum.one(client, [curriculum, learner, everywhere])
        : null;
      if (found === null) throw notFound('Curriculum', curriculum.slice(0, 100));
      if (learner !== caller.userId && found.tenantId !== scope.tenantId && !everywhere) {
        throw new DomainError(
          'forbidden',
          'permission-denied',
          'Only the organization of this content registers others for it',
        );
      }
      if (found.status === 'archived' || found.expired) {
        throw new DomainError('conflict', 'curriculum-closed', 'This content takes no more registrations');
      }
      const row = (await upsertRegistration.one(client, found.tenantId, [found.uid, learner]))!;
      if (found.invitation !== null) await join(client, found.tenantId, learner);
      if (row.made)
        await record(client, caller, {
          action: 'register',
          thing: 'curriculum',
          id: found.id,
          details: { uuid: found.id },
        });
      return { id: row.id, made: row.made };
    });
  }

  /** The caller's own. @throws DomainError `not-found` */
  async withdraw(caller: Caller, id: string): Promise<void> {
    requirePermission(caller, 'academy.read');
    requirePerson(caller);
    await inTransaction(this.#pool, async (client) => {
      const row = isUuid(id) ? await withdrawRegistration.one(client, [id, caller.userId]) : null;
      if (row === null) throw notFound('Registration', id.slice(0, 100));
      await record(client, caller, { action: 'withdraw', thing: 'curriculum', id, details: { uuid: id } });
    });
  }

  async #learner(caller: Caller, user: string | null): Promise<UserId> {
    if (user === null) return caller.userId;
    const { id } = await this.#members.keyOf(user);
    if (id !== caller.userId) requirePermission(caller, 'academy.manage');
    return id;
  }
}
