import type { BlobUid } from '../ids.js';
import { systemStatement } from '../store/statement.js';

const WHY = 'bytes are shared by all tenants; the row that refers to them decides who may read them';

/** Bytes of every piece but the last. */
export const CHUNK_BYTES = 256 * 1024;

/** Begins an upload: a blob that nobody can find. */
export const insertUnfinished = systemStatement<{ uid: BlobUid }>(
  'blobs_insert_unfinished',
  'insert into blobs default values returning uid',
  WHY,
);

/** `$1` blob, `$2` number of the first chunk, `$3` bytes, a multiple of the chunk size unless they are the last. */
export const insertChunks = systemStatement(
  'blobs_insert_chunks',
  `insert into blob_chunks (blob, n, data)
   select $1, $2 + i, substr($3::bytea, i * ${CHUNK_BYTES} + 1, ${CHUNK_BYTES})
   from generate_series(0, (octet_length($3::bytea) - 1) / ${CHUNK_BYTES}) i`,
  WHY,
);

/** Makes an upload findable. Violates `blobs_digest_key` when the same bytes are there already. */
export const finish = systemStatement(
  'blobs_finish',
  `update blobs set digest = $2, size = $3, held_until = now() + interval '6 hours' where uid = $1`,
  WHY,
);

/** Keeps bytes that are there from being swept soon. */
export const hold = systemStatement<{ uid: BlobUid }>(
  'blobs_hold',
  `update blobs set held_until = greatest(held_until, now() + interval '6 hours') where digest = $1 returning uid`,
  WHY,
);

/**
 * Stores or holds several small contents at once, whole. `$1` digests, `$2` where each begins in `$4`, `$3` sizes;
 * the digests must differ. Sorted, so that two of these never wait for each other in a circle.
 */
export const upsertWhole = systemStatement<{ uid: BlobUid; digest: string }>(
  'blobs_upsert_whole',
  `with given as (
     select decode(digest, 'hex') as digest, start, size
     from unnest($1::text[], $2::integer[], $3::integer[]) as given (digest, start, size)
   ), put as (
     insert into blobs (digest, size) select digest, size from given order by digest
     on conflict (digest) do update set held_until = greatest(blobs.held_until, now() + interval '6 hours')
     returning uid, digest, xmax = 0 as fresh
   ), filled as (
     insert into blob_chunks (blob, n, data)
     select put.uid, i, substr($4::bytea, given.start + i * ${CHUNK_BYTES} + 1,
                               least(${CHUNK_BYTES}, given.size - i * ${CHUNK_BYTES}))
     from put join given using (digest) cross join generate_series(0, (given.size - 1) / ${CHUNK_BYTES}) i
     where put.fresh and given.size > 0
   )
   select uid, encode(digest, 'hex') as digest from put`,
  WHY,
);

/** `$3` chunks from number `$2` on. */
export const selectChunks = systemStatement<{ data: Buffer }>(
  'blobs_select_chunks',
  'select data from blob_chunks where blob = $1 and n >= $2 order by n limit $3',
  WHY,
);

export const deleteBlob = systemStatement('blobs_delete', 'delete from blobs where uid = $1', WHY);

/**
 * Some blobs that nothing refers to, and that nobody holds. A reference that this statement does not know of makes it
 * fail on its foreign key, never lose bytes. Whoever refers to a blob has held it just before, so a blob that is
 * about to be referred to is either locked (skipped) or no longer due.
 */
export const deleteUnreferenced = systemStatement(
  'blobs_delete_unreferenced',
  `delete from blobs where uid in (
     select b.uid from blobs b
     where b.held_until < now()
       and not exists (select from blueprints where blueprints.archive = b.uid)
       and not exists (select from blueprint_files where blueprint_files.blob = b.uid)
       and not exists (select from plugins where plugins.wagon = b.uid)
       and not exists (select from plugins where plugins.upload = b.uid)
     limit 100 for update of b skip locked)`,
  WHY,
);
