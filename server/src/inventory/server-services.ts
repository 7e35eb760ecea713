/** The inventory's services about servers, put together for `core.ts`. */
import { join } from 'node:path';
import type { Callers } from '../identity/callers.js';
import type { Allowlist } from '../net/allowlist.js';
import type { Executions } from '../orchestration/executions.js';
import { SystemExecutions } from '../orchestration/system-executions.js';
import type { BuildingBlocks } from '../ordering/building-blocks.js';
import type { Orders } from '../ordering/orders.js';
import type { Rights } from '../ordering/rights.js';
import type { Triggers } from '../ordering/triggers.js';
import type { Pool } from '../store/pool.js';
import type { CloudAccounts, SafeForAccounts } from './cloud-accounts.js';
import { Expiry, type ExpiryParts } from './expiry.js';
import { InstanceFollower } from './follow-instances.js';
import { createEc2Handler } from './handlers/ec2/ec2-handler.js';
import { createLocalHandler } from './handlers/local/local.js';
import { createSshHandler } from './handlers/ssh/ssh-handler.js';
import { ResourceHandlers } from './resource-handlers.js';
import { InventoryBook } from './server-book.js';
import { ServerHandlers } from './server-handlers.js';
import { ServerPasswords } from './server-passwords.js';
import { ServerSyncs, SYNC_WORKFLOW } from './server-syncs.js';
import { ServerWorks } from './server-works.js';
import { type JobsForServers, Servers, type ServersParts } from './servers.js';

export interface ServerServicesParts {
  readonly pool: Pool;
  readonly accounts: CloudAccounts;
  readonly ground: ServerGround;
  readonly rights: Rights;
  readonly executions: Executions;
  readonly jobs: JobsForServers;
  readonly runs: ServersParts['runs'];
  readonly osBuilds: BuildingBlocks;
  /** A hint that there is work. */
  readonly wakeWorkers: () => void;
  readonly callers: Callers;
  readonly orders: Orders;
  readonly triggers: Triggers;
  readonly settings: ExpiryParts['settings'];
}

export interface ServerGroundParts {
  readonly accounts: CloudAccounts;
  readonly safe: SafeForAccounts;
  readonly allowlist: Allowlist;
  readonly settings: {
    readonly dataDir: string;
    readonly localServers: boolean;
    readonly localServersMost: number;
  };
}

/** What ordering stands on as well. */
export interface ServerGround {
  readonly serverHandlers: ServerHandlers;
  readonly serverPasswords: ServerPasswords;
  readonly serverBook: InventoryBook;
}

export interface ServerServices extends ServerGround {
  readonly serverWorks: ServerWorks;
  readonly servers: Servers;
  readonly instanceFollower: InstanceFollower;
  readonly serverSyncs: ServerSyncs;
  readonly resourceHandlers: ResourceHandlers;
  readonly expiry: Expiry;
}

export function serverGround({ accounts, safe, allowlist, settings }: ServerGroundParts): ServerGround {
  const serverHandlers = new ServerHandlers({
    accounts,
    handlers: [
      createLocalHandler({
        folder: join(settings.dataDir, 'servers'),
        enabled: settings.localServers,
        most: settings.localServersMost,
      }),
      createEc2Handler({ allowlist }),
      createSshHandler({ allowlist }),
    ],
  });
  const serverPasswords = new ServerPasswords(safe);
  const serverBook = new InventoryBook({ handlers: serverHandlers, passwords: serverPasswords });
  return { serverHandlers, serverPasswords, serverBook };
}

export function serverServices(parts: ServerServicesParts): ServerServices {
  const {
    pool,
    accounts,
    rights,
    executions,
    jobs,
    runs,
    osBuilds,
    ground,
    settings,
    callers,
    orders,
    triggers,
  } = parts;
  const servers = new Servers({ pool, rights, executions, jobs, runs });
  const { serverHandlers: handlers, serverPasswords: passwords } = ground;
  return {
    ...ground,
    serverWorks: new ServerWorks({ pool, handlers, passwords }),
    servers,
    expiry: new Expiry({ pool, callers, servers, orders, triggers, settings }),
    instanceFollower: new InstanceFollower({ pool, accounts }),
    serverSyncs: new ServerSyncs({
      pool,
      handlers,
      // One for each account: the syncs themselves see to that.
      executions: new SystemExecutions(pool, [SYNC_WORKFLOW], parts.wakeWorkers, { together: true }),
      jobs,
    }),
    resourceHandlers: new ResourceHandlers({ pool, accounts, handlers, osBuilds, rights }),
  };
}
