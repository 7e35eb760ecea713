/**
 * Cloud accounts in which servers can be built, as those of self-service see and keep them: whoever is in self-service sees
 * which there are, and who administers it adds and removes them (ordering/rights.ts).
 */
import type { Caller, Permission } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import type { BuildingBlocks } from '../ordering/building-blocks.js';
import { managingScope, orderingScope, type Rights } from '../ordering/rights.js';
import type { ThingKey } from '../ordering/thing-key.js';
import type { ListPage, ListQuery } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { CloudAccount, CloudAccountField, CloudAccounts } from './cloud-accounts.js';
import type { ServerHandlers } from './server-handlers.js';

export type { CloudAccountField } from './cloud-accounts.js';

export interface NewResourceHandler {
  readonly name: string;
  readonly kind: string;
  readonly settings: JsonObject;
  readonly secrets: JsonObject;
}

export interface ResourceHandlersParts {
  readonly pool: Pool;
  readonly accounts: CloudAccounts;
  readonly handlers: ServerHandlers;
  readonly osBuilds: BuildingBlocks;
  readonly rights: Pick<Rights, 'isMember'>;
}

export class ResourceHandlers {
  readonly #parts: ResourceHandlersParts;

  constructor(parts: ResourceHandlersParts) {
    this.#parts = parts;
  }

  /** Kinds of accounts in which servers can be built, and what people call them. */
  technologies(): readonly { readonly kind: string; readonly technology: string }[] {
    const { handlers } = this.#parts;
    return handlers.kinds.map((kind) => ({ kind, technology: handlers.technologyOf(kind) ?? kind }));
  }

  /** Needs `ordering.use`; who is in no group sees none. */
  async list(caller: Caller, query: ListQuery<CloudAccountField>): Promise<ListPage> {
    orderingScope(caller);
    if (!(await this.#parts.rights.isMember(caller))) return { items: '[]', total: 0 };
    return this.#parts.accounts.list(lent(caller, 'cloud-accounts.read'), {
      ...query,
      filters: [...query.filters, { field: 'isCloud', anyOf: ['true'] }],
    });
  }

  /** Needs `ordering.manage`. @throws DomainError `invalid` (`cloud-account-invalid`, `no-server-handler`, `address-not-allowed`) */
  async create(caller: Caller, { name, kind, settings, secrets }: NewResourceHandler): Promise<CloudAccount> {
    managingScope(caller);
    this.#parts.handlers.check(kind, settings, secrets);
    const account = { name, kind, status: 'ready', settings, secrets };
    return this.#parts.accounts.create(lent(caller, 'cloud-accounts.write'), account);
  }

  /** Its servers are historical then (migration 0038); nothing is touched where they are. Needs `ordering.manage`. */
  async remove(caller: Caller, uid: number): Promise<void> {
    managingScope(caller);
    await this.#parts.accounts.remove(lent(caller, 'cloud-accounts.write'), uid);
  }

  /** Says which images stand for which OS builds; all or none. Needs `ordering.manage`. @throws DomainError `not-found` */
  async importTemplates(
    caller: Caller,
    account: number,
    templates: readonly { readonly image: string; readonly osBuild: ThingKey }[],
  ): Promise<void> {
    const scope = managingScope(caller);
    const { pool, accounts, osBuilds } = this.#parts;
    const { uid } = await accounts.find(pool, scope.tenantId, account);
    await inTransaction(pool, async (client) => {
      for (const { image, osBuild } of templates) {
        const build = await osBuilds.find(caller, osBuild, client);
        await osBuilds.setImage(client, scope, { osBuild: build.uid, account: uid, image });
      }
    });
  }
}

function lent(caller: Caller, permission: Permission): Caller {
  return { ...caller, permissions: new Set([...caller.permissions, 'cloud-accounts.read', permission]) };
}
