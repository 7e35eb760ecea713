import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../test/support/test-database.js';
import { Blobs } from './blobs.js';
import { CHUNK_BYTES } from './blobs.store.js';

const { pool } = await testDatabase();
const blobs = new Blobs(pool);

async function* pieces(content: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function count(sql: string): Promise<number> {
  return (await pool.query(`select count(*)::integer as n from ${sql}`)).rows[0].n;
}

async function makeDue(): Promise<void> {
  await pool.query("update blobs set held_until = now() - interval '1 second'");
}

describe('bytes come out as they went in', () => {
  for (const size of [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    4 * CHUNK_BYTES,
    4 * CHUNK_BYTES + 1,
    9_000_001,
  ]) {
    test(`${size} bytes`, async () => {
      const content = randomBytes(size);
      const blob = await blobs.put(pieces(content, 70_000));
      assert.equal(blob.size, size);
      assert.equal(blob.sha256, createHash('sha256').update(content).digest('hex'));
      assert.ok(Buffer.concat(await blobs.stream(blob).toArray()).equals(content));
      const reader = blobs.reader(blob);
      for (const [start, end] of [
        [0, size],
        [Math.floor(size / 3), Math.floor(size / 2)],
        [size - 1, size],
      ] as const) {
        const parts: Buffer[] = [];
        for await (const part of reader.range(Math.max(start, 0), end)) parts.push(part);
        assert.ok(Buffer.concat(parts).equals(content.subarray(Math.max(start, 0), end)));
      }
    });
  }

  test('one piece that is larger than any write', async () => {
    const content = randomBytes(3_000_000);
    const blob = await blobs.put(pieces(content, content.length));
    assert.ok(Buffer.concat(await blobs.stream(blob).toArray()).equals(content));
  });

  test('several at once, equal and empty ones among them', async () => {
    const contents = [randomBytes(10), Buffer.alloc(0), randomBytes(CHUNK_BYTES * 2 + 5), Buffer.alloc(0)];
    contents.push(contents[0]!);
    const stored = await blobs.putAll(contents);
    assert.equal(stored[0]!.uid, stored[4]!.uid);
    assert.equal(stored[1]!.uid, stored[3]!.uid);
    for (const [index, blob] of stored.entries()) {
      assert.ok(Buffer.concat(await blobs.stream(blob).toArray()).equals(contents[index]!));
    }
  });
});

describe('equal bytes are stored once', () => {
  for (const size of [1000, 3_000_000]) {
    test(`${size} bytes, one after the other and at the same time`, async () => {
      const content = randomBytes(size);
      const first = await blobs.put(pieces(content, 50_000));
      const before = await count('blob_chunks');
      const again = await Promise.all([1, 2, 3, 4].map(() => blobs.put(pieces(content, 60_000))));
      assert.deepEqual(new Set(again.map((blob) => blob.uid)), new Set([first.uid]));
      assert.equal(await count('blob_chunks'), before);
    });
  }

  test('put by several at the same time for the first time', async () => {
    for (const size of [1000, 3_000_000]) {
      const content = randomBytes(size);
      const all = await Promise.all([1, 2, 3, 4].map(() => blobs.put(pieces(content, 60_000))));
      assert.equal(new Set(all.map((blob) => blob.uid)).size, 1);
    }
    assert.equal(await count('blobs where digest is null'), 0);
  });
});

describe('an upload that breaks off', () => {
  for (const after of [10, 5_000_000]) {
    test(`after ${after} bytes leaves nothing behind`, async () => {
      const [blobsBefore, chunksBefore] = [await count('blobs'), await count('blob_chunks')];
      const broken = (async function* () {
        yield* pieces(randomBytes(after), 100_000);
        throw new Error('the client went away');
      })();
      await assert.rejects(blobs.put(broken), /the client went away/);
      assert.equal(await count('blobs'), blobsBefore);
      assert.equal(await count('blob_chunks'), chunksBefore);
    });
  }
});

describe('sweeping', () => {
  test('removes what nothing refers to, once it is no longer held, and unfinished uploads with it', async () => {
    const kept = await blobs.put(pieces(randomBytes(100), 100));
    await pool.query('insert into blobs default values');
    assert.equal(await blobs.sweep(), 0);
    await makeDue();
    const again = await blobs.put(pieces(Buffer.concat(await blobs.stream(kept).toArray()), 100));
    assert.equal(again.uid, kept.uid);
    assert.ok((await blobs.sweep()) > 0);
    assert.equal(await count('blobs'), 1);
    assert.equal(await count('blob_chunks'), 1);
  });

  test('while the same bytes are stored again and again loses none of them', async () => {
    const contents = [randomBytes(500), randomBytes(2_000_000)];
    let stop = false;
    const sweeping = (async () => {
      while (!stop) {
        // Unfinished uploads stay held, as they are in life: nothing takes six hours.
        await pool.query(
          "update blobs set held_until = now() - interval '1 second' where digest is not null",
        );
        await blobs.sweep();
      }
    })();
    try {
      for (let round = 0; round < 15; round += 1) {
        const client = await pool.connect();
        try {
          // What an upload does: store, then refer to it in a transaction that has held it.
          await client.query('begin');
          const [blob] = await blobs.putAll([contents[0]!], client);
          const { rows } = await client.query(
            'select count(*)::integer as n from blob_chunks where blob = $1',
            [blob!.uid],
          );
          assert.equal(rows[0].n, 1);
          await client.query('commit');
        } finally {
          client.release();
        }
        await blobs.put(pieces(contents[1]!, 300_000));
      }
    } finally {
      stop = true;
      await sweeping;
    }
  });

  test('a stream whose blob was swept breaks off with an error', async () => {
    const content = randomBytes(6 * CHUNK_BYTES);
    const blob = await blobs.put(pieces(content, 100_000));
    const stream = blobs.stream(blob);
    await new Promise((resolve) => stream.once('readable', resolve));
    await makeDue();
    await blobs.sweep();
    await assert.rejects(stream.toArray(), /lacks chunk/);
  });
});
