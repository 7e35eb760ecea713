/** Entity tags (RFC 9110 §8.8, §13): `ETag` on what is read, `If-None-Match` where it is read again, `If-Match` where it is changed. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors.js';

/** @param version what changes whenever the thing does */
export function tagOf(version: string): string {
  return `"${createHash('sha256').update(version).digest('base64url').slice(0, 27)}"`;
}

/** Sets `ETag`; true: the client has it already, and the answer is 304 without a body. */
export function isKnown(request: FastifyRequest, reply: FastifyReply, tag: string): boolean {
  reply.header('etag', tag).header('cache-control', 'private, no-cache');
  if (!lists(request.headers['if-none-match'], tag)) return false;
  reply.code(304);
  return true;
}

/**
 * Refuses a change of what is no longer as the client has seen it; a request without `If-Match` is not held to anything.
 *
 * @throws DomainError `conflict` (`precondition-failed`)
 */
export function requireMatch(request: FastifyRequest, tag: string): void {
  const wanted = request.headers['if-match'];
  if (wanted === undefined || wanted.trim() === '*' || lists(wanted, tag)) return;
  throw new DomainError(
    'conflict',
    'precondition-failed',
    'It has changed since: read it again, and repeat with its new ETag if the change is still wanted',
    { details: { field: 'If-Match' } },
  );
}

function lists(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => {
    const named = one.trim().replace(/^W\//, '');
    return named === tag || named === '*';
  });
}
