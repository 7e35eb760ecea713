/** Schemas of single fields, and the fields that all resources of a tenant have in common. */
import Type, { type TSchema } from 'typebox';
import type { WireField } from './resource.js';

export const Text = Type.String();
export const MaybeText = Type.Union([Type.String(), Type.Null()]);
export const Time = Type.String({ format: 'date-time', description: 'UTC, YYYY-MM-DDTHH:MM:SS.mmmZ' });
export const MaybeTime = Type.Union([Time, Type.Null()]);
export const Count = Type.Integer();
export const Flag = Type.Boolean();
export const Dict = Type.Record(Type.String(), Type.Unknown());
export const Names = Type.Array(Type.String());
export const Anything = Type.Unknown();
export const VisibilityWord = Type.Union([
  Type.Literal('private'),
  Type.Literal('tenant'),
  Type.Literal('global'),
]);

/** `visibility` with its two older spellings, and whose it is. */
export const OWNERSHIP: Readonly<Record<string, WireField<'visibility' | 'tenantName' | 'createdBy'>>> = {
  visibility: { from: 'visibility', schema: VisibilityWord },
  resource_availability: { from: 'visibility', schema: VisibilityWord },
  private_resource: {
    from: { field: 'visibility', words: { private: true }, otherwise: false },
    schema: Flag,
  },
  tenant_name: { from: 'tenantName', schema: Text },
  created_by: { from: 'createdBy', schema: Text },
};

export const IdParams = Type.Object({ id: Type.String({ description: 'Its id' }) });
export const NameParams = Type.Object({ name: Type.String({ description: 'Its name' }) });

const PageMetadata = Type.Object(
  {
    pagination: Type.Object({
      total: Type.Integer({ description: 'Rows that match, on all pages' }),
      offset: Count,
      size: Type.Integer({ description: 'The effective size of a page' }),
    }),
    filtered: Type.Optional(Type.Integer({ description: 'Rows that filter rules have removed' })),
  },
  { title: 'PageMetadata' },
);

/** The envelope of a list of `item`. */
export function ListOf(item: TSchema): TSchema {
  const { title } = item as { title?: string };
  return Type.Object(
    { items: Type.Array(item), metadata: PageMetadata },
    title === undefined ? {} : { title: `${title}List` },
  );
}

export const ErrorAnswer = Type.Object(
  {
    message: Type.String(),
    error_code: Type.String(),
    server_traceback: Type.Union([Type.String(), Type.Null()]),
  },
  { title: 'Error', description: 'Every refusal has this form; `error_code` tells refusals apart' },
);
