/** What servers are made of: OS builds, each an image in the cloud accounts that have one, and applications. */
import type { Caller, TenantScope } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import { nextNumber } from '../store/numbers.js';
import type { Client, Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  APPLICATIONS,
  type BlockField,
  type BlockRow,
  type BlockStatements,
  type EnvironmentOfBlock,
  insertFamily,
  insertImage,
  OS_BUILDS,
} from './building-blocks.store.js';
import { requireTitle } from './names.js';
import { managingScope, orderingScope } from './rights.js';
import { keyText, keyValues, type ThingKey } from './thing-key.js';

export type { BlockField } from './building-blocks.store.js';
export type BuildingBlock = BlockRow;

export interface NewBlock {
  readonly name: string;
  readonly description?: string;
  /** From the widest to the narrowest, at most two: `['Linux', 'CentOS']`. */
  readonly osFamily?: readonly string[];
}

/** OS builds, or applications. */
export class BuildingBlocks {
  readonly #pool: Pool;
  readonly #statements: BlockStatements;
  readonly #thing: string;
  readonly #kind: string;

  private constructor(pool: Pool, statements: BlockStatements, thing: string, kind: string) {
    this.#pool = pool;
    this.#statements = statements;
    this.#thing = thing;
    this.#kind = kind;
  }

  static osBuilds(pool: Pool): BuildingBlocks {
    return new BuildingBlocks(pool, OS_BUILDS, 'OS build', 'os-build');
  }

  static applications(pool: Pool): BuildingBlocks {
    return new BuildingBlocks(pool, APPLICATIONS, 'Application', 'application');
  }

  /** Everybody who is in a group sees all. */
  async list(caller: Caller, query: ListQuery<BlockField>): Promise<ListPage> {
    return listPage(this.#pool, this.#statements.list, orderingScope(caller), query);
  }

  /** Throws `not-found`. */
  async find(caller: Caller, key: ThingKey, db: Queryable = this.#pool): Promise<BuildingBlock> {
    const found = await this.#statements.select.one(db, orderingScope(caller).tenantId, keyValues(key));
    if (found === null) throw notFound(this.#thing, keyText(key));
    return found;
  }

  /** Where it is to be had, as far as the caller sees. */
  async environments(caller: Caller, block: BuildingBlock): Promise<readonly EnvironmentOfBlock[]> {
    const scope = orderingScope(caller);
    const values = [block.uid, scope.userId, scope.seesPrivate];
    return this.#statements.environments.all(this.#pool, scope.tenantId, values);
  }

  /** Needs `ordering.manage`. @throws DomainError `invalid`; `conflict` (`building-block-exists`) */
  async create(caller: Caller, block: NewBlock): Promise<BuildingBlock> {
    const scope = managingScope(caller);
    return inTransaction(this.#pool, async (client) => {
      const { number } = await this.insert(client, scope, block);
      await record(client, caller, { action: 'create', thing: this.#kind, id: block.name });
      return this.find(caller, { number }, client);
    });
  }

  /** Within somebody's transaction, who has asked for the right and records it. */
  async insert(
    client: Client,
    scope: TenantScope,
    block: NewBlock,
  ): Promise<{ uid: number; number: number }> {
    requireTitle(this.#thing, block.name);
    const family = await this.#familyOf(client, scope, block.osFamily ?? []);
    const number = await nextNumber(client, scope.tenantId, this.#kind);
    try {
      const values = [number, block.name, block.description ?? '', family];
      return { uid: (await this.#statements.insert.one(client, scope.tenantId, values))!.uid, number };
    } catch (error) {
      const { constraint } = error as { constraint?: string };
      if (constraint !== 'os_builds_name' && constraint !== 'applications_name') throw error;
      throw new DomainError(
        'conflict',
        'building-block-exists',
        `${this.#thing} '${block.name}' is there already`,
      );
    }
  }

  /** Needs `ordering.manage`. @throws DomainError `not-found`; `conflict` (`building-block-in-use`) */
  async remove(caller: Caller, key: ThingKey): Promise<void> {
    const scope = managingScope(caller);
    const block = await this.find(caller, key);
    await inTransaction(this.#pool, async (client) => {
      try {
        await this.#statements.delete.run(client, scope.tenantId, [block.uid]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23503') throw error;
        throw new DomainError(
          'conflict',
          'building-block-in-use',
          `${this.#thing} '${block.name}' cannot be deleted: something was built of it`,
        );
      }
      await record(client, caller, { action: 'delete', thing: this.#kind, id: block.name });
    });
  }

  /** Says what stands for an OS build in a cloud account. Within somebody's transaction, as `insert`. */
  async setImage(
    client: Client,
    scope: TenantScope,
    image: { readonly osBuild: number; readonly account: number; readonly image: string },
  ): Promise<void> {
    await insertImage.run(client, scope.tenantId, [image.osBuild, image.account, image.image]);
  }

  async #familyOf(client: Client, scope: TenantScope, names: readonly string[]): Promise<number | null> {
    if (names.length > 2) {
      throw new DomainError('invalid', 'os-family-invalid', 'An OS family has at most one above it');
    }
    let parent: number | null = null;
    for (const name of names) {
      requireTitle('OS family', name);
      parent = (await insertFamily.one(client, scope.tenantId, [name, parent]))!.uid;
    }
    return parent;
  }
}
