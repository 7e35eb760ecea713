/** The form of names that people give to what they order from: any words, on one line. Pure. */
import { DomainError } from '../errors.js';

const CONTROL = /\p{Cc}/u;

/**
 * @param thing as the message calls it: `group`
 * @throws DomainError `invalid` (`title-invalid`): empty, longer than 256, or with line ends and the like
 */
export function requireTitle(thing: string, name: string): void {
  if (name.trim() !== '' && name.length <= 256 && !CONTROL.test(name)) return;
  throw new DomainError(
    'invalid',
    'title-invalid',
    `The name of a ${thing} must have 1 to 256 characters on one line`,
    { details: { field: 'name' } },
  );
}
