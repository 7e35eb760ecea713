/** The handlers there are, and hands for one account of a tenant. */
import type { Json, JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { TenantId } from '../ids.js';
import type { Queryable } from '../store/statement.js';
import type { CloudAccount, CloudAccounts } from './cloud-accounts.js';
import type { CloudAccess, ServerHandler, ServerHands } from './handlers/handler.js';

export class ServerHandlers {
  readonly #byKind: ReadonlyMap<string, ServerHandler>;
  readonly #accounts: CloudAccounts;

  constructor(parts: { readonly accounts: CloudAccounts; readonly handlers: readonly ServerHandler[] }) {
    this.#accounts = parts.accounts;
    this.#byKind = new Map(parts.handlers.map((handler) => [handler.kind, handler]));
  }

  /** Kinds of accounts in which servers can be built. */
  get kinds(): readonly string[] {
    return [...this.#byKind.keys()];
  }

  /** For people; null: servers cannot be built in accounts of this kind. */
  technologyOf(kind: string): string | null {
    return this.#byKind.get(kind)?.technology ?? null;
  }

  /** Whether an account says what its handler needs, before it is kept. @throws DomainError `invalid` */
  check(kind: string, settings: JsonObject, secrets: JsonObject): void {
    this.#handler(kind).open({ accountId: 'checked', settings, secrets: textsOf(secrets) });
  }

  /** Why servers of an account cannot be given a password; null: they can. @throws as `handsFor` */
  async passwordProblem(db: Queryable, tenant: TenantId, accountUid: number): Promise<string | null> {
    const { handler, access } = await this.#accessTo(db, tenant, accountUid);
    return handler.passwordProblem(access);
  }

  /** @throws DomainError `not-found`; `invalid` (`no-server-handler`, `cloud-account-invalid`) */
  async handsFor(
    db: Queryable,
    tenant: TenantId,
    accountUid: number,
  ): Promise<{ readonly account: CloudAccount; readonly hands: ServerHands }> {
    const { account, handler, access } = await this.#accessTo(db, tenant, accountUid);
    return { account, hands: handler.open(access) };
  }

  async #accessTo(db: Queryable, tenant: TenantId, accountUid: number) {
    const account = await this.#accounts.find(db, tenant, accountUid);
    const handler = this.#handler(account.kind);
    const secrets = textsOf(await this.#accounts.secretsOf(db, tenant, accountUid));
    const access: CloudAccess = { accountId: account.id, settings: account.settings, secrets };
    return { account, handler, access };
  }

  #handler(kind: string): ServerHandler {
    const handler = this.#byKind.get(kind);
    if (handler !== undefined) return handler;
    throw new DomainError(
      'invalid',
      'no-server-handler',
      `Servers cannot be built in a cloud account of kind \`${kind}\`, only in ${this.kinds.join(', ')}`,
    );
  }
}

function textsOf(secrets: JsonObject): Record<string, string> {
  const entries = Object.entries(secrets).filter((entry): entry is [string, string & Json] => {
    return typeof entry[1] === 'string';
  });
  return Object.fromEntries(entries);
}
