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
  /** Puts a stored document into their words; done only on pages whose text shows that there is something to do. */
  readonly rework?: { readonly when: RegExp; readonly map: (value: unknown) => unknown };
}

export interface DerivedField<Field extends string> {
  /** Core fields that `derive` reads. */
  readonly needs: readonly Field[];
  readonly derive: (values: Readonly<Record<Field, unknown>>) => unknown | Promise<unknown>;
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
  readonly reworked: readonly (readonly [string, NonNullable<WireField<Field>['rework']>])[];
  readonly derived: readonly (readonly [string, DerivedField<Field>])[];
}

/** Marks shape names that only feed derived fields; no wire name begins so. */
const HIDDEN = '\u0001';

export function fieldNames(resource: Resource<string>): string[] {
  return [...Object.keys(resource.fields), ...Object.keys(resource.derived ?? {})];
}

/**
 * The JSON schema of the resource, for the published description. Nothing in it is required: `_include` chooses.
 *
 * @param title names the schema there; two that differ need two titles
 */
export function schemaOf(resource: Resource<string>, title = resource.name): TSchema {
  const properties = Object.fromEntries(
    fieldNames(resource).map((name) => {
      const field = resource.fields[name];
      return [name, Type.Optional(field === undefined ? resource.derived![name]!.schema : told(field))];
    }),
  );
  return Type.Object(properties, { title });
}

/** A field whose texts are put into words has no other values than these words. */
function told({ from, schema }: WireField<string>): TSchema {
  if (typeof from === 'string' || 'constant' in from) return schema;
  const words = [...new Set([...Object.values(from.words), from.otherwise])];
  const texts = words.filter((word) => typeof word === 'string');
  if (texts.length === 0) return schema;
  const known = Type.Union(texts.map((word) => Type.Literal(word)));
  return 'anyOf' in schema ? Type.Union([known, Type.Null()]) : known;
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
  const reworked: [string, NonNullable<WireField<Field>['rework']>][] = [];
  const derived: [string, DerivedField<Field>][] = [];
  for (const name of names) {
    if (Object.hasOwn(resource.fields, name)) {
      const { from, rework } = resource.fields[name]!;
      shape[name] = from;
      if (rework !== undefined) reworked.push([name, rework]);
      continue;
    }
    const field = resource.derived![name]!;
    if (include === null && view === 'list' && !field.listed) continue;
    derived.push([name, field]);
  }
  for (const [, field] of derived) for (const need of field.needs) shape[HIDDEN + need] = need;
  return { shape, reworked, derived };
}

/** The page's items as JSON text, derived fields computed. */
export async function renderItems<Field extends string>(
  projection: Projection<Field>,
  page: ListPage,
): Promise<string> {
  const reworked = projection.reworked.filter(([, { when }]) => when.test(page.items));
  if (projection.derived.length === 0 && reworked.length === 0) return page.items;
  const items = JSON.parse(page.items) as Record<string, unknown>[];
  const rendered: Record<string, unknown>[] = [];
  for (const item of items) {
    for (const [name, { map }] of reworked) item[name] = map(item[name]);
    rendered.push(await withDerived(projection, item));
  }
  return JSON.stringify(rendered);
}

async function withDerived<Field extends string>(
  projection: Projection<Field>,
  item: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const shown: Record<string, unknown> = {};
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(item)) {
    if (name.startsWith(HIDDEN)) values[name.slice(HIDDEN.length)] = value;
    else shown[name] = value;
  }
  for (const [name, field] of projection.derived) {
    shown[name] = await field.derive(values as Record<Field, unknown>);
  }
  return shown;
}

/**
 * A service's record as JSON text, told as a list would tell it: for what may be read one by one but not listed.
 *
 * @throws CloudifyError `no_such_include_field_error`
 */
export async function renderRecord<Field extends string>(
  resource: Resource<Field>,
  include: readonly string[] | null,
  record: Readonly<Record<Field, unknown>>,
): Promise<string> {
  const { shape, derived, reworked } = project(resource, include, 'item');
  const item: Record<string, unknown> = {};
  for (const [name, shown] of Object.entries(shape)) {
    if (!name.startsWith(HIDDEN)) item[name] = shownValue(shown, record);
  }
  for (const [name, { map }] of reworked) item[name] = map(item[name]);
  for (const [name, field] of derived) item[name] = await field.derive(record);
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
