/** The services of this room, built together. */
import type { MembershipServices } from '../membership/services.js';
import type { Pool } from '../store/pool.js';
import type { Workspaces } from '../workspaces/workspaces.js';
import { CatalogueRequests } from './catalogue-requests.js';
import { DesignResources } from './design-resources.js';
import { Designs, type FetchFile } from './designs.js';
import { Sharing } from './sharing.js';

export interface DesignServices {
  readonly designs: Designs;
  readonly sharing: Sharing;
  readonly catalogueRequests: CatalogueRequests;
  readonly designResources: DesignResources;
}

export function designServices(
  pool: Pool,
  { access, members }: MembershipServices,
  workspaces: Workspaces,
  fetch: FetchFile,
): DesignServices {
  const designs = new Designs({ pool, access, workspaces, fetch });
  return {
    designs,
    sharing: new Sharing({ designs, members }),
    catalogueRequests: new CatalogueRequests({ pool, designs }),
    designResources: new DesignResources(pool),
  };
}
