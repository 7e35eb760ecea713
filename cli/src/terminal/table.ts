/**
 * Tables. Pure: rows and a width in, lines out.
 *
 * On a terminal the table fits its width: the columns that allow it are narrowed, the widest first, never below
 * their heading's width or eight columns. Elsewhere nothing is ever cut, so that a script reads what the server said.
 */
import type { Style, Tone } from './style.js';
import { clean, padEnd, padStart, truncate, width } from './text.js';

export interface Column<Row> {
  readonly title: string;
  value(row: Row): string | number | null | undefined;
  tone?(row: Row): Tone;
  readonly align?: 'right';
  /** May be narrowed when the terminal is; `last`: when narrowing the others was not enough. */
  readonly shrinks?: 'first' | 'last';
}

const GAP = '  ';
const NARROWEST = 8;

export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  options: { style: Style; width: number | null },
): string[] {
  const { style } = options;
  const cells = rows.map((row) =>
    columns.map((column) => {
      const value = column.value(row);
      return value === null || value === undefined || value === '' ? '-' : clean(String(value));
    }),
  );
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...cells.map((row) => width(row[index] ?? ''))),
  );
  if (options.width !== null) fit(columns, widths, options.width);
  const line = (texts: readonly string[], tone: (index: number) => Tone): string =>
    columns
      .map((column, index) => {
        const columnWidth = widths[index] ?? 0;
        const text = truncate(texts[index] ?? '', columnWidth, style.glyphs.ellipsis);
        const last = index === columns.length - 1;
        const filled =
          column.align === 'right' ? padStart(text, columnWidth) : last ? text : padEnd(text, columnWidth);
        return style.paint(tone(index), filled);
      })
      .join(GAP)
      .trimEnd();
  return [
    line(
      columns.map((column) => column.title.toUpperCase()),
      () => 'quiet',
    ),
    ...rows.map((row, number) =>
      line(cells[number] ?? [], (index) => columns[index]?.tone?.(row) ?? 'plain'),
    ),
  ];
}

function fit<Row>(columns: readonly Column<Row>[], widths: number[], available: number): void {
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1) - available;
  for (const turn of ['first', 'last'] as const) {
    const floor = columns.map((column, index) =>
      column.shrinks === turn
        ? Math.min(widths[index] ?? 0, Math.max(NARROWEST, width(column.title)))
        : (widths[index] ?? 0),
    );
    while (excess > 0) {
      let widest = -1;
      for (let index = 0; index < widths.length; index++) {
        if ((widths[index] ?? 0) <= (floor[index] ?? 0)) continue;
        if (widest < 0 || (widths[index] ?? 0) > (widths[widest] ?? 0)) widest = index;
      }
      if (widest < 0) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
      excess--;
    }
  }
}

/** One thing as `name  value` lines; values over several lines are indented under each other. */
export function renderRecord(
  entries: readonly (readonly [label: string, value: string, tone?: Tone])[],
  style: Style,
): string[] {
  const labelWidth = Math.max(0, ...entries.map(([label]) => width(label)));
  return entries.flatMap(([label, value, tone]) => {
    const [first = '', ...rest] = value.split('\n');
    return [
      `${style.paint('quiet', padEnd(label, labelWidth))}${GAP}${style.paint(tone ?? 'plain', first)}`,
      ...rest.map((line) => `${' '.repeat(labelWidth)}${GAP}${style.paint(tone ?? 'plain', line)}`),
    ];
  });
}
