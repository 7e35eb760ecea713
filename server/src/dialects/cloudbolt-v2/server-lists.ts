/** What belongs to one server: its jobs, and what happened to it (specs: cloudbolt.md §5.4). */
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { HistoryField } from '../../inventory/servers.js';
import type { JobField } from '../../ordering/jobs.js';
import { wireTime } from './dates.js';
import type { WireKey } from './hrefs.js';
import { integer, text, time } from './paths.js';
import type { Collection } from './resource.js';

interface JobRow {
  readonly number: number;
  readonly code: string;
  readonly typeName: string;
  readonly status: string;
}

export const RELATED_JOBS: Collection<JobField, JobRow> = {
  name: 'jobs',
  tag: 'Servers',
  thing: 'job',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    type: text('type'),
    status: text('status'),
    'start-date': time('startedAt'),
    'end-date': time('endedAt'),
  },
  reads: ['number', 'code', 'typeName', 'status'],
  title: ({ number }) => `Job id ${number}`,
  thin: ({ number, typeName, status }) => ({ id: String(number), type: typeName, status }),
  list: (core, caller, query) => core.jobs.list(caller, query),
  // Only ever listed: an item is found among the jobs.
  item: async () => ({}),
};

/** Number of the job that built the server, as far as the caller sees it; null: there is none. */
export async function provisionJob(core: Core, caller: Caller, uid: number): Promise<number | null> {
  const page = await core.jobs.list(caller, {
    shape: { number: 'number' },
    filters: [
      { field: 'serverUid', lookup: 'exact', value: String(uid) },
      { field: 'type', anyOf: ['provision'] },
    ],
    sort: [],
    offset: 0,
    size: 1,
  });
  const [job] = JSON.parse(page.items) as { number: number }[];
  return job?.number ?? null;
}

interface HistoryRow {
  readonly number: number;
  readonly at: string;
  readonly event: string;
  readonly message: string;
  readonly userName: string | null;
  readonly executionId: string | null;
}

type ListHistory = Collection<HistoryField, HistoryRow>['list'];

export function historyOf(key: WireKey): Collection<HistoryField, HistoryRow> {
  const name = `servers/${'number' in key ? key.number : key.code}/history`;
  return historyAt(name, (core, caller, query) => core.servers.history(caller, key, query));
}

/** @param path of the collection, without slashes at its ends */
export function historyAt(path: string, list: ListHistory): Collection<HistoryField, HistoryRow> {
  return {
    name: path,
    tag: 'Servers',
    thing: 'event',
    paths: {
      id: integer('number'),
      pk: integer('number'),
      'event-type': text('event'),
      'event-message': text('message'),
      'action-time': time('at'),
      'owner.user.username': text('userName'),
    },
    reads: ['number', 'at', 'event', 'message', 'userName', 'executionId'],
    title: ({ message }) => message,
    thin: ({ number, at, event, message, userName, executionId }) => ({
      id: String(number),
      'action-time': wireTime(at),
      'event-type': event,
      'event-message': message,
      'user.username': userName,
      execution: executionId,
    }),
    list,
    item: async () => ({}),
  };
}
