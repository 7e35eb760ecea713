/** What an offer asks for and allows: looked up and checked. */
import type { TenantScope } from '../caller.js';
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import type { Queryable } from '../store/statement.js';
import { isScript } from './action-script.js';
import { type OfferFact, type OfferItemFact, offerByKey } from './order-facts.store.js';
import { checkedValue } from './parameter-checks.js';
import { shown } from './plan-servers.js';
import type { PlanningOrder } from './planned.js';
import { isAbsent, namedAs, unknownParameter } from './wished-parameters.js';

export const USUAL_HOSTNAME = 'server-00X';

export async function offerFor(
  db: Queryable,
  scope: TenantScope,
  order: PlanningOrder,
  key: Parameters<typeof shown>[0],
): Promise<OfferFact> {
  const values = ['number' in key ? key.number : null, 'code' in key ? key.code : null, order.group.path];
  const offer = await offerByKey.one(db, scope.tenantId, values);
  if (offer === null) throw notFound('Blueprint', shown(key));
  if (!offer.orderable) {
    throw new DomainError('invalid', 'offer-not-orderable', `Blueprint '${offer.name}' cannot be ordered`, {
      details: { field: 'blueprint' },
    });
  }
  if (!offer.anyGroup && !offer.ofGroup) {
    throw new DomainError(
      'forbidden',
      'offer-not-for-group',
      `Group '${order.group.name}' may not deploy blueprint '${offer.name}'`,
      {
        details: { field: 'blueprint' },
      },
    );
  }
  return offer;
}

export function refuseUnknownParts(
  offer: OfferFact,
  items: readonly OfferItemFact[],
  named: readonly string[],
): void {
  const unknown = named.find((name) => !items.some((item) => item.name === name));
  if (unknown === undefined) return;
  const known = items.map(({ name }) => `build-item-${name}`).join(', ');
  throw new DomainError(
    'invalid',
    'build-item-unknown',
    `build-item-${unknown} is no build item of blueprint '${offer.name}'; it has: ${known || 'none'}`,
    { details: { field: `build-item-${unknown}` } },
  );
}

/** What is asked for the whole item, under the names of the offer. */
export function ownParameters(offer: OfferFact, given: JsonObject): JsonObject {
  const known = new Map(offer.parameters.map((one) => [namedAs(String(one.name)), one]));
  const values: JsonObject = {};
  for (const [name, value] of Object.entries(given)) {
    if (isAbsent(value)) continue;
    const parameter = known.get(namedAs(name));
    if (parameter === undefined) throw unknownParameter(name, [...known.keys()]);
    refusePassword(parameter, name);
    values[String(parameter.name)] =
      offer.blueprint === null ? checkedValue(checkable(parameter), value, name) : value;
  }
  requireAll([...known.values()], values);
  return values;
}

/** Clients send inputs with the number of the action behind them, or without it. */
export function actionInputs(
  action: { readonly number: number; readonly inputs: readonly JsonObject[] },
  given: JsonObject,
): { asked: JsonObject; inputs: JsonObject } {
  const known = new Map(action.inputs.map((one) => [namedAs(String(one.name)), one]));
  const suffix = `_a${action.number}`;
  const inputs: JsonObject = {};
  for (const [name, value] of Object.entries(given)) {
    if (isAbsent(value)) continue;
    const key = namedAs(name);
    const parameter = known.get(key) ?? known.get(key.endsWith(suffix) ? key.slice(0, -suffix.length) : key);
    if (parameter === undefined) throw unknownParameter(name, [...known.keys()]);
    refusePassword(parameter, name);
    inputs[String(parameter.name)] = checkedValue(checkable(parameter), value, name);
  }
  const asked = { ...inputs };
  for (const parameter of known.values()) {
    const name = String(parameter.name);
    const preset = parameter.default ?? null;
    if (inputs[name] === undefined && !isAbsent(preset)) inputs[name] = preset;
  }
  requireAll([...known.values()], inputs);
  return { asked, inputs };
}

/** It would stand in the order, and in the blueprint that is made of it. */
function refusePassword({ type }: JsonObject, name: string): void {
  if (typeof type !== 'string' || type.toUpperCase() !== 'PWD') return;
  throw new DomainError(
    'invalid',
    'password-unsupported',
    `'${name}' is a password, which an input cannot be: keep it as a secret, and let a blueprint ask for that`,
    { details: { field: name } },
  );
}

function checkable(parameter: JsonObject) {
  return {
    type: typeof parameter.type === 'string' ? parameter.type.toUpperCase() : 'STR',
    multiple: parameter.multiple === true || parameter.allowMultiple === true,
    constraints: (parameter.constraints ?? {}) as JsonObject,
    options: (Array.isArray(parameter.options) ? parameter.options : null) as readonly Json[] | null,
  };
}

function requireAll(parameters: readonly JsonObject[], values: JsonObject): void {
  const missing = parameters.find((one) => one.required === true && values[String(one.name)] === undefined);
  if (missing === undefined) return;
  throw new DomainError('invalid', 'parameter-missing', `Parameter '${String(missing.name)}' is required`, {
    details: { field: String(missing.name) },
  });
}

export function templateOf({ settings }: OfferItemFact): string {
  const template = settings.hostnameTemplate;
  return typeof template === 'string' && template !== '' ? template : USUAL_HOSTNAME;
}

export function narrowed({ settings }: OfferItemFact): readonly number[] | null {
  if (settings.allEnvironments === true || !Array.isArray(settings.environments)) return null;
  return settings.environments.filter((uid): uid is number => typeof uid === 'number');
}

/** Letters, digits and underscores; different for each item. */
export function nodeName(name: string, at: number): string {
  const plain = name
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase()
    .slice(0, 40);
  return /^[a-z]/.test(plain) ? `${plain}${at === 0 ? '' : `_i${at + 1}`}` : `item_${at + 1}`;
}

/** What would be accepted and not done is refused. */
export function refuseUnbuildable(offer: OfferFact, item: OfferItemFact): void {
  if (!isScript(item.action!.kind)) {
    throw unbuildable(offer, item, `whose action is a ${item.action!.kind}, which cannot run in a build`);
  }
  if (item.continueOnFailure)
    throw unbuildable(offer, item, 'that goes on after a failure, which cannot be built');
}

export function unbuildable(offer: OfferFact, item: OfferItemFact, why: string): DomainError {
  return new DomainError(
    'invalid',
    'build-item-unsupported',
    `Blueprint '${offer.name}' has a build item '${item.name}' ${why}`,
  );
}
