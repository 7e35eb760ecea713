/** The plugins a worker can run, by the name blueprints use. */
import type { Plugin } from './plugin.js';

export interface PluginRegistry {
  /** Null when no such plugin is built in or installed. */
  find(pluginName: string): Plugin | null;
  /**
   * Lets every plugin end what an earlier, killed process of this host left running. To be called once when a worker
   * starts, before it takes work. One plugin's trouble does not keep the others from recovering: all are tried, then
   * an `AggregateError` tells what went wrong.
   */
  recoverAll(): Promise<void>;
}

/** Throws on two plugins of one name: a mistake in wiring, not in a request. */
export function createRegistry(plugins: readonly Plugin[]): PluginRegistry {
  const byName = new Map<string, Plugin>();
  for (const plugin of plugins) {
    if (byName.has(plugin.name)) throw new Error(`two plugins are named "${plugin.name}"`);
    byName.set(plugin.name, plugin);
  }
  return {
    find: (pluginName) => byName.get(pluginName) ?? null,
    async recoverAll() {
      const results = await Promise.allSettled(
        [...byName.values()].map(async (plugin) => plugin.recover?.()),
      );
      const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      if (errors.length > 0) throw new AggregateError(errors, 'some plugins could not recover');
    },
  };
}
