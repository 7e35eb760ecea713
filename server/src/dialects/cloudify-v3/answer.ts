/** The forms in which answers leave. */
import type { FastifyReply } from 'fastify';
import type { ApiVersion } from './version.js';

/** Sends JSON that is text already, be it encoded or not. */
export function sendText(reply: FastifyReply, status: number, text: string | Buffer): FastifyReply {
  return reply.code(status).type('application/json').send(text);
}

export function sendJson(reply: FastifyReply, status: number, value: unknown): FastifyReply {
  return sendText(reply, status, JSON.stringify(value));
}

/** After a deletion: the deleted thing under `v3`, nothing under `v3.1`. */
export function sendDeleted(reply: FastifyReply, version: ApiVersion, text: string): FastifyReply {
  return version === 'v3' ? sendText(reply, 200, text) : reply.code(204).send();
}
