/** Newer Node keeps compiled code between runs; Node 20 does not know how, and starts a little slower. */
import * as module from 'node:module';

export function enableCompileCache(): void {
  (module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
}
