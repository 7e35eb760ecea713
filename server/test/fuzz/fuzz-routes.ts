/**
 * Drives every route of a server with requests that are wrong in many ways, signed in as everybody, and tells what a
 * server must never do: a status of 500 or more, an answer later than two seconds, a stack trace, silence.
 */
import { Agent } from 'node:http';
import type { FuzzRequest } from './route-requests.js';
import { requestOf, type Surroundings } from './route-requests.js';
import { type Outcome, send } from './send-request.js';

export interface Trouble {
  readonly number: number;
  readonly what: string;
  readonly request: FuzzRequest;
  readonly answer: string;
}

export interface FuzzReport {
  readonly sent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Routes that answered with less than 300 at least once. */
  readonly reached: number;
  readonly routes: number;
  readonly slowest: number;
  readonly troubles: readonly Trouble[];
}

export interface FuzzOptions {
  readonly url: string;
  readonly seed: number;
  readonly count: number;
  /** The number of the first request. */
  readonly from?: number;
  /** Requests under way at one time. */
  readonly together?: number;
  /** What the server holds now; asked again every so often, because requests change it. */
  readonly look: () => Promise<Surroundings>;
  /** Called when the server says that it is closed for a while. */
  readonly reopen: () => Promise<void>;
  /** Called after some hundred requests. */
  readonly progress?: (sent: number) => void;
  /** False: the server is gone, and there is nobody to ask. */
  readonly alive?: () => boolean;
}

/** Milliseconds that an answer may take. */
const LATEST = 2000;
const PATIENCE = 20_000;
const ROUND = 250;
/** Refusals that are no failure: a manager that is closed on purpose says so with 503. */
const CLOSED =
  /"error_code": ?"(maintenance_mode_active|entering_maintenance_mode|in_snapshot_restore_error)"/;
const TRACE = /\n\s+at .+:\d+:\d+|\/server\/(build|src)\/|node_modules|node:internal/;

export async function fuzzRoutes(options: FuzzOptions): Promise<FuzzReport> {
  const { url, seed, count, from = 0, together = 4, alive = () => true } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: together });
  const byStatus: Record<string, number> = {};
  const reached = new Set<string>();
  const troubles: Trouble[] = [];
  let slowest = 0;
  let sent = 0;
  let routes = 0;

  const one = async (surroundings: Surroundings, number: number) => {
    const request = requestOf(surroundings, seed, number);
    const outcome = await send(url, request, agent, PATIENCE);
    sent += 1;
    byStatus[String(outcome.status)] = (byStatus[String(outcome.status)] ?? 0) + 1;
    if (outcome.status !== null && outcome.status < 300) reached.add(request.route);
    if (CLOSED.test(outcome.text)) await options.reopen();
    const what = await troubleOf(url, request, outcome, agent);
    slowest = Math.max(
      slowest,
      what?.startsWith('late') === true || outcome.milliseconds < LATEST ? outcome.milliseconds : 0,
    );
    if (what !== null) troubles.push({ number, what, request, answer: outcome.text.slice(0, 2000) });
  };

  try {
    for (let start = from; start < from + count && alive(); start += ROUND) {
      const surroundings = await options.look();
      routes = surroundings.routes.length;
      const end = Math.min(start + ROUND, from + count);
      let next = start;
      const lane = async () => {
        while (next < end && alive()) {
          next += 1;
          await one(surroundings, next - 1);
        }
      };
      await Promise.all(Array.from({ length: together }, lane));
      options.progress?.(sent);
    }
  } finally {
    agent.destroy();
  }
  return { sent, byStatus, reached: reached.size, routes, slowest, troubles };
}

async function troubleOf(
  url: string,
  request: FuzzRequest,
  { status, text, milliseconds }: Outcome,
  agent: Agent,
): Promise<string | null> {
  if (status === null) return request.cut ? null : `no answer within ${Math.round(milliseconds)} ms`;
  // An answer to HEAD cannot say why it is closed.
  const closed = CLOSED.test(text) || (status === 503 && request.method === 'HEAD');
  if (status >= 500 && !closed) return `status ${status}`;
  // A download may hold anything.
  if (status >= 300 && TRACE.test(text)) return 'a stack trace in the answer';
  return milliseconds > LATEST && !request.cut ? late(url, request, agent, milliseconds) : null;
}

/** The machine may have been busy with something else: what is late twice more, alone, is late. */
async function late(url: string, request: FuzzRequest, agent: Agent, first: number): Promise<string | null> {
  const times = [first];
  for (let count = 0; count < 2; count += 1) {
    const { milliseconds } = await send(url, request, agent, PATIENCE);
    if (milliseconds <= LATEST) return null;
    times.push(milliseconds);
  }
  return `late: ${times.map((time) => `${Math.round(time)} ms`).join(', ')}`;
}
