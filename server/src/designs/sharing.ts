/** Who else may see a design, or change it: users of any tenant, teams of its own. */
import type { Caller } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { UserId } from '../ids.js';
import { isUuid } from '../membership/acting-tenant.js';
import type { Members } from '../membership/members.js';
import type { Client } from '../store/pool.js';
import type { DesignKind, Designs } from './designs.js';
import { COUNTERS, type DesignRow } from './designs.store.js';
import {
  deleteTeamGrant,
  deleteUserGrant,
  selectByAddresses,
  selectTeamGrants,
  selectUserGrants,
  type UserGrantRow,
  upsertTeamGrant,
  upsertUserGrant,
} from './grants.store.js';

export interface Actor {
  readonly kind: 'user' | 'team';
  /** UUID. */
  readonly id: string;
  readonly mayEdit: boolean;
}

export class Sharing {
  readonly #designs: Designs;
  readonly #members: Members;

  constructor(parts: { designs: Designs; members: Members }) {
    this.#designs = parts.designs;
    this.#members = parts.members;
  }

  /** @throws DomainError `not-found`, `forbidden` (`not-your-design`), `invalid` (`actor-unknown`) */
  async change(
    caller: Caller,
    kind: DesignKind,
    id: string,
    given: readonly Actor[],
    taken: readonly Actor[],
  ): Promise<void> {
    const keys = new Map<string, UserId>();
    for (const actor of [...given, ...taken]) {
      if (actor.kind === 'user') keys.set(actor.id, (await this.#members.keyOf(actor.id)).id);
      else if (!isUuid(actor.id)) throw unknown(actor.id);
    }
    await this.#designs.holding(caller, kind, id, async (client, row) => {
      requireOwner(caller, row);
      for (const actor of given) {
        if (actor.kind === 'user')
          await upsertUserGrant.run(client, row.tenantId, [row.uid, keys.get(actor.id), actor.mayEdit]);
        else if ((await upsertTeamGrant.run(client, row.tenantId, [row.uid, actor.id, actor.mayEdit])) === 0)
          throw unknown(actor.id);
      }
      for (const actor of taken) {
        if (actor.kind === 'user')
          await deleteUserGrant.run(client, row.tenantId, [row.uid, keys.get(actor.id)]);
        else await deleteTeamGrant.run(client, row.tenantId, [row.uid, actor.id]);
      }
      if (given.length > 0) await COUNTERS.shares.run(client, [row.id]);
      await noted(client, caller, kind, row.id);
    });
  }

  /** By addresses. @returns those that nobody has @throws DomainError as `change` */
  async byEmail(
    caller: Caller,
    kind: DesignKind,
    id: string,
    emails: readonly string[],
    share: boolean,
  ): Promise<string[]> {
    return this.#designs.holding(caller, kind, id, async (client, row) => {
      requireOwner(caller, row);
      const addresses = emails.map((email) => email.toLowerCase());
      const people = await selectByAddresses.all(client, [addresses]);
      for (const { id: user } of people) {
        if (share) await upsertUserGrant.run(client, row.tenantId, [row.uid, user, false]);
        else await deleteUserGrant.run(client, row.tenantId, [row.uid, user]);
      }
      if (share && people.length > 0) await COUNTERS.shares.run(client, [row.id]);
      await noted(client, caller, kind, row.id);
      const known = new Set(people.map(({ address }) => address));
      return addresses.filter((address) => !known.has(address));
    });
  }

  /** @throws DomainError as `change` */
  users(caller: Caller, kind: DesignKind, id: string): Promise<readonly UserGrantRow[]> {
    return this.#designs.holding(caller, kind, id, (client, row) =>
      selectUserGrants.all(client, row.tenantId, [row.uid]),
    );
  }

  /** @throws DomainError as `change` */
  teams(
    caller: Caller,
    kind: DesignKind,
    id: string,
  ): Promise<readonly { id: string; name: string; description: string; mayEdit: boolean }[]> {
    return this.#designs.holding(caller, kind, id, (client, row) =>
      selectTeamGrants.all(client, row.tenantId, [row.uid]),
    );
  }
}

/** Who may edit a design may not pass it on. */
function requireOwner(caller: Caller, row: DesignRow): void {
  if (row.ownerId === caller.userId) return;
  if (row.tenantId === caller.tenant?.id && caller.permissions.has('members.manage')) return;
  throw new DomainError('forbidden', 'not-your-design', 'Only its owner shares a design');
}

function unknown(id: string): DomainError {
  return notFound('Actor', id.slice(0, 100));
}

async function noted(client: Client, caller: Caller, kind: DesignKind, id: string): Promise<void> {
  await record(client, caller, { action: 'share', thing: kind, id, details: { uuid: id } });
}
