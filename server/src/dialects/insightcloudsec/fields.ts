/** Schemas that many endpoints share. */
import { Type } from 'typebox';

export const Text = Type.String();
export const Int = Type.Integer();
export const Flag = Type.Boolean();
/** An empty object, or little to say. */
export const Ok = Type.Object({}, { title: 'Ok', description: 'Done', additionalProperties: true });
/** A number, or the same as a text. */
export const Id = Type.Union([Type.Integer(), Type.String()], { description: 'As a number or a text' });
export const RecordTime = Type.String({ description: 'UTC, YYYY-MM-DD HH:MM:SS' });

export const Badge = Type.Object({ key: Type.String(), value: Type.String() }, { title: 'Badge' });

/** Options of a list; all may be left out (specs: insightcloudsec.md §5). */
export const LIST_OPTIONS = {
  filters: Type.Optional(
    Type.Array(Type.Unknown(), {
      description:
        'Objects of field_name, filter_type (EXACT, CONTAINS, STARTS_WITH, NOT_EXACT, IN) and filter_value; all must hold',
      maxItems: 50,
    }),
  ),
  limit: Type.Optional(
    Type.Union([Type.Integer(), Type.String()], {
      description: 'Rows of the page, 10000 at most; absent: that many',
    }),
  ),
  offset: Type.Optional(
    Type.Union([Type.Integer(), Type.String()], { description: 'Rows before it', default: 0 }),
  ),
  order_by: Type.Optional(
    Type.String({ description: 'A scalar member of the row, and ` DESC` behind it', maxLength: 100 }),
  ),
};

export const BADGE_OPTIONS = {
  badges: Type.Optional(Type.Array(Badge, { maxItems: 100 })),
  badge_filter_operator: Type.Optional(
    Type.String({ description: 'AND or OR, in letters of any case', default: 'OR', maxLength: 10 }),
  ),
};

export const ListBody = Type.Object(LIST_OPTIONS, { title: 'ListOptions' });
