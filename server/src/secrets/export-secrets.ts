/** Secrets with their values, to be carried away: bounded, audited, and never more than the caller could read one by one. */
import { type Caller, scopeFor } from '../caller.js';
import type { Json } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import { record } from '../identity/audit.js';
import { type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import { controls, type SecretWithValue, told } from './secret.js';
import { EXPORT_LIST, type SecretField, type SecretRow, selectByUids } from './secrets.store.js';

const MOST = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;
const BATCH = 200;

export async function exportSecrets(
  pool: Pool,
  open: (row: SecretRow) => Json,
  caller: Caller,
  query: Pick<ListQuery<SecretField>, 'filters' | 'search' | 'allTenants'>,
): Promise<SecretWithValue[]> {
  const scope = scopeFor(caller, 'secrets.write');
  const shape = { uid: 'uid' } as const;
  const { items } = await listPage(pool, EXPORT_LIST, scope, {
    ...query,
    shape,
    sort: [],
    offset: 0,
    size: MOST + 1,
  });
  const uids = (JSON.parse(items) as { uid: number }[]).map(({ uid }) => uid);
  if (uids.length > MOST) throw tooLarge();
  const exported: SecretWithValue[] = [];
  let bytes = 0;
  for (let at = 0; at < uids.length; at += BATCH) {
    const rows = await selectByUids.all(pool, [uids.slice(at, at + BATCH)]);
    for (const row of rows.filter((each) => controls(caller, each))) {
      bytes += row.sealed.length;
      if (bytes > MOST_BYTES) throw tooLarge();
      exported.push({ ...told(row), value: { plain: open(row) } });
    }
  }
  const details = { count: exported.length, allTenants: query.allTenants === true };
  await record(pool, caller, { action: 'export', thing: 'secrets', id: scope.tenantName, details });
  return exported;
}

function tooLarge(): DomainError {
  return new DomainError(
    'limit',
    'export-too-large',
    `At most ${MOST} secrets with ${MOST_BYTES} bytes of values are exported at once: ask for fewer, by a filter`,
  );
}
