/**
 * What a wagon says of itself: the `package.json` at its top. Pure.
 *
 * A wagon is a tar.gz or zip of one folder: `package.json` and `wheels/*.whl`. Names and versions become parts of paths
 * on workers and of URLs, so they may hold nothing that means something there.
 */
import { DomainError } from '../errors.js';

export interface WagonFacts {
  readonly packageName: string;
  readonly packageVersion: string;
  readonly packageSource: string | null;
  /** The wagon's file name, without folders. */
  readonly archiveName: string;
  /** `any`, `linux_x86_64`, …; null: not told. */
  readonly supportedPlatform: string | null;
  /** In lower case. Null: not told, or built for any. */
  readonly distribution: string | null;
  readonly distributionVersion: string | null;
  readonly distributionRelease: string | null;
  /** Names of the files in `wheels/`. */
  readonly wheels: readonly string[];
  readonly excludedWheels: readonly string[];
  /** `py3`, `py27`, … */
  readonly supportedPythons: readonly string[];
}

const MOST_NAMES = 1000;
const MOST_TEXT = 1024;
/** What a URL and a folder's name both take, without a way to lead out of the folder. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.!+~-]{0,254}$/;

/** @throws DomainError `invalid` (`invalid-plugin`) naming the field */
export function readWagonFacts(text: string): WagonFacts {
  const raw = parsed(text);
  const server = raw.build_server_os_properties;
  const builtOn = isTable(server) ? server : {};
  return {
    packageName: nameIn(raw, 'package_name'),
    packageVersion: nameIn(raw, 'package_version'),
    packageSource: textIn(raw, 'package_source'),
    archiveName: nameIn(raw, 'archive_name'),
    supportedPlatform: textIn(raw, 'supported_platform'),
    distribution: lower(textIn(builtOn, 'distribution')),
    distributionVersion: lower(textIn(builtOn, 'distribution_version')),
    distributionRelease: lower(textIn(builtOn, 'distribution_release')),
    wheels: namesIn(raw, 'wheels'),
    excludedWheels: namesIn(raw, 'excluded_wheels'),
    supportedPythons: namesIn(raw, 'supported_python_versions'),
  };
}

type Table = Readonly<Record<string, unknown>>;

function parsed(text: string): Table {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidPlugin('its package.json is not JSON');
  }
  if (!isTable(value)) throw invalidPlugin('its package.json must hold a JSON object');
  return value;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textIn(raw: Table, key: string): string | null {
  const value = raw[key];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw invalidPlugin(`\`${key}\` in its package.json must be a text`);
  if (value.length > MOST_TEXT || /\p{Cc}/u.test(value)) {
    throw invalidPlugin(
      `\`${key}\` in its package.json must have at most ${MOST_TEXT} characters and no control characters`,
    );
  }
  return value;
}

function nameIn(raw: Table, key: string): string {
  const value = textIn(raw, key);
  if (value === null) throw invalidPlugin(`its package.json lacks \`${key}\``);
  if (!SAFE_NAME.test(value)) {
    throw invalidPlugin(
      `\`${key}\` in its package.json is "${value.slice(0, 100)}": it must begin with a letter or digit and hold only letters, digits and - _ . ! + ~`,
    );
  }
  return value;
}

function namesIn(raw: Table, key: string): readonly string[] {
  const value = raw[key];
  if (value === undefined || value === null) return [];
  const isFine =
    Array.isArray(value) &&
    value.length <= MOST_NAMES &&
    value.every(
      (name) => typeof name === 'string' && name !== '' && name.length <= 512 && !/[\p{Cc}/\\]/u.test(name),
    );
  if (!isFine) {
    throw invalidPlugin(`\`${key}\` in its package.json must be a list of at most ${MOST_NAMES} names`);
  }
  return value as string[];
}

function lower(text: string | null): string | null {
  return text === null ? null : text.toLowerCase();
}

export function invalidPlugin(why: string, cause?: unknown): DomainError {
  return new DomainError('invalid', 'invalid-plugin', `The archive is not a plugin: ${why}`, { cause });
}
