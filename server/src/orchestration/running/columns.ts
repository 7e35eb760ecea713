/** Columns of a batch in the forms that PostgreSQL reads fastest: integers as binary arrays, texts as array literals. */

const HEAD = 20;
const STEP = 8;
/** Type number of `integer` in PostgreSQL. */
const INTEGER = 23;

/** A column of integers that grows. Kept in PostgreSQL's binary form from the start, so that sending it costs nothing. */
export class IntegerColumn {
  #room = new DataView(new ArrayBuffer(HEAD + 64 * STEP));
  #count = 0;

  get length(): number {
    return this.#count;
  }

  push(value: number): void {
    let at = HEAD + this.#count * STEP;
    if (at === this.#room.byteLength) at = this.#grow();
    this.#room.setInt32(at, 4);
    this.#room.setInt32(at + 4, value);
    this.#count += 1;
  }

  /** The column as a value for a query; empty afterwards. */
  take(): Buffer {
    const room = this.#room;
    const count = this.#count;
    // Dimensions, whether there are nulls, type of the elements; then length and first index.
    room.setInt32(0, count === 0 ? 0 : 1);
    room.setInt32(4, 0);
    room.setInt32(8, INTEGER);
    room.setInt32(12, count);
    room.setInt32(16, 1);
    this.#room = new DataView(new ArrayBuffer(room.byteLength));
    this.#count = 0;
    return Buffer.from(room.buffer, 0, count === 0 ? 12 : HEAD + count * STEP);
  }

  #grow(): number {
    const full = this.#room;
    const room = new ArrayBuffer(HEAD + 2 * (full.byteLength - HEAD));
    new Uint8Array(room).set(new Uint8Array(full.buffer));
    this.#room = new DataView(room);
    return full.byteLength;
  }
}

/** Texts as one array literal. NUL characters, which PostgreSQL cannot keep, are replaced. */
export function textColumn(texts: readonly (string | null)[]): string {
  let column = '{';
  for (let place = 0; place < texts.length; place += 1) {
    const text = texts[place]!;
    if (place > 0) column += ',';
    column += text === null ? 'NULL' : element(text);
  }
  return `${column}}`;
}

function element(text: string): string {
  return /["\\\0]/.test(text)
    ? `"${text.replace(/["\\]/g, '\\$&').replaceAll('\0', '\ufffd')}"`
    : `"${text}"`;
}
