/**
 * `Idempotency-Key`: a request that changes something and may be sent again. Answered once more with
 * `Idempotency-Replayed: true`; with another body refused (422). Without a key it is done as often as it comes.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Deed } from '../../answers/kept-answers.js';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';

export async function once<Answer>(
  core: Core,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
  deed: Deed<Answer>,
): Promise<Answer> {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return deed.change();
  const digest = createHash('sha256')
    .update(`${request.method}\n${request.url}\n${JSON.stringify(request.body ?? null)}`)
    .digest();
  const { answer, isReplayed } = await core.keptAnswers.once(caller, { key: String(key), digest }, deed);
  if (isReplayed) reply.header('idempotency-replayed', 'true');
  return answer;
}
