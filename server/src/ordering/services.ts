/** The services of this room that say what may be ordered and by whom, built together: core.ts is the house's list. */
import type { Blueprints } from '../catalog/blueprints.js';
import type { IdentityServices } from '../identity/services.js';
import type { Pool } from '../store/pool.js';
import { ActionUses } from './action-uses.js';
import { Actions } from './actions.js';
import { BuildingBlocks } from './building-blocks.js';
import { ConditionRules } from './condition-rules.js';
import { Environments } from './environments.js';
import { Groups } from './groups.js';
import { Offers } from './offers.js';
import { Orderers } from './orderers.js';
import { Packages } from './packages.js';
import { Parameters } from './parameters.js';
import { Passwords, type SafeForPasswords } from './passwords.js';
import { ResourceTypes } from './resource-types.js';
import { Rights } from './rights.js';

export interface CatalogueServices {
  readonly rights: Rights;
  readonly groups: Groups;
  readonly environments: Environments;
  readonly osBuilds: BuildingBlocks;
  readonly applications: BuildingBlocks;
  readonly resourceTypes: ResourceTypes;
  readonly actions: Actions;
  readonly actionUses: ActionUses;
  readonly conditionRules: ConditionRules;
  readonly offers: Offers;
  readonly orderers: Orderers;
  readonly packages: Packages;
  readonly parameters: Parameters;
  readonly passwords: Passwords;
}

export function catalogueServices(parts: {
  readonly pool: Pool;
  readonly blueprints: Blueprints;
  readonly safe: SafeForPasswords;
  readonly identity: Pick<IdentityServices, 'people' | 'users'>;
}): CatalogueServices {
  const { pool, blueprints, identity } = parts;
  const passwords = new Passwords(parts.safe);
  const rights = new Rights(pool);
  const groups = new Groups(pool, rights);
  const resourceTypes = new ResourceTypes(pool);
  const actions = new Actions(pool);
  const actionUses = new ActionUses(pool);
  const conditionRules = new ConditionRules(pool);
  const environments = new Environments(pool);
  const offers = new Offers(pool, { blueprints, resourceTypes });
  return {
    rights,
    groups,
    environments,
    osBuilds: BuildingBlocks.osBuilds(pool),
    applications: BuildingBlocks.applications(pool),
    resourceTypes,
    actions,
    actionUses,
    conditionRules,
    offers,
    packages: new Packages({
      pool,
      actions,
      actionUses,
      conditionRules,
      offers,
      resourceTypes,
      environments,
    }),
    parameters: new Parameters({ pool, rights, passwords }),
    passwords,
    orderers: new Orderers({ pool, groups, people: identity.people, users: identity.users }),
  };
}
