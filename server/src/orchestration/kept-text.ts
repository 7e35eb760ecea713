/** A text that is too long to be in memory as it is, on its way to a client: deflated until the client has taken what was before it. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';

const deflated = promisify(deflateRaw) as (text: string, options: { level: number }) => Promise<Buffer>;
const inflated = promisify(inflateRaw) as (piece: Buffer) => Promise<Buffer>;

export class KeptText {
  readonly #pieces: Buffer[] = [];
  readonly #hash = createHash('sha256');

  async add(text: string): Promise<void> {
    this.#hash.update(text);
    this.#pieces.push(await deflated(text, { level: 1 }));
  }

  /** Of everything that was added; called once, after the last. */
  digest(): string {
    return this.#hash.digest('hex');
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** Pieces in their order, each kept until it is asked for. */
  async *pieces(): AsyncGenerator<Buffer> {
    for (let piece = this.#pieces.shift(); piece !== undefined; piece = this.#pieces.shift())
      yield await inflated(piece);
  }
}
