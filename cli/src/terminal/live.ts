/**
 * A few lines at the bottom of the terminal that change, under lines that stay.
 *
 * Every redraw is one write: up to the block's top, clear to the end of the screen, new lasting lines, the block
 * again. The block's lines must not be wider than the terminal, otherwise a wrapped line would be counted as one.
 * The frame is bracketed by "synchronised update" marks, so that terminals that know them never show half of it.
 */
export interface TerminalStream {
  write(text: string): unknown;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';

/** The characters that replace a block of `height` lines by `lasting` lines and a new block under them. */
export function frame(height: number, lasting: readonly string[], block: readonly string[]): string {
  const up = height > 1 ? `\u001b[${height - 1}A` : '';
  const clear = height > 0 ? `\r${up}\u001b[J` : '';
  const above = lasting.map((line) => `${line}\n`).join('');
  return clear + above + block.join('\n');
}

export class LiveBlock {
  private height = 0;
  private last = '';
  private open = false;

  constructor(private readonly stream: TerminalStream) {}

  /** Draws `block`, with `lasting` lines above it that stay for good. Writes nothing when nothing changed. */
  draw(block: readonly string[], lasting: readonly string[] = []): void {
    const text = block.join('\n');
    if (lasting.length === 0 && text === this.last && this.open) return;
    const begin = this.open ? '' : HIDE_CURSOR;
    this.open = true;
    this.stream.write(BEGIN_FRAME + begin + frame(this.height, lasting, block) + END_FRAME);
    this.height = block.length;
    this.last = text;
  }

  /** Takes the block away, leaves `lasting` lines in its place, and gives the cursor back. */
  close(lasting: readonly string[] = []): void {
    if (!this.open && lasting.length === 0) return;
    const cursor = this.open ? SHOW_CURSOR : '';
    this.stream.write(frame(this.height, lasting, []) + cursor);
    this.open = false;
    this.height = 0;
    this.last = '';
  }
}
