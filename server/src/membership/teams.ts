/** Teams: members of a tenant who work on something together. Who leaves the tenant leaves its teams. */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { isUuid } from './acting-tenant.js';
import type { Members } from './members.js';
import type { PersonField } from './members.store.js';
import {
  deleteTeam,
  deleteTeamMember,
  insertTeam,
  insertTeamMember,
  lockTeam,
  setAside,
  TEAM_LIST,
  TEAM_MEMBER_LIST,
  type TeamField,
  type TeamMemberRow,
  type TeamRow,
  updateTeam,
} from './teams.store.js';

export type { TeamField, TeamMemberRow } from './teams.store.js';

export interface TeamChange {
  readonly name?: string;
  readonly description?: string;
  readonly metadata?: JsonObject;
}

export class Teams {
  readonly #pool: Pool;
  readonly #members: Members;

  constructor(parts: { pool: Pool; members: Members }) {
    this.#pool = parts.pool;
    this.#members = parts.members;
  }

  /** Without those laid aside. Needs `members.read`. */
  list(caller: Caller, query: ListQuery<TeamField>): Promise<ListPage> {
    const filters = [...query.filters, { selection: 'live', values: [] }];
    return listPage(this.#pool, TEAM_LIST, scopeFor(caller, 'members.read'), { ...query, filters });
  }

  /** Its members, or the tenant's members who are not in it. @throws DomainError `not-found` */
  async members(
    caller: Caller,
    team: string,
    query: ListQuery<PersonField>,
    side: 'in' | 'out',
  ): Promise<ListPage> {
    const scope = scopeFor(caller, 'members.read');
    await find(this.#pool, scope, team);
    const filters = [...query.filters, { selection: side, values: [team] }];
    return listPage(this.#pool, TEAM_MEMBER_LIST, scope, { ...query, filters });
  }

  /** Needs `members.manage`. @returns its id */
  async create(caller: Caller, team: TeamChange & { readonly name: string }): Promise<string> {
    return this.#change(caller, 'create', async (client, scope) => {
      const metadata = JSON.stringify(team.metadata ?? {});
      const values = [team.name, team.description ?? '', metadata, caller.userId];
      return (await insertTeam.one(client, scope.tenantId, values))!;
    });
  }

  async update(caller: Caller, id: string, change: TeamChange): Promise<void> {
    await this.#change(caller, 'update', async (client, scope) => {
      const team = await find(client, scope, id);
      const metadata = change.metadata === undefined ? null : JSON.stringify(change.metadata);
      await updateTeam.run(client, scope.tenantId, [
        team.uid,
        change.name ?? null,
        change.description ?? null,
        metadata,
      ]);
      return team;
    });
  }

  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(caller, 'delete', async (client, scope) => {
      const team = await find(client, scope, id);
      await deleteTeam.run(client, scope.tenantId, [team.uid]);
      return team;
    });
  }

  /** Lays a team aside, or takes it up again. */
  async setAside(caller: Caller, id: string, aside: boolean): Promise<void> {
    await this.#change(caller, aside ? 'lay-aside' : 'take-up', async (client, scope) => {
      const team = await find(client, scope, id, { aside: true });
      await setAside.run(client, scope.tenantId, [team.uid, aside]);
      return team;
    });
  }

  /** @param user UUID @throws DomainError `invalid` (`not-a-member`), `not-found` */
  async addMember(caller: Caller, id: string, user: string): Promise<TeamMemberRow> {
    const person = await this.#members.keyOf(user);
    let added: TeamMemberRow | null = null;
    await this.#change(caller, 'add-member', async (client, scope) => {
      const team = await find(client, scope, id);
      try {
        added = await insertTeamMember.one(client, scope.tenantId, [team.uid, person.id]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw new DomainError(
          'invalid',
          'not-a-member',
          'The user is not a member of the organization of this team',
        );
      }
      return team;
    });
    return added!;
  }

  /** @throws DomainError `not-found` */
  async removeMember(caller: Caller, id: string, user: string): Promise<void> {
    const person = await this.#members.keyOf(user);
    await this.#change(caller, 'remove-member', async (client, scope) => {
      const team = await find(client, scope, id);
      if ((await deleteTeamMember.run(client, scope.tenantId, [team.uid, person.id])) === 0) {
        throw notFound('Member', user);
      }
      return team;
    });
  }

  async #change(
    caller: Caller,
    action: string,
    work: (client: Client, scope: TenantScope) => Promise<{ readonly id: string }>,
  ): Promise<string> {
    const scope = scopeFor(caller, 'members.manage');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const { id } = await work(client, scope);
      await record(client, caller, { action, thing: 'team', id, details: { uuid: id } });
      return id;
    });
  }
}

async function find(
  db: Parameters<typeof lockTeam.one>[0],
  scope: TenantScope,
  id: string,
  { aside = false }: { readonly aside?: boolean } = {},
): Promise<TeamRow> {
  const team = isUuid(id) ? await lockTeam.one(db, scope.tenantId, [id]) : null;
  if (team === null || (team.deletedAt !== null && !aside)) throw notFound('Team', id.slice(0, 100));
  return team;
}
