/**
 * Designs, and what is kept like them: filters and views. Each has an owner, is in one workspace, and is seen by
 *
 *   private     its owner, who may see what is private in the tenant, whom it is shared with, the teams of its workspace
 *   public      all members of its tenant
 *   published   everybody, signed in or not
 *
 * What may not be seen is not there. It is changed by its owner, managers of its tenant, and whom it is shared with to edit.
 * The text of a design is kept as it came: nothing is read out of it here, since any text is one.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import type { TenantId, UserId } from '../ids.js';
import type { Access } from '../membership/access.js';
import { KEYS } from '../membership/access-keys.js';
import { isUuid } from '../membership/acting-tenant.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import type { Workspaces } from '../workspaces/workspaces.js';
import {
  COUNTERS,
  DESIGN_LIST,
  type DesignField,
  type DesignKind,
  type DesignRow,
  type DesignVisibility,
  deleteDesign,
  insertDesign,
  lockDesign,
  moveDesign,
  PUBLISHED_LIST,
  publishDesign,
  REACHABLE_LIST,
  SHARED_LIST,
  selectSource,
  updateDesign,
  upsertSource,
} from './designs.store.js';

export type { DesignField, DesignKind, DesignVisibility } from './designs.store.js';

export interface DesignChange {
  readonly name?: string;
  readonly body?: string;
  readonly visibility?: DesignVisibility;
  readonly origin?: string;
  readonly catalogData?: JsonObject;
  readonly location?: JsonObject;
  readonly metadata?: JsonObject;
}

export interface NewDesign extends DesignChange {
  readonly kind: DesignKind;
  /** One that is there is changed; else the design gets it. */
  readonly id?: string | null;
  readonly name: string;
  readonly body: string;
  /** UUID; null: the default one. */
  readonly workspace?: string | null;
  readonly source?: { readonly name: string | null; readonly content: Buffer };
}

/** Bytes of a design or its source. */
export const MOST_BYTES = 16 * 1024 * 1024;

const FETCH_MS = 30_000;

const WORDS: Readonly<Record<DesignKind, string>> = { design: 'Design', filter: 'Filter', view: 'View' };

/** Reads a URL that a user has named. */
export type FetchFile = (
  url: string,
  bounds: { readonly maxBytes: number; readonly timeoutMs: number },
) => Promise<{ readonly stream: AsyncIterable<unknown> }>;

export class Designs {
  readonly #pool: Pool;
  readonly #fetch: FetchFile;
  readonly #access: Access;
  readonly #workspaces: Workspaces;

  constructor(parts: { pool: Pool; access: Access; workspaces: Workspaces; fetch: FetchFile }) {
    this.#pool = parts.pool;
    this.#fetch = parts.fetch;
    this.#access = parts.access;
    this.#workspaces = parts.workspaces;
  }

