/** The services of this room, built together: core.ts is the house's list, and this is the room's. */
import type { Pool } from '../store/pool.js';
import { ApiKeys } from './api-keys.js';
import { Audit } from './audit.js';
import { Authorities } from './authorities.js';
import { Callers } from './callers.js';
import { type CredentialSettings, Credentials } from './credentials.js';
import { Directories } from './directories.js';
import type { KeptValues } from './kept-values.js';
import { PasswordHash } from './password-hash.js';
import { People } from './people.js';
import { Profiles } from './profiles.js';
import { Providers } from './providers.js';
import { SecondFactors } from './second-factors.js';
import { SecurityTokens } from './security-tokens.js';
import { Sessions } from './sessions.js';
import { SignIn } from './sign-in.js';
import { SignedTokens } from './signed-tokens.js';
import { TenantProfiles } from './tenant-profiles.js';
import { Tenants } from './tenants.js';
import { Tokens } from './tokens.js';
import { UserGroups } from './user-groups.js';
import { Users } from './users.js';

export interface IdentityServices {
  readonly audit: Audit;
  readonly callers: Callers;
  readonly credentials: Credentials;
  readonly secondFactors: SecondFactors;
  readonly authorities: Authorities;
  readonly providers: Providers;
  readonly signIn: SignIn;
  readonly tokens: Tokens;
  readonly apiKeys: ApiKeys;
  readonly sessions: Sessions;
  readonly securityTokens: SecurityTokens;
  readonly signedTokens: SignedTokens;
  readonly tenants: Tenants;
  readonly tenantProfiles: TenantProfiles;
  readonly users: Users;
  readonly profiles: Profiles;
  readonly people: People;
  readonly userGroups: UserGroups;
}

export interface IdentityParts {
  readonly pool: Pool;
  readonly safe: KeptValues;
  /** The current one first. */
  readonly masterKeys: readonly Buffer[];
  /** How failed sign-ins are counted. */
  readonly signIn: Partial<CredentialSettings>;
  /** How long a session token of Cloudify's kind is good. */
  readonly sessionHours: number;
  /** How long a signed token is good. */
  readonly signedSeconds: number;
}

export function identityServices({
  pool,
  safe,
  masterKeys,
  signIn,
  sessionHours,
  signedSeconds,
}: IdentityParts): IdentityServices {
  const passwordHash = new PasswordHash();
  const secondFactors = new SecondFactors({ pool, safe });
  const credentials = new Credentials({ pool, passwordHash, secondFactors, settings: signIn });
  const authorities = new Authorities({ pool, safe });
  const directories = new Directories({ authorities });
  return {
    audit: new Audit({ pool }),
    callers: new Callers({ pool }),
    credentials,
    secondFactors,
    authorities,
    providers: new Providers({ authorities, masterKey: masterKeys[0]! }),
    signIn: new SignIn({ pool, credentials, directories }),
    tokens: new Tokens({ pool, settings: { sessionHours } }),
    apiKeys: new ApiKeys({ pool }),
    sessions: new Sessions({ pool }),
    securityTokens: new SecurityTokens({ pool }),
    signedTokens: new SignedTokens({ pool, masterKeys, settings: { seconds: signedSeconds } }),
    tenants: new Tenants({ pool }),
    tenantProfiles: new TenantProfiles({ pool }),
    users: new Users({ pool, passwordHash }),
    profiles: new Profiles({ pool }),
    people: new People({ pool, passwordHash }),
    userGroups: new UserGroups({ pool }),
  };
}
