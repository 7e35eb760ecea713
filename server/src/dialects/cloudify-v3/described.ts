/**
 * What routes say of themselves, for the published description (`npm run openapi`). Schemas of parameters and answers
 * describe and do nothing else: parameters are read where they are used, answers were shaped where they were made.
 */
import type { FastifySchema } from 'fastify';
import Type, { type TObject, type TProperties, type TSchema } from 'typebox';
import type { ListingOptions } from './listing.js';
import { fieldNames, type Resource } from './resource.js';
import type { ApiVersion } from './version.js';

/** By status. */
export type Answers = Readonly<Record<number, TSchema | MediaAnswer>>;

type Parts = Pick<FastifySchema, 'description' | 'params' | 'querystring' | 'body' | 'uploads' | 'open'> & {
  readonly response: Answers;
};

/** An answer that is no JSON. */
interface MediaAnswer {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: TSchema }>>;
}

/** @param name what the operation does to the things of its tag: `list` of `Node instances` is `node_instances_list` */
export function describe(tag: string, name: string, summary: string, parts: Parts): FastifySchema {
  const operationId = `${tag.toLowerCase().replaceAll(' ', '_')}_${name}`;
  return { tags: [tag], operationId, summary, ...parts };
}

export const Bytes = Type.String({ format: 'binary' });

/** The answer to a deletion: see `sendDeleted`. */
export function deletionOf(version: ApiVersion, deleted: TSchema): Answers {
  return version === 'v3' ? { 200: deleted } : { 204: Done };
}

/** Either of two forms, named after the first. */
export function oneOf(usual: TSchema, other: TSchema): TSchema {
  const { title } = usual as { title?: string };
  return Type.Union([usual, other], { title: `Any${title}` });
}

export const Done = Type.Null({ description: 'Done; there is no body' });

export const Switch = (description: string) => Type.Optional(Type.Boolean({ description }));
export const Word = (description: string) => Type.Optional(Type.String({ description }));

const INCLUDE = {
  _include: Word('Names of the fields that the answer is to hold, with commas between them; default: all'),
};

/** The query of an answer that tells one thing. */
export function itemQuery(more: TProperties = {}): TObject {
  return Type.Object({ ...INCLUDE, ...more });
}

/** The query of a list, as `parseListing` reads it with the same arguments. */
export function listQuery<Field extends string>(
  resource: Resource<Field>,
  options: ListingOptions<Field>,
  more: TProperties = {},
): TObject {
  const searches = Object.entries(options.searches).map(([name, field]) => [
    name,
    Word(`Only those with this text in their ${wireNameOf(resource, field)}, in any case`),
  ]);
  const filters = [...Object.keys(resource.fields), ...Object.keys(options.filters ?? {})].map((name) => [
    name,
    Type.Optional(Type.Array(Type.String(), { description: filterText(name, options) })),
  ]);
  const sorts = [...new Set([...fieldNames(resource), ...Object.keys(options.sorts ?? {})])];
  return Type.Object({
    ...INCLUDE,
    ...Object.fromEntries(searches),
    ...(options.ranges === undefined ? {} : RANGE),
    _sort: Type.Optional(
      Type.Array(Type.String(), {
        description: `Fields to order by, the first counts most; \`-\` before a name turns the order. One of: ${sorts.join(', ')}`,
      }),
    ),
    ...PAGE,
    ...(options.acrossTenants === true ? ACROSS : {}),
    ...more,
    ...Object.fromEntries(filters),
  });
}

const RANGE = {
  _range: Type.Optional(
    Type.Array(Type.String(), {
      description: '`field,from,to`: from the first time on and before the second; either may be empty',
    }),
  ),
};

const PAGE = {
  _size: Type.Optional(
    Type.Integer({ minimum: 0, description: 'Rows of a page; default: 1000, of events 10000' }),
  ),
  _offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Rows to leave out before the page' })),
  _get_all_results: Switch('Everything at once, whatever `_size` says; at most 100000 rows'),
};

const ACROSS = {
  _all_tenants: Switch('Of every tenant, for administrators; others are told of their own tenant'),
};

function filterText<Field extends string>(name: string, options: ListingOptions<Field>): string {
  return options.patterns?.includes(name)
    ? `Only those whose \`${name}\` is like one of these; \`%\` stands for any text`
    : `Only those whose \`${name}\` is one of these`;
}

function wireNameOf<Field extends string>(resource: Resource<Field>, field: Field): string {
  const found = Object.entries(resource.fields).find(([, { from }]) => from === field);
  return found === undefined ? field : `\`${found[0]}\``;
}
