/**
 * What Cloudify's own restoring puts into bodies, to set a record back as it once was: its times, its maker, its state. Here a
 * snapshot restores all of them at once, so whoever sends one is told, instead of finding another value later.
 */
import { badParameters } from './errors.js';

/** @param names of what makes no sense in a new record; what is empty counts as not given, for clients send it always */
export function refuseRestored(body: object, names: readonly string[]): void {
  const given = names.filter((name) => {
    const value = (body as Readonly<Record<string, unknown>>)[name];
    return Object.hasOwn(body, name) && value !== null && value !== '' && value !== false;
  });
  if (given.length === 0) return;
  throw badParameters(
    `These are for restoring one record, which is not supported: ${given.map((name) => `\`${name}\``).join(', ')}; restore a snapshot instead`,
  );
}

export const OF_RECORDS = ['created_at', 'created_by'] as const;