  /** Of the tenant of the call, or, `shared`, of any tenant and shared with the caller. Needs `designs.read`. */
  async list(
    caller: Caller,
    kind: DesignKind,
    query: ListQuery<DesignField>,
    { shared = false }: { readonly shared?: boolean } = {},
  ): Promise<ListPage> {
    const scope = await this.#scope(caller, 'designs.read');
    return listPage(this.#pool, shared ? SHARED_LIST : DESIGN_LIST, scope, ofKind(kind, query));
  }

  /** Whatever the caller may look at, of any tenant. Needs `designs.read`. */
  async reachable(caller: Caller, kind: DesignKind, query: ListQuery<DesignField>): Promise<ListPage> {
    return listPage(
      this.#pool,
      REACHABLE_LIST,
      await this.#scope(caller, 'designs.read'),
      ofKind(kind, query),
    );
  }

  /** What is published, for everybody. */
  published(kind: DesignKind, query: ListQuery<DesignField>): Promise<ListPage> {
    const nobody: TenantScope = {
      tenantId: 0 as TenantId,
      tenantName: '',
      userId: 0 as UserId,
      seesPrivate: false,
    };
    return listPage(this.#pool, PUBLISHED_LIST, nobody, ofKind(kind, query));
  }

  /**
   * A new one; or, where its id is taken, a change of that one.
   *
   * @returns its id
   * @throws DomainError `forbidden` (`not-your-design`, `review-needed`), `invalid`, `limit` (`design-too-large`), `not-found` (workspace)
   */
  async put(caller: Caller, design: NewDesign): Promise<string> {
    const scope = scopeFor(caller, 'designs.write');
    requirePerson(caller);
    check(design);
    if (design.id != null && !isUuid(design.id))
      throw new DomainError('invalid', 'design-id', `\`${design.id.slice(0, 64)}\` is no UUID`);
    if (design.visibility === 'published') await this.requireReviewer(caller);
    return inTransaction(this.#pool, async (client) => {
      const there =
        design.id == null ? null : await lockDesign.one(client, [design.id.toLowerCase(), caller.userId]);
      if (there !== null) {
        if (!edits(caller, there) || there.kind !== design.kind) throw notYours(design.kind);
        return this.#update(client, caller, there, design);
      }
      const workspace = await this.#workspaces.keyOf(client, scope, design.workspace ?? null);
      const row = await insertDesign.one(client, scope.tenantId, [
        design.id?.toLowerCase() ?? null,
        workspace.uid,
        design.kind,
        scope.userId,
        design.name,
        design.body,
        design.visibility ?? 'private',
        design.origin ?? null,
        JSON.stringify(design.catalogData ?? {}),
        JSON.stringify(design.location ?? {}),
        JSON.stringify(design.metadata ?? {}),
      ]);
      if (row === null) throw notYours(design.kind);
      if (design.source !== undefined) {
        await upsertSource.run(client, scope.tenantId, [row.uid, design.source.name, design.source.content]);
      }
      await note(client, caller, 'create', design.kind, row.id);
      return row.id;
    });
  }

  /** @throws DomainError `not-found`, `forbidden` (`not-your-design`, `review-needed`), `invalid` */
  async update(caller: Caller, kind: DesignKind, id: string, change: DesignChange): Promise<void> {
    check(change);
    if (change.visibility === 'published') await this.requireReviewer(caller);
    await this.#change(caller, kind, id, (client, row) => this.#update(client, caller, row, change));
  }

  /** @throws DomainError `not-found`, `forbidden` (`not-your-design`) */
  async remove(caller: Caller, kind: DesignKind, id: string): Promise<void> {
    await this.#change(caller, kind, id, async (client, row) => {
      await deleteDesign.run(client, row.tenantId, [row.uid]);
      await note(client, caller, 'delete', kind, row.id);
    });
  }

  /** Keeps the file that a design was made of. @throws DomainError `limit` (`design-too-large`) */
  async keepSource(
    caller: Caller,
    kind: DesignKind,
    id: string,
    content: Buffer,
    name: string | null = null,
  ): Promise<void> {
    if (content.length > MOST_BYTES) throw tooLarge();
    await this.#change(caller, kind, id, async (client, row) => {
      await upsertSource.run(client, row.tenantId, [row.uid, name, content]);
      await note(client, caller, 'upload', kind, row.id);
    });
  }

  /** The file of a design that the caller was found to see; null: there is none. */
  async sourceOf(id: string): Promise<{ readonly content: Buffer; readonly name: string | null } | null> {
    return selectSource.one(this.#pool, [id]);
  }

  /** What is at a URL, if it may be read. @throws DomainError */
  async fetchFile(url: string): Promise<Buffer> {
    const { stream } = await this.#fetch(url, { maxBytes: MOST_BYTES, timeoutMs: FETCH_MS });
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  /** Notes that something was done with a design that the caller was found to see. */
  async count(id: string, what: keyof typeof COUNTERS): Promise<void> {
    await COUNTERS[what].run(this.#pool, [id]);
  }

  /**
   * Moves a design to a workspace of its tenant; null: to the default one.
   *
   * @throws DomainError `not-found`; `invalid` (`other-tenant`)
   */
  async move(
    caller: Caller,
    kind: DesignKind,
    id: string,
    workspace: string | null,
    from?: string,
  ): Promise<void> {
    const scope = scopeFor(caller, 'workspaces.write');
    requirePerson(caller);
    await inTransaction(this.#pool, async (client) => {
      const target = await this.#workspaces.keyOf(client, scope, workspace);
      if (from !== undefined) await this.#workspaces.keyOf(client, scope, from);
      const row = isUuid(id) ? await lockDesign.one(client, [id, caller.userId]) : null;
      if (
        row === null ||
        row.tenantId !== scope.tenantId ||
        row.kind !== kind ||
        !(await this.#sees(caller, kind, id))
      ) {
        if (from !== undefined) throw notFound(WORDS[kind], id.slice(0, 100));
        throw new DomainError(
          'invalid',
          'other-tenant',
          `${WORDS[kind]} ${id.slice(0, 100)} is not in this organization`,
        );
      }
      await moveDesign.run(client, scope.tenantId, [row.uid, target.uid]);
      await note(client, caller, 'move', kind, row.id);
    });
  }

  /** Holds the design while `work` changes what goes with it. @throws DomainError as `update` */
  async holding<T>(
    caller: Caller,
    kind: DesignKind,
    id: string,
    work: (client: Client, row: DesignRow) => Promise<T>,
  ): Promise<T> {
    return this.#change(caller, kind, id, work);
  }

  /** Publishes, or takes back to what members of its tenant see. @param noted what the catalogue says of it from now on */
  async publish(
    client: Client,
    caller: Caller,
    row: DesignRow,
    published: boolean,
    noted: JsonObject,
  ): Promise<void> {
    await publishDesign.run(client, row.tenantId, [
      row.uid,
      published ? 'published' : 'public',
      JSON.stringify(noted),
    ]);
    await note(client, caller, published ? 'publish' : 'unpublish', row.kind, row.id);
  }

  /** @throws DomainError `forbidden` (`review-needed`) */
  async requireReviewer(caller: Caller): Promise<void> {
    if (await this.reviews(caller)) return;
    throw new DomainError(
      'forbidden',
      'review-needed',
      'Only reviewers publish: ask for it through the catalog',
    );
  }

  /** Whether the caller decides what is published of the tenant of the call. */
  async reviews(caller: Caller): Promise<boolean> {
    return (
      caller.permissions.has('members.manage') || this.#access.holds(caller, KEYS.approveCatalogueRequest)
    );
  }

  async #update(client: Client, caller: Caller, row: DesignRow, change: DesignChange): Promise<string> {
    const json = (value: JsonObject | undefined) => (value === undefined ? null : JSON.stringify(value));
    await updateDesign.run(client, row.tenantId, [
      row.uid,
      change.name ?? null,
      change.body ?? null,
      change.visibility ?? null,
      change.origin ?? null,
      json(change.catalogData),
      json(change.location),
      json(change.metadata),
    ]);
    await note(client, caller, 'update', row.kind, row.id);
    return row.id;
  }

  async #change<T>(
    caller: Caller,
    kind: DesignKind,
    id: string,
    work: (client: Client, row: DesignRow) => Promise<T>,
  ): Promise<T> {
    scopeFor(caller, 'designs.write');
    requirePerson(caller);
    if (!(await this.#sees(caller, kind, id))) throw notFound(WORDS[kind], id.slice(0, 100));
    return inTransaction(this.#pool, async (client) => {
      const row = await lockDesign.one(client, [id, caller.userId]);
      if (row === null) throw notFound(WORDS[kind], id);
      if (!edits(caller, row)) throw notYours(kind);
      return work(client, row);
    });
  }

  async #sees(caller: Caller, kind: DesignKind, id: string): Promise<boolean> {
    if (!isUuid(id)) return false;
    const filters = [{ field: 'id' as const, anyOf: [id.toLowerCase()] }];
    const query = { shape: { id: 'id' as const }, filters, sort: [], offset: 0, size: 1 };
    return (await this.reachable(caller, kind, query)).total > 0;
  }

  async #scope(caller: Caller, permission: 'designs.read'): Promise<TenantScope> {
    const scope = scopeFor(caller, permission);
    if (scope.seesPrivate) return scope;
    return { ...scope, seesPrivate: await this.#access.holds(caller, KEYS.viewPrivateDesigns) };
  }
}

