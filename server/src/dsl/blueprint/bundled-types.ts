/** Our own base types, by the name under which blueprints import them; parsed once per process. */
import type { JsonObject } from '../plan.js';
import { DEFAULT_LIMITS } from './limits.js';
import { parse } from './parse.js';
import { Report } from './report.js';
import { SourceFile } from './source.js';
import { BASE_TYPES } from './types/base.js';

export interface BundledFile {
  readonly file: SourceFile;
  readonly value: JsonObject;
}

type Edition = keyof typeof BASE_TYPES;

const LOCAL = /^(?:cloudify\/)?types\/types(?:_(1_[0-4]))?\.yaml$/;
/** Where the vendor publishes the same file; never fetched. */
const PUBLISHED =
  /^https?:\/\/(?:www\.)?(?:getcloudify\.org|cloudify\.co)\/spec\/cloudify\/[^/]+\/types(?:_(1_[0-4]))?\.yaml$/;

const parsed = new Map<Edition, BundledFile>();

function editionFor(minor: number): Edition {
  if (minor <= 2) return '1_2';
  return minor === 3 ? '1_3' : minor === 4 ? '1_4' : 'newest';
}

/** The base types an import names, in the edition for the language version `1_X`; null: it names something else. */
export function bundledTypes(importName: string, minor: number): BundledFile | null {
  const match = LOCAL.exec(importName) ?? PUBLISHED.exec(importName);
  if (match === null) return null;
  const edition = editionFor(match[1] === undefined ? minor : Number(match[1].slice('1_'.length)));
  const known = parsed.get(edition);
  if (known !== undefined) return known;
  const name = edition === 'newest' ? 'cloudify/types/types.yaml' : `cloudify/types/types_${edition}.yaml`;
  const file = new SourceFile(name, BASE_TYPES[edition], true);
  const report = new Report(DEFAULT_LIMITS.diagnostics);
  const value = parse(file, DEFAULT_LIMITS, report);
  if (value === null)
    throw new Error(`the bundled ${name} does not parse: ${report.diagnostics()[0]?.summary}`);
  const bundled = { file, value };
  parsed.set(edition, bundled);
  return bundled;
}

/** The text of the base types, e.g. to serve them to somebody else's tools; null: the name is not theirs. */
export function bundledTypesText(importName: string, minor: number): string | null {
  return bundledTypes(importName, minor)?.file.text ?? null;
}
