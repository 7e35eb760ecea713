/** The paths of one archive: each brought to its normal form or refused, none coming twice. Pure. */
import { type ArchiveLimits, excessive, shown, unsafe } from './limits.js';

export class EntryPaths {
  private readonly files = new Set<string>();
  private readonly folders = new Set<string>();
  private count = 0;

  constructor(private readonly limits: Pick<ArchiveLimits, 'entries' | 'pathBytes'>) {}

  /**
   * Takes note of one entry.
   *
   * @returns the path in normal form; null for the archive's root itself
   * @throws DomainError `invalid` for a path that leads out, means different things on different systems, or comes again
   */
  add(raw: string, kind: 'file' | 'folder'): string | null {
    this.count += 1;
    if (this.count > this.limits.entries) {
      throw excessive(`it has more than ${this.limits.entries} files and folders`);
    }
    const path = normalPath(raw, this.limits.pathBytes);
    if (path === '') {
      if (kind === 'file') throw unsafe('it has a file without a name');
      return null;
    }
    if (kind === 'file') {
      if (this.files.has(path)) throw unsafe(`"${shown(path)}" is in it twice`);
      if (this.folders.has(path)) throw unsafe(`"${shown(path)}" is both a file and a folder`);
      this.files.add(path);
    } else {
      if (this.files.has(path)) throw unsafe(`"${shown(path)}" is both a file and a folder`);
      this.folders.add(path);
    }
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash);
      if (this.files.has(folder)) throw unsafe(`"${shown(folder)}" is both a file and a folder`);
      if (this.folders.has(folder)) break;
      this.folders.add(folder);
    }
    return path;
  }
}

function normalPath(raw: string, maxBytes: number): string {
  if (Buffer.byteLength(raw) > maxBytes) {
    throw excessive(`the path "${shown(raw)}…" is longer than ${maxBytes} bytes`);
  }
  if (/[\p{Cc}\\\ufffd]/u.test(raw)) {
    throw unsafe(`the path "${shown(raw)}" has a backslash, a control character or a byte that is no text`);
  }
  if (raw.startsWith('/') || /^[A-Za-z]:/.test(raw)) throw unsafe(`the path "${shown(raw)}" is absolute`);
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw unsafe(`the path "${shown(raw)}" leads out of the archive`);
  return parts.join('/');
}
