import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { gzip, tarHeader, tarOf, zipOf } from '../../test/support/archives.js';
import { archiveOf, BLUEPRINT, bytesOf, catalog, sourceOf } from '../../test/support/catalog.js';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import type { DomainError } from '../errors.js';

const { pool } = await testDatabase();
const house = await people(pool);
const ada = await house.member('ada', { red: 'user' });
const { uploads, blueprints, blobs } = catalog(pool);

async function refusal(work: Promise<unknown>): Promise<DomainError> {
  const error = await work.then(
    () => assert.fail('should have been refused'),
    (reason: unknown) => reason,
  );
  assert.equal((error as Error).name, 'DomainError', (error as Error).stack);
  return error as DomainError;
}

async function count(sql: string): Promise<number> {
  return (await pool.query(`select count(*)::integer as n from ${sql}`)).rows[0].n;
}

describe('an upload', () => {
  test('makes the blueprint, its archive, its files and its plan appear', async () => {
    const script = '#!/bin/sh\necho hello\n';
    const bytes = gzip(
      tarOf([
        { path: 'app/', type: '5' },
        { path: 'app/blueprint.yaml', content: BLUEPRINT },
        { path: 'app/scripts/start.sh', content: script, mode: 0o755 },
        { path: 'app/big.bin', content: Buffer.alloc(700_000, 7) },
      ]),
    );
    const blueprint = await uploads.upload(ada, {
      id: 'web',
      source: sourceOf(bytes),
      labels: [{ key: 'Team', value: 'red' }],
    });
    assert.equal(blueprint.state, 'uploaded');
    assert.equal(blueprint.description, 'one node that does nothing');
    assert.equal(blueprint.createdBy, 'ada');
    assert.equal(blueprint.tenantName, 'red');
    assert.equal(blueprint.error, null);
    assert.deepEqual(
      blueprint.labels.map(({ key, value, createdBy }) => [key, value, createdBy]),
      [['team', 'red', 'ada']],
    );
    assert.deepEqual(blueprint.archive, {
      format: 'tar.gz',
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    const archive = await blueprints.archive(ada, 'web');
    assert.equal(archive.filename, 'web.tar.gz');
    assert.ok(Buffer.concat(await archive.stream.toArray()).equals(bytes));
    assert.deepEqual(
      (await blueprints.plan(ada, 'web')).nodes.map((node) => node.name),
      ['one'],
    );
    assert.equal(await blueprints.planOf(blueprint.uid), await blueprints.plan(ada, 'web'));
    const file = await blueprints.file(blueprint.uid, './scripts/start.sh');
    assert.equal(file.mode, 0o755);
    assert.equal(Buffer.concat(await file.stream.toArray()).toString(), script);
    assert.deepEqual(
      (await blueprints.files(blueprint.uid, '')).map((each) => each.path),
      ['big.bin', 'blueprint.yaml', 'scripts/start.sh'],
    );
    assert.deepEqual(
      (await blueprints.files(blueprint.uid, 'scripts')).map((each) => each.path),
      ['scripts/start.sh'],
    );
    await assert.rejects(blueprints.file(blueprint.uid, 'scripts'), { kind: 'not-found' });
    const audit = await pool.query(
      "select action, username, tenant_name from audit where thing = 'blueprint' and thing_id = 'web' order by id",
    );
    assert.deepEqual(audit.rows, [
      { action: 'upload', username: 'ada', tenant_name: 'red' },
      { action: 'finish-upload', username: 'ada', tenant_name: 'red' },
    ]);
  });

  const entries = [
    { path: 'blueprint.yaml', content: BLUEPRINT },
    { path: 'x.sh', content: 'x' },
  ];
  const below = (folder: string) => entries.map((entry) => ({ ...entry, path: folder + entry.path }));
  for (const [what, bytes] of [
    ['a zip with one top folder', zipOf(below('app/'))],
    ['a zip without', zipOf(entries)],
    ['a tar with "./" before its names', tarOf(below('./'))],
    [
      'a tar.gz packed by macOS',
      gzip(
        tarOf([
          ...below('app/'),
          { path: '__MACOSX/app/._x.sh', content: 'x' },
          { path: 'app/._x.sh', content: 'x' },
        ]),
      ),
    ],
  ] as const) {
    test(`takes ${what}`, async () => {
      const id = `layout-${createHash('sha256').update(bytes).digest('hex').slice(0, 8)}`;
      const { uid } = await uploads.upload(ada, { id, source: sourceOf(bytes) });
      assert.deepEqual(
        (await blueprints.files(uid, '')).map((file) => file.path),
        ['blueprint.yaml', 'x.sh'],
      );
    });
  }

  test('finds another main file, also further down, and what it imports from any file', async () => {
    const { uid } = await uploads.upload(ada, {
      id: 'other-main',
      mainFile: 'deep/main.yml',
      source: archiveOf({
        'deep/main.yml': `${BLUEPRINT}imports: [types.txt]\n`,
        'deep/types.txt': 'node_types: { other: {} }\n',
      }),
    });
    assert.equal((await blueprints.planOf(uid)).nodes.length, 1);
  });

  test('of a large archive keeps memory bounded and gives the same bytes back', async () => {
    const size = 200 * 1024 * 1024;
    const digest = createHash('sha256');
    const seed = randomBytes(1024 * 1024);
    const pieces = function* () {
      const header = tarHeader({ path: 'app/big.bin' }, size);
      yield tarOf([{ path: 'app/blueprint.yaml', content: BLUEPRINT }], { end: false });
      yield header;
      for (let sent = 0; sent < size; sent += seed.length) {
        seed.writeUInt32LE(sent, 0);
        yield Buffer.from(seed);
      }
      yield Buffer.alloc(1024);
    };
    const counted = (function* () {
      for (const piece of pieces()) {
        digest.update(piece);
        yield piece;
      }
    })();
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 20);
    try {
      const blueprint = await uploads.upload(ada, {
        id: 'large',
        source: { kind: 'stream', stream: Readable.from(counted, { objectMode: false }) },
      });
      assert.equal(blueprint.archive?.sha256, digest.digest('hex'));
      const back = createHash('sha256');
      for await (const chunk of (await blueprints.archive(ada, 'large')).stream) back.update(chunk as Buffer);
      assert.equal(back.digest('hex'), blueprint.archive?.sha256);
      assert.equal((await blueprints.file(blueprint.uid, 'big.bin')).size, size);
    } finally {
      clearInterval(watch);
    }
    assert.ok(
      peak - before < 130 * 1024 * 1024,
      `memory grew by ${Math.round((peak - before) / 1024 / 1024)} MB`,
    );
  });

  test('of a large zip reads it back from the store', async () => {
    const noise = randomBytes(3_000_000);
    const { uid } = await uploads.upload(ada, {
      id: 'large-zip',
      source: sourceOf(
        zipOf([
          { path: 'a/noise', content: noise },
          { path: 'a/blueprint.yaml', content: BLUEPRINT },
          { path: 'a/more', content: noise.subarray(1000) },
        ]),
      ),
    });
    const { stream } = await blueprints.file(uid, 'noise');
    assert.ok(Buffer.concat(await stream.toArray()).equals(noise));
  });

  test('needs the right to write blueprints', async () => {
    const vic = await house.member('vic', { red: 'viewer' });
    await assert.rejects(
      uploads.upload(vic, { id: 'nope', source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) }),
      { kind: 'forbidden' },
    );
    await assert.rejects(uploads.validate(vic, { source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) }), {
      kind: 'forbidden',
    });
    await assert.rejects(uploads.upload(ada, { id: 'nope', visibility: 'global', source: archiveOf({}) }), {
      kind: 'forbidden',
    });
  });
});

