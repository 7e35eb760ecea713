/** How much memory and disk people write, and how it is shown. Pure. */
import { DomainError } from '../errors.js';

const MB_OF: Readonly<Record<string, number>> = { MB: 1, GB: 1024, TB: 1024 * 1024 };
const WRITTEN = /^\s*(\d+(?:\.\d+)?)\s*([MGT]B?|[MGT]iB)?\s*$/i;
/** 16 TB of memory, 4 PB of disk: more is a slip of the pen, and would not fit the columns. */
const MOST_MB = 16 * 1024 * 1024;
const MOST_GB = 4 * 1024 * 1024;

/**
 * Memory in MB. A bare number is GB; `2`, `"2"`, `"2 GB"` and `"2048 MB"` are the same.
 *
 * @param field named in the refusal, as the caller has written it
 * @throws DomainError `invalid` (`size-invalid`)
 */
export function memoryMb(value: unknown, field: string): number {
  const mb = Math.round(inMb(value, field) * 1000) / 1000;
  if (Number.isInteger(mb) && mb >= 1 && mb <= MOST_MB) return mb;
  throw refused(value, field, `whole megabytes, from 1 MB to ${MOST_MB / 1024 / 1024} TB`);
}

/** Disk in whole GB; a bare number is GB. Throws as `memoryMb`. */
export function diskGb(value: unknown, field: string): number {
  const gb = inMb(value, field) / 1024;
  if (Number.isInteger(gb) && gb >= 1 && gb <= MOST_GB) return gb;
  throw refused(value, field, 'whole gigabytes, at least 1 GB');
}

/** Number of processors. Throws `invalid` (`size-invalid`). */
export function cpuCount(value: unknown, field: string): number {
  const count = typeof value === 'string' && /^\s*\d{1,5}\s*$/.test(value) ? Number(value) : value;
  if (typeof count === 'number' && Number.isInteger(count) && count >= 1 && count <= 1024) return count;
  throw refused(value, field, 'a whole number from 1 to 1024');
}

function inMb(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value * MB_OF.GB!;
  const match = typeof value === 'string' ? WRITTEN.exec(value) : null;
  if (match === null) throw refused(value, field, 'a number with MB, GB or TB; GB where none is given');
  const unit = `${(match[2] ?? 'G')[0]!.toUpperCase()}B`;
  return Number(match[1]) * MB_OF[unit]!;
}

function refused(value: unknown, field: string, wanted: string): DomainError {
  const shown = JSON.stringify(value) ?? 'nothing';
  return new DomainError(
    'invalid',
    'size-invalid',
    `${field} is ${shown.slice(0, 80)}: it must be ${wanted}`,
    {
      details: { field },
    },
  );
}

/** `1 GB`, `1.5 GB`, `512 MB` as 0.5 GB: without zeros at the end. */
export function shownMemory(mb: number): string {
  return `${trimmed(mb / 1024)} GB`;
}

export function shownDisk(gb: number): string {
  return `${trimmed(gb)} GB`;
}

/** At most four decimals. */
export function trimmed(value: number): string {
  return String(Number(value.toFixed(4)));
}
