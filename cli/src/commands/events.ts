import type { Client, Query } from '../api/client.js';
import type { EventRecord } from '../api/wire.js';
import type { Call, Command } from '../command.js';
import { CliError, ExitCode, UsageError } from '../errors.js';
import { wholeNumber } from '../listing.js';
import { eventLines, plainEventLine } from '../terminal/event-line.js';
import { parseSpan } from '../terminal/time.js';

/** A log line may be kept back until its operation ends; longer ones than this are rare enough to be looked up. */
const LATENESS = 10 * 60_000;

export const events: Record<string, Command> = {
  list: {
    summary: 'What happened, the newest last',
    description:
      'Without --all the last hundred are shown. With -f the list goes on as things happen, until Ctrl-C; an execution’s own end is watched by orrery executions follow.',
    options: [
      { name: 'follow', short: 'f', summary: 'go on as things happen' },
      { name: 'execution', short: 'e', value: 'ID', summary: 'only those of an execution' },
      { name: 'deployment', short: 'd', value: 'ID', summary: 'only those of a deployment' },
      { name: 'blueprint', short: 'b', value: 'ID', summary: 'only those of a blueprint' },
      { name: 'node', value: 'NAME', summary: 'only those of a node' },
      { name: 'instance', value: 'ID', summary: 'only those of a node instance' },
      {
        name: 'type',
        value: 'TYPE',
        multiple: true,
        summary: 'only events of a type: task_failed, workflow_started, …',
      },
      {
        name: 'level',
        value: 'LEVEL',
        multiple: true,
        summary: 'only log lines of a level: debug, info, warning, error, critical',
      },
      { name: 'message', short: 'm', value: 'TEXT', summary: 'only those whose message contains the text' },
      { name: 'since', value: 'TIME', summary: 'only later ones: 10m, 2h, 3d ago, or a time in ISO 8601' },
      { name: 'until', value: 'TIME', summary: 'only earlier ones' },
      { name: 'no-logs', summary: 'leave out what scripts and plugins log' },
      { name: 'tail', short: 'n', value: 'N', summary: 'the last so many (100)' },
      { name: 'all', summary: 'all there are' },
    ],
    examples: [
      ['orrery events list -d hello -n 20', ''],
      ['orrery events list -f', 'watch the tenant'],
      ['orrery events list --type task_failed --since 1h -o json', ''],
    ],
    async run(call) {
      const client = await call.client();
      const filters = filtersOf(call);
      if (call.flag('follow')) return follow(call, client, filters);
      const items = call.flag('all')
        ? (
            await client.all<EventRecord>(
              '/events',
              { ...filters, _sort: 'timestamp' },
              Number.POSITIVE_INFINITY,
            )
          ).items
        : await last(client, filters, wholeNumber(call, 'tail') ?? 100, 'timestamp');
      if (call.print.quiet) call.print.lines(items.map((event) => String(event._storage_id ?? '')));
      else if (call.print.format !== 'table') await call.print.data(items);
      else if (items.length === 0) call.print.note('No events.');
      else await show(call, items);
      return undefined;
    },
  },
};

function filtersOf(call: Call): Query {
  const message = call.text('message');
  const since = time(call, 'since');
  const until = time(call, 'until');
  const types = call.texts('type');
  const levels = call.texts('level');
  if (types.length > 0 && levels.length > 0) {
    throw new UsageError(
      '--type chooses events and --level chooses log lines; together they choose nothing.',
    );
  }
  return {
    execution_id: call.text('execution'),
    deployment_id: call.text('deployment'),
    blueprint_id: call.text('blueprint'),
    node_id: call.text('node'),
    node_instance_id: call.text('instance'),
    ...(types.length > 0 ? { event_type: types } : {}),
    ...(levels.length > 0 ? { level: levels } : {}),
    ...(message === null ? {} : { message: `%${message.replace(/[\\%_]/g, '\\$&')}%` }),
    ...(call.flag('no-logs') ? { type: 'cloudify_event' } : {}),
    ...(since !== null || until !== null ? { _range: `timestamp,${since ?? ''},${until ?? ''}` } : {}),
  };
}

function time(call: Call, option: 'since' | 'until'): string | null {
  const text = call.text(option);
  if (text === null) return null;
  const ago = parseSpan(text);
  const date = ago === null ? new Date(text) : new Date(call.world.now() - ago);
  if (Number.isNaN(date.getTime())) {
    throw new UsageError(`--${option} cannot be "${text}".`, [
      'Write 10m, 2h, 3d, or a time such as 2026-11-22T08:00:00Z',
    ]);
  }
  return date.toISOString();
}

/** The last `count` events, oldest first. */
async function last(client: Client, filters: Query, count: number, field: string): Promise<EventRecord[]> {
  if (count === 0) return [];
  const page = await client.all<EventRecord>('/events', { ...filters, _sort: `-${field}` }, count);
  return [...page.items].reverse();
}

async function show(call: Call, items: readonly EventRecord[]): Promise<void> {
  const { print } = call;
  if (print.format !== 'table') for (const event of items) await print.streamed(event);
  else if (print.onTerminal)
    print.lines(items.flatMap((event) => eventLines(event, print.style, print.columns ?? 80)));
  else print.lines(items.map(plainEventLine));
}

async function follow(call: Call, client: Client, filters: Query): Promise<number> {
  if (call.text('until') !== null) throw new UsageError('--until has no meaning with --follow.');
  const [{ EventTail }, { eventSource, isPassing, pause, unlessAborted }, { Patience }] = await Promise.all([
    import('../following/event-tail.js'),
    import('../following/follow-execution.js'),
    import('../following/patience.js'),
  ]);
  const count = wholeNumber(call, 'tail') ?? 20;
  const everything = call.flag('all');
  const recent = everything ? [] : await last(client, filters, Math.max(1, count), 'reported_timestamp');
  await show(call, recent.slice(recent.length - Math.min(count, recent.length)));
  const oldest = recent[0];
  const tail = new EventTail(eventSource(client, filters), {
    from: oldest === undefined ? null : (oldest.reported_timestamp ?? oldest.timestamp),
    known: recent,
    lateness: LATENESS,
  });
  const interrupt = new AbortController();
  const release = call.world.onInterrupt(() => interrupt.abort());
  const patience = new Patience(200, 2000);
  let away = false;
  try {
    while (!interrupt.signal.aborted) {
      let wait: number;
      try {
        const fresh = await unlessAborted(tail.read(), interrupt.signal);
        if (fresh === null) break;
        if (away) call.print.note('The server answers again.');
        away = false;
        await show(call, fresh);
        wait = patience.next(fresh.length > 0);
      } catch (error) {
        if (!isPassing(error) || !(error instanceof CliError)) throw error;
        if (!away) call.print.note(`${error.message} Waiting for it.`);
        away = true;
        wait = patience.next(false);
      }
      await pause(wait, interrupt.signal);
    }
    return ExitCode.interrupted;
  } finally {
    release();
  }
}
