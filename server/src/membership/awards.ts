/** Awards that a tenant gives its members. Their labels are unique in the tenant. */
import { type Caller, scopeFor } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { isUuid } from './acting-tenant.js';
import {
  type AwardRow,
  deleteAward,
  insertAward,
  insertMemberAward,
  selectAward,
  selectAwards,
  updateAward,
} from './awards.store.js';
import type { Members } from './members.js';

export type Award = AwardRow;

export interface AwardText {
  readonly label: string;
  readonly name: string;
  readonly description: string;
  readonly imageUrl: string;
}

export class Awards {
  readonly #pool: Pool;
  readonly #members: Members;

  constructor(parts: { pool: Pool; members: Members }) {
    this.#pool = parts.pool;
    this.#members = parts.members;
  }

  /** Needs `members.read`. */
  list(caller: Caller): Promise<readonly Award[]> {
    return selectAwards.all(this.#pool, scopeFor(caller, 'members.read').tenantId);
  }

  /** @throws DomainError `not-found` */
  async get(caller: Caller, id: string): Promise<Award> {
    const scope = scopeFor(caller, 'members.read');
    const award = isUuid(id) ? await selectAward.one(this.#pool, scope.tenantId, [id]) : null;
    if (award === null) throw notFound('Badge', id.slice(0, 100));
    return award;
  }

  /** Makes one, or with an id changes it. Needs `members.manage`. @throws DomainError `conflict` (`award-exists`), `not-found` */
  async put(caller: Caller, id: string | null, text: AwardText): Promise<Award> {
    const { label, name, description, imageUrl } = text;
    const exists = () =>
      new DomainError('conflict', 'award-exists', `There is a badge with the label \`${label}\` already`);
    return this.#change(caller, id === null ? 'create' : 'update', async (client, tenant) => {
      if (id === null) {
        const made = await insertAward.one(client, tenant, [label, name, description, imageUrl]);
        if (made === null) throw exists();
        return made;
      }
      try {
        const changed = isUuid(id)
          ? await updateAward.one(client, tenant, [id, label, name, description, imageUrl])
          : null;
        if (changed === null) throw notFound('Badge', id.slice(0, 100));
        return changed;
      } catch (error) {
        if ((error as { code?: string }).code !== '23505') throw error;
        throw exists();
      }
    });
  }

  /** @throws DomainError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(caller, 'delete', async (client, tenant) => {
      const gone = isUuid(id) ? await deleteAward.one(client, tenant, [id]) : null;
      if (gone === null) throw notFound('Badge', id.slice(0, 100));
      return gone;
    });
  }

  /** @param user UUID of a member @throws DomainError `not-found` for a label or user; `invalid` (`not-a-member`) */
  async give(caller: Caller, user: string, labels: readonly string[]): Promise<void> {
    const scope = scopeFor(caller, 'members.manage');
    requirePerson(caller);
    const person = await this.#members.keyOf(user);
    await inTransaction(this.#pool, async (client) => {
      for (const label of labels) {
        try {
          if ((await insertMemberAward.run(client, scope.tenantId, [label, person.id])) === 0)
            throw notFound('Badge', label);
        } catch (error) {
          if ((error as { code?: string }).code !== '23503') throw error;
          throw new DomainError('invalid', 'not-a-member', 'The user is not a member of this organization');
        }
      }
      await record(client, caller, {
        action: 'give',
        thing: 'award',
        id: person.username,
        details: { labels: [...labels] },
      });
    });
  }

  #change(
    caller: Caller,
    action: string,
    work: (client: Client, tenant: ReturnType<typeof scopeFor>['tenantId']) => Promise<Award>,
  ): Promise<Award> {
    const scope = scopeFor(caller, 'members.manage');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const award = await work(client, scope.tenantId);
      await record(client, caller, { action, thing: 'award', id: award.label });
      return award;
    });
  }
}
