/** The plugins a worker can run, by the name blueprints use. */
import type { Plugin } from './plugin.js';

export interface PluginRegistry {
  /** Built in, else the one that runs what tenants have uploaded; null without either. */
  find(pluginName: string): Plugin | null;
  /**
   * Lets every plugin end what an earlier, killed process of this host left running. To be called once when a worker
   * starts, before it takes work. One plugin's trouble does not keep the others from recovering: all are tried, then
   * an `AggregateError` tells what went wrong.
   */
  recoverAll(): Promise<void>;
}

/** Names that belong to the language's own plugins: nobody uploads them, whether they are built in here or not. */
const NEVER_UPLOADED = new Set([
  'agent',
  'diamond',
  'script',
  'cfy_extensions',
  'default_workflows',
  'worker_installer',
  'cloudify_system_workflows',
  'agent_installer',
]);

/**
 * @param uploaded runs the operations of every plugin that is not among `plugins`: which of them there are depends on the tenant
 * @throws Error on two plugins of one name: a mistake in wiring, not in a request
 */
export function createRegistry(plugins: readonly Plugin[], uploaded: Plugin | null = null): PluginRegistry {
  const byName = new Map<string, Plugin>();
  for (const plugin of plugins) {
    if (byName.has(plugin.name)) throw new Error(`two plugins are named "${plugin.name}"`);
    byName.set(plugin.name, plugin);
  }
  return {
    find: (pluginName) => byName.get(pluginName) ?? (NEVER_UPLOADED.has(pluginName) ? null : uploaded),
    async recoverAll() {
      const results = await Promise.allSettled(
        [...byName.values(), ...(uploaded === null ? [] : [uploaded])].map(async (plugin) =>
          plugin.recover?.(),
        ),
      );
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (errors.length > 0) throw new AggregateError(errors, 'some plugins could not recover');
    },
  };
}
