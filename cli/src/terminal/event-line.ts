/**
 * One event, one line. Pure.
 *
 * On a terminal: time, a sign, where, which operation, the message, coloured by what the event means. Elsewhere:
 * five fields separated by one space, `-` for an absent one, the message last and with its line breaks written as
 * `\n`; these lines are for `grep` and `awk`, and their form is part of the program's promise (docs/cli.md).
 */
import type { EventRecord } from '../api/wire.js';
import type { Glyphs, Style, Tone } from './style.js';
import { clean, padEnd, truncate } from './text.js';
import { timeOfDay } from './time.js';

const WHERE_COLUMNS = 24;
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
      return { tone: 'busy', sign: 'state' };
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

/** Lines for a terminal: the event, and under a failure its causes. Not cut: the terminal wraps long messages. */
export function eventLines(event: EventRecord, style: Style): string[] {
  const { tone, sign } = meaning(event);
  const glyph = style.glyphs[sign];
  const time = timeOfDay(new Date(event.timestamp));
  const where = truncate(clean(whereOf(event)), WHERE_COLUMNS, style.glyphs.ellipsis);
  const operation = truncate(
    clean(shortOperation(event.operation)),
    OPERATION_COLUMNS,
    style.glyphs.ellipsis,
  );
  const place =
    where === '' && operation === ''
      ? ''
      : `${style.paint('name', padEnd(where, WHERE_COLUMNS))} ${padEnd(operation, OPERATION_COLUMNS)} `;
  const lines = [
    `${style.paint('quiet', time)} ${style.paint(tone, typeof glyph === 'string' ? glyph : '')} ${place}${style.paint(tone, clean(event.message ?? ''))}`,
  ];
  for (const cause of event.error_causes ?? []) {
    const text = clean(`${cause.type ?? 'error'}: ${cause.message ?? ''}`);
    if (clean(event.message ?? '').includes(clean(cause.message ?? ''))) continue;
    lines.push(`${' '.repeat(15)}${style.paint(tone, `caused by ${text}`)}`);
  }
  return lines;
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
