/**
 * Filter rules as Cloudify writes them, `{key, values, operator, type}`, and the constraints that its input pickers use in
 * their place (specs: cloudify.md §4.14): read into conditions of a list.
 */
import Type from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import {
  ATTRIBUTE_OPERATORS,
  type Attributes,
  badRule,
  checkRules,
  conditionsOf,
  type FilterRule,
  faultOf,
  LABEL_OPERATORS,
} from '../../filters/filter-rules.js';
import type { ListFilter } from '../../store/list.js';
import { badParameters } from './errors.js';
import { readLabels } from './labels.js';
import { type Params, repeated } from './lenient.js';

export const FilterRules = Type.Array(
  Type.Object(
    {
      key: Type.String(),
      values: Type.Array(Type.String()),
      operator: Type.String({
        description: `Of labels: any_of, not_any_of, is_null, is_not_null, is_not. Of attributes: any_of, not_any_of, contains, not_contains, starts_with, ends_with, is_not_empty`,
      }),
      type: Type.Union([Type.Literal('label'), Type.Literal('attribute')]),
    },
    { title: 'FilterRule' },
  ),
  { description: 'All must hold; of the values of a rule, one' },
);

/** The members are read by hand: what is wrong with a rule is told with the rule. */
export const RulesBody = Type.Array(Type.Unknown(), { description: 'As FilterRule' });

export const SearchBody = Type.Object(
  {
    filter_rules: Type.Optional(RulesBody),
    constraints: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'name_pattern, valid_values, labels, …' }),
    ),
  },
  { title: 'Search' },
);

export interface SearchWords {
  readonly filter_rules?: readonly unknown[];
  readonly constraints?: Readonly<Record<string, unknown>>;
}

/** Wire name of an attribute -> its name in stored rules, and what lists know it as. */
export interface AttributeWords<Field extends string> {
  readonly names: Readonly<Record<string, string>>;
  readonly attributes: Attributes<Field>;
  /** Of an attribute whose values have other words here: wire value -> ours. */
  readonly values?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Has labels. */
  readonly labelled: boolean;
}

const wireOperator = (operator: string) => operator.replaceAll('-', '_');

/** @throws DomainError `filter-rule-invalid` */
export function readRules(given: unknown, words: AttributeWords<string>): FilterRule[] {
  if (!Array.isArray(given)) throw badRule(given, 'the filter rules must be a list');
  const rules = given.map((each) => {
    const rule = readRule(each, words);
    const why = faultOf(rule);
    if (why !== null) throw badRule(each, why);
    return rule;
  });
  checkRules(rules);
  return rules;
}

function readRule(given: unknown, words: AttributeWords<string>): FilterRule {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw badRule(given, 'a rule must be an object with key, values, operator and type');
  }
  const { key, values, operator, type, ...rest } = given as Record<string, unknown>;
  if (Object.keys(rest).length > 0) throw badRule(given, `unknown members: ${Object.keys(rest).join(', ')}`);
  if (typeof key !== 'string') throw badRule(given, 'the key must be a text');
  if (!Array.isArray(values) || values.some((value) => typeof value !== 'string')) {
    throw badRule(given, 'the values must be a list of texts');
  }
  if (type === 'label') {
    if (!words.labelled) throw badRule(given, 'there are no labels here');
    const known = LABEL_OPERATORS.find((one) => wireOperator(one) === operator);
    if (known === undefined) throw badRule(given, operatorText('label', LABEL_OPERATORS));
    return { kind: 'label', key: key.trim().toLowerCase(), operator: known, values };
  }
  if (type !== 'attribute') throw badRule(given, 'the type must be one of: label, attribute');
  const known = ATTRIBUTE_OPERATORS.find((one) => wireOperator(one) === operator);
  if (known === undefined) throw badRule(given, operatorText('attribute', ATTRIBUTE_OPERATORS));
  const ours = Object.hasOwn(words.names, key) ? words.names[key] : undefined;
  if (ours === undefined) {
    throw badRule(given, `the key of an attribute must be one of: ${Object.keys(words.names).join(', ')}`);
  }
  const spelled = words.values?.[key];
  const told = values.map((value: string) => (spelled === undefined ? value : (spelled[value] ?? value)));
  return { kind: 'attribute', key: ours, operator: known, values: told };
}

function operatorText(type: string, operators: readonly string[]): string {
  return `the operator of a ${type} must be one of: ${operators.map(wireOperator).join(', ')}`;
}

