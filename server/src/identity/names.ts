/** The form of names that people choose. Pure. */
import { DomainError } from '../errors.js';

const FORM = /^[A-Za-z][A-Za-z0-9_.~-]{0,255}$/;

/**
 * @param thing as the message calls it, e.g. `tenant`
 * @throws DomainError `invalid` (`name-invalid`): empty, longer than 256, not starting with a letter, or with a character
 *   that a URL would have to quote
 */
export function requireName(thing: string, name: string, reserved: readonly string[] = []): void {
  if (!FORM.test(name)) {
    throw new DomainError(
      'invalid',
      'name-invalid',
      `\`${name.slice(0, 256)}\` is no valid ${thing} name: it must start with a letter, have at most 256 characters, and only letters, digits and the characters - . _ ~`,
      { details: { thing } },
    );
  }
  if (reserved.includes(name.toLowerCase())) {
    throw new DomainError('invalid', 'name-reserved', `\`${name}\` is reserved and cannot name a ${thing}`, {
      details: { thing, name },
    });
  }
}

/** Passwords that people choose. @throws DomainError `invalid` (`password-invalid`) */
export function requirePassword(password: string): void {
  if (password.length < 5 || password.length > 256) {
    throw new DomainError('invalid', 'password-invalid', 'A password must have 5 to 256 characters');
  }
}
