/**
 * What a user prefers, as one object whose keys are the clients' own but for those that say where the user acts:
 * `selectedOrganization` (a tenant's UUID) and `selectedWorkspaceForOrganizations` (tenant -> workspace).
 *
 * A change is merged at the top level: what it does not name stays. It holds as a whole or not at all.
 */
import { type Caller, requirePermission } from '../caller.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { signInRefused } from '../identity/callers.js';
import { requirePerson } from '../identity/permission.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { isUuid } from './acting-tenant.js';
import {
  lockPreferences,
  type PreferencesRow,
  selectChoice,
  selectPreferences,
  updatePreferences,
} from './preferences.store.js';

export interface UserPreferences {
  readonly values: JsonObject;
  readonly updatedAt: Date | null;
}

/** Bytes of JSON text. */
const MOST_BYTES = 262_144;

export class Preferences {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The caller's own. */
  async get(caller: Caller): Promise<UserPreferences> {
    return told(await selectPreferences.one(this.#pool, [caller.userId]));
  }

  /**
   * @param change `selectedWorkspace` stands for the workspace in the tenant that is selected then
   * @throws DomainError `forbidden` (`tenant-forbidden`): not in that tenant; `invalid` (`workspace-elsewhere`,
   *   `preferences-invalid`)
   */
  async merge(caller: Caller, change: JsonObject): Promise<UserPreferences> {
    requirePermission(caller, 'tokens.own');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const row = await lockPreferences.one(client, [caller.userId]);
      if (row === null) throw signInRefused();
      const before = row.preferences;
      const { selectedWorkspace, ...rest } = change;
      const after: JsonObject = { ...before, ...rest };
      const places: Record<string, Json> = { ...objectAt(after, 'selectedWorkspaceForOrganizations') };
      const tenant = textAt(after, 'selectedOrganization');
      const workspace = textAt({ selectedWorkspace: selectedWorkspace ?? null }, 'selectedWorkspace');
      if (workspace !== '') {
        if (tenant === '') {
          throw invalid(
            'preferences-invalid',
            'selectedWorkspace needs a selectedOrganization that it is in',
          );
        }
        places[tenant] = workspace;
      }
      const named = 'selectedOrganization' in rest && tenant !== '';
      if (named || workspace !== '') await requireChoice(client, caller, tenant, workspace);
      for (const [key, value] of Object.entries(objectAt(rest, 'selectedWorkspaceForOrganizations'))) {
        if (typeof value !== 'string') {
          throw invalid(
            'preferences-invalid',
            'selectedWorkspaceForOrganizations holds ids of workspaces by those of organizations',
          );
        }
        if (value !== '') await requireChoice(client, caller, key, value);
      }
      const values = { ...after, selectedWorkspaceForOrganizations: places };
      if (Buffer.byteLength(JSON.stringify(values)) > MOST_BYTES) {
        throw new DomainError(
          'limit',
          'preferences-too-large',
          `Preferences have at most ${MOST_BYTES} bytes`,
        );
      }
      return told(await updatePreferences.one(client, [caller.userId, JSON.stringify(values)]));
    });
  }
}

function told(row: PreferencesRow | null): UserPreferences {
  return { values: row?.preferences ?? {}, updatedAt: row?.updatedAt ?? null };
}

async function requireChoice(
  client: Parameters<typeof selectChoice.one>[0],
  caller: Caller,
  tenant: string,
  workspace: string,
): Promise<void> {
  if (!isUuid(tenant)) {
    throw invalid('preferences-invalid', `\`${tenant.slice(0, 64)}\` is no id of an organization`);
  }
  if (workspace !== '' && !isUuid(workspace)) {
    throw invalid('workspace-elsewhere', `\`${workspace.slice(0, 64)}\` is no id of a workspace`);
  }
  const everywhere = caller.permissions.has('all-tenants.read');
  const row = await selectChoice.one(client, [
    caller.userId,
    tenant,
    workspace === '' ? null : workspace,
    everywhere,
  ]);
  if (row === null) {
    throw new DomainError('forbidden', 'tenant-forbidden', 'You are not a member of this organization');
  }
  if (!row.fits) throw invalid('workspace-elsewhere', `Workspace ${workspace} is not in that organization`);
}

function textAt(values: JsonObject, key: string): string {
  const value = values[key];
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw invalid('preferences-invalid', `${key} must be a text`);
}

function objectAt(values: JsonObject, key: string): JsonObject {
  const value = values[key];
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw invalid('preferences-invalid', `${key} must be an object`);
}

function invalid(reason: string, message: string): DomainError {
  return new DomainError('invalid', reason, message);
}
