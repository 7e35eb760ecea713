import { systemStatement } from '../store/statement.js';

const WHY = 'maintenance is of the whole installation';

export interface MaintenanceRow {
  readonly requestedAt: Date | null;
  readonly requestedBy: string | null;
  readonly activatedAt: Date | null;
  /** Whether anything runs. */
  readonly busy: boolean;
}

const ACTIVE = `x.status in ('pending', 'started', 'cancelling', 'force-cancelling', 'kill-cancelling')`;

export const selectMaintenance = systemStatement<MaintenanceRow>(
  'maintenance_select',
  `select m.requested_at as "requestedAt", m.requested_by as "requestedBy", m.activated_at as "activatedAt",
     m.requested_at is not null and m.activated_at is null and exists (select from executions x where ${ACTIVE}) as busy
   from maintenance m`,
  WHY,
);

/** The row, held until the transaction ends. */
export const lockMaintenance = systemStatement<{ requestedAt: Date | null }>(
  'maintenance_lock',
  'select requested_at as "requestedAt" from maintenance for update',
  WHY,
);

export const requestMaintenance = systemStatement<never>(
  'maintenance_request',
  'update maintenance set requested_at = now(), requested_by = $1, activated_at = null',
  WHY,
);

/** It begins as soon as nothing runs. */
export const activateIdle = systemStatement<never>(
  'maintenance_activate',
  `update maintenance set activated_at = now()
   where requested_at is not null and activated_at is null and not exists (select from executions x where ${ACTIVE})`,
  WHY,
);

export const endMaintenance = systemStatement<never>(
  'maintenance_end',
  'update maintenance set requested_at = null, requested_by = null, activated_at = null',
  WHY,
);

export interface RemainingRow {
  readonly id: string;
  readonly status: string;
  readonly deploymentId: string | null;
  readonly workflow: string;
}

export const selectRemaining = systemStatement<RemainingRow>(
  'maintenance_remaining',
  `select x.id, x.status, d.id as "deploymentId", x.workflow
   from executions x left join deployments d on d.uid = x.deployment_uid where ${ACTIVE} order by x.uid limit 1000`,
  WHY,
);
