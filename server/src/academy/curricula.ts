/**
 * What can be learnt: learning paths, challenges, certifications, each kept by a tenant. Public ones are for everybody, private
 * ones for the members of their tenant. How many learners each has is kept by the database as registrations come and go.
 */
import { type Caller, scopeFor, type TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import { requirePerson } from '../identity/permission.js';
import { isUuid } from '../membership/acting-tenant.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import {
  CURRICULUM_LIST,
  type CurriculumField,
  type CurriculumRow,
  deleteCurriculum,
  insertCurriculum,
  lockCurriculum,
  updateCurriculum,
} from './curricula.store.js';

export type { CurriculumField } from './curricula.store.js';

export const CURRICULUM_TYPES = ['learning-path', 'challenge', 'certification'] as const;
export type CurriculumType = (typeof CURRICULUM_TYPES)[number];
export const CURRICULUM_STATUSES = ['ready', 'archived', 'not_ready'] as const;
export const LEVELS = ['beginner', 'intermediate', 'advanced'] as const;

export interface CurriculumChange {
  readonly type?: CurriculumType;
  readonly title?: string;
  readonly slug?: string;
  readonly visibility?: 'public' | 'private';
  readonly status?: (typeof CURRICULUM_STATUSES)[number];
  readonly level?: (typeof LEVELS)[number];
  readonly award?: string;
  readonly invitation?: string;
  readonly workspace?: string;
  readonly team?: string;
  readonly accessStatus?: string;
  readonly accessExpiresAt?: Date;
  readonly metadata?: JsonObject;
}

export class Curricula {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Public ones of every tenant, and private ones of the caller's. Needs `academy.read`. */
  list(caller: Caller, query: ListQuery<CurriculumField>): Promise<ListPage> {
    return listPage(this.#pool, CURRICULUM_LIST, scopeFor(caller, 'academy.read'), query);
  }

  /** Needs `academy.manage`. @returns its id @throws DomainError `conflict` (`curriculum-exists`), `invalid` */
  create(
    caller: Caller,
    curriculum: CurriculumChange & { readonly type: CurriculumType; readonly title: string },
  ): Promise<string> {
    return this.#change(caller, 'create', async (client, scope) => {
      const { type, title, slug, visibility = 'public', status = 'ready', level = 'beginner' } = curriculum;
      for (const candidate of slug === undefined ? slugsFor(title) : [slug]) {
        const row = await insertCurriculum.one(client, scope.tenantId, [
          type,
          title,
          candidate,
          visibility,
          status,
          level,
          curriculum.award ?? null,
          curriculum.invitation ?? null,
          curriculum.workspace ?? null,
          curriculum.team ?? null,
          curriculum.accessStatus ?? '',
          curriculum.accessExpiresAt ?? null,
          JSON.stringify(curriculum.metadata ?? {}),
          scope.userId,
        ]);
        if (row !== null) return row.id;
      }
      throw exists(slug ?? title);
    });
  }

  /** Needs `academy.manage`. @throws DomainError `not-found`; `conflict` (`curriculum-exists`) */
  async update(caller: Caller, id: string, change: CurriculumChange): Promise<void> {
    await this.#change(caller, 'update', async (client, scope) => {
      const row = await find(client, scope, id);
      try {
        await updateCurriculum.run(client, scope.tenantId, [
          row.uid,
          change.type ?? null,
          change.title ?? null,
          change.slug ?? null,
          change.visibility ?? null,
          change.status ?? null,
          change.level ?? null,
          change.award ?? null,
          change.invitation ?? null,
          change.workspace ?? null,
          change.team ?? null,
          change.accessStatus ?? null,
          change.accessExpiresAt ?? null,
          change.metadata === undefined ? null : JSON.stringify(change.metadata),
        ]);
      } catch (error) {
        if ((error as { code?: string }).code !== '23505') throw error;
        throw exists(change.slug ?? '');
      }
      return row.id;
    });
  }

  /** With its registrations. Needs `academy.manage`. @throws DomainError `not-found` */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.#change(caller, 'delete', async (client, scope) => {
      const row = await find(client, scope, id);
      await deleteCurriculum.run(client, scope.tenantId, [row.uid]);
      return row.id;
    });
  }

  async #change(
    caller: Caller,
    action: string,
    work: (client: Client, scope: TenantScope) => Promise<string>,
  ): Promise<string> {
    const scope = scopeFor(caller, 'academy.manage');
    requirePerson(caller);
    return inTransaction(this.#pool, async (client) => {
      const id = await work(client, scope);
      await record(client, caller, { action, thing: 'curriculum', id, details: { uuid: id } });
      return id;
    });
  }
}

async function find(client: Client, scope: TenantScope, id: string): Promise<CurriculumRow> {
  const row = isUuid(id) ? await lockCurriculum.one(client, scope.tenantId, [id]) : null;
  if (row === null) throw notFound('Curriculum', id.slice(0, 100));
  return row;
}

/** `Kubernetes, from zero` -> `kubernetes-from-zero`, then the same with a number. */
function* slugsFor(title: string): Generator<string> {
  const slug =
    title
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 200) || 'curriculum';
  yield slug;
  for (let number = 2; number < 100; number += 1) yield `${slug}-${number}`;
}

function exists(slug: string): DomainError {
  return new DomainError(
    'conflict',
    'curriculum-exists',
    `There is content of this type with the slug \`${slug}\` already`,
  );
}
