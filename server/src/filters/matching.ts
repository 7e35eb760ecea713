/** Filter rules held against one thing that is at hand, as a list would hold them against its rows. Pure. */
import type { FilterRule } from './filter-rules.js';

export interface Filtered {
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  /** By the names that rules use; one that is asked for and missing is empty. */
  readonly attributes: Readonly<Record<string, string | null>>;
}

/** Whether all rules hold. */
export function matches(rules: readonly FilterRule[], thing: Filtered): boolean {
  return rules.every((rule) =>
    rule.kind === 'label' ? labelHolds(rule, thing) : attributeHolds(rule, thing),
  );
}

function labelHolds({ key, operator, values }: FilterRule, { labels }: Filtered): boolean {
  const own = labels.filter((label) => label.key === key);
  const hasOneOf = own.some((label) => values.includes(label.value));
  switch (operator) {
    case 'any-of':
      return hasOneOf;
    case 'not-any-of':
      return own.length > 0 && !hasOneOf;
    case 'is-null':
      return own.length === 0;
    case 'is-not-null':
      return own.length > 0;
    default:
      return !hasOneOf;
  }
}

function attributeHolds({ key, operator, values }: FilterRule, { attributes }: Filtered): boolean {
  const value = attributes[key] ?? '';
  const lower = value.toLowerCase();
  const some = (fits: (text: string) => boolean) => values.some((text) => fits(text.toLowerCase()));
  switch (operator) {
    case 'any-of':
      return values.includes(value);
    case 'not-any-of':
      return !values.includes(value);
    case 'contains':
      return some((text) => lower.includes(text));
    case 'not-contains':
      return !some((text) => lower.includes(text));
    case 'starts-with':
      return some((text) => lower.startsWith(text));
    case 'ends-with':
      return some((text) => lower.endsWith(text));
    default:
      return value !== '';
  }
}
