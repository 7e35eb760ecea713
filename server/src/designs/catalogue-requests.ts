/**
 * The way into the catalogue that everybody sees: its owner asks for a design, a reviewer of its tenant says yes or no. One
 * open request per design; what was decided stays.
 */
import { type Caller, scopeFor } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { requirePerson } from '../identity/permission.js';
import { isUuid } from '../membership/acting-tenant.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  type CatalogueRequestField,
  decideRequest,
  insertRequest,
  lockRequest,
  REQUEST_LIST,
} from './catalogue-requests.store.js';
import type { DesignKind, Designs } from './designs.js';
import { lockDesign, updateDesign } from './designs.store.js';

export type { CatalogueRequestField } from './catalogue-requests.store.js';

export class CatalogueRequests {
  readonly #pool: Pool;
  readonly #designs: Designs;

  constructor(parts: { pool: Pool; designs: Designs }) {
    this.#pool = parts.pool;
    this.#designs = parts.designs;
  }

  /** Reviewers see all of the tenant, others their own. Needs `designs.read`. */
  async list(caller: Caller, query: ListQuery<CatalogueRequestField>): Promise<ListPage> {
    const scope = scopeFor(caller, 'designs.read');
    return listPage(
      this.#pool,
      REQUEST_LIST,
      { ...scope, seesPrivate: await this.#designs.reviews(caller) },
      query,
    );
  }

  /**
   * @param noted what the catalogue is to say of it
   * @returns id of the request
   * @throws DomainError `not-found`, `forbidden` (`not-your-design`), `conflict` (`request-open`, `published-already`)
   */
  ask(caller: Caller, kind: DesignKind, id: string, noted: JsonObject): Promise<string> {
    return this.#designs.holding(caller, kind, id, async (client, row) => {
      if (row.visibility === 'published') throw conflict('published-already', 'It is published already');
      const request = await insertRequest.one(client, row.tenantId, [row.uid, caller.userId]);
      if (request === null) throw conflict('request-open', 'There is an open request for it already');
      await updateDesign.run(client, row.tenantId, [
        row.uid,
        null,
        null,
        null,
        null,
        JSON.stringify(noted),
        null,
        null,
      ]);
      return request.id;
    });
  }

  /**
   * @param id of the request, or of the design that one is open for
   * @throws DomainError `forbidden` (`review-needed`), `not-found`, `conflict` (`request-decided`)
   */
  async decide(caller: Caller, id: string, approved: boolean): Promise<string> {
    const scope = scopeFor(caller, 'designs.read');
    requirePerson(caller);
    await this.#designs.requireReviewer(caller);
    return inTransaction(this.#pool, async (client) => {
      const request = isUuid(id) ? await lockRequest.one(client, scope.tenantId, [id]) : null;
      if (request === null) throw notFound('Catalog request', id.slice(0, 100));
      if (request.status !== 'pending')
        throw conflict('request-decided', `The request is ${request.status} already`);
      await decideRequest.run(client, scope.tenantId, [
        request.id,
        approved ? 'approved' : 'denied',
        scope.userId,
      ]);
      if (approved) {
        const design = (await lockDesign.one(client, [request.design, caller.userId]))!;
        await this.#designs.publish(client, caller, design, true, { publishedVersion: '0.0.1' });
      }
      return request.id;
    });
  }

  /** Takes a design out of the catalogue. @throws DomainError `not-found`, `forbidden`, `conflict` (`not-published`) */
  async withdraw(caller: Caller, kind: DesignKind, id: string): Promise<void> {
    await this.#designs.holding(caller, kind, id, async (client, row) => {
      if (row.visibility !== 'published') throw conflict('not-published', 'It is not published');
      await this.#designs.publish(client, caller, row, false, {});
    });
  }
}

function conflict(reason: string, message: string): DomainError {
  return new DomainError('conflict', reason, message);
}
