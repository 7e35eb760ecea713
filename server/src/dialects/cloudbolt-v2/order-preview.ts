/** What an order would come to, for `POST /orders/?dry-run=1`: an extension. */
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { NewOrder } from '../../ordering/orders.js';
import type { Amounts } from '../../ordering/quotas.js';
import { shownRate } from '../../ordering/rates.js';
import { type Hrefs, ROOT } from './hrefs.js';
import { shownItems } from './order-forms.js';

export async function previewBody(
  core: Core,
  caller: Caller,
  hrefs: Hrefs,
  order: NewOrder,
): Promise<Record<string, unknown>> {
  const preview = await core.orders.preview(caller, order);
  return {
    _links: { self: { href: `${ROOT}/orders/?dry-run=1`, title: 'Dry run: nothing was stored' } },
    summary: preview.summary,
    status: preview.approvedByItself ? 'ACTIVE' : 'PENDING',
    rate: shownRate(preview.rate, preview.rateUnit),
    'approved-by-itself': preview.approvedByItself,
    'held-by': preview.heldBy,
    approvers: preview.approvers.map((person) =>
      hrefs.link('users', { number: person.id, title: person.username }),
    ),
    quotas: preview.quotas.map(({ holder, name, limits, used, asked, breaches }) => ({
      holder: holder === 'handler' ? 'resource-handler' : holder,
      name,
      limits: amounts(limits),
      used: amounts(used),
      asked: amounts(asked),
      exceeded: breaches.length > 0,
    })),
    servers: preview.items.flatMap(({ plan }) =>
      plan.kind !== 'build'
        ? []
        : plan.servers.map((server) => ({
            hostname: server.hostname,
            environment: hrefs.item('environments', server.environment),
            'cpu-cnt': server.cpus,
            'mem-size': `${(server.memoryMb / 1024).toFixed(4)} GB`,
            'disk-size': `${server.diskGb} GB`,
            rate: shownRate(server.cost, preview.rateUnit),
          })),
    ),
    'task-graphs': preview.graphs.map(({ name, tasks, text }) => ({
      name,
      tasks: tasks.map(({ id, operation, instance, dependsOn }) => ({
        id,
        operation,
        instance,
        'depends-on': dependsOn,
      })),
      text,
    })),
    items: shownItems(hrefs, preview.items),
  };
}

function amounts(given: Partial<Amounts>): Record<string, number> {
  const named: readonly (readonly [string, number | undefined])[] = [
    ['vm-count', given.servers],
    ['cpu-cnt', given.cpus],
    ['mem-size-mb', given.memoryMb],
    ['disk-size-gb', given.diskGb],
    ['rate', given.rate],
  ];
  return Object.fromEntries(named.filter((pair): pair is [string, number] => pair[1] !== undefined));
}
