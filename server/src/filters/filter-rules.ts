/**
 * Rules that select blueprints, deployments and other things by their labels and attributes. Pure.
 *
 * All rules of a list must hold; of a rule's values one suffices. Attributes are named as the fields of the list that
 * they select from; which fields may be asked about is the caller's table.
 */
import { DomainError } from '../errors.js';
import type { ListFilter } from '../store/list.js';

export const LABEL_OPERATORS = ['any-of', 'not-any-of', 'is-null', 'is-not-null', 'is-not'] as const;
export const ATTRIBUTE_OPERATORS = [
  'any-of',
  'not-any-of',
  'contains',
  'not-contains',
  'starts-with',
  'ends-with',
  'is-not-empty',
] as const;
export type LabelOperator = (typeof LABEL_OPERATORS)[number];
export type AttributeOperator = (typeof ATTRIBUTE_OPERATORS)[number];

export type FilterRule =
  | {
      readonly kind: 'label';
      readonly key: string;
      readonly operator: LabelOperator;
      readonly values: readonly string[];
    }
  | {
      readonly kind: 'attribute';
      /** Name of a field of the list. */
      readonly key: string;
      readonly operator: AttributeOperator;
      readonly values: readonly string[];
    };

/** How a list is asked about an attribute: one of its fields, or one of its selections. */
export type Attribute<Field extends string> = { readonly field: Field } | { readonly selection: string };

export type Attributes<Field extends string> = Readonly<Record<string, Attribute<Field>>>;

const MOST_RULES = 100;
const MOST_VALUES = 1000;
const LONGEST = 256;
/** A label's operator that looks whether there is one at all. */
const VALUELESS: ReadonlySet<string> = new Set(['is-null', 'is-not-null', 'is-not-empty']);

/** @throws DomainError `invalid` (`filter-rule-invalid`) with `details.rule` and `details.why` */
export function checkRules(rules: readonly FilterRule[]): void {
  if (rules.length > MOST_RULES) throw badRule(null, `at most ${MOST_RULES} rules are accepted`);
  for (const rule of rules) {
    const why = faultOf(rule);
    if (why !== null) throw badRule(rule, why);
  }
}

/** What is wrong with a rule; null: nothing. */
export function faultOf({ key, operator, values }: FilterRule): string | null {
  if (key === '' || key.length > LONGEST) return `the key must have 1 to ${LONGEST} characters`;
  if (values.length > MOST_VALUES) return `at most ${MOST_VALUES} values are accepted`;
  const wanted = !VALUELESS.has(operator);
  if (wanted !== values.length > 0) {
    return `the values must ${wanted ? 'not ' : ''}be empty for this operator`;
  }
  if (values.some((value) => value.length > LONGEST)) return `a value has at most ${LONGEST} characters`;
  return null;
}

export function badRule(rule: unknown, why: string): DomainError {
  return new DomainError(
    'invalid',
    'filter-rule-invalid',
    `The filter rule is not in the right format: ${why}`,
    {
      details: { rule, why },
    },
  );
}

/** The same rules as a list understands them. Rules that were stored may name an attribute that a list does not have. */
export function conditionsOf<Field extends string>(
  rules: readonly FilterRule[],
  attributes: Attributes<Field>,
): ListFilter<Field>[] {
  return rules.map((rule) => {
    if (rule.kind === 'label') return labelCondition(rule);
    const attribute = Object.hasOwn(attributes, rule.key) ? attributes[rule.key] : undefined;
    if (attribute === undefined) throw badRule(rule, `there is no attribute ${rule.key} here`);
    return attributeCondition(rule, attribute);
  });
}

function labelCondition<Field extends string>(
  rule: Extract<FilterRule, { kind: 'label' }>,
): ListFilter<Field> {
  const has: ListFilter<Field> = { selection: 'label', values: [rule.key] };
  const hasOneOf: ListFilter<Field> = { selection: 'label', values: [rule.key, ...rule.values] };
  switch (rule.operator) {
    case 'any-of':
      return hasOneOf;
    case 'not-any-of':
      return { all: [has, { not: hasOneOf }] };
    case 'is-null':
      return { not: has };
    case 'is-not-null':
      return has;
    case 'is-not':
      return { not: hasOneOf };
  }
}

function attributeCondition<Field extends string>(
  rule: Extract<FilterRule, { kind: 'attribute' }>,
  attribute: Attribute<Field>,
): ListFilter<Field> {
  if ('selection' in attribute) {
    if (rule.operator === 'is-not-empty') return { selection: attribute.selection, values: [] };
    throw badRule(rule, `${rule.key} can only be asked for is-not-empty`);
  }
  const { field } = attribute;
  const like = (pattern: (text: string) => string): ListFilter<Field> => ({
    field,
    like: rule.values.map((value) => pattern(value.replace(/[\\%_]/g, '\\$&'))),
  });
  switch (rule.operator) {
    case 'any-of':
      return { field, anyOf: rule.values };
    case 'not-any-of':
      return { field, noneOf: rule.values };
    case 'contains':
      return like((text) => `%${text}%`);
    case 'not-contains':
      return { not: like((text) => `%${text}%`) };
    case 'starts-with':
      return like((text) => `${text}%`);
    case 'ends-with':
      return like((text) => `%${text}`);
    case 'is-not-empty':
      return { not: { either: [{ field, anyOf: [''] }, { not: { field, like: ['%'] } }] } };
  }
}
