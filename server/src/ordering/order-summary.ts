/** What an order is about, in a line. Pure. */
import type { ItemPlan } from './order-items.js';

const LONGEST = 1000;

/** `Provisioning of web01`. */
export function summaryOf(plan: ItemPlan): string {
  switch (plan.kind) {
    case 'build': {
      const hosts = plan.servers.map(({ hostname }) => hostname);
      return `Provisioning of ${hosts.length === 0 ? plan.name : hosts.join(', ')}`;
    }
    case 'modify':
      return `Modification of ${plan.server.name}`;
    case 'remove':
      return `Deletion of ${[...plan.resources, ...plan.servers].map(({ name }) => name).join(', ')}`;
    case 'act':
      return `${plan.task.label} of ${plan.target.name}`;
  }
}

export function joined(summaries: readonly string[]): string {
  const all = summaries.join('; ');
  return all.length <= LONGEST ? all : `${all.slice(0, LONGEST - 1)}…`;
}
