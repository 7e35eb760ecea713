/** An order as it is printed (specs: cloudbolt.md §6.3). */
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { offeredActions } from '../../ordering/order-state.js';
import type { Order } from '../../ordering/orders.js';
import { shownRate } from '../../ordering/rates.js';
import { wireTime } from './dates.js';
import type { Hrefs } from './hrefs.js';
import { shownItems } from './order-forms.js';

const CAPITAL = (action: string) => `${action[0]!.toUpperCase()}${action.slice(1)}`;

/** @param againSubmit the answer offers to submit it, though it is: some clients insist on following that */
export async function orderBody(
  core: Core,
  caller: Caller,
  hrefs: Hrefs,
  order: Order,
  againSubmit = false,
): Promise<Record<string, unknown>> {
  const title = `Order id ${order.number}`;
  const [jobs, built, mayApprove] = await Promise.all([
    core.jobs.ofOrders(caller, [order.uid]),
    core.orders.built(caller, order),
    core.orders.mayApprove(caller, order),
  ]);
  const offered = offeredActions(order.status).filter(
    (action) => (action !== 'approve' && action !== 'deny') || mayApprove,
  );
  const actions = againSubmit && !offered.includes('submit') ? (['submit', ...offered] as const) : offered;
  const user = (person: { readonly id: number }) =>
    hrefs.link('users', { number: person.id, title: `User id ${person.id}` });
  const approver = order.approvedBy ?? (order.approvedAt === null ? null : order.owner);
  return {
    _links: {
      self: hrefs.link('orders', { number: order.number, title }),
      group: hrefs.link('groups', {
        number: order.groupNumber,
        code: order.groupCode,
        title: order.groupName,
      }),
      owner: user(order.owner),
      ...(order.recipient === null ? {} : { recipient: user(order.recipient) }),
      ...(approver === null ? {} : { 'approved-by': user(approver), approved_by: user(approver) }),
      actions: actions.map((action) => ({
        [action]: { href: hrefs.action('orders', order, action), title: `${CAPITAL(action)} '${title}'` },
      })),
      jobs: jobs.map(({ number }) => hrefs.link('jobs', { number, title: `Job id ${number}` })),
      servers: built.servers.map((server) => hrefs.link('servers', { ...server, title: server.name })),
      resources: built.resources.map((resource) =>
        hrefs.link('services', { ...resource, title: resource.name }),
      ),
    },
    name: order.name,
    id: String(order.number),
    summary: order.summary,
    status: order.status,
    rate: shownRate(order.rate, order.rateUnit),
    'create-date': wireTime(order.createdAt),
    ...(order.submittedAt === null ? {} : { 'submit-date': wireTime(order.submittedAt) }),
    ...(order.approvedAt === null ? {} : { 'approve-date': wireTime(order.approvedAt) }),
    ...(order.endedAt === null ? {} : { 'end-date': wireTime(order.endedAt) }),
    ...(order.comment === '' ? {} : { comment: order.comment }),
    ...(order.heldBy.length === 0 ? {} : { 'held-by': order.heldBy }),
    ...(order.failures.length === 0 ? {} : { failures: order.failures }),
    items: shownItems(hrefs, order.items),
  };
}
