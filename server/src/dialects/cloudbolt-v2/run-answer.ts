/** The answer to running an action: the job to watch it by (specs: cloudbolt.md §5.4). */
import { Type } from 'typebox';
import type { Begun } from '../../ordering/action-runs.js';
import type { Hrefs } from './hrefs.js';

export const RunJob = Type.Object(
  {
    'run-action-job': Type.Object({
      self: Type.Object({ href: Type.String(), title: Type.String() }, { title: 'JobLink' }),
    }),
  },
  { title: 'RunActionJob', additionalProperties: true },
);

export function runAnswer(hrefs: Hrefs, job: number): Record<string, unknown> {
  return { 'run-action-job': { self: hrefs.link('jobs', { number: job, title: `Job id ${job}` }) } };
}

/** Likewise, or the order that the client has to see to first. */
export function begunAnswer(
  hrefs: Hrefs,
  { job, order }: Pick<Begun, 'job' | 'order'>,
): Record<string, unknown> {
  if (order === null) return runAnswer(hrefs, job!);
  return { 'run-action-job': { self: hrefs.link('orders', { number: order, title: `Order id ${order}` }) } };
}
