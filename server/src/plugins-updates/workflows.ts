/** Name of the execution that this room carries out. */
export const PLUGINS_UPDATE_WORKFLOW = 'update_plugin';
