/**
 * Offers: what may be ordered.
 *
 * An offer is made of items (servers, actions, other offers), from which a blueprint is made when it is ordered; or it wraps a
 * blueprint that somebody has uploaded, and then its parameters are that blueprint's inputs. Who may order it: every
 * group, or those it is given to and the groups below them.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { Blueprints } from '../catalog/blueprints.js';
import type { InputDefinition, JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import type { Input } from './actions.js';
import { requireTitle } from './names.js';
import {
  deleteOffer,
  deleteOfferItems,
  insertOffer,
  insertOfferGroups,
  insertOfferItem,
  type OfferField,
  type OfferItemRow,
  type OfferRow,
  offerList,
  selectGroupsOfOffer,
  selectOffer,
  selectOfferByCode,
  selectOfferByName,
  selectOfferItems,
  selectOffersOfGroup,
  updateOffer,
} from './offers.store.js';
import type { NewResourceType, ResourceTypes } from './resource-types.js';
import { managingScope, orderingScope } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export type { OfferField } from './offers.store.js';
export type Offer = OfferRow;
export type OfferItem = OfferItemRow;

/** Settings of an item that builds servers. */
export interface ServerItem {
  /** `web0X`: the first free number; empty: generated. */
  readonly hostnameTemplate?: string;
  readonly allEnvironments?: boolean;
  /** Names of OS families; none: all. */
  readonly osFamilies?: readonly string[];
}

export interface NewOfferItem {
  readonly name: string;
  readonly phase?: OfferItem['phase'];
  readonly description?: string;
  readonly kind: OfferItem['kind'];
  readonly position?: number;
  readonly shownOnOrderForm?: boolean;
  readonly inParallel?: boolean;
  readonly continueOnFailure?: boolean;
  readonly actionUid?: number | null;
  readonly nestedUid?: number | null;
  readonly settings?: JsonObject;
}

export interface NewOffer {
  readonly name: string;
  readonly description?: string;
  readonly position?: number;
  readonly icon?: string;
  readonly orderable?: boolean;
  readonly anyGroup?: boolean;
  readonly resourceTypeUid?: number | null;
  /** In its place: found by its name, and made where it is not there. */
  readonly resourceType?: NewResourceType;
  /** Key of an uploaded blueprint (`catalog/`). */
  readonly blueprintUid?: number | null;
  readonly parameters?: readonly Input[];
  readonly items?: readonly NewOfferItem[];
  /** Keys of groups. */
  readonly groups?: readonly number[];
  readonly code?: string;
}

const MOST_ITEMS = 100;

export class Offers {
  readonly #pool: Pool;
  readonly #blueprints: Blueprints;
  readonly #resourceTypes: ResourceTypes;

  constructor(pool: Pool, parts: { readonly blueprints: Blueprints; readonly resourceTypes: ResourceTypes }) {
    this.#pool = pool;
    this.#blueprints = parts.blueprints;
    this.#resourceTypes = parts.resourceTypes;
  }

