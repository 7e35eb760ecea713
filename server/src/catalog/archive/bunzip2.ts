/**
 * Bzip2, decoded.
 *
 * Ours, because the packages that decode it in JavaScript have had no care for years, or want the whole file in
 * memory. Bounded whatever the input: at most one block's worth of compressed bytes (2.5 MB), one block (3.6 MB) and
 * one piece of output at a time. A block can stand for 46 MB of output, so it is handed out in pieces and the reader
 * can stop in the middle. Each block's checksum is verified. Between blocks other work gets its turn.
 *
 *   stream = "BZh" level  block*  end-mark checksum   (streams may follow one another)
 *   block  = mark checksum 0 origin  used-bytes  tables selectors  Huffman(MTF(BWT(RLE(text))))
 */
import { setImmediate as turn } from 'node:timers/promises';
import { damaged } from './limits.js';

/** More than any block can take when compressed: 900,000 symbols of 20 bits, and its tables. */
const MOST_OF_A_BLOCK = 2_500_000;
const OUTPUT_BYTES = 64 * 1024;
const MAX_CODE_BITS = 20;
const SYMBOLS_PER_SELECTOR = 50;

export async function* bunzip2(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = compressed[Symbol.asyncIterator]();
  const bits = new Bits();
  const block = new Block();
  let ended = false;
  try {
    const fill = async () => {
      const parts: Buffer[] = [];
      let length = bits.bytesLeft;
      while (!ended && length < MOST_OF_A_BLOCK) {
        const next = await chunks.next();
        if (next.done === true) ended = true;
        else {
          parts.push(next.value);
          length += next.value.length;
        }
      }
      bits.append(parts);
    };
    await fill();
    for (let streams = 0; bits.bytesLeft > 0; streams += 1) {
      // Anything behind the last stream is padding; tools ignore it, so do we.
      if (streams > 0 && !bits.startsWith('BZh')) return;
      if (bits.read(24) !== 0x425a68) throw damaged('the bzip2 data has no beginning');
      const level = bits.read(8) - 0x30;
      if (level < 1 || level > 9) throw damaged('the bzip2 data has no beginning');
      let combined = 0;
      for (;;) {
        await fill();
        const mark = bits.read(24) * 0x1000000 + bits.read(24);
        const checksum = (bits.read(16) << 16) | bits.read(16);
        if (mark === 0x177245385090) {
          if (checksum !== combined) throw damaged('the checksum of the bzip2 data is wrong');
          bits.align();
          break;
        }
        if (mark !== 0x314159265359) throw damaged('the bzip2 data makes no sense');
        block.read(bits, level * 100_000);
        yield* block.text();
        if (block.checksum !== checksum) throw damaged('the checksum of the bzip2 data is wrong');
        combined = ((combined << 1) | (combined >>> 31)) ^ checksum;
        await turn();
      }
      await fill();
    }
  } finally {
    await chunks.return?.();
  }
}

/** Bits, most significant first. */
class Bits {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private held = 0;
  private count = 0;

  /** Whole bytes not yet looked at. */
  get bytesLeft(): number {
    return this.bytes.length - this.at;
  }

  append(parts: readonly Buffer[]): void {
    if (parts.length === 0) return;
    this.bytes = Buffer.concat([this.bytes.subarray(this.at), ...parts]);
    this.at = 0;
  }

  startsWith(text: string): boolean {
    return this.bytes.toString('latin1', this.at, this.at + text.length) === text;
  }

  /** Up to 24 bits as a number. */
  read(size: number): number {
    while (this.count < size) {
      if (this.at >= this.bytes.length) throw damaged('the bzip2 data ends too early');
      this.held = ((this.held << 8) | this.bytes[this.at++]!) & 0xffffffff;
      this.count += 8;
    }
    this.count -= size;
    const value = (this.held >>> this.count) & ((1 << size) - 1);
    this.held &= (1 << this.count) - 1;
    return value;
  }

  align(): void {
    this.held = 0;
    this.count = 0;
  }
}

/** Canonical Huffman codes of one table. */
interface Codes {
  readonly shortest: number;
  /** By length: the last code of that length, -1 without. */
  readonly last: Int32Array;
  /** By length: what to take off a code to get its place in `symbols`. */
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

class Block {
  /** Low byte: the text's byte at this place. Upper bits: where the next one is. */
  private readonly chain = new Uint32Array(900_000);
  private length = 0;
  private origin = 0;
  checksum = 0;

  /** Reads one block behind its checksum. */
  read(bits: Bits, capacity: number): void {
    if (bits.read(1) === 1) throw damaged('the bzip2 data is of a kind that nothing writes since 1997');
    this.origin = bits.read(24);
    const bytes = readUsedBytes(bits);
    const symbolCount = bytes.length + 2;
    const tableCount = bits.read(3);
    const selectorCount = bits.read(15);
    if (tableCount < 2 || tableCount > 6 || selectorCount < 1) throw damaged('the bzip2 data makes no sense');
    const selectors = readSelectors(bits, tableCount, selectorCount);
    const tables = Array.from({ length: tableCount }, () => readCodes(bits, symbolCount));
    this.readSymbols(bits, tables, selectors, bytes, Math.min(capacity, this.chain.length));
    if (this.origin >= this.length) throw damaged('the bzip2 data makes no sense');
    this.link();
  }