describe('what is refused before anything is stored', () => {
  for (const [what, request, reason] of [
    ['a name with a slash', { id: 'a/b' }, 'name-invalid'],
    ['a name that is too long', { id: `a${'b'.repeat(256)}` }, 'name-invalid'],
    ['a main file outside the archive', { id: 'fine', mainFile: '../x.yaml' }, 'main-file-invalid'],
    ['a reserved label', { id: 'fine', labels: [{ key: 'csys-x', value: 'y' }] }, 'label-invalid'],
  ] as const) {
    test(what, async () => {
      const before = await count('blueprints');
      assert.equal(
        (await refusal(uploads.upload(ada, { source: archiveOf({}), ...request }))).reason,
        reason,
      );
      assert.equal(await count('blueprints'), before);
    });
  }

  test('an id that is taken, and the stream is left to whoever it came from', async () => {
    await uploads.upload(ada, { id: 'taken', source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) });
    const source = archiveOf({ 'blueprint.yaml': BLUEPRINT });
    const error = await refusal(uploads.upload(ada, { id: 'taken', source }));
    assert.deepEqual([error.kind, error.reason], ['conflict', 'already-exists']);
    assert.equal(source.kind === 'stream' && source.stream.destroyed, false);
  });

  test('of two uploads of one id at the same time, the second', async () => {
    const results = await Promise.allSettled(
      [1, 2, 3].map(() =>
        uploads.upload(ada, { id: 'race', source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) }),
      ),
    );
    assert.deepEqual(results.map((result) => result.status).sort(), ['fulfilled', 'rejected', 'rejected']);
  });
});

