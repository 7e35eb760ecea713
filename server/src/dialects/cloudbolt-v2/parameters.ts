/**
 * Parameters, and what groups and environments say of them: extensions, since the product has them in its pages alone (specs:
 * cloudbolt.md §6.5). Saying something again replaces it.
 */
import type { FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Json, JsonObject } from '../../dsl/plan.js';
import {
  PARAMETER_TYPES,
  type ParameterField,
  type ParameterKey,
  type ParameterPlace,
  type UseField,
} from '../../ordering/parameters.js';
import type { ListQuery } from '../../store/list.js';
import { callerOf } from './auth.js';
import { type Body, bodyOf } from './body.js';
import { notFoundHere } from './errors.js';
import { globalId, readHref, readKey } from './hrefs.js';
import type { Query } from './listing.js';
import { boolean, integer, text } from './paths.js';
import {
  addCollection,
  type Collection,
  HalItem,
  HalPage,
  ItemParams,
  itemOf,
  ListQuerystring,
  listOf,
  type Mounting,
  sendHal,
} from './resource.js';
import {
  booleanMember,
  hyphenated,
  listMember,
  member,
  objectMember,
  required,
  textMember,
} from './values.js';

interface ParameterRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: string;
  readonly multiple: boolean;
  readonly constraints: JsonObject;
  readonly options: readonly Json[] | null;
  readonly builtin: boolean;
}

const TAG = 'Parameters';
const PATHS: Collection<ParameterField, ParameterRow>['paths'] = {
  id: integer('number'),
  pk: integer('number'),
  'global-id': text('code'),
  name: text('name'),
  label: text('label'),
  type: text('type'),
  description: text('description'),
  'allow-multiple': boolean('multiple'),
};

export const PARAMETERS: Collection<ParameterField, ParameterRow> = {
  name: 'parameters',
  tag: TAG,
  thing: 'parameter',
  paths: PATHS,
  reads: [
    ...(['number', 'code', 'name', 'label', 'description', 'type', 'multiple'] as const),
    ...(['constraints', 'options', 'builtin'] as const),
  ],
  title: ({ label }) => label,
  thin: ({ name, number, label, type }) => ({
    name: hyphenated(name),
    label,
    type,
    id: String(number),
  }),
  list: (core, caller, query) => core.parameters.list(caller, underscored(query)),
  item: async ({ hrefs, row }) => ({
    _links: { self: hrefs.link('parameters', { ...row, title: row.label }) },
    name: hyphenated(row.name),
    label: row.label,
    type: row.type,
    id: String(row.number),
    'global-id': globalId('parameters', row),
    description: row.description,
    'allow-multiple': row.multiple,
    constraints: row.constraints,
    options: row.options ?? [],
    builtin: row.builtin,
  }),
};

/** Names are printed with hyphens and kept without: what asks for one means the other. */
function underscored<Field extends string>(query: ListQuery<Field>): ListQuery<Field> {
  const filters = query.filters.map((filter) =>
    'lookup' in filter && filter.field === 'name'
      ? { ...filter, value: filter.value.replaceAll('-', '_') }
      : filter,
  );
  return { ...query, filters };
}

type UseRow = Omit<ParameterRow, 'builtin'> & { readonly required: boolean; readonly value: Json };

function usesOf(place: ParameterPlace): Collection<UseField, UseRow> {
  return {
    name: 'parameters',
    tag: TAG,
    thing: 'parameter',
    paths: { ...PATHS, required: boolean('required') } as Collection<UseField, UseRow>['paths'],
    reads: [
      ...(['number', 'code', 'name', 'label', 'description', 'type', 'multiple'] as const),
      ...(['constraints', 'options', 'required', 'value'] as const),
    ],
    title: ({ label }) => label,
    thin: ({ number, name, label, type, required: needed, constraints, options, value }) => ({
      name: hyphenated(name),
      label,
      type,
      required: needed,
      constraints,
      options: options ?? [],
      default: value,
      id: String(number),
    }),
    list: (core, caller, query) => core.parameters.uses(caller, place, underscored(query)),
    // Only ever listed: an item is found among the parameters.
    item: async () => ({}),
  };
}

const NewParameter = Type.Object(
  {
    name: Type.String({ description: 'Letters, digits, hyphens and underscores' }),
    type: Type.Union(PARAMETER_TYPES.map((type) => Type.Literal(type))),
    label: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    'allow-multiple': Type.Optional(Type.Boolean()),
    constraints: Type.Optional(Type.Unknown({ description: 'minimum, maximum and regex' })),
    options: Type.Optional(
      Type.Array(Type.Unknown(), { description: 'What may be chosen; absent: anything' }),
    ),
  },
  { title: 'NewParameter' },
);
const ParameterUse = Type.Object(
  {
    parameter: Type.String({ description: 'Name, or link' }),
    required: Type.Optional(Type.Boolean()),
    constraints: Type.Optional(Type.Unknown({ description: 'As well as those of the parameter itself' })),
    options: Type.Optional(Type.Array(Type.Unknown())),
    default: Type.Optional(Type.Unknown({ description: 'Holds where an order says nothing' })),
  },
  { title: 'ParameterUse' },
);

