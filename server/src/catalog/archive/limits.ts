/** How much an untrusted archive may ask of us, and how its faults are told. */
import { DomainError } from '../../errors.js';

export interface ArchiveLimits {
  /** Bytes of the archive as sent. */
  readonly archiveBytes: number;
  /** Bytes of all files together. Bytes between and behind files count as well. */
  readonly expandedBytes: number;
  /** Expanded bytes per byte sent; asked only of archives that expand beyond `ratioFloorBytes`. */
  readonly ratio: number;
  readonly ratioFloorBytes: number;
  /** Files and folders. */
  readonly entries: number;
  readonly entryBytes: number;
  /** Bytes of one path in UTF-8. */
  readonly pathBytes: number;
}

export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  archiveBytes: 256 * 1024 * 1024,
  expandedBytes: 1024 * 1024 * 1024,
  // Deflate cannot do more than 1032; text of real blueprints comes to 5–60, generated ones to some hundred with bzip2.
  ratio: 200,
  ratioFloorBytes: 64 * 1024 * 1024,
  entries: 10_000,
  entryBytes: 512 * 1024 * 1024,
  pathBytes: 1024,
};

/** Not an archive of a kind we read. */
export function unrecognised(): DomainError {
  return new DomainError(
    'invalid',
    'archive-unrecognised',
    'This is not an archive that can be read: send a zip, tar, tar.gz or tar.bz2',
  );
}

/** An archive that contradicts its own format, or ends too early. */
export function damaged(what: string, cause?: unknown): DomainError {
  return new DomainError('invalid', 'archive-damaged', `The archive is damaged: ${what}`, { cause });
}

/** An archive with something in it that must not be unpacked. */
export function unsafe(what: string): DomainError {
  return new DomainError('invalid', 'archive-unsafe', `The archive is refused: ${what}`);
}

/** An archive that grows beyond its limits when unpacked. */
export function excessive(what: string): DomainError {
  return new DomainError('invalid', 'archive-excessive', `The archive is refused: ${what}`);
}

/** More bytes were sent than one archive may have. */
export function archiveTooLarge(limit: number): DomainError {
  return new DomainError('limit', 'archive-too-large', `An archive may have at most ${limit} bytes`);
}

/** A path as it may stand in a message. */
export function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200)).slice(1, -1);
}
