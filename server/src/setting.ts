/** The kinds of settings there are, and how each is read from text. `config.ts` has the settings themselves. */

export interface Setting<T> {
  /** Name in the environment. The name in the file is the key in `SETTINGS`. */
  readonly env: string;
  readonly default: T;
  readonly reason: string;
  readonly secret: boolean;
  /** What is right, for people. */
  readonly form: string;
  /** The value that `text` says, or undefined where it says none. */
  readonly read: (text: string) => T | undefined;
}

type Extra = { readonly secret?: boolean };

export function text(
  env: string,
  fallback: string,
  form: string,
  reason: string,
  extra: Extra = {},
): Setting<string> {
  return { env, default: fallback, reason, secret: extra.secret ?? false, form, read: (given) => given };
}

export function matching(
  env: string,
  fallback: string,
  pattern: RegExp,
  form: string,
  reason: string,
  extra: Extra = {},
): Setting<string> {
  const read = (given: string) => (pattern.test(given) ? given : undefined);
  return { env, default: fallback, reason, secret: extra.secret ?? false, form, read };
}

export function whole(
  env: string,
  fallback: number,
  min: number,
  max: number,
  reason: string,
): Setting<number> {
  const read = (given: string) => {
    const value = /^-?\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
  return {
    env,
    default: fallback,
    reason,
    secret: false,
    form: `a whole number from ${min} to ${max}`,
    read,
  };
}

export function oneOf<const T extends string>(
  env: string,
  values: readonly T[],
  fallback: T,
  reason: string,
): Setting<T> {
  const read = (given: string) => values.find((value) => value === given.toLowerCase());
  return { env, default: fallback, reason, secret: false, form: `one of ${values.join(', ')}`, read };
}

const YES = ['1', 'on', 'true', 'yes'];
const NO = ['0', 'off', 'false', 'no'];

export function toggle(env: string, fallback: boolean, reason: string): Setting<boolean> {
  const read = (given: string) => {
    if (YES.includes(given.toLowerCase())) return true;
    return NO.includes(given.toLowerCase()) ? false : undefined;
  };
  return {
    env,
    default: fallback,
    reason,
    secret: false,
    form: 'on (1, true, yes) or off (0, false, no)',
    read,
  };
}

export function list(
  env: string,
  item: RegExp,
  form: string,
  reason: string,
  extra: Extra & { readonly default?: readonly string[] } = {},
): Setting<readonly string[]> {
  const read = (given: string) => {
    const items = given.split(',').map((part) => part.trim());
    const named = items.filter((part) => part !== '');
    return named.every((part) => item.test(part)) ? named : undefined;
  };
  return { env, default: extra.default ?? [], reason, secret: extra.secret ?? false, form, read };
}
