/** The services of this room, built together. */
import type { Pool } from '../store/pool.js';
import { Access } from './access.js';
import { ActingTenants } from './acting-tenant.js';
import { Awards } from './awards.js';
import { Invitations } from './invitations.js';
import { Members } from './members.js';
import { OwnedTenants } from './owned-tenants.js';
import { Preferences } from './preferences.js';
import { Teams } from './teams.js';

export interface MembershipServices {
  readonly actingTenants: ActingTenants;
  readonly preferences: Preferences;
  readonly ownedTenants: OwnedTenants;
  readonly members: Members;
  readonly teams: Teams;
  readonly access: Access;
  readonly invitations: Invitations;
  readonly awards: Awards;
}

export function membershipServices(pool: Pool): MembershipServices {
  const members = new Members(pool);
  return {
    actingTenants: new ActingTenants(pool),
    preferences: new Preferences(pool),
    ownedTenants: new OwnedTenants(pool),
    members,
    teams: new Teams({ pool, members }),
    access: new Access(pool),
    invitations: new Invitations(pool),
    awards: new Awards({ pool, members }),
  };
}
