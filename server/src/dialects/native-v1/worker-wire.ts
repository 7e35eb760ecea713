/** What requests of workers and answers to them are made of. */
import type { FastifyReply, FastifyRequest } from 'fastify';

export function bytes(
  reply: FastifyReply,
  { size, stream }: { size: number; stream: NodeJS.ReadableStream },
) {
  return reply.type('application/octet-stream').header('content-length', size).send(stream);
}

/** Of `Authorization: Bearer`; empty without. */
export function tokenOf(request: FastifyRequest): string {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  return /^bearer$/i.test(scheme) ? value : '';
}
