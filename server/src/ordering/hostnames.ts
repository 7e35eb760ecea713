/** Names of servers: checked, and made from templates. Pure. */
import { DomainError } from '../errors.js';

const LABEL = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** Zeros before an X: a number of that many digits and one more. */
const MARK = /0+X/;
const WORD = /\{\{\s*([a-z_.-]+)\s*\}\}/g;

/** Whether something in it stands for what is decided later. */
export function isTemplate(name: string): boolean {
  return MARK.test(name) || name.includes('{{');
}

/** How every name of a template begins. */
export function fixedPart(template: string): string {
  return template.split(/0+X|\{\{/)[0]!;
}

/** @throws DomainError `invalid` (`hostname-invalid`) */
export function requireHostname(name: string, field = 'hostname'): void {
  if (name.length <= 253 && name.split('.').every((label) => LABEL.test(label))) return;
  throw new DomainError(
    'invalid',
    'hostname-invalid',
    `${field} is ${JSON.stringify(name.slice(0, 80))}: letters, digits and hyphens, in parts of 1 to 63 characters between dots`,
    { details: { field } },
  );
}

/**
 * `count` names of a template that nobody has.
 *
 * `0X`, `00X` … is the next free number with that many digits and one more; several names of a template without one
 * are told apart by a number at the end of their first part. `{{ group }}` and the like are replaced by `words`, of which only
 * what may stand in a name is left.
 *
 * @throws DomainError `invalid` (`hostname-invalid`: what comes out is no name, or a word is unknown); `conflict`
 *   (`hostname-taken`: one name was asked for and is in use)
 */
export function namesFor(
  template: string,
  count: number,
  taken: ReadonlySet<string>,
  words: Readonly<Record<string, string>> = {},
): string[] {
  const filled = template.replace(WORD, (_, name: string) => {
    if (!Object.hasOwn(words, name)) {
      throw new DomainError(
        'invalid',
        'hostname-invalid',
        `The name template ${template} asks for ${name}; known are: ${Object.keys(words).join(', ')}`,
        { details: { field: 'hostname' } },
      );
    }
    return words[name]!.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '');
  });
  if (count === 1 && !MARK.test(filled)) return [single(filled, taken)];
  const mark = MARK.exec(filled)?.[0];
  const names: string[] = [];
  for (let number = 1; names.length < count; number += 1) {
    const name =
      mark === undefined
        ? filled.replace(/^[^.]+/, (first) => `${first}-${number}`)
        : filled.replace(mark, String(number).padStart(mark.length, '0'));
    requireHostname(name);
    if (!taken.has(name.toLowerCase())) names.push(name);
  }
  return names;
}

function single(name: string, taken: ReadonlySet<string>): string {
  requireHostname(name);
  if (taken.has(name.toLowerCase())) {
    throw new DomainError('conflict', 'hostname-taken', `A server is called ${name} already`, {
      details: { field: 'hostname' },
    });
  }
  return name;
}