/** Stored rules as the wire tells them. */
export function wireRules(rules: readonly FilterRule[], words: AttributeWords<string>) {
  return rules.map(({ kind, key, operator, values }) => {
    const name =
      kind === 'label' ? key : (Object.entries(words.names).find(([, ours]) => ours === key)?.[0] ?? key);
    const spelled = Object.entries(words.values?.[name] ?? {});
    const told = values.map((value) => spelled.find(([, ours]) => ours === value)?.[0] ?? value);
    return { key: name, values: told, operator: wireOperator(operator), type: kind };
  });
}

/** The conditions of `_filter_id` in the query and of the rules or constraints in the body. */
export async function conditionsFrom<Field extends string>(
  core: Core,
  caller: Caller,
  collection: 'blueprints' | 'deployments' | null,
  words: AttributeWords<Field>,
  params: Params,
  body: SearchWords = {},
): Promise<ListFilter<Field>[]> {
  const stored =
    collection === null ? [] : repeated(params, '_filter_id').filter((filterId) => filterId !== '');
  if (body.constraints !== undefined && (body.filter_rules !== undefined || stored.length > 0)) {
    throw badParameters('Give either `constraints`, or `filter_rules` and `_filter_id`, not both');
  }
  const { filter_id: also, ...constraints } = body.constraints ?? {};
  if (typeof also === 'string' && collection !== null) stored.push(also);
  const rules = [...readRules(body.filter_rules ?? [], words)];
  for (const id of stored) rules.push(...(await core.filters.rules(caller, collection!, id)));
  return [...conditionsOf(rules, words.attributes), ...readConstraints(constraints, words)];
}

const PATTERNS: Readonly<Record<string, (text: string) => string>> = {
  contains: (text) => `%${text}%`,
  starts_with: (text) => `${text}%`,
  ends_with: (text) => `%${text}`,
  equals_to: (text) => text,
};

/** Words that name where to look, not what is looked for: the routes read them. */
const PLACES = new Set(['deployment_id', 'blueprint_id']);

function readConstraints<Field extends string>(
  constraints: Readonly<Record<string, unknown>>,
  words: AttributeWords<Field>,
): ListFilter<Field>[] {
  return Object.entries(constraints).flatMap(([name, value]): ListFilter<Field>[] => {
    if (PLACES.has(name) || value === null || value === undefined) return [];
    switch (name) {
      case 'name_pattern':
        return Object.entries(recordOf(name, value)).map(([operator, text]) => {
          const pattern = Object.hasOwn(PATTERNS, operator) ? PATTERNS[operator] : undefined;
          if (pattern === undefined || typeof text !== 'string') {
            throw badParameters(`name_pattern takes ${Object.keys(PATTERNS).join(', ')}, each with a text`);
          }
          return named(words, (field) => ({ field, like: [pattern(text.replace(/[\\%_]/g, '\\$&'))] }));
        });
      case 'valid_values':
        return [named(words, (field) => ({ field, anyOf: textsOf(name, value) }))];
      case 'tenants':
        return conditionsOf(
          [{ kind: 'attribute', key: 'tenantName', operator: 'any-of', values: textsOf(name, value) }],
          words.attributes,
        );
      case 'labels':
        if (!words.labelled) break;
        return conditionsOf(
          readLabels(value).map((label) => ({
            kind: 'label',
            key: label.key.trim().toLowerCase(),
            operator: 'any-of',
            values: [label.value],
          })),
          words.attributes,
        );
      case 'type':
        if (words.names.type === undefined) break;
        return conditionsOf(
          [
            {
              kind: 'attribute',
              key: words.names.type,
              operator: 'any-of',
              values: [value].flat().map(String),
            },
          ],
          words.attributes,
        );
    }
    throw badParameters(`Unknown constraint: ${name}`);
  });
}

/** Of what a thing is called by, any may match. */
function named<Field extends string>(
  { attributes }: AttributeWords<Field>,
  condition: (field: Field) => ListFilter<Field>,
): ListFilter<Field> {
  const called = ['id', 'displayName', 'key'].flatMap((name) => {
    const attribute = attributes[name];
    return attribute !== undefined && 'field' in attribute ? [attribute.field] : [];
  });
  return { either: called.map(condition) };
}

function recordOf(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw badParameters(`The constraint ${name} must be an object`);
}

export function textsOf(name: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value as string[];
  throw badParameters(`The constraint ${name} must be a list of texts`);
}
