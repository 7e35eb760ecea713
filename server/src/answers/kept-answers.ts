/**
 * Requests that may be sent twice: what a request with a key has changed is changed once, and its answer is given again.
 *
 * The key is claimed before anything is done. The change itself says, in its own transaction, that it was made, and can say
 * so only for the claim that stands and only once; so a process that is killed leaves either no change, or one that is known,
 * and one that was paused while another took its claim over changes nothing. The answer is kept when it is known. Where a
 * process died between the change and its answer, the answer is made from how things stand. Refusals are not kept: nothing
 * was changed, and the key is free.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Caller, scopeFor } from '../caller.js';
import { DomainError } from '../errors.js';
import type { TenantId, UserId } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { accompany } from '../store/transaction.js';
import {
  dropClaim,
  insertClaim,
  keepAnswer,
  markChanged,
  selectKept,
  sweepAnswers,
  takeOver,
} from './kept-answers.store.js';

export interface KeyedRequest {
  /** Chosen by the client; of the user's own in the tenant. */
  readonly key: string;
  /** What stands for the whole request. */
  readonly digest: Buffer;
}

export interface Deed<Answer> {
  /** Changes something, in one transaction (`inTransaction`), and answers. */
  change(): Promise<Answer>;
  /** The answer once more, after the change, from how things stand. */
  again(): Promise<Answer>;
}

/** Seconds that a claim stands: what a request changes takes much less. */
const CLAIM_SECONDS = 30;
const PATIENCE_MS = 5000;
const LOOK_AGAIN_MS = 50;

interface Claim {
  readonly tenantId: TenantId;
  readonly userId: UserId;
  readonly key: string;
  readonly claim: string;
}

export class KeptAnswers {
  readonly #pool: Pool;
  readonly #claimSeconds: number;

  constructor(pool: Pool, { claimSeconds = CLAIM_SECONDS }: { claimSeconds?: number } = {}) {
    this.#pool = pool;
    this.#claimSeconds = claimSeconds;
  }

  /**
   * Does it once, however often it is asked for with this key.
   *
   * @throws DomainError `invalid` (`idempotency-key-invalid`, `idempotency-key-reused`); `conflict` (`idempotency-key-in-use`)
   *   while another request with the key is being worked on; and whatever the deed throws
   */
  async once<Answer>(
    caller: Caller,
    request: KeyedRequest,
    deed: Deed<Answer>,
  ): Promise<{ readonly answer: Answer; readonly isReplayed: boolean }> {
    const { tenantId, userId } = scopeFor(caller, 'status.read');
    const { key, digest } = request;
    if (!/^[\x21-\x7e]{1,200}$/.test(key)) {
      throw new DomainError(
        'invalid',
        'idempotency-key-invalid',
        'An Idempotency-Key has 1 to 200 visible characters, such as a UUID',
        { details: { field: 'Idempotency-Key' } },
      );
    }
    const mine: Claim = { tenantId, userId, key, claim: randomUUID() };
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const values = [userId, key, digest, mine.claim, this.#claimSeconds];
      if ((await insertClaim.one(this.#pool, tenantId, values)) !== null) {
        return { answer: await this.#change(mine, deed), isReplayed: false };
      }
      const kept = await selectKept.one(this.#pool, tenantId, [userId, key, digest]);
      if (kept === null) continue;
      if (!kept.isSame) throw reused();
      if (kept.status !== null) return { answer: JSON.parse(kept.body!) as Answer, isReplayed: true };
      if (!kept.isClaimed) {
        const taken = await takeOver.one(this.#pool, tenantId, [
          userId,
          key,
          kept.claim,
          mine.claim,
          this.#claimSeconds,
        ]);
        if (taken?.changed === true) return { answer: await this.#again(mine, deed), isReplayed: true };
        if (taken !== null) return { answer: await this.#change(mine, deed), isReplayed: false };
      }
      if (performance.now() > deadline) throw inUse();
      await delay(LOOK_AGAIN_MS);
    }
  }

  /** Forgets what is older than a day. For the chores. */
  async sweep(): Promise<void> {
    await sweepAnswers.run(this.#pool);
  }

  async #change<Answer>(mine: Claim, deed: Deed<Answer>): Promise<Answer> {
    const { tenantId, userId, key, claim } = mine;
    try {
      const answer = await accompany(
        {
          after: async (client) => {
            const marked = await markChanged.run(client, tenantId, [userId, key, claim]);
            if (marked === 0) throw inUse();
          },
        },
        () => deed.change(),
      );
      await this.#keep(mine, answer);
      return answer;
    } catch (error) {
      // Where this fails too, the claim runs out.
      await dropClaim.run(this.#pool, tenantId, [userId, key, claim]).catch(() => {});
      throw error;
    }
  }

  async #again<Answer>(mine: Claim, deed: Deed<Answer>): Promise<Answer> {
    const answer = await deed.again();
    await this.#keep(mine, answer);
    return answer;
  }

  async #keep({ tenantId, userId, key, claim }: Claim, answer: unknown): Promise<void> {
    await keepAnswer.run(this.#pool, tenantId, [userId, key, claim, 200, JSON.stringify(answer)]);
  }
}

function reused(): DomainError {
  return new DomainError(
    'invalid',
    'idempotency-key-reused',
    'This Idempotency-Key came with another request before: choose a new one for each request, and repeat it only for the same',
    { details: { field: 'Idempotency-Key' } },
  );
}

function inUse(): DomainError {
  return new DomainError(
    'conflict',
    'idempotency-key-in-use',
    'Another request with this Idempotency-Key is being worked on: ask again soon',
    { details: { field: 'Idempotency-Key', retryAfterSeconds: 1 } },
  );
}
