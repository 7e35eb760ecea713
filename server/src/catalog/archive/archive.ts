/** What an archive is, to those who read one and to those who keep one. */

export type ArchiveFormat = 'zip' | 'tar' | 'tar.gz' | 'tar.bz2';

/** The bytes of an archive, readable from any place, as often as needed. */
export interface ArchiveBytes {
  readonly size: number;
  /** From `start` to before `end`. */
  range(start: number, end: number): AsyncIterable<Buffer>;
}

export interface ArchiveFile {
  /** Relative, `/` between the parts, no `.` or `..` among them. */
  readonly path: string;
  /** Permission bits; 0o644 where the archive says nothing. */
  readonly mode: number;
  /** To be read to its end before `onFile` returns; what is left is skipped. */
  readonly content: AsyncIterable<Buffer>;
}

/** What the formats deliver, still unchecked. */
export interface RawEntry {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'other';
  readonly mode: number;
  readonly content: AsyncIterable<Buffer>;
}
