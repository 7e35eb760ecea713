/** Build items of a new blueprint, as an item of the catalogue shows them. */
import type { Caller } from '../../caller.js';
import type { NewOfferItem } from '../../ordering/offers.js';
import type { Body } from './body.js';
import { badRequest } from './errors.js';
import type { Mounting } from './resource.js';
import { booleanMember, hrefsMember, integerMember, listMember, required, textMember } from './values.js';

const ACTION_TYPES = new Set(['plugin', 'script', 'webhook', 'email']);

/** @throws CloudBoltError 400 that names the item */
export async function readItems(
  { core }: Mounting,
  caller: Caller,
  body: Body,
): Promise<readonly NewOfferItem[]> {
  const items: NewOfferItem[] = [];
  for (const given of listMember(body, 'build-items', 100) ?? []) {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      throw badRequest(`Invalid value for 'build-items': it should be a list of objects`);
    }
    items.push(await readItem(core, caller, given as Body));
  }
  return items;
}

async function readItem(core: Mounting['core'], caller: Caller, body: Body): Promise<NewOfferItem> {
  const name = required('build-items.name', textMember(body, 'name'));
  const type = required('build-items.type', textMember(body, 'type'));
  const position = integerMember(body, 'deploy-seq');
  const common = {
    name,
    description: textMember(body, 'description') ?? '',
    shownOnOrderForm: booleanMember(body, 'show-on-order-form') ?? true,
    inParallel: booleanMember(body, 'execute-in-parallel') ?? false,
    continueOnFailure: booleanMember(body, 'continue-on-failure') ?? false,
    ...(position === undefined ? {} : { position }),
  };
  if (type === 'provserver') {
    const hostnameTemplate = textMember(body, 'hostname-template') ?? '';
    const keys = hrefsMember(body, 'environments', ['environments']);
    const allEnvironments = booleanMember(body, 'all-environments-enabled') ?? keys === undefined;
    if (keys === undefined || allEnvironments)
      return { ...common, kind: 'server', settings: { hostnameTemplate, allEnvironments } };
    const found = await Promise.all(keys.map((key) => core.environments.find(caller, key)));
    const environments = found.map(({ uid }) => uid);
    return { ...common, kind: 'server', settings: { hostnameTemplate, allEnvironments, environments } };
  }
  if (!ACTION_TYPES.has(type)) {
    throw badRequest(
      `Build item '${name}' is of the unsupported type '${type}'; supported are provserver, ${[...ACTION_TYPES].join(', ')}`,
    );
  }
  const actionName = required('build-items.action-name', textMember(body, 'action-name'));
  const action = await core.actions.named(caller, actionName);
  if (action === null) throw badRequest(`Build item '${name}': there is no action named '${actionName}'`);
  return { ...common, kind: 'action', actionUid: action.uid };
}
