/** The pool of a host's agent: one for each host, served by its agent alone. Pure. */
import { createHash } from 'node:crypto';

/** Pools of agents begin so, and no others: nobody names one. */
const PREFIX = 'agent.';

/** Readable, and told apart from any other host's: ids of instances are unique in a tenant alone, and may hold what names of pools may not. */
export function agentPool(tenant: string, instance: string): string {
  const sum = createHash('sha256')
    .update(JSON.stringify([tenant, instance]))
    .digest('hex')
    .slice(0, 12);
  return `${PREFIX}${instance.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 80)}.${sum}`;
}

export function isAgentPool(name: string): boolean {
  return name.startsWith(PREFIX);
}
