/**
 * Actions: something that people run, or that is run for them. What one is lies in its kind, its source and its settings; where it is offered
 * is another matter (action-uses.ts).
 */
import type { Caller, TenantScope } from '../caller.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  type ActionField,
  type ActionKind,
  type ActionRow,
  actionList,
  codeTaken,
  deleteAction,
  insertAction,
  selectAction,
  selectActionByName,
  selectActions,
  updateAction,
} from './actions.store.js';
import { requireTitle } from './names.js';
import { managingScope, orderingScope } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export { ACTION_KINDS, type ActionField, type ActionKind } from './actions.store.js';
export type Action = ActionRow;

/** What an action, an offer or an order form asks for. Also how parameters of offers are kept. */
export interface Input {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** As parameters have: STR, INT, … */
  readonly type: string;
  readonly required: boolean;
  /** Null: any value. */
  readonly options: readonly Json[] | null;
  readonly constraints: JsonObject;
  /** Null: none. */
  readonly default: Json;
}

export interface NewAction {
  readonly name: string;
  readonly description?: string;
  readonly kind: ActionKind;
  readonly shared?: boolean;
  readonly scriptFilename?: string;
  readonly source?: string;
  readonly settings?: JsonObject;
  readonly inputs?: readonly Input[];
  /** Names it on every installation; one that is taken here is passed over. */
  readonly code?: string;
}

/** Characters. */
const LONGEST_SOURCE = 1024 * 1024;

export class Actions {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async list(caller: Caller, query: ListQuery<ActionField>): Promise<ListPage> {
    return listPage(this.#pool, actionList, orderingScope(caller), query);
  }

  /** Throws `not-found`. */
  async find(caller: Caller, key: ThingKey, db: Queryable = this.#pool): Promise<Action> {
    const found = await selectAction.one(db, orderingScope(caller).tenantId, keyValues(key));
    if (found === null) throw notFound('Action', keyText(key));
    return found;
  }

  /** Null: there is none of that name. */
  async named(caller: Caller, name: string): Promise<Action | null> {
    return this.byName(this.#pool, orderingScope(caller), name);
  }

  async byName(db: Queryable, scope: TenantScope, name: string): Promise<Action | null> {
    return selectActionByName.one(db, scope.tenantId, [name]);
  }

  async byKeys(db: Queryable, scope: TenantScope, uids: readonly number[]): Promise<readonly Action[]> {
    return selectActions.all(db, scope.tenantId, [uids]);
  }

  /** Within somebody's transaction, who has asked for the right and records it. @throws DomainError `invalid`; `conflict` */
  async insert(
    client: Client,
    scope: TenantScope,
    action: NewAction,
  ): Promise<{ uid: number; number: number }> {
    requireTitle('action', action.name);
    checkSource(action);
    // First: whoever makes another meanwhile waits for this one to be over, and is seen by the next line.
    const number = await nextNumber(client, scope.tenantId, 'action');
    if ((await this.byName(client, scope, action.name)) !== null) {
      throw new DomainError('conflict', 'action-exists', `An action named '${action.name}' is there already`);
    }
    const { uid } = (await insertAction.one(client, scope.tenantId, [
      number,
      await this.#freeCode(client, scope, action.code),
      action.name,
      ...valuesOf(action),
    ]))!;
    return { uid, number };
  }

  /** Puts all that an action is in the place of what it was. Likewise. */
  async replace(client: Client, scope: TenantScope, uid: number, action: NewAction): Promise<void> {
    checkSource(action);
    await updateAction.run(client, scope.tenantId, [uid, ...valuesOf(action)]);
  }

  /** Needs `ordering.manage`. @throws DomainError `not-found`; `conflict` (`action-in-use`) */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = managingScope(caller);
    const action = await this.find(caller, key);
    await inTransaction(this.#pool, async (client) => {
      try {
        await deleteAction.run(client, scope.tenantId, [action.uid]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw new DomainError(
          'conflict',
          'action-in-use',
          `Action '${action.name}' cannot be deleted: blueprints, rules or offered actions run it`,
        );
      }
      await record(client, caller, { action: 'delete', thing: 'action', id: action.name });
    });
  }

  async #freeCode(client: Client, scope: TenantScope, code: string | undefined): Promise<string | null> {
    if (code === undefined) return null;
    return (await codeTaken.actions.one(client, scope.tenantId, [code])) === null ? code : null;
  }
}

function valuesOf(action: NewAction): readonly unknown[] {
  return [
    action.description ?? '',
    action.kind,
    action.shared ?? true,
    action.scriptFilename ?? '',
    action.source ?? '',
    JSON.stringify(action.settings ?? {}),
    JSON.stringify(action.inputs ?? []),
  ];
}

function checkSource({ source = '', name }: NewAction): void {
  if (source.length <= LONGEST_SOURCE && !source.includes('\0')) return;
  throw new DomainError(
    'invalid',
    'action-source-invalid',
    `The source of action '${name}' must be a text of at most ${LONGEST_SOURCE} characters`,
  );
}
