/**
 * Archives for tests, honest and hostile. Written byte by byte, because no decent tool writes the hostile ones.
 *
 *   tarOf([{ path: 'app/blueprint.yaml', content: '…' }])     zipOf([…])     gzip(tarOf([…]))
 */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

export interface TarEntry {
  readonly path: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  /** Type flag: `0` file (default), `1` hard link, `2` symbolic link, `3`/`4` devices, `5` folder, `6` pipe, `x`, `g`, `L`. */
  readonly type?: string;
  readonly link?: string;
  /** What the header claims, where that is not the truth. */
  readonly size?: number;
}

export function tarOf(entries: readonly TarEntry[], options: { readonly end?: boolean } = {}): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const content = Buffer.from(entry.content ?? '');
    blocks.push(tarHeader(entry, entry.size ?? content.length), content);
    blocks.push(Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  if (options.end !== false) blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

export function tarHeader(entry: TarEntry, size: number): Buffer {
  const header = Buffer.alloc(512);
  header.write(entry.path, 0, 100);
  header.write(`${(entry.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('14000000000\0', 136);
  header.write('        ', 148);
  header.write(entry.type ?? '0', 156);
  header.write(entry.link ?? '', 157, 100);
  header.write('ustar\u000000', 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A pax record, as the content of an entry of type `x` or `g`. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest) + 1;
  while (String(length).length + Buffer.byteLength(rest) !== length) length += 1;
  return `${length}${rest}`;
}

export interface ZipEntry {
  readonly path: string | Buffer;
  readonly content?: string | Buffer;
  /** Whole Unix mode with kind bits, e.g. 0o120777 for a link. */
  readonly mode?: number;
  readonly stored?: boolean;
  readonly encrypted?: boolean;
  /** What the headers claim, where that is not the truth. */
  readonly size?: number;
  readonly checksum?: number;
  /** Points at the bytes of the entry with this index instead of having its own. */
  readonly sameBytesAs?: number;
}

export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  const written: { offset: number; packed: number; size: number; checksum: number; method: number }[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.path);
    const content = Buffer.from(entry.content ?? '');
    const packed = entry.stored === true ? content : deflateRawSync(content);
    const own = {
      offset,
      packed: packed.length,
      size: entry.size ?? content.length,
      checksum: entry.checksum ?? crc32(content),
      method: entry.stored === true ? 0 : 8,
    };
    const facts = entry.sameBytesAs === undefined ? own : written[entry.sameBytesAs]!;
    written.push(facts);
    const flags = 0x800 | (entry.encrypted === true ? 1 : 0);
    if (entry.sameBytesAs === undefined) {
      const local = Buffer.alloc(30);
      local.writeUInt32LE(0x04034b50, 0);
      local.writeUInt16LE(20, 4);
      local.writeUInt16LE(flags, 6);
      local.writeUInt16LE(facts.method, 8);
      local.writeUInt32LE(facts.checksum, 14);
      local.writeUInt32LE(facts.packed, 18);
      local.writeUInt32LE(facts.size, 22);
      local.writeUInt16LE(name.length, 26);
      parts.push(local, name, packed);
      offset += 30 + name.length + packed.length;
    }
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE((3 << 8) | 20, 4);
    central.writeUInt16LE(20, 6);
    central.writeUInt16LE(flags, 8);
    central.writeUInt16LE(facts.method, 10);
    central.writeUInt32LE(facts.checksum, 16);
    central.writeUInt32LE(facts.packed, 20);
    central.writeUInt32LE(facts.size, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(((entry.mode ?? 0o100644) * 0x10000) >>> 0, 38);
    central.writeUInt32LE(facts.offset, 42);
    directory.push(central, name);
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

export function gzip(content: Buffer): Buffer {
  return gzipSync(content);
}
