/** The services of this room, built together. */
import type { Safe } from '../secrets/safe.js';
import type { Pool } from '../store/pool.js';
import { AccountEnvironments } from './account-environments.js';
import { UserCredentials } from './credentials.js';
import { Workspaces } from './workspaces.js';

export interface WorkspaceServices {
  readonly workspaces: Workspaces;
  readonly accountEnvironments: AccountEnvironments;
  readonly userCredentials: UserCredentials;
}

export function workspaceServices(pool: Pool, safe: Safe): WorkspaceServices {
  return {
    workspaces: new Workspaces(pool),
    accountEnvironments: new AccountEnvironments(pool),
    userCredentials: new UserCredentials({ pool, safe }),
  };
}
