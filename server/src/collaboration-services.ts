/** The part of core.ts that builds the rooms in which people work together: memberships, workspaces, designs, the academy, notices. */
import { type AcademyServices, academyServices } from './academy/services.js';
import type { FetchFile } from './designs/designs.js';
import { type DesignServices, designServices } from './designs/services.js';
import { type MembershipServices, membershipServices } from './membership/services.js';
import { Notices } from './notices/notices.js';
import type { Safe } from './secrets/safe.js';
import type { Pool } from './store/pool.js';
import { type WorkspaceServices, workspaceServices } from './workspaces/services.js';

export interface CollaborationServices
  extends MembershipServices,
    WorkspaceServices,
    DesignServices,
    AcademyServices {
  readonly notices: Notices;
}

export function collaborationServices(parts: {
  readonly pool: Pool;
  readonly safe: Safe;
  readonly fetch: FetchFile;
}): CollaborationServices {
  const { pool, safe, fetch } = parts;
  const membership = membershipServices(pool);
  const workspacing = workspaceServices(pool, safe);
  return {
    ...membership,
    ...workspacing,
    ...designServices(pool, membership, workspacing.workspaces, fetch),
    ...academyServices(pool, membership.members),
    notices: new Notices(pool),
  };
}
