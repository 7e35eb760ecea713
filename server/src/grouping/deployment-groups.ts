/** Deployments gathered under a name, and made by the dozen from one blueprint. */
import { randomUUID } from 'node:crypto';
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import type { Blueprints } from '../catalog/blueprints.js';
import { type Label, normalLabels } from '../catalog/labels.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { DeploymentField, Deployments } from '../orchestration/deployments.js';
import { type ListFilter, type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  addMembers,
  countMade,
  type DeploymentGroupField,
  deleteGroup,
  deploymentGroupList,
  dropMembers,
  dropOtherMembers,
  type GroupRow,
  insertGroup,
  knownDeployments,
  lockGroup,
  selectMembers,
  updateGroup,
  type Visibility,
} from './deployment-groups.store.js';

export type { DeploymentGroupField } from './deployment-groups.store.js';

/** Which deployments are meant: all that are named in one way or another. */
export interface Choice {
  readonly deploymentIds?: readonly string[];
  readonly conditions?: readonly ListFilter<DeploymentField>[];
  /** All of another group. */
  readonly ofGroup?: string;
}

/** A deployment to be made with the group's blueprint, its inputs laid over the group's. */
export interface NewMember {
  /** May hold `{group_id}`, `{count}`, `{uuid}`, `{blueprint_id}`; absent: `{group_id}-{count}`. */
  readonly id?: string;
  readonly displayName?: string;
  readonly inputs?: JsonObject;
  readonly labels?: readonly Label[];
  readonly site?: string;
}

export interface GroupChange {
  readonly description?: string;
  readonly visibility?: Visibility;
  readonly defaultBlueprintId?: string;
  readonly defaultInputs?: JsonObject;
  readonly labels?: readonly Label[];
  /** Replaces the members. */
  readonly members?: Choice;
  readonly newMembers?: readonly NewMember[];
}

const ID = /^[A-Za-z0-9_.~-]{1,256}$/;
/** Deployments made by one call. */
const MOST_NEW = 5000;
const WIDTH: Readonly<Record<Visibility, number>> = { private: 0, tenant: 1, global: 2 };

export class DeploymentGroups {
  readonly #pool: Pool;
  readonly #deployments: Deployments;
  readonly #blueprints: Blueprints;

  constructor(parts: { pool: Pool; deployments: Deployments; blueprints: Blueprints }) {
    this.#pool = parts.pool;
    this.#deployments = parts.deployments;
    this.#blueprints = parts.blueprints;
  }

  /** Needs `deployments.read`. */
  async list(caller: Caller, query: ListQuery<DeploymentGroupField>): Promise<ListPage> {
    return listPage(this.#pool, deploymentGroupList, scopeFor(caller, 'deployments.read'), query);
  }

  /**
   * Makes a group, or changes the one that is there. Needs `deployments.write`, and `global.write` for a global one.
   *
   * @throws DomainError `not-found`; `invalid` (`group-id-invalid`, `label-invalid`, `visibility-not-wider`, and what making a
   *   deployment throws); `conflict` (`group-without-blueprint`, `deployment-exists`)
   */
  async put(caller: Caller, id: string, change: GroupChange): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    if (!ID.test(id)) {
      throw new DomainError(
        'invalid',
        'group-id-invalid',
        `Invalid group id "${id.slice(0, 256)}": 1 to 256 characters of letters, digits and _ . ~ -`,
      );
    }
    if (change.visibility === 'global') requirePermission(caller, 'global.write');
    const labels = change.labels === undefined ? null : JSON.stringify(normalLabels(change.labels));
    const blueprint =
      change.defaultBlueprintId === undefined
        ? null
        : (await this.#blueprints.get(caller, change.defaultBlueprintId)).uid;
    const inputs = change.defaultInputs === undefined ? null : JSON.stringify(change.defaultInputs);
    const members = change.members === undefined ? null : await this.#chosen(caller, scope, change.members);
    await inTransaction(this.#pool, async (client) => {
      const { description = null, visibility = null } = change;
      const values = [description, blueprint, inputs, labels, visibility];
      const made = await insertGroup.one(client, scope.tenantId, [id, ...values, scope.userId]);
      const group = await find(client, scope, id);
      if (made === null) {
        refuseNarrowing(id, group.visibility, visibility);
        await updateGroup.run(client, scope.tenantId, [group.uid, ...values]);
      }
      if (members !== null) {
        await dropOtherMembers.run(client, scope.tenantId, [group.uid, members]);
        await addMembers.run(client, scope.tenantId, [group.uid, members]);
      }
      await record(client, caller, {
        action: made === null ? 'update' : 'create',
        thing: 'deployment group',
        id,
        details: { changed: Object.keys(change) },
      });
    });
    if (change.newMembers !== undefined) await this.#make(caller, scope, id, change.newMembers);
  }

