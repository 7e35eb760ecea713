/** Name of the execution that this room carries out. */
export const LOG_BUNDLE_WORKFLOW = 'create_log_bundle';