/** Whether the caller may change it. */
function edits(caller: Caller, row: DesignRow): boolean {
  if (row.ownerId === caller.userId || row.mayEdit) return true;
  return row.tenantId === caller.tenant?.id && caller.permissions.has('members.manage');
}

function ofKind(kind: DesignKind, query: ListQuery<DesignField>): ListQuery<DesignField> {
  return { ...query, filters: [{ field: 'kind', anyOf: [kind] }, ...query.filters] };
}

function check({ name, body }: DesignChange): void {
  if (name !== undefined && (name.trim() === '' || name.length > 512)) {
    throw new DomainError('invalid', 'design-name', 'The name of a design has 1 to 512 characters');
  }
  if (body !== undefined && Buffer.byteLength(body) > MOST_BYTES) throw tooLarge();
}

function tooLarge(): DomainError {
  return new DomainError('limit', 'design-too-large', `A design has at most ${MOST_BYTES} bytes`);
}

function notYours(kind: DesignKind): DomainError {
  return new DomainError('forbidden', 'not-your-design', `You may not change this ${kind}`);
}

async function note(
  client: Client,
  caller: Caller,
  action: string,
  kind: DesignKind,
  id: string,
): Promise<void> {
  await record(client, caller, { action, thing: kind, id, details: { uuid: id } });
}
