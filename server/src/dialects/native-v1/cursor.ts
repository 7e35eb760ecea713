/**
 * Pages: a list says where its next page is, in a `Link` header (RFC 8288), and the cursor in it is nobody's to read or make.
 * It says which list it belongs to, and what it was asked for, and is refused elsewhere. It gives no right to anything.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { DomainError } from '../../errors.js';

export const MOST_ON_A_PAGE = 1000;

export const PageQuery = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MOST_ON_A_PAGE,
      description: 'Items on a page; the next one is in `Link`',
    }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 200, description: 'From the `Link` of the page before' })),
};

/** @param list names the list and what of it was asked for; @param after the last item's key */
export function cursorOf(list: string, after: number): string {
  return Buffer.from(`${after}.${mark(list, after)}`).toString('base64url');
}

/** @throws DomainError `invalid` (`cursor-invalid`) */
export function readCursor(list: string, cursor: string): number {
  const [after = '', given] = Buffer.from(cursor, 'base64url').toString('utf8').split('.');
  if (/^\d{1,15}$/.test(after) && given === mark(list, Number(after))) return Number(after);
  throw new DomainError(
    'invalid',
    'cursor-invalid',
    'A cursor is one that a Link header of this list has told',
    {
      details: { field: 'cursor' },
    },
  );
}

/** `Link` to the next page; nothing where there is none. */
export function linkNext(request: FastifyRequest, reply: FastifyReply, cursor: string | null): void {
  if (cursor === null) return;
  const [path = '', query = ''] = request.url.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  reply.header('link', `<${path}?${parameters}>; rel="next"`);
}

function mark(list: string, after: number): string {
  return createHash('sha256').update(`${list}\n${after}`).digest('base64url').slice(0, 12);
}