  /** Adds deployments that are there, and makes others. Needs `deployments.write`. Throws as `put`. */
  async add(
    caller: Caller,
    id: string,
    choice: Choice,
    newMembers: readonly NewMember[] = [],
  ): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    const chosen = await this.#chosen(caller, scope, choice);
    await this.#change(caller, scope, id, 'add', chosen);
    await this.#make(caller, scope, id, newMembers);
  }

  /** Takes deployments out of the group; they stay. Needs `deployments.write`. Throws `not-found`. */
  async drop(caller: Caller, id: string, choice: Choice): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    await this.#change(caller, scope, id, 'drop', await this.#chosen(caller, scope, choice));
  }

  /**
   * Deletes the group; its deployments stay, or go first. Needs `deployments.write`.
   *
   * @throws DomainError `not-found`; what deleting a deployment throws
   */
  async remove(
    caller: Caller,
    id: string,
    options: { readonly deployments?: boolean; readonly force?: boolean; readonly recursive?: boolean } = {},
  ): Promise<void> {
    const scope = scopeFor(caller, 'deployments.write');
    if (options.deployments === true) {
      for (const member of await this.members(caller, id)) {
        await this.#deployments.remove(caller, member.id, options).catch((error: unknown) => {
          // It went with another.
          if (!(error instanceof DomainError) || error.kind !== 'not-found') throw error;
        });
      }
    }
    await inTransaction(this.#pool, async (client) => {
      const group = await find(client, scope, id);
      await deleteGroup.run(client, scope.tenantId, [group.uid]);
      await record(client, caller, { action: 'delete', thing: 'deployment group', id });
    });
  }

  /** Its deployments that the caller may see. Needs `deployments.read`. Throws `not-found`. */
  async members(caller: Caller, id: string): Promise<readonly { uid: number; id: string }[]> {
    const scope = scopeFor(caller, 'deployments.read');
    return inTransaction(this.#pool, async (client) => {
      const group = await find(client, scope, id);
      return selectMembers.all(client, scope.tenantId, [group.uid, scope.userId, scope.seesPrivate]);
    });
  }

  async #change(
    caller: Caller,
    scope: TenantScope,
    id: string,
    action: 'add' | 'drop',
    members: readonly number[],
  ): Promise<void> {
    await inTransaction(this.#pool, async (client) => {
      const group = await find(client, scope, id);
      const statement = action === 'add' ? addMembers : dropMembers;
      await statement.run(client, scope.tenantId, [group.uid, members]);
      await record(client, caller, {
        action: `${action}-deployments`,
        thing: 'deployment group',
        id,
        details: { deployments: members.length },
      });
    });
  }

  async #chosen(caller: Caller, scope: TenantScope, choice: Choice): Promise<number[]> {
    const chosen = new Set<number>();
    const { deploymentIds = [], conditions, ofGroup } = choice;
    if (deploymentIds.length > 0) {
      const values = [[...deploymentIds], scope.userId, scope.seesPrivate];
      const known = await knownDeployments.all(this.#pool, scope.tenantId, values);
      const ids = new Set(known.map((row) => row.id));
      const missing = deploymentIds.find((one) => !ids.has(one));
      if (missing !== undefined) throw notFound('Deployment', missing);
      for (const { uid } of known) chosen.add(uid);
    }
    if (conditions !== undefined) {
      const page = await this.#deployments.list(caller, {
        shape: { uid: 'uid' },
        filters: [...conditions, { field: 'tenantName', anyOf: [scope.tenantName] }],
        sort: [],
        offset: 0,
        size: null,
      });
      for (const { uid } of JSON.parse(page.items) as { uid: number }[]) chosen.add(uid);
    }
    if (ofGroup !== undefined) {
      for (const { uid } of await this.members(caller, ofGroup)) chosen.add(uid);
    }
    return [...chosen];
  }

  /** All of them or none: what was made before one that cannot be made goes again. */
  async #make(caller: Caller, scope: TenantScope, id: string, wanted: readonly NewMember[]): Promise<void> {
    if (wanted.length === 0) return;
    if (wanted.length > MOST_NEW) {
      throw new DomainError(
        'limit',
        'too-many-deployments',
        `At most ${MOST_NEW} deployments are made at once`,
      );
    }
    const { group, last } = await inTransaction(this.#pool, async (client) => {
      const found = await find(client, scope, id);
      if (found.defaultBlueprint === null) {
        throw new DomainError(
          'conflict',
          'group-without-blueprint',
          `Deployment group ${id} has no default blueprint: new deployments cannot be made in it`,
        );
      }
      const values = [found.uid, wanted.length];
      return { group: found, last: (await countMade.one(client, scope.tenantId, values))!.made };
    });
    const made: string[] = [];
    try {
      for (const [index, member] of wanted.entries()) {
        const number = last - wanted.length + index + 1;
        made.push(await this.#makeOne(caller, id, group, member, number));
      }
      const values = [made, scope.userId, true];
      const uids = (await knownDeployments.all(this.#pool, scope.tenantId, values)).map((row) => row.uid);
      await this.#change(caller, scope, id, 'add', uids);
    } catch (error) {
      for (const one of made) await this.#deployments.remove(caller, one, { force: true }).catch(() => {});
      throw error;
    }
  }

  async #makeOne(
    caller: Caller,
    groupId: string,
    group: GroupRow,
    member: NewMember,
    number: number,
  ): Promise<string> {
    const fill = (text: string) =>
      text.replace(/\{(group_id|count|uuid|blueprint_id)\}/g, (_, word: string) => {
        if (word === 'group_id') return groupId;
        if (word === 'count') return String(number);
        return word === 'uuid' ? randomUUID() : group.defaultBlueprint!;
      });
    const id = fill(member.id ?? '{group_id}-{count}');
    const { displayName, site } = member;
    await this.#deployments.create(caller, {
      id,
      blueprintId: group.defaultBlueprint!,
      inputs: { ...group.defaultInputs, ...member.inputs },
      labels: distinct([...group.labels, ...normalLabels(member.labels ?? [])]),
      ...(displayName === undefined ? {} : { displayName: fill(displayName) }),
      ...(site === undefined ? {} : { site }),
      ...(group.visibility === 'private' ? { visibility: 'private' as const } : {}),
    });
    return id;
  }
}

/** The tenant's own group, locked. Throws `not-found`. */
async function find(client: Client, scope: TenantScope, id: string): Promise<GroupRow> {
  const group = await lockGroup.one(client, scope.tenantId, [id, scope.userId, scope.seesPrivate]);
  if (group === null) throw notFound('Deployment group', id);
  return group;
}

/** The same for other services of this room. */
export async function groupKey(client: Client, scope: TenantScope, id: string): Promise<number> {
  return (await find(client, scope, id)).uid;
}

function refuseNarrowing(id: string, now: Visibility, wanted: Visibility | null): void {
  if (wanted === null || WIDTH[wanted] >= WIDTH[now]) return;
  throw new DomainError(
    'invalid',
    'visibility-not-wider',
    `Can't set the visibility of deployment group ${id} to ${wanted}: it is ${now}, which is wider`,
  );
}

function distinct(labels: readonly Label[]): Label[] {
  return [...new Map(labels.map((label) => [JSON.stringify([label.key, label.value]), label])).values()];
}
