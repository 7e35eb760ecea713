/**
 * What a command says, in the form that was asked for.
 *
 * `table` is for people, `json` and `yaml` are the server's own records, unchanged. Results go to standard output;
 * remarks (how many more there are, what is being waited for) go to standard error, so that a pipe carries results
 * only.
 */
import type { Page } from './api/wire.js';
import { ApiError, type CliError } from './errors.js';
import type { Style, Tone } from './terminal/style.js';
import { type Column, renderRecord, renderTable } from './terminal/table.js';
import { clean, cleanLines } from './terminal/text.js';
import { columnsOf, styleOf, type World } from './world.js';

export type Format = 'table' | 'json' | 'yaml';

export type Entry = readonly [label: string, value: string, tone?: Tone];

export class Printer {
  readonly style: Style;
  readonly errorStyle: Style;
  readonly columns: number | null;

  constructor(
    private readonly world: World,
    readonly format: Format,
    readonly quiet: boolean,
  ) {
    this.style = styleOf(world, world.stdout);
    this.errorStyle = styleOf(world, world.stderr);
    this.columns = columnsOf(world.stdout);
  }

  /** True when a person watches: then times are local and lines fit. */
  get onTerminal(): boolean {
    return this.columns !== null;
  }

  lines(lines: readonly string[]): void {
    if (lines.length > 0) this.world.stdout.write(`${lines.join('\n')}\n`);
  }

  /** A remark beside the result. */
  note(text: string): void {
    if (!this.quiet) this.world.stderr.write(`${this.errorStyle.paint('quiet', text)}\n`);
  }

  warn(text: string): void {
    this.world.stderr.write(`${this.errorStyle.paint('warning', 'warning:')} ${text}\n`);
  }

  async list<Row>(
    page: Page<Row>,
    columns: readonly Column<Row>[],
    id: (row: Row) => string,
    names: { one: string; many: string },
  ): Promise<void> {
    if (this.quiet) return this.lines(page.items.map(id));
    if (this.format !== 'table') return this.data(page.items);
    const { total, offset } = page.metadata.pagination;
    if (page.items.length === 0) {
      this.note(total > 0 ? `No ${names.many} here; there are ${total}.` : `No ${names.many}.`);
      return;
    }
    this.lines(renderTable(columns, page.items, { style: this.style, width: this.columns }));
    const shown = offset + page.items.length;
    if (offset > 0 || shown < total) {
      const more = shown < total ? ` More: --offset ${shown}, or --all` : '';
      this.note(`${names.many} ${offset + 1} to ${shown} of ${total}.${more}`);
    }
  }

  /** One thing: as labelled lines, or as the record itself. */
  async record(record: unknown, id: string, entries: () => readonly Entry[]): Promise<void> {
    if (this.quiet) return this.lines([id]);
    if (this.format !== 'table') return this.data(record);
    this.lines(renderRecord(entries(), this.style));
  }

  /** Something was done: a sentence for people, the record for programs. */
  async done(sentence: string, record: unknown, id: string): Promise<void> {
    if (this.quiet) return this.lines([id]);
    if (this.format !== 'table') return this.data(record);
    this.lines([`${this.style.paint('good', this.style.glyphs.done)} ${sentence}`]);
  }

  async data(value: unknown): Promise<void> {
    if (this.format === 'yaml') {
      const { dump } = await import('js-yaml');
      this.world.stdout.write(dump(value, { lineWidth: -1, noRefs: true }));
    } else {
      this.world.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    }
  }

  /** One of a stream of records: a JSON line, or a YAML document. */
  async streamed(value: unknown): Promise<void> {
    if (this.format === 'yaml') {
      const { dump } = await import('js-yaml');
      this.world.stdout.write(`---\n${dump(value, { lineWidth: -1, noRefs: true })}`);
    } else {
      this.world.stdout.write(`${JSON.stringify(value)}\n`);
    }
  }

  trouble(error: CliError): void {
    if (this.format === 'json') {
      const api = error instanceof ApiError ? { status: error.status, error_code: error.code } : {};
      this.world.stderr.write(
        `${JSON.stringify({ error: { message: error.message, ...api, hints: error.hints } })}\n`,
      );
      return;
    }
    this.world.stderr.write(`${troubleLines(error, this.errorStyle).join('\n')}\n`);
  }
}

/** An error as shown: its first line after `error:`, further lines (a compiler's findings) under it, then the way out. */
export function troubleLines(error: CliError, style: Style): string[] {
  const [first = '', ...rest] = cleanLines(error.message);
  const lines = [`${style.paint('bad', 'error:')} ${first}`, ...rest.map((line) => `  ${line}`)];
  if (error instanceof ApiError) {
    lines.push(
      style.paint(
        'quiet',
        `  (${error.status}${error.code ? ` ${clean(error.code)}` : ''}, ${error.request})`,
      ),
    );
  }
  for (const hint of error.hints) lines.push(`  ${style.paint('busy', style.glyphs.task)} ${hint}`);
  return lines;
}

/** A value on one line: text as it is, everything else as JSON. */
export function inline(value: unknown): string {
  if (value === null || value === undefined) return '-';
  return clean(typeof value === 'string' ? value : JSON.stringify(value));
}
