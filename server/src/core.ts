/** The one place where rooms are built and handed to each other. */
import type { Settings } from './config.js';
import { Events } from './events/events.js';
import { Callers } from './identity/callers.js';
import { Credentials } from './identity/credentials.js';
import { PasswordHash } from './identity/password-hash.js';
import { Tenants } from './identity/tenants.js';
import { Tokens } from './identity/tokens.js';
import { UserGroups } from './identity/user-groups.js';
import { Users } from './identity/users.js';
import type { Log } from './log.js';
import { Secrets } from './secrets/secrets.js';
import { masterKeyFrom, Vault } from './secrets/vault.js';
import { type StoreHealth, storeHealth } from './store/health.js';
import type { Pool } from './store/pool.js';

export interface Core {
  readonly settings: Settings;
  readonly log: Log;
  /** What probes and metrics ask of the store. */
  readonly storeHealth: StoreHealth;
  readonly callers: Callers;
  readonly credentials: Credentials;
  readonly tokens: Tokens;
  readonly tenants: Tenants;
  readonly users: Users;
  readonly userGroups: UserGroups;
  readonly secrets: Secrets;
  readonly events: Events;
}

export interface CoreParts {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly log: Log;
}

export async function buildCore({ settings, pool, log }: CoreParts): Promise<Core> {
  const passwordHash = new PasswordHash();
  const secrets = new Secrets({ pool, vault: new Vault(masterKeyFrom(settings.masterKey)) });
  await secrets.requireMasterKey();
  return {
    settings,
    log,
    storeHealth: storeHealth(pool),
    callers: new Callers({ pool }),
    credentials: new Credentials({
      pool,
      passwordHash,
      settings: { throttle: settings.loginThrottle ? 'on' : 'off' },
    }),
    tokens: new Tokens({ pool, settings: { sessionHours: settings.tokenHours } }),
    tenants: new Tenants({ pool }),
    users: new Users({ pool, passwordHash }),
    userGroups: new UserGroups({ pool }),
    secrets,
    events: new Events(pool),
  };
}