  async list(caller: Caller, query: ListQuery<OfferField>): Promise<ListPage> {
    return listPage(this.#pool, offerList, orderingScope(caller), query);
  }

  /** Throws `not-found`, also for one that the caller may not see. */
  async find(caller: Caller, key: ThingKey, db: Queryable = this.#pool): Promise<Offer> {
    const scope = orderingScope(caller);
    const found = await selectOffer.one(db, scope.tenantId, [
      ...keyValues(key),
      scope.userId,
      scope.seesPrivate,
    ]);
    if (found === null) throw notFound('Offer', keyText(key));
    return found;
  }

  async byName(db: Queryable, scope: TenantScope, name: string): Promise<Offer | null> {
    return selectOfferByName.one(db, scope.tenantId, [name]);
  }

  /** What is built, managed and taken down, in order. */
  async items(caller: Caller, offer: Offer, db: Queryable = this.#pool): Promise<readonly OfferItem[]> {
    return selectOfferItems.all(db, orderingScope(caller).tenantId, [offer.uid]);
  }

  /** Those it is given to, as far as the caller sees. */
  async groups(caller: Caller, offer: Offer) {
    const scope = orderingScope(caller);
    return selectGroupsOfOffer.all(this.#pool, scope.tenantId, [offer.uid, scope.userId, scope.seesPrivate]);
  }

  /** What a group that the caller has found may order. */
  async ofGroup(caller: Caller, group: { readonly path: readonly number[] }): Promise<readonly Offer[]> {
    return selectOffersOfGroup.all(this.#pool, orderingScope(caller).tenantId, [group.path]);
  }

  /**
   * Needs `ordering.manage`. A new offer of an uploaded blueprint asks for that blueprint's inputs.
   *
   * @param blueprint its id; its parameters are then the inputs
   * @throws DomainError `invalid`, `not-found`; `conflict` (`offer-exists`)
   */
  async create(caller: Caller, offer: NewOffer, blueprint?: string): Promise<Offer> {
    const scope = managingScope(caller);
    const wrapped = blueprint === undefined ? null : await this.#wrapping(caller, blueprint);
    return inTransaction(this.#pool, async (client) => {
      const { number } = await this.insert(client, scope, {
        ...offer,
        ...(wrapped === null ? {} : { blueprintUid: wrapped.uid, parameters: wrapped.inputs }),
      });
      await record(client, caller, { action: 'create', thing: 'offer', id: offer.name, details: { number } });
      return this.find(caller, { number }, client);
    });
  }

  /** Within somebody's transaction, who has asked for the right and records it. @throws DomainError `invalid`; `conflict` */
  async insert(
    client: Client,
    scope: TenantScope,
    offer: NewOffer,
  ): Promise<{ uid: number; number: number }> {
    requireTitle('blueprint', offer.name);
    // First: whoever makes another meanwhile waits for this one to be over, and is seen by the next line.
    const number = await nextNumber(client, scope.tenantId, 'offer');
    if ((await this.byName(client, scope, offer.name)) !== null) {
      throw new DomainError(
        'conflict',
        'offer-exists',
        `A blueprint named '${offer.name}' is offered already`,
      );
    }
    const code = await freeCode(client, scope, offer.code);
    const { uid } = (await insertOffer.one(client, scope.tenantId, [
      number,
      code,
      offer.name,
      ...valuesOf(await this.#typed(client, scope, offer)),
    ]))!;
    await this.#keepItems(client, scope, uid, offer);
    return { uid, number };
  }

  /** Puts all that an offer is in the place of what it was; who it was given to stays. Likewise. */
  async replace(client: Client, scope: TenantScope, uid: number, offer: NewOffer): Promise<void> {
    await updateOffer.run(client, scope.tenantId, [
      uid,
      ...valuesOf(await this.#typed(client, scope, offer)),
    ]);
    await deleteOfferItems.run(client, scope.tenantId, [uid]);
    await this.#keepItems(client, scope, uid, offer);
  }

  /** Needs `ordering.manage`. @throws DomainError `not-found`; `conflict` (`offer-in-use`) */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = managingScope(caller);
    const offer = await this.find(caller, key);
    await inTransaction(this.#pool, async (client) => {
      try {
        await deleteOffer.run(client, scope.tenantId, [offer.uid]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw new DomainError(
          'conflict',
          'offer-in-use',
          `Blueprint '${offer.name}' cannot be deleted: something was built of it`,
        );
      }
      await record(client, caller, { action: 'delete', thing: 'offer', id: offer.name });
    });
  }

  /** The key of an uploaded blueprint that the caller may see. Throws `not-found`. */
  async wrapped(caller: Caller, id: string): Promise<number> {
    return (await this.#blueprints.get(caller, id)).uid;
  }

  async #typed(client: Client, scope: TenantScope, offer: NewOffer): Promise<NewOffer> {
    if (offer.resourceType === undefined) return offer;
    return { ...offer, resourceTypeUid: await this.#resourceTypes.ensure(client, scope, offer.resourceType) };
  }

  async #keepItems(client: Client, scope: TenantScope, uid: number, offer: NewOffer): Promise<void> {
    const items = offer.items ?? [];
    if (items.length > MOST_ITEMS) {
      throw new DomainError('invalid', 'offer-items-invalid', `A blueprint has at most ${MOST_ITEMS} items`);
    }
    const names = new Set<string>();
    for (const [at, item] of items.entries()) {
      requireTitle('blueprint item', item.name);
      const name = `${item.phase ?? 'build'} ${item.name}`;
      if (names.has(name)) {
        throw new DomainError('invalid', 'offer-items-invalid', `Two items are named '${item.name}'`);
      }
      names.add(name);
      requireBuilt(item);
      await insertOfferItem.run(client, scope.tenantId, [
        uid,
        item.phase ?? 'build',
        item.name,
        item.description ?? '',
        item.kind,
        item.position ?? at + 1,
        item.shownOnOrderForm ?? true,
        item.inParallel ?? false,
        item.continueOnFailure ?? false,
        item.actionUid ?? null,
        item.nestedUid ?? null,
        JSON.stringify(item.settings ?? {}),
      ]);
    }
    await insertOfferGroups.run(client, scope.tenantId, [uid, offer.groups ?? []]);
  }

  async #wrapping(caller: Caller, id: string): Promise<{ uid: number; inputs: readonly Input[] }> {
    const { uid } = await this.#blueprints.get(caller, id);
    const { inputs } = await this.#blueprints.plan(caller, id);
    return { uid, inputs: Object.entries(inputs).map(([name, input]) => inputOf(name, input)) };
  }
}

/** What would be kept and never run is not taken. */
function requireBuilt({ phase = 'build', name }: NonNullable<NewOffer['items']>[number]): void {
  if (phase === 'build') return;
  const instead =
    phase === 'manage'
      ? 'offer its action on resources'
      : 'let its action run at the trigger point pre_decom';
  throw new DomainError(
    'invalid',
    'offer-item-unsupported',
    `Item '${name}' is of the phase ${phase}, in which items of blueprints are not run: ${instead}`,
  );
}

const TYPES: Readonly<Record<string, string>> = {
  integer: 'INT',
  float: 'DEC',
  boolean: 'BOOL',
  textarea: 'TXT',
};

/** An input of the blueprint language as people are asked for it. */
function inputOf(name: string, input: InputDefinition): Input {
  const constraints = Object.assign({}, ...(input.constraints ?? [])) as JsonObject;
  const [minimum, maximum] = Array.isArray(constraints.in_range) ? constraints.in_range : [];
  const regex = constraints.pattern;
  const least = minimum ?? constraints.greater_or_equal;
  const most = maximum ?? constraints.less_or_equal;
  return {
    name,
    label: input.displayLabel ?? name,
    description: input.description ?? '',
    type: TYPES[input.type ?? ''] ?? 'STR',
    required: (input.required ?? true) && (input.default ?? null) === null,
    options: Array.isArray(constraints.valid_values) ? constraints.valid_values : null,
    constraints: {
      ...(typeof least === 'number' ? { minimum: least } : {}),
      ...(typeof most === 'number' ? { maximum: most } : {}),
      ...(typeof regex === 'string' ? { regex } : {}),
    },
    default: input.default ?? null,
  };
}

function valuesOf(offer: NewOffer): readonly unknown[] {
  return [
    offer.description ?? '',
    offer.position ?? 0,
    offer.icon ?? '',
    offer.orderable ?? true,
    offer.anyGroup ?? false,
    offer.resourceTypeUid ?? null,
    offer.blueprintUid ?? null,
    JSON.stringify(offer.parameters ?? []),
  ];
}

async function freeCode(
  client: Client,
  scope: TenantScope,
  code: string | undefined,
): Promise<string | null> {
  if (code === undefined) return null;
  return (await selectOfferByCode.one(client, scope.tenantId, [code])) === null ? code : null;
}
