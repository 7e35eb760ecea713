/** The services of cloud accounts and what is found in them, built together: core.ts is the house's list. */
import type { Pool } from '../store/pool.js';
import { Badges } from './badges.js';
import { CloudAccounts, type SafeForAccounts } from './cloud-accounts.js';
import { Harvests } from './harvest.js';
import { Regions } from './regions.js';
import { InventoryResources } from './resources.js';
import { Strategies } from './strategies.js';

export interface CloudServices {
  readonly cloudAccounts: CloudAccounts;
  readonly badges: Badges;
  readonly regions: Regions;
  readonly harvests: Harvests;
  readonly strategies: Strategies;
  readonly inventoryResources: InventoryResources;
}

export function cloudServices({ pool, safe }: { pool: Pool; safe: SafeForAccounts }): CloudServices {
  const cloudAccounts = new CloudAccounts({ pool, safe });
  const regions = new Regions({ pool, accounts: cloudAccounts });
  return {
    cloudAccounts,
    badges: new Badges({ pool, accounts: cloudAccounts }),
    regions,
    harvests: new Harvests({ pool, accounts: cloudAccounts, regions }),
    strategies: new Strategies({ pool, accounts: cloudAccounts }),
    inventoryResources: new InventoryResources({ pool }),
  };
}
