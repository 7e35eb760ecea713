/** Designs out of files: told what they are by what is in them, turned into designs, never taken for more than they are. */
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { convertText, type Origin, ofChart, Unreadable } from '../dsl/design/convert.js';
import { designText, nameIn } from '../dsl/design/design-text.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';

export interface DesignOfFile {
  readonly origin: Origin;
  readonly body: string;
  /** That the file gives itself. */
  readonly name: string | null;
}

/** Of a packed chart, unpacked. */
const MOST_UNPACKED = 64 * 1024 * 1024;

/** @param name of the design, where the file has none @throws DomainError `invalid` (`design-unreadable`) */
export function designOfFile(bytes: Buffer, name: string): DesignOfFile {
  const converting = { name, newId: randomUUID };
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
      requireChart(bytes);
      return { origin: 'Helm Chart', body: designText(ofChart(converting).design!), name: null };
    }
    const text = textIn(bytes);
    const converted = convertText(text, converting);
    const body = converted.design === null ? text : designText(converted.design);
    return { origin: converted.origin, body, name: converted.name };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    throw new DomainError('invalid', 'design-unreadable', error.message);
  }
}

/** An object as the text of a design. */
export function textOfDesign(design: JsonObject): string {
  return designText(design);
}

/** The name that a design's text gives itself; null: none. */
export function nameOfDesign(text: string): string | null {
  return nameIn(text);
}

function textIn(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable('The file is neither UTF-8 text nor a packed Helm chart');
  }
}

/** A packed chart holds `NAME/Chart.yaml`. */
function requireChart(bytes: Buffer): void {
  let text: string;
  try {
    text = gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED }).toString('latin1');
  } catch {
    throw new Unreadable('The file is no packed Helm chart, or unpacks to more than 64 MiB');
  }
  if (!/(^|\0)[\w.-]{1,90}\/Chart\.yaml\0/.test(text))
    throw new Unreadable('The archive holds no Chart.yaml');
}
