/** `outputs` and `capabilities`: what a deployment tells, evaluated whenever somebody asks. */
import { isObject } from '../../json.js';
import type { ValueDefinition } from '../../plan.js';
import type { Entry } from '../entry.js';
import { anything, record, type Shape, text } from '../shape.js';

export const valueShape: Shape = record({
  value: { shape: anything, required: true },
  description: { shape: text },
  type: { shape: text },
  constraints: { shape: anything },
});

export function readValue(entry: Entry): ValueDefinition {
  if (!isObject(entry.value)) return { value: null };
  const { value, description, type } = entry.value;
  return {
    value: value ?? null,
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof type === 'string' ? { type } : {}),
  };
}
