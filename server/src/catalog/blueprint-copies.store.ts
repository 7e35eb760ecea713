import type { BlueprintUid } from '../ids.js';
import { systemStatement, tenantStatement } from '../store/statement.js';

const PINNED = 'belongs to a blueprint that was pinned to its tenant in the same transaction';

/** A hidden one of the id `$3` with everything of `$2` but its files and plan; `$4` requirements, `$5` imports, `$6` description. */
export const copyBlueprint = tenantStatement<{ uid: BlueprintUid }>(
  'blueprint_copies_insert',
  `insert into blueprints (tenant_id, id, visibility, created_by, description, main_file, state, hidden, archive, archive_format, requirements, imports)
   select $1, $3, b.visibility, b.created_by, $6, b.main_file, 'uploaded', true, b.archive, b.archive_format, $4, $5
   from blueprints b where b.tenant_id = $1 and b.uid = $2
   returning uid`,
);

/** To `$1` from `$2`. */
export const copyFiles = systemStatement(
  'blueprint_copies_files',
  `insert into blueprint_files (blueprint_uid, path, size, mode, blob)
   select $1, f.path, f.size, f.mode, f.blob from blueprint_files f where f.blueprint_uid = $2`,
  PINNED,
);

/** `$2` gets the plan of `$3`, and what follows from one. */
export const takePlan = tenantStatement<{ uid: BlueprintUid }>(
  'blueprint_copies_take_plan',
  `with replaced as (
     update blueprint_plans p set plan = q.plan, edition = p.edition + 1
     from blueprint_plans q where p.blueprint_uid = $2 and q.blueprint_uid = $3)
   update blueprints b set requirements = c.requirements, imports = c.imports, updated_at = now()
   from blueprints c where b.tenant_id = $1 and b.uid = $2 and c.tenant_id = $1 and c.uid = $3
   returning b.uid`,
);

export const dropNeeds = tenantStatement(
  'blueprint_copies_drop_needs',
  'delete from blueprint_plugins n where n.tenant_id = $1 and n.blueprint_uid = $2',
);

/** To `$2` from `$3`. */
export const moveNeeds = tenantStatement(
  'blueprint_copies_move_needs',
  'update blueprint_plugins n set blueprint_uid = $2 where n.tenant_id = $1 and n.blueprint_uid = $3',
);

export const showBlueprint = tenantStatement(
  'blueprint_copies_show',
  'update blueprints b set hidden = false, updated_at = now() where b.tenant_id = $1 and b.uid = $2',
);

/** Locked against deployments that are about to stand on it, until the transaction ends. */
export const lockForPlan = tenantStatement<{ uid: BlueprintUid }>(
  'blueprint_copies_lock',
  'select b.uid from blueprints b where b.tenant_id = $1 and b.uid = $2 for update',
);

/** Grows when the plan is replaced. */
export const selectEdition = systemStatement<{ edition: number }>(
  'blueprint_plans_edition',
  'select edition from blueprint_plans where blueprint_uid = $1',
  'whoever knows the surrogate key has been let through to the blueprint, or is the engine',
);
