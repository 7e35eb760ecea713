/** Invitations: whoever accepts one becomes a member of its tenant, with its roles and in its teams, in one transaction. */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { giveRoles } from './access.js';
import { selectRoles } from './access.store.js';
import { isUuid } from './acting-tenant.js';
import { builtInRole } from './built-in-roles.js';
import {
  deleteInvitation,
  INVITATION_LIST,
  type InvitationField,
  insertAcceptance,
  insertInvitation,
  lockOpenInvitation,
  type OpenInvitationRow,
  updateInvitation,
} from './invitations.store.js';
import { join } from './members.js';
import { insertTeamMember, lockTeam } from './teams.store.js';

export type { InvitationField } from './invitations.store.js';

export interface InvitationChange {
  readonly name?: string;
  readonly description?: string;
  readonly emails?: readonly string[];
  readonly roles?: readonly string[];
  readonly teams?: readonly string[];
  readonly enabled?: boolean;
  readonly quota?: number;
  readonly expiresAt?: Date;
  readonly isDefault?: boolean;
}

export class Invitations {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `members.manage`: addresses of strangers are in them. */
  list(caller: Caller, query: ListQuery<InvitationField>): Promise<ListPage> {
    return listPage(this.#pool, INVITATION_LIST, scopeFor(caller, 'members.manage'), query);
  }

  /** @returns its id @throws DomainError `invalid` (`invitation-invalid`) */
  async create(caller: Caller, invitation: InvitationChange & { readonly name: string }): Promise<string> {
    return this.#change(caller, 'create', async (client, scope) => {
      await this.#check(client, scope, invitation);
      const { name, description = '', emails = [], roles = [], teams = [], enabled = true } = invitation;
      const { quota = null, expiresAt = null, isDefault = false } = invitation;
      return insertInvitation.one(client, scope.tenantId, [
        name,
        description,
        emails,
        roles,
        teams,
        enabled,
        quota,
        expiresAt,
        isDefault,
        caller.userId,
      ]);
    });
  }

  /** @throws DomainError `not-found`, `invalid` (`invitation-invalid`) */
  async update(caller: Caller, id: string, change: InvitationChange): Promise<void> {
    await this.#change(
      caller,
      'update',
      async (client, scope) => {
        await this.#check(client, scope, change);
        return updateInvitation.one(client, scope.tenantId, [
          uuidOr404(id),
          change.name ?? null,
          change.description ?? null,
          change.emails ?? null,
          change.roles ?? null,
          change.teams ?? null,
          change.enabled ?? null,
          change.quota ?? null,
          change.expiresAt ?? null,
          change.isDefault ?? null,
        ]);
      },
      id,
    );
  }

  /** @throws DomainError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(
      caller,
      'delete',
      (client, scope) => deleteInvitation.one(client, scope.tenantId, [uuidOr404(id)]),
      id,
    );
  }

  /**
   * The caller joins, whatever tenant the call is for.
   *
   * @returns the name of the tenant that they are in now
   * @throws DomainError `not-found`; `forbidden` (`invitation-closed`): disabled, expired, used up, or for others
   */
  async accept(caller: Caller, id: string): Promise<string> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const open = isUuid(id) ? await lockOpenInvitation.one(client, [id, caller.userId]) : null;
      if (open === null) throw notFound('Invitation', id.slice(0, 100));
      requireOpen(open);
      await join(client, open.tenantId, caller.userId);
      await insertAcceptance.run(client, open.tenantId, [open.uid, caller.userId]);
      const scope: TenantScope = {
        tenantId: open.tenantId,
        tenantName: open.tenantName,
        userId: caller.userId,
        seesPrivate: false,
      };
      if (open.roles.length > 0)
        await giveRoles(client, scope, caller.userId, await rolesNamed(client, scope, open.roles));
      for (const team of open.teams) {
        const row = await lockTeam.one(client, open.tenantId, [team]);
        if (row !== null && row.deletedAt === null)
          await insertTeamMember.run(client, open.tenantId, [row.uid, caller.userId]);
      }
      const tenant = { id: open.tenantId, name: open.tenantName };
      await record(
        client,
        { ...caller, tenant },
        { action: 'accept', thing: 'invitation', id, details: { uuid: id } },
      );
      return open.tenantName;
    });
  }

  async #check(
    client: Client,
    scope: TenantScope,
    { roles = [], teams = [] }: InvitationChange,
  ): Promise<void> {
    await rolesNamed(client, scope, roles);
    for (const team of teams) {
      const row = isUuid(team) ? await lockTeam.one(client, scope.tenantId, [team]) : null;
      if (row === null) throw invalid(`There is no team ${team.slice(0, 100)} in this organization`);
    }
  }

  async #change(
    caller: Caller,
    action: string,
    work: (client: Client, scope: TenantScope) => Promise<{ readonly id: string } | null>,
    asked = '',
  ): Promise<string> {
    const scope = scopeFor(caller, 'members.manage');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const row = await work(client, scope);
      if (row === null) throw notFound('Invitation', asked.slice(0, 100));
      await record(client, caller, { action, thing: 'invitation', id: row.id, details: { uuid: row.id } });
      return row.id;
    });
  }
}

function requireOpen(open: OpenInvitationRow): void {
  const refuse = (why: string) => new DomainError('forbidden', 'invitation-closed', why);
  if (!open.enabled) throw refuse('The invitation is disabled');
  if (open.expired) throw refuse('The invitation has expired');
  if (open.quota !== null && !open.hasAccepted && open.accepted >= open.quota)
    throw refuse('The invitation is used up');
  const own = [open.email, open.username].map((each) => each?.toLowerCase());
  if (open.emails.length > 0 && !open.emails.some((email) => own.includes(email.toLowerCase()))) {
    throw refuse('The invitation is for other people');
  }
}

async function rolesNamed(
  client: Client,
  scope: TenantScope,
  names: readonly string[],
): Promise<{ id: string; name: string }[]> {
  const own = names.length === 0 ? [] : await selectRoles.all(client, scope.tenantId);
  return names.map((name) => {
    const found =
      builtInRole(name) ??
      own.find((role) => role.id === name || role.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw invalid(`There is no role \`${name.slice(0, 100)}\``);
    if (found.name === 'admin') throw invalid('An invitation cannot give the role `admin`');
    return { id: found.id, name: found.name };
  });
}

function uuidOr404(id: string): string {
  if (!isUuid(id)) throw notFound('Invitation', id.slice(0, 100));
  return id;
}

function invalid(message: string): DomainError {
  return new DomainError('invalid', 'invitation-invalid', message);
}
