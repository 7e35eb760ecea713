/** What one may ask of an upload, and the form it must have. Pure. */
import { DomainError } from '../errors.js';
import type { Visibility } from './blueprints.store.js';
import type { Label } from './labels.js';
import type { ArchiveSource } from './take-archive.js';

export interface UploadRequest {
  readonly id: string;
  readonly source: ArchiveSource;
  /** In the archive's top folder; default `blueprint.yaml`. */
  readonly mainFile?: string;
  readonly visibility?: Visibility;
  readonly labels?: readonly Label[];
  /** Default: what the blueprint itself says. */
  readonly description?: string;
}

const DEFAULT_MAIN_FILE = 'blueprint.yaml';
/** Characters of a description, or of what is told of a failure. */
const MOST_TEXT = 64 * 1024;

/** @throws DomainError `invalid` (`main-file-invalid`) */
export function normalMainFile(path = DEFAULT_MAIN_FILE): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (
    parts.length === 0 ||
    parts.includes('..') ||
    path.startsWith('/') ||
    /[\p{Cc}\\]/u.test(path) ||
    path.length > 1024
  ) {
    throw new DomainError(
      'invalid',
      'main-file-invalid',
      `\`${path.slice(0, 256)}\` cannot be the main file: it must be a path inside the archive's top folder`,
    );
  }
  return parts.join('/');
}

/** Texts of authors may hold a zero character, which PostgreSQL does not take, and any length. */
export function storable(text: string): string {
  return text.slice(0, MOST_TEXT).replaceAll('\0', '\ufffd');
}

export function alreadyExists(id: string): DomainError {
  return new DomainError('conflict', 'already-exists', `Blueprint \`${id}\` already exists`, {
    details: { id },
  });
}
