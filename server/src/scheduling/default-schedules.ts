/** The schedules that a blueprint's settings give each of its deployments, made in the transaction that makes the deployment. */
import type { TenantScope } from '../caller.js';
import { defaultSchedules as readSchedules } from '../dsl/default-schedules.js';
import type { PreparedPlan } from '../dsl/plan.js';
import type { DeploymentUid } from '../ids.js';
import type { ScheduleSource } from '../orchestration/deployment-creation.js';
import type { Client } from '../store/pool.js';
import { nextOf, requireWorkflow, type StartArguments } from './schedules.js';
import { insertSchedule } from './schedules.store.js';

export const defaultSchedules: ScheduleSource = { createDefaults };

async function createDefaults(
  client: Client,
  scope: TenantScope,
  { uid, id }: { readonly uid: DeploymentUid; readonly id: string },
  { settings, workflows }: Pick<PreparedPlan, 'settings' | 'workflows'>,
): Promise<void> {
  for (const schedule of readSchedules(settings, new Date())) {
    requireWorkflow({ id, workflows }, schedule.workflow);
    const { force, dryRun, allowCustomParameters, waitAfterFail } = schedule;
    const started: StartArguments = {
      force,
      dryRun,
      allowCustomParameters,
      ...(waitAfterFail === undefined ? {} : { waitAfterFail }),
    };
    await insertSchedule.run(client, scope.tenantId, [
      schedule.id,
      uid,
      schedule.workflow,
      JSON.stringify(schedule.parameters),
      JSON.stringify(started),
      JSON.stringify(schedule.rule),
      schedule.since,
      schedule.until,
      schedule.slip,
      schedule.stopOnFail,
      schedule.enabled,
      nextOf(schedule),
      scope.userId,
    ]);
  }
}