describe('an upload from a URL', () => {
  const bytes = bytesOf({
    'blueprint.yaml': `${BLUEPRINT}imports: [types.yaml]\n`,
    'types.yaml': 'node_types: { x: {} }\n',
  });
  let hold: Promise<void> = Promise.resolve();
  const server = createServer(async (request, response) => {
    await hold;
    if (request.url === '/types.yaml') response.end('node_types: { from_afar: {} }\n');
    else if (request.url === '/web.tar.gz') response.end(bytes);
    else response.writeHead(404).end();
  });
  after(() => server.close());
  const listening = new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

  test('reads an allowlisted address', async () => {
    const port = await listening;
    const afar = catalog(pool, { allowlist: `127.0.0.1:${port}` });
    const stored = await afar.uploads.upload(ada, {
      id: 'from-url',
      source: { kind: 'url', url: `http://127.0.0.1:${port}/web.tar.gz` },
    });
    assert.equal(stored.archive?.size, bytes.length);
    assert.equal(
      (
        await refusal(
          afar.uploads.upload(ada, {
            id: 'gone',
            source: { kind: 'url', url: `http://127.0.0.1:${port}/none` },
          }),
        )
      ).reason,
      'fetch-failed',
    );
  });

  test('and so does an import', async () => {
    const port = await listening;
    const afar = catalog(pool, { allowlist: `127.0.0.1:${port}` });
    const main =
      `${BLUEPRINT.replace('type: thing', 'type: from_afar').replace('[one, size]', '[one]')}`.replace(
        /outputs:.*/s,
        '',
      );
    const { uid } = await afar.uploads.upload(ada, {
      id: 'import-url',
      source: archiveOf({ 'blueprint.yaml': `${main}imports: ["http://127.0.0.1:${port}/types.yaml"]\n` }),
    });
    assert.equal((await blueprints.planOf(uid)).nodes[0]!.type, 'from_afar');
  });

  test('answers at once when nobody waits, and goes on by itself', async () => {
    const port = await listening;
    const afar = catalog(pool, { allowlist: `127.0.0.1:${port}` });
    let release: () => void = () => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const pending = await afar.uploads.upload(
      ada,
      { id: 'later', source: { kind: 'url', url: `http://127.0.0.1:${port}/web.tar.gz` } },
      { wait: false },
    );
    assert.equal(pending.state, 'pending');
    await assert.rejects(blueprints.remove(ada, 'later'), { reason: 'blueprint-under-way' });
    await assert.rejects(afar.uploads.upload(ada, { id: 'later', source: archiveOf({}) }), {
      reason: 'already-exists',
    });
    release();
    await afar.uploads.settled();
    assert.equal((await blueprints.get(ada, 'later')).state, 'uploaded');
  });
});

describe('uploads that nobody waits for', () => {
  test('a stream is taken whole before the answer; what is wrong stands in the row', async () => {
    const first = await uploads.upload(
      ada,
      { id: 'quick', source: archiveOf({ 'blueprint.yaml': 'a: [' }) },
      { wait: false },
    );
    assert.ok(['uploading', 'extracting', 'parsing', 'invalid'].includes(first.state));
    await uploads.settled();
    assert.equal((await blueprints.get(ada, 'quick')).state, 'invalid');
  });
});

describe('validate', () => {
  test('says what an upload would say, and keeps nothing', async () => {
    const [before, blobsBefore] = [await count('blueprints'), await count('blobs')];
    assert.deepEqual(
      await uploads.validate(ada, {
        source: archiveOf({ 'blueprint.yaml': BLUEPRINT, 'x.sh': randomBytes(5000) }),
      }),
      { warnings: [] },
    );
    assert.equal(
      (await refusal(uploads.validate(ada, { source: archiveOf({ 'blueprint.yaml': 'a: [' }) }))).reason,
      'invalid-blueprint',
    );
    assert.equal(
      (await refusal(uploads.validate(ada, { source: sourceOf(randomBytes(99)) }))).reason,
      'archive-unrecognised',
    );
    assert.equal(await count('blueprints'), before);
    assert.equal(await count('blobs'), blobsBefore);
  });
});

test('sweeping takes what removed blueprints left and nothing of those that are there', async () => {
  await uploads.upload(ada, {
    id: 'removed',
    source: archiveOf({ 'blueprint.yaml': BLUEPRINT, only: 'here' }),
  });
  await blueprints.remove(ada, 'removed');
  assert.equal(await blobs.sweep(), 0, 'somebody may still be reading it');
  await pool.query("update blobs set held_until = now() - interval '1 second'");
  assert.ok((await blobs.sweep()) > 0);
  const archive = await blueprints.archive(ada, 'web');
  assert.equal(Buffer.concat(await archive.stream.toArray()).length, archive.size);
  assert.equal(await blobs.sweep(), 0);
});
