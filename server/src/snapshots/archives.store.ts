import { systemStatement } from '../store/statement.js';

const WHY = 'a snapshot is of all tenants; the row that refers to its bytes decides who may read them';

/** Bytes of every piece but the last. */
export const CHUNK_BYTES = 256 * 1024;

export const insertArchive = systemStatement<{ uid: number }>(
  'snapshot_archives_insert',
  'insert into snapshot_archives default values returning uid',
  WHY,
);

/** `$1` archive, `$2` number of the first piece, `$3` bytes, a multiple of a piece unless they are the last. */
export const insertPieces = systemStatement(
  'snapshot_archives_insert_pieces',
  `insert into snapshot_chunks (archive, n, data)
   select $1, $2 + i, substr($3::bytea, i * ${CHUNK_BYTES} + 1, ${CHUNK_BYTES})
   from generate_series(0, (octet_length($3::bytea) - 1) / ${CHUNK_BYTES}) i`,
  WHY,
);

export const finishArchive = systemStatement(
  'snapshot_archives_finish',
  `update snapshot_archives set size = $2, sha256 = $3, held_until = now() + interval '1 hour' where uid = $1`,
  WHY,
);

/** `$3` pieces from number `$2` on. */
export const selectPieces = systemStatement<{ data: Buffer }>(
  'snapshot_archives_select_pieces',
  'select data from snapshot_chunks where archive = $1 and n >= $2 order by n limit $3',
  WHY,
);

export const deleteArchive = systemStatement(
  'snapshot_archives_delete',
  'delete from snapshot_archives where uid = $1',
  WHY,
);

/** What nothing refers to and nobody holds: left behind by a process that died while it wrote. */
export const deleteAbandoned = systemStatement(
  'snapshot_archives_delete_abandoned',
  `delete from snapshot_archives where uid in (
     select a.uid from snapshot_archives a
     where a.held_until < now() and not exists (select from snapshots s where s.archive = a.uid)
       and not exists (select from log_bundles b where b.archive = a.uid)
     limit 10 for update of a skip locked)`,
  WHY,
);
