/** Labels as requests write them: a list of one-entry objects, or of `{key, value}` pairs. */
import Type from 'typebox';
import { badParameters } from './errors.js';
import { MaybeText, Text, Time } from './fields.js';

export const Labels = Type.Array(
  Type.Object({ key: Text, value: Text, created_at: Time, created_by: MaybeText }, { title: 'Label' }),
);

export const LabelsBody = Type.Array(Type.Record(Type.String(), Type.Unknown()), {
  description: '[{key: value}, {key: [value, value]}, …]',
});

/** Several values of one key become several labels. */
export function readLabels(given: unknown): { key: string; value: string }[] {
  if (!Array.isArray(given)) throw malformed();
  return given.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) throw malformed();
    const [key, value] = pairOf(entry as Record<string, unknown>);
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return values.map((one) => {
      if (typeof one !== 'string') throw malformed();
      return { key, value: one };
    });
  });
}

function pairOf(entry: Readonly<Record<string, unknown>>): [string, unknown] {
  const members = Object.entries(entry);
  if (members.length === 2 && typeof entry.key === 'string' && 'value' in entry)
    return [entry.key, entry.value];
  if (members.length === 1) return members[0]!;
  throw malformed();
}

function malformed() {
  return badParameters(
    'Labels must be a list of 1-entry dictionaries: [{<key1>: <value1>}, {<key2>: [<value2>, <value3>]}, ...]',
  );
}
