/**
 * One event, one line. Pure.
 *
 * On a terminal: time, a sign, where, which operation, the message, coloured by what the event means. Elsewhere:
 * five fields separated by one space, `-` for an absent one, the message last and with its line breaks written as
 * `\n`; these lines are for `grep` and `awk`, and their form is part of the program's promise (docs/cli.md).
 */
import type { EventRecord } from '../api/wire.js';
import type { Glyphs, Style, Tone } from './style.js';
import { clean, padEnd, truncate, width, wrap } from './text.js';
import { timeOfDay } from './time.js';

/** `08:15:04.123 ✔ ` */
const TIME_COLUMNS = 15;
/** How many columns the place gets, from which width of the terminal on. */
const WHERE_COLUMNS = [
  [110, 32],
  [90, 24],
  [0, 16],
] as const;
const OPERATION_COLUMNS = 13;

/** `cloudify.interfaces.lifecycle.create` → `create`. */
export function shortOperation(operation: string | null | undefined): string {
  if (!operation) return '';
  return operation.slice(operation.lastIndexOf('.') + 1);
}

/** The instance an event is about; both ends for a relationship. */
export function whereOf(event: EventRecord): string {
  if (event.source_id && event.target_id) return `${event.source_id}>${event.target_id}`;
  return event.node_instance_id ?? event.node_name ?? '';
}

/** What kind of line: the event type, or the level of a log. */
export function kindOf(event: EventRecord): string {
  return (event.type === 'cloudify_log' ? event.level : event.event_type) ?? event.type;
}

/** A phase that the node has no operation for. */
const NOTHING = /nothing to do\)?$/;
const RETRY = /\[retry \d+(\/\d+)?\]$/;

function meaning(event: EventRecord): { tone: Tone; sign: keyof Glyphs & string } {
  switch (kindOf(event)) {
    case 'workflow_started':
      return { tone: 'strong', sign: 'begin' };
    case 'workflow_succeeded':
      return { tone: 'good', sign: 'done' };
    case 'workflow_failed':
      return { tone: 'bad', sign: 'failed' };
    case 'workflow_cancelled':
      return { tone: 'warning', sign: 'stopped' };
    case 'workflow_node_event':
      return { tone: NOTHING.test(event.message) ? 'quiet' : 'busy', sign: 'state' };
    case 'workflow_stage':
    case 'workflow_event':
    case 'plugin_event':
      return { tone: 'plain', sign: 'state' };
    case 'sending_task':
    case 'task_started':
      return { tone: 'quiet', sign: 'task' };
    case 'task_succeeded':
      return { tone: 'good', sign: 'done' };
    case 'task_rescheduled':
      return { tone: 'warning', sign: 'retry' };
    case 'task_failed':
      return RETRY.test(event.message) ? { tone: 'warning', sign: 'retry' } : { tone: 'bad', sign: 'failed' };
    case 'error':
    case 'critical':
      return { tone: 'bad', sign: 'log' };
    case 'warning':
    case 'warn':
      return { tone: 'warning', sign: 'log' };
    case 'debug':
      return { tone: 'quiet', sign: 'log' };
    default:
      return { tone: 'plain', sign: 'log' };
  }
}

/** The operation stands in its own column; the function behind it is noise to who watches. */
const FUNCTION_NAME = /^(Sending task|Task \w+) '[\w.-]+'/;

/**
 * Lines for a terminal: the event, and under a failure its causes. Nothing is cut but long names; a message that
 * does not fit goes on under itself.
 */
export function eventLines(event: EventRecord, style: Style, columns: number): string[] {
  const { tone, sign } = meaning(event);
  const glyph = style.glyphs[sign];
  const message = event.operation
    ? (event.message ?? '').replace(FUNCTION_NAME, '$1')
    : (event.message ?? '');
  const whereColumns = WHERE_COLUMNS.find(([from]) => columns >= from)?.[1] ?? 16;
  const where = truncate(clean(whereOf(event)), whereColumns, style.glyphs.ellipsis);
  const operation = truncate(
    clean(shortOperation(event.operation)),
    OPERATION_COLUMNS,
    style.glyphs.ellipsis,
  );
  const placed = where !== '' || operation !== '';
  const place = placed
    ? `${style.paint('name', padEnd(where, whereColumns))} ${padEnd(operation, OPERATION_COLUMNS)} `
    : '';
  const indent = TIME_COLUMNS + (placed ? whereColumns + OPERATION_COLUMNS + 2 : 0);
  const hanging = columns - indent >= 30 ? indent : TIME_COLUMNS;
  const [first = '', ...rest] = wrapFirst(clean(message), columns - indent, columns - hanging);
  const lines = [
    `${style.paint('quiet', timeOfDay(new Date(event.timestamp)))} ` +
      `${style.paint(tone, typeof glyph === 'string' ? glyph : '')} ${place}${style.paint(tone, first)}`,
    ...rest.map((line) => `${' '.repeat(hanging)}${style.paint(tone, line)}`),
  ];
  for (const cause of event.error_causes ?? []) {
    const what = clean(cause.message ?? '');
    if (what !== '' && clean(message).includes(what)) continue;
    const text = `caused by ${clean(cause.type ?? 'error')}: ${what}`;
    for (const line of wrap(text, columns - hanging)) {
      lines.push(`${' '.repeat(hanging)}${style.paint(tone, line)}`);
    }
  }
  return lines;
}

/** Wrapped text whose first line has another width than the further ones. */
function wrapFirst(text: string, first: number, further: number): string[] {
  if (width(text) <= first) return [text];
  const [head = ''] = wrap(text, Math.max(10, first));
  const rest = text.slice(head.length).trimStart();
  return rest === '' ? [head] : [head, ...wrap(rest, Math.max(10, further))];
}

/** `TIME KIND WHERE OPERATION MESSAGE` for a pipe or a file. */
export function plainEventLine(event: EventRecord): string {
  const field = (text: string): string => clean(text, '').replaceAll(' ', '_') || '-';
  return [
    field(event.timestamp),
    field(kindOf(event)),
    field(whereOf(event)),
    field(shortOperation(event.operation)),
    clean(event.message ?? '', '\\n') || '-',
  ].join(' ');
}
