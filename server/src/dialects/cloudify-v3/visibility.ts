/** Who may see a thing, as requests ask for it: one word, or the older flag. */
import Type from 'typebox';
import { badParameters } from './errors.js';
import { booleanOf } from './lenient.js';

export type Visibility = 'private' | 'tenant' | 'global';
const WORDS: readonly Visibility[] = ['private', 'tenant', 'global'];

export const VisibilityChange = Type.Object(
  { visibility: Type.String({ description: 'tenant or global; never narrower than it is' }) },
  { title: 'VisibilityChange' },
);

/** @throws CloudifyError `bad_parameters_error` for an unknown word, or when both spellings are given */
export function readVisibility(word: unknown, privateResource?: unknown): Visibility | undefined {
  const flagged = privateResource !== undefined && privateResource !== null && privateResource !== '';
  if (word === undefined || word === null || word === '') {
    if (!flagged) return undefined;
    return booleanOf('private_resource', privateResource, false) ? 'private' : 'tenant';
  }
  if (flagged) {
    throw badParameters('The `private_resource` and `visibility` parameters cannot be used together');
  }
  return known(word, WORDS);
}

/** For `set-visibility`, which only widens. */
export function readWiderVisibility(word: string): Visibility {
  return known(word, ['tenant', 'global']);
}

function known(word: unknown, words: readonly Visibility[]): Visibility {
  const found = words.find((one) => one === word);
  if (found === undefined) {
    throw badParameters(
      `Invalid visibility: \`${String(word)}\`. Valid visibility's values are: ${words.join(', ')}`,
    );
  }
  return found;
}