export function addParameters(mounting: Mounting): void {
  const { scope, core, hrefs } = mounting;
  addCollection(mounting, PARAMETERS);
  scope.post(
    '/parameters',
    {
      schema: described('parameters_create', 'Make a parameter', {
        body: NewParameter,
        response: { 201: HalItem },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const body = bodyOf(request);
      const label = textMember(body, 'label');
      const number = await core.parameters.create(caller, {
        name: required('name', textMember(body, 'name')),
        type: required('type', textMember(body, 'type')).toUpperCase(),
        description: textMember(body, 'description') ?? '',
        multiple: booleanMember(body, 'allow-multiple') ?? false,
        ...narrowing(body),
        ...(label === undefined ? {} : { label }),
      });
      return sendHal(request, reply, await itemOf(PARAMETERS, { core, caller, hrefs }, String(number)), 201);
    },
  );
  scope.delete<{ Params: { id: string } }>(
    '/parameters/:id',
    {
      schema: described('parameters_delete', 'Delete a parameter that people have made', {
        params: ItemParams,
        response: { 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      const key = readKey('parameters', request.params.id);
      if (key === null) throw notFoundHere();
      await core.parameters.remove(callerOf(request), key);
      return reply.code(204).send();
    },
  );
  addPlace(mounting, 'groups', 'group', (caller, key) => core.groups.find(caller, key));
  addPlace(mounting, 'environments', 'environment', (caller, key) => core.environments.find(caller, key));
}

type Found = { readonly uid: number; readonly number: number };
type UseRequest = FastifyRequest<{ Params: { id: string }; Querystring: Query }>;

function addPlace(
  { scope, core, hrefs }: Mounting,
  collection: 'groups' | 'environments',
  kind: ParameterPlace['kind'],
  find: (caller: Caller, key: { readonly number: number } | { readonly code: string }) => Promise<Found>,
): void {
  const placeOf = async (request: { readonly params: { readonly id: string } }, caller: Caller) => {
    const key = readKey(collection, request.params.id);
    if (key === null) throw notFoundHere();
    const { uid, number } = await find(caller, key);
    return { kind, uid, number, name: `${kind} ${number}` };
  };
  const page = async (caller: Caller, place: ParameterPlace & Found, query: Query) =>
    listOf(usesOf(place), { core, hrefs, caller }, query, {
      path: `${collection}/${place.number}/parameters`,
    });

  scope.get(
    `/${collection}/:id/parameters`,
    {
      schema: described(`${collection}_parameters`, `What the ${kind} says of parameters`, {
        params: ItemParams,
        querystring: ListQuerystring,
        response: { 200: HalPage },
      }),
    },
    async (request: UseRequest, reply) => {
      const caller = callerOf(request);
      return sendHal(request, reply, await page(caller, await placeOf(request, caller), request.query));
    },
  );
  scope.post<{ Params: { id: string } }>(
    `/${collection}/:id/parameters`,
    {
      schema: described(`${collection}_parameters_set`, `Say what holds of a parameter in the ${kind}`, {
        params: ItemParams,
        body: ParameterUse,
        response: { 200: HalPage },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const place = await placeOf(request, caller);
      const body = bodyOf(request);
      const needed = booleanMember(body, 'required');
      const value = member(body, 'default') as Json | undefined;
      await core.parameters.say(caller, place, parameterKey(body), {
        ...narrowing(body),
        ...(needed === undefined ? {} : { required: needed }),
        ...(value === undefined ? {} : { value }),
      });
      return sendHal(request, reply, await page(caller, place, { page_size: '100' }));
    },
  );
  scope.delete<{ Params: { id: string; parameter: string } }>(
    `/${collection}/:id/parameters/:parameter`,
    {
      schema: described(`${collection}_parameters_unset`, `Let the ${kind} say nothing of a parameter`, {
        params: Type.Object({
          ...ItemParams.properties,
          parameter: Type.String({ description: 'Number, Global ID or name' }),
        }),
        response: { 204: Type.Null() },
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const place = await placeOf(request, caller);
      const { parameter } = request.params;
      await core.parameters.unsay(caller, place, readKey('parameters', parameter) ?? { name: parameter });
      return reply.code(204).send();
    },
  );
}

function parameterKey(body: Body): ParameterKey {
  const named = required('parameter', textMember(body, 'parameter'));
  return named.includes('/') || readKey('parameters', named) !== null
    ? readHref('parameter', named, ['parameters'])
    : { name: named };
}

function narrowing(body: Body): { constraints?: JsonObject; options?: readonly Json[] } {
  const constraints = objectMember(body, 'constraints');
  const options = listMember(body, 'options');
  return {
    ...(constraints === undefined ? {} : { constraints: constraints as JsonObject }),
    ...(options === undefined ? {} : { options: options as readonly Json[] }),
  };
}

function described<More extends Record<string, TSchema | Record<number, TSchema>>>(
  operationId: string,
  summary: string,
  more: More,
) {
  return { tags: [TAG] as const, operationId, summary, ...more };
}
