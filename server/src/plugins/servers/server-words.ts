/** As blueprints name the plugin: not `servers`, which somebody may have uploaded. */
export const SERVERS_PLUGIN = 'orrery_servers';
