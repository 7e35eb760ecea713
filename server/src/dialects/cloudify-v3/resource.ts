/**
 * How a resource of Cloudify is told: wire name -> where it comes from, once for every call that shows it.
 *
 * Most fields come from a core field as they are or in other words (`execution.status`: ours `force-cancelling`,
 * theirs `force_cancelling`), and PostgreSQL writes them straight into the answer. A few are derived: computed here
 * from core fields (a blueprint's expanded plan). A page without derived fields is passed on as text, unread.
 */
import type { TSchema } from 'typebox';
import Type from 'typebox';
import type { ListPage, ListQuery, Shown } from '../../store/list.js';
import { CloudifyError } from './errors.js';

export interface WireField<Field extends string> {
  readonly from: Shown<Field>;
  readonly schema: TSchema;
}

export interface DerivedField<Field extends string> {
  /** Core fields that `derive` reads. */
  readonly needs: readonly Field[];
  readonly derive: (values: Readonly<Record<Field, unknown>>) => unknown;
  readonly schema: TSchema;
  /** False: lists tell it only when `_include` names it, because it is large. */
  readonly listed: boolean;
}

export interface Resource<Field extends string> {
  /** As messages name it, e.g. `Blueprint`. */
  readonly name: string;
  /** Wire name of what identifies it. */
  readonly key: string;
  readonly fields: Readonly<Record<string, WireField<Field>>>;
  readonly derived?: Readonly<Record<string, DerivedField<Field>>>;
}

/** What an answer is to hold: the query's shape, and what is to be computed from it afterwards. */
export interface Projection<Field extends string> {
  readonly shape: ListQuery<Field>['shape'];
  readonly derived: readonly (readonly [string, DerivedField<Field>])[];
}

/** Marks shape names that only feed derived fields; no wire name begins so. */
const HIDDEN = '\u0001';

export function fieldNames(resource: Resource<string>): string[] {
  return [...Object.keys(resource.fields), ...Object.keys(resource.derived ?? {})];
}

/** The JSON schema of the resource, for validation's sake and for the published description. */
export function schemaOf(resource: Resource<string>): TSchema {
  const properties = Object.fromEntries(
    fieldNames(resource).map((name) => [
      name,
      Type.Optional((resource.fields[name] ?? resource.derived?.[name])!.schema),
    ]),
  );
  return Type.Object(properties, { title: resource.name });
}

/**
 * The projection asked for by `include` (wire names; null: everything).
 *
 * @throws CloudifyError `no_such_include_field_error`
 */
export function project<Field extends string>(
  resource: Resource<Field>,
  include: readonly string[] | null,
  view: 'item' | 'list',
): Projection<Field> {
  const names = include ?? fieldNames(resource);
  const unknown = names.filter((name) => !hasField(resource, name));
  if (unknown.length > 0) {
    throw new CloudifyError(
      400,
      'no_such_include_field_error',
      `Illegal include fields: ${quoted(unknown)}. Allowed fields are: ${quoted(fieldNames(resource))}`,
    );
  }
  const shape: Record<string, Shown<Field>> = {};
  const derived: [string, DerivedField<Field>][] = [];
  for (const name of names) {
    if (Object.hasOwn(resource.fields, name)) {
      shape[name] = resource.fields[name]!.from;
      continue;
    }
    const field = resource.derived![name]!;
    if (include === null && view === 'list' && !field.listed) continue;
    derived.push([name, field]);
  }
  for (const [, field] of derived) for (const need of field.needs) shape[HIDDEN + need] = need;
  return { shape, derived };
}

/** The page's items as JSON text, derived fields computed. */
export function renderItems<Field extends string>(projection: Projection<Field>, page: ListPage): string {
  if (projection.derived.length === 0) return page.items;
  const items = JSON.parse(page.items) as Record<string, unknown>[];
  return JSON.stringify(
    items.map((item) => {
      const shown = Object.entries(item).filter(([name]) => !name.startsWith(HIDDEN));
      const values = Object.fromEntries(
        Object.entries(item)
          .filter(([name]) => name.startsWith(HIDDEN))
          .map(([name, value]) => [name.slice(HIDDEN.length), value]),
      ) as Record<Field, unknown>;
      for (const [name, field] of projection.derived) shown.push([name, field.derive(values)]);
      return Object.fromEntries(shown);
    }),
  );
}

/**
 * A service's record as JSON text, told as a list would tell it: for what may be read one by one but not listed.
 *
 * @throws CloudifyError `no_such_include_field_error`
 */
export function renderRecord<Field extends string>(
  resource: Resource<Field>,
  include: readonly string[] | null,
  record: Readonly<Record<Field, unknown>>,
): string {
  const { shape, derived } = project(resource, include, 'item');
  const item: Record<string, unknown> = {};
  for (const [name, shown] of Object.entries(shape)) {
    if (!name.startsWith(HIDDEN)) item[name] = shownValue(shown, record);
  }
  for (const [name, field] of derived) item[name] = field.derive(record);
  return JSON.stringify(item);
}

function shownValue<Field extends string>(
  shown: Shown<Field>,
  record: Readonly<Record<Field, unknown>>,
): unknown {
  if (typeof shown === 'string') return record[shown] ?? null;
  if ('constant' in shown) return shown.constant;
  const value = String(record[shown.field]);
  return Object.hasOwn(shown.words, value) ? shown.words[value] : (shown.otherwise ?? null);
}

export function hasField(resource: Resource<string>, name: string): boolean {
  return (
    Object.hasOwn(resource.fields, name) ||
    (resource.derived !== undefined && Object.hasOwn(resource.derived, name))
  );
}

export function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
