/**
 * What a script prints, as log lines: bounded in memory and in rows, whatever the script does.
 *
 * Always holds: the pipe is read to its end (a full pipe would stop the script), at most one line's cap of unlogged
 * text is held per stream, and an operation logs at most `OutputLimits` in total. What is beyond is counted and said
 * once, when the script has ended.
 */

export interface OutputLimits {
  /** Bytes of one line; the rest of the line is cut off. */
  readonly line: number;
  /** Bytes logged per operation, over both streams. */
  readonly total: number;
  /** Lines logged per operation, over both streams. */
  readonly lines: number;
  /** Bytes at the end of each stream kept for the failure's message. */
  readonly tail: number;
}

export const OUTPUT_LIMITS: OutputLimits = { line: 8192, total: 1024 * 1024, lines: 10_000, tail: 2048 };

/** How much an operation may still log; shared by its streams and its `ctx logger`. */
export class OutputBudget {
  #bytes: number;
  #lines: number;
  /** Bytes that were not logged. */
  dropped = 0;

  constructor(readonly limits: OutputLimits) {
    this.#bytes = limits.total;
    this.#lines = limits.lines;
  }

  get exhausted(): boolean {
    return this.#bytes <= 0 || this.#lines <= 0;
  }

  /** True when `bytes` more may be logged, which are then taken; else they are counted as dropped. */
  take(bytes: number): boolean {
    if (this.#lines <= 0 || this.#bytes < bytes) {
      this.#bytes = Math.min(this.#bytes, 0);
      this.dropped += bytes;
      return false;
    }
    this.#bytes -= bytes;
    this.#lines -= 1;
    return true;
  }
}

/** One stream of a script, cut into lines. */
export class LineStream {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes of the current line that did not fit under its cap. */
  #cut = 0;
  #tail: Buffer = Buffer.alloc(0);

  constructor(
    private readonly budget: OutputBudget,
    /** null: only the tail is kept. */
    private readonly log: ((line: string) => void) | null,
  ) {}

  write(chunk: Buffer): void {
    this.#keepTail(chunk);
    if (this.log === null) return;
    let start = 0;
    while (!this.budget.exhausted) {
      const end = chunk.indexOf(0x0a, start);
      if (end === -1) {
        this.#keep(chunk.subarray(start));
        return;
      }
      this.#keep(chunk.subarray(start, end));
      this.#emit();
      start = end + 1;
    }
    this.budget.dropped += this.#pendingBytes + this.#cut + chunk.length - start;
    this.#forget();
  }

  /** A last line without its newline is a line too. */
  end(): void {
    if (this.log !== null && this.#pendingBytes > 0) this.#emit();
  }

  /** The end of what was printed, from the start of a line where possible. */
  tail(): string {
    const text = this.#tail.toString('utf8').replaceAll('\0', '\uFFFD').trimEnd();
    if (this.#tail.length < this.budget.limits.tail) return text;
    const newline = text.indexOf('\n');
    return newline === -1 ? text : text.slice(newline + 1);
  }

  #keep(part: Buffer): void {
    const room = this.budget.limits.line - this.#pendingBytes;
    if (part.length > room) this.#cut += part.length - room;
    const kept = part.subarray(0, room);
    if (kept.length === 0) return;
    // A copy: a view would hold the whole chunk it was cut from.
    this.#pending.push(Buffer.from(kept));
    this.#pendingBytes += kept.length;
  }

  #emit(): void {
    const line = Buffer.concat(this.#pending).toString('utf8').replaceAll('\0', '\uFFFD').replace(/\r$/, '');
    const bytes = this.#pendingBytes;
    const cut = this.#cut;
    this.#forget();
    // An empty line costs a row too.
    if (!this.budget.take(bytes + 1)) return;
    this.budget.dropped += cut;
    this.log!(cut === 0 ? line : `${line}… (${cut} bytes more)`);
  }

  #forget(): void {
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#cut = 0;
  }

  #keepTail(chunk: Buffer): void {
    const size = this.budget.limits.tail;
    const joined = chunk.length >= size ? chunk : Buffer.concat([this.#tail, chunk]);
    this.#tail = Buffer.from(joined.subarray(Math.max(0, joined.length - size)));
  }
}
