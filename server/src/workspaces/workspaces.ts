/**
 * Workspaces: where the people of a tenant keep what belongs together. Teams and environments may be in any number of them;
 * a design or a view is in exactly one (designs/designs.ts), and in the default one when nobody says otherwise.
 *
 * Every tenant has a default workspace, which comes with the tenant and cannot be removed.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import { isUuid } from '../membership/acting-tenant.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import { type AssignmentRow, putInto, takeFrom } from './assignments.js';
import { ENVIRONMENTS_OF_WORKSPACE, TEAMS_OF_WORKSPACE } from './assignments.store.js';
import {
  deleteWorkspace,
  insertWorkspace,
  lockWorkspace,
  moveDesigns,
  selectDefaultWorkspace,
  selectWorkspace,
  updateWorkspace,
  WORKSPACE_LIST,
  type WorkspaceField,
  type WorkspaceRow,
} from './workspaces.store.js';

export type { WorkspaceField } from './workspaces.store.js';

export interface WorkspaceChange {
  readonly name?: string;
  readonly description?: string;
  readonly metadata?: JsonObject;
}

/** What may be put into a workspace beside designs. */
export type Assignable = 'team' | 'environment';

const HELD = { team: TEAMS_OF_WORKSPACE, environment: ENVIRONMENTS_OF_WORKSPACE } as const;

export class Workspaces {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Needs `workspaces.read`. */
  list(caller: Caller, query: ListQuery<WorkspaceField>): Promise<ListPage> {
    return listPage(this.#pool, WORKSPACE_LIST, scopeFor(caller, 'workspaces.read'), query);
  }

  /** Needs `workspaces.write`. @returns its id */
  create(caller: Caller, workspace: WorkspaceChange & { readonly name: string }): Promise<string> {
    return this.#change(caller, 'create', async (client, scope) => {
      const { name, description = '', metadata = {} } = workspace;
      const row = await insertWorkspace.one(client, scope.tenantId, [
        name,
        description,
        JSON.stringify(metadata),
        scope.userId,
      ]);
      return row!;
    });
  }

  /** @throws DomainError `not-found` */
  async update(caller: Caller, id: string, change: WorkspaceChange): Promise<void> {
    await this.#change(caller, 'update', async (client, scope) => {
      const workspace = await lock(client, scope, id);
      const metadata = change.metadata === undefined ? null : JSON.stringify(change.metadata);
      const values = [workspace.uid, change.name ?? null, change.description ?? null, metadata];
      await updateWorkspace.run(client, scope.tenantId, values);
      return workspace;
    });
  }

  /** Its designs move to the default one. @throws DomainError `not-found`; `conflict` (`default-workspace`) */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(caller, 'delete', async (client, scope) => {
      const workspace = await lock(client, scope, id);
      if (workspace.isDefault) {
        throw new DomainError(
          'conflict',
          'default-workspace',
          'The default workspace of an organization cannot be removed',
        );
      }
      const usual = (await selectDefaultWorkspace.one(client, scope.tenantId))!;
      await moveDesigns.run(client, scope.tenantId, [workspace.uid, usual.uid]);
      await deleteWorkspace.run(client, scope.tenantId, [workspace.uid]);
      return workspace;
    });
  }

  /** Puts a team or an environment of the same tenant into a workspace. @throws DomainError `not-found`; `invalid` (`other-tenant`) */
  async assign(caller: Caller, id: string, what: Assignable, thing: string): Promise<AssignmentRow> {
    let made: AssignmentRow | null = null;
    await this.#change(caller, `add-${what}`, async (client, scope) => {
      const workspace = await lock(client, scope, id);
      made = await putInto(client, scope.tenantId, workspace.uid, HELD[what], thing);
      return workspace;
    });
    return made!;
  }

  /** @throws DomainError `not-found` */
  async unassign(caller: Caller, id: string, what: Assignable, thing: string): Promise<void> {
    await this.#change(caller, `remove-${what}`, async (client, scope) => {
      const workspace = await lock(client, scope, id);
      await takeFrom(client, scope.tenantId, workspace.uid, HELD[what], thing);
      return workspace;
    });
  }

  /** Held until the transaction of `client` ends; without an id the default one. @throws DomainError `not-found` */
  async keyOf(client: Queryable, scope: TenantScope, id: string | null): Promise<WorkspaceRow> {
    if (id === null) return (await selectDefaultWorkspace.one(client, scope.tenantId))!;
    const workspace = isUuid(id) ? await selectWorkspace.one(client, scope.tenantId, [id]) : null;
    if (workspace === null) throw notFound('Workspace', id.slice(0, 100));
    return workspace;
  }

  /** @throws DomainError `not-found` */
  async require(caller: Caller, id: string): Promise<void> {
    await this.keyOf(this.#pool, scopeFor(caller, 'workspaces.read'), id);
  }

  async #change(
    caller: Caller,
    action: string,
    work: (client: Client, scope: TenantScope) => Promise<{ readonly id: string }>,
  ): Promise<string> {
    const scope = scopeFor(caller, 'workspaces.write');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const { id } = await work(client, scope);
      await record(client, caller, { action, thing: 'workspace', id, details: { uuid: id } });
      return id;
    });
  }
}

async function lock(client: Client, scope: TenantScope, id: string): Promise<WorkspaceRow> {
  const workspace = isUuid(id) ? await lockWorkspace.one(client, scope.tenantId, [id]) : null;
  if (workspace === null) throw notFound('Workspace', id.slice(0, 100));
  return workspace;
}
