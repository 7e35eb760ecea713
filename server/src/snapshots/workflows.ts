/** Names of the executions that this room carries out. */
export const SNAPSHOT_WORKFLOW = 'create_snapshot';
export const RESTORE_WORKFLOW = 'restore_snapshot';
export const SNAPSHOT_WORKFLOWS: readonly string[] = [SNAPSHOT_WORKFLOW, RESTORE_WORKFLOW];
