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

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9_.~@+-]{0,255}$/;

/** Names of users as other systems give them: e-mail addresses too. @throws DomainError `invalid` (`name-invalid`) */
export function requireUsername(name: string): void {
  if (USERNAME.test(name)) return;
  throw new DomainError(
    'invalid',
    'name-invalid',
    `\`${name.slice(0, 256)}\` is no valid user name: it must start with a letter or digit, have at most 256 characters, and only letters, digits and the characters - . _ ~ @ +`,
    { details: { thing: 'user' } },
  );
}

/** @throws DomainError `invalid` (`email-invalid`) */
export function requireEmail(email: string): void {
  if (email.length <= 320 && /^[^\s@\0]+@[^\s@\0]+$/.test(email)) return;
  throw new DomainError('invalid', 'email-invalid', `\`${email.slice(0, 320)}\` is no e-mail address`, {
    details: { field: 'email' },
  });
}

/** A text that people write about a person or thing. @throws DomainError `invalid` (`text-invalid`) */
export function requireText(field: string, text: string, longest: number): void {
  if (text.length <= longest && !text.includes('\0')) return;
  throw new DomainError(
    'invalid',
    'text-invalid',
    `\`${field}\` must have at most ${longest} characters, and no NUL`,
    { details: { field } },
  );
}