  private readSymbols(
    bits: Bits,
    tables: Codes[],
    selectors: Uint8Array,
    bytes: number[],
    capacity: number,
  ): void {
    const { chain } = this;
    const recent = Uint8Array.from(bytes);
    const end = bytes.length + 1;
    let length = 0;
    let selector = 0;
    let left = 0;
    let codes = tables[0]!;
    let run = 0;
    let weight = 1;
    for (;;) {
      if (left === 0) {
        if (selector >= selectors.length) throw damaged('the bzip2 data makes no sense');
        codes = tables[selectors[selector]!]!;
        selector += 1;
        left = SYMBOLS_PER_SELECTOR;
      }
      left -= 1;
      let size = codes.shortest;
      let code = bits.read(size);
      while (size > MAX_CODE_BITS || code > codes.last[size]!) {
        if (size >= MAX_CODE_BITS) throw damaged('the bzip2 data makes no sense');
        size += 1;
        code = (code << 1) | bits.read(1);
      }
      const symbol = codes.symbols[code - codes.base[size]!];
      if (symbol === undefined) throw damaged('the bzip2 data makes no sense');

      if (symbol <= 1) {
        // Symbols 0 and 1 are the digits, in a base-2 without zero, of how often the most recent byte repeats.
        if (weight > capacity) throw damaged('a block of the bzip2 data is too long');
        run += weight << symbol;
        weight <<= 1;
        continue;
      }
      if (run > 0) {
        if (length + run > capacity) throw damaged('a block of the bzip2 data is too long');
        chain.fill(recent[0]!, length, length + run);
        length += run;
        run = 0;
        weight = 1;
      }
      if (symbol === end) break;
      if (length >= capacity) throw damaged('a block of the bzip2 data is too long');
      const place = symbol - 1;
      const byte = recent[place]!;
      recent.copyWithin(1, 0, place);
      recent[0] = byte;
      chain[length] = byte;
      length += 1;
    }
    this.length = length;
  }

  /** Undoes the Burrows–Wheeler transform as far as needed: links each byte to the one that follows it in the text. */
  private link(): void {
    const { chain, length } = this;
    const starts = new Uint32Array(256);
    for (let i = 0; i < length; i += 1) starts[chain[i]! & 0xff]! += 1;
    let sum = 0;
    for (let byte = 0; byte < 256; byte += 1) {
      const count = starts[byte]!;
      starts[byte] = sum;
      sum += count;
    }
    for (let i = 0; i < length; i += 1) {
      const byte = chain[i]! & 0xff;
      const place = starts[byte]!;
      starts[byte] = place + 1;
      chain[place] = (chain[place]! | (i << 8)) >>> 0;
    }
  }

  /** The text: four equal bytes are followed by how many more of them there are. Sets `checksum` at its end. */
  *text(): Generator<Buffer> {
    const { chain, length } = this;
    let output = Buffer.allocUnsafe(OUTPUT_BYTES);
    let at = 0;
    let checksum = 0xffffffff;
    let place = chain[this.origin]! >>> 8;
    let previous = -1;
    let equal = 0;
    for (let i = 0; i < length; i += 1) {
      const entry = chain[place]!;
      const byte = entry & 0xff;
      place = entry >>> 8;
      let times = 1;
      let written = byte;
      if (equal === 4) {
        times = byte;
        written = previous;
        equal = 0;
        previous = -1;
      } else if (byte === previous) {
        equal += 1;
      } else {
        equal = 1;
        previous = byte;
      }
      for (; times > 0; times -= 1) {
        output[at] = written;
        at += 1;
        checksum = (checksum << 8) ^ CHECKSUMS[(checksum >>> 24) ^ written]!;
        if (at === OUTPUT_BYTES) {
          yield output;
          output = Buffer.allocUnsafe(OUTPUT_BYTES);
          at = 0;
        }
      }
    }
    if (at > 0) yield output.subarray(0, at);
    this.checksum = ~checksum;
  }
}

function readUsedBytes(bits: Bits): number[] {
  const groups = bits.read(16);
  const bytes: number[] = [];
  for (let group = 0; group < 16; group += 1) {
    if ((groups & (0x8000 >>> group)) === 0) continue;
    const members = bits.read(16);
    for (let member = 0; member < 16; member += 1) {
      if ((members & (0x8000 >>> member)) !== 0) bytes.push(group * 16 + member);
    }
  }
  if (bytes.length === 0) throw damaged('the bzip2 data makes no sense');
  return bytes;
}

function readSelectors(bits: Bits, tables: number, count: number): Uint8Array {
  const recent = Array.from({ length: tables }, (_, index) => index);
  const selectors = new Uint8Array(count);
  for (let i = 0; i < count; i += 1) {
    let place = 0;
    while (bits.read(1) === 1) {
      place += 1;
      if (place >= tables) throw damaged('the bzip2 data makes no sense');
    }
    const [table] = recent.splice(place, 1);
    recent.unshift(table!);
    selectors[i] = table!;
  }
  return selectors;
}

function readCodes(bits: Bits, symbolCount: number): Codes {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw damaged('the bzip2 data makes no sense');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  const symbols = new Uint16Array(symbolCount);
  const last = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const base = new Int32Array(MAX_CODE_BITS + 1);
  let shortest = MAX_CODE_BITS;
  let code = 0;
  let filled = 0;
  for (let size = 1; size <= MAX_CODE_BITS; size += 1) {
    const first = filled;
    for (let symbol = 0; symbol < symbolCount; symbol += 1) {
      if (lengths[symbol] === size) symbols[filled++] = symbol;
    }
    base[size] = code - first;
    if (filled > first) {
      code += filled - first;
      last[size] = code - 1;
      shortest = Math.min(shortest, size);
    }
    code <<= 1;
  }
  return { shortest, last, base, symbols };
}

/** CRC-32, most significant bit first. */
const CHECKSUMS = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});
