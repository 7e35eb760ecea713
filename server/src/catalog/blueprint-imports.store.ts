/** Which blueprints import which. A blueprint's `imports` name those its source imports. */
import type { BlueprintUid } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

/** Those of `$1` that are there and usable, kept from going until the transaction ends. */
export const keepBlueprints = systemStatement<{ uid: BlueprintUid }>(
  'blueprints_keep',
  `select uid from blueprints where uid = any($1::bigint[]) and state = 'uploaded' order by uid for key share`,
  'these were found for the caller, in their own tenant or as global ones',
);

/** Blueprints whose source imports `$2`; of the tenant, or of any when it is global. Whether the tenant may know them. */
export const selectImporters = tenantStatement<{ id: string; own: boolean }>(
  'blueprints_importers',
  `select b.id, b.tenant_id = $1 as own from blueprints b
   where (b.tenant_id = $1 or $3::boolean) and b.state = 'uploaded' and b.imports <> '{}' and b.imports @> array[$2::text]
   order by b.id limit 10`,
);

/** The blueprint of that id that a blueprint of the key `$1` means: of its tenant, else a global one. */
export const selectImported = systemStatement<{ uid: BlueprintUid }>(
  'blueprints_imported',
  `select b.uid from blueprints i join blueprints b on b.tenant_id = i.tenant_id or b.visibility = 'global'
   where i.uid = $1 and b.id = $2 and b.state = 'uploaded' order by b.tenant_id <> i.tenant_id limit 1`,
  'whoever knows the surrogate key has been let through to the importing blueprint, or is the engine',
);
