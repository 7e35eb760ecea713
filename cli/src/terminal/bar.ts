/** Progress, drawn. Pure. */
import type { Style, Tone } from './style.js';
import { clean, truncate, width } from './text.js';
import { clock } from './time.js';

/** `━━━━━━────` over `columns`; full only when everything is done, and never empty once something is. */
export function bar(done: number, total: number, columns: number, style: Style, tone: Tone): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  let full = Math.floor(share * columns);
  if (done > 0 && full === 0) full = Math.min(1, columns);
  if (done < total && full === columns) full = Math.max(0, columns - 1);
  return (
    style.paint(tone, style.glyphs.barFull.repeat(full)) +
    style.paint('quiet', style.glyphs.barEmpty.repeat(columns - full))
  );
}

export interface Progress {
  readonly workflow: string;
  readonly deployment: string;
  /** Operations; `total` 0 while the plan is not made yet. */
  readonly finished: number;
  readonly total: number;
  readonly elapsed: number;
  readonly status: string;
  readonly trouble: 'none' | 'retries' | 'failures';
  /** Counts up while one looks; chooses the spinner's picture. */
  readonly tick: number;
  /** What runs now, longest first. */
  readonly running: readonly {
    readonly where: string;
    readonly operation: string;
    readonly elapsed: number;
  }[];
  /** Something the watcher must know, e.g. that the server does not answer. */
  readonly notice: string | null;
}

const BAR_COLUMNS = 30;

/** The two lines under the events: how far, and what is under way. Never wider than `columns`. */
export function progressLines(progress: Progress, columns: number, style: Style): string[] {
  const { glyphs } = style;
  const room = Math.max(20, columns - 1);
  const spinner = glyphs.spinner[progress.tick % glyphs.spinner.length] ?? '';
  const tone: Tone =
    progress.trouble === 'failures' ? 'bad' : progress.trouble === 'retries' ? 'warning' : 'good';
  const count =
    progress.total > 0
      ? `${progress.finished}/${progress.total}  ${Math.floor((100 * progress.finished) / progress.total)}%`
      : progress.status;
  const status = progress.total > 0 && progress.status !== 'started' ? `  ${progress.status}` : '';
  const tail = `  ${count}  ${clock(progress.elapsed)}${status}`;
  // The name gets what a whole bar and the figures leave, the bar what the name then leaves, the figures the rest.
  const shared = room - 2 - width(tail);
  const name = truncate(
    `${progress.workflow} ${progress.deployment}`,
    Math.max(8, shared - 2 - BAR_COLUMNS),
    glyphs.ellipsis,
  );
  const barColumns = Math.max(0, Math.min(BAR_COLUMNS, shared - 2 - width(name)));
  const first =
    `${style.paint('busy', spinner)} ${style.paint('strong', name)}  ` +
    bar(progress.finished, progress.total, barColumns, style, tone) +
    truncate(tail, room - 4 - width(name) - barColumns, glyphs.ellipsis);
  if (progress.notice !== null) {
    return [first, style.paint('warning', truncate(`  ${progress.notice}`, room, glyphs.ellipsis))];
  }
  return [first, style.paint('quiet', runningLine(progress, room, style))];
}

function runningLine(progress: Progress, room: number, style: Style): string {
  const parts: string[] = [];
  let used = 2;
  for (const [index, each] of progress.running.entries()) {
    const seconds = Math.floor(each.elapsed / 1000);
    const part = `${clean(each.where)} ${clean(each.operation)}${seconds >= 2 ? ` ${clock(each.elapsed)}` : ''}`;
    const left = progress.running.length - index;
    const more = left > 1 ? `  +${left - 1} more` : '';
    if (parts.length > 0 && used + width(part) + 3 + width(more) > room) {
      return truncate(`  ${parts.join(` ${style.glyphs.dot} `)}  +${left} more`, room, style.glyphs.ellipsis);
    }
    parts.push(part);
    used += width(part) + 3;
  }
  return truncate(`  ${parts.join(` ${style.glyphs.dot} `)}`, room, style.glyphs.ellipsis);
}
