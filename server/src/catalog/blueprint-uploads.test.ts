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
import type { ArchiveSource } from './blueprint-uploads.js';

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
    const size = 100 * 1024 * 1024;
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
      peak - before < 80 * 1024 * 1024,
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

describe('an upload that fails stays there and says why', () => {
  const cases: readonly (readonly [string, () => ArchiveSource, string, string, RegExp])[] = [
    [
      'not an archive',
      () => sourceOf(randomBytes(3000)),
      'failed-extracting',
      'archive-unrecognised',
      /zip, tar/,
    ],
    [
      'an empty body',
      () => sourceOf(Buffer.alloc(0)),
      'failed-extracting',
      'archive-unrecognised',
      /zip, tar/,
    ],
    [
      'a cut archive',
      () => sourceOf(gzip(tarOf([{ path: 'a/x', content: randomBytes(9000) }])).subarray(0, 5000)),
      'failed-extracting',
      'archive-damaged',
      /damaged/,
    ],
    [
      'a path that climbs out',
      () => sourceOf(tarOf([{ path: 'app/../../x', content: 'x' }])),
      'failed-extracting',
      'archive-unsafe',
      /leads out/,
    ],
    [
      'a link',
      () => sourceOf(tarOf([{ path: 'app/x', type: '2', link: '/etc/passwd' }])),
      'failed-extracting',
      'archive-unsafe',
      /link/,
    ],
    [
      'a bomb',
      () => sourceOf(gzip(tarOf([{ path: 'app/x', content: Buffer.alloc(70_000_000) }]))),
      'failed-extracting',
      'archive-excessive',
      /200 times/,
    ],
    [
      'two top folders',
      () => archiveOf({ 'a/blueprint.yaml': BLUEPRINT, 'b/x': 'x' }, ''),
      'failed-extracting',
      'archive-layout',
      /Right is one top folder/,
    ],
    [
      'no main file',
      () => archiveOf({ 'other.yaml': BLUEPRINT }),
      'failed-extracting',
      'archive-layout',
      /"other.yaml": name the main file/,
    ],
    [
      'broken YAML',
      () => archiveOf({ 'blueprint.yaml': 'a: [1\n' }),
      'invalid',
      'invalid-blueprint',
      /^blueprint.yaml:\d+:\d+: /,
    ],
    [
      'an unknown type',
      () => archiveOf({ 'blueprint.yaml': `${BLUEPRINT}  # \n`.replace('type: thing', 'type: nothing') }),
      'invalid',
      'invalid-blueprint',
      /^blueprint.yaml:11:\d+: .*nothing/,
    ],
    [
      'a plugin that is not there',
      () => archiveOf({ 'blueprint.yaml': `${BLUEPRINT}imports: ["plugin:some-plugin"]\n` }),
      'invalid',
      'invalid-blueprint',
      /some-plugin/,
    ],
    [
      'an import from a private address',
      () => archiveOf({ 'blueprint.yaml': `${BLUEPRINT}imports: ["http://127.0.0.1:9/x.yaml"]\n` }),
      'invalid',
      'invalid-blueprint',
      /CLOUD_ENDPOINT_ALLOWLIST/,
    ],
    [
      'a URL to a private address',
      () => ({ kind: 'url', url: 'http://169.254.169.254/latest' }),
      'failed-uploading',
      'address-not-allowed',
      /CLOUD_ENDPOINT_ALLOWLIST/,
    ],
    [
      'a URL of another kind',
      () => ({ kind: 'url', url: 'file:///etc/passwd' }),
      'failed-uploading',
      'url-invalid',
      /http and https/,
    ],
  ];
  for (const [what, source, state, reason, message] of cases) {
    test(what, async () => {
      const id = what.replaceAll(' ', '-');
      const error = await refusal(uploads.upload(ada, { id, source: source() }));
      assert.equal(error.reason, reason, error.stack);
      assert.match(error.message, message);
      const stored = await blueprints.get(ada, id);
      assert.equal(stored.state, state);
      assert.equal(stored.error, error.message);
      assert.equal(stored.archive, null);
      assert.equal((await blueprints.files(stored.uid, '')).length, 0);
      await assert.rejects(blueprints.plan(ada, id), { kind: 'conflict', reason: 'blueprint-not-uploaded' });
      await assert.rejects(blueprints.archive(ada, id), { kind: 'conflict' });

      const again = await uploads.upload(ada, { id, source: archiveOf({ 'blueprint.yaml': BLUEPRINT }) });
      assert.deepEqual([again.state, again.error, again.uid], ['uploaded', null, stored.uid]);
    });
  }

  test('all diagnostics are told, in lines and as data', async () => {
    const error = await refusal(
      uploads.upload(ada, {
        id: 'many-faults',
        source: archiveOf({
          'blueprint.yaml': BLUEPRINT.replace('type: thing', 'type: nothing').replace(
            '[one, size]',
            '[two, size]',
          ),
        }),
      }),
    );
    const { diagnostics } = error.details as { diagnostics: { at: { line: number } }[] };
    assert.ok(diagnostics.length >= 1);
    assert.equal(error.message.split('\n').length, diagnostics.length);
  });

  test('an archive over the limit, and the limit is about bytes that came', async () => {
    const small = catalog(pool, { limits: { archiveBytes: 2_000_000 } });
    for (const size of [2_100_000, 5_000_000]) {
      const source = sourceOf(randomBytes(size));
      const error = await refusal(small.uploads.upload(ada, { id: `over-${size}`, source }));
      assert.deepEqual([error.kind, error.reason], ['limit', 'archive-too-large']);
      assert.equal(
        source.kind === 'stream' && source.stream.destroyed,
        false,
        'the answer must still get out',
      );
      assert.equal((await blueprints.get(ada, `over-${size}`)).state, 'failed-uploading');
    }
    assert.equal(await count('blobs where digest is null'), 0);
  });

  for (const size of [50_000, 6_000_000]) {
    test(`a stream that breaks off after ${size} bytes leaves nothing but the row`, async () => {
      const blobsBefore = await count('blobs');
      const stream = new Readable({ read() {} });
      const work = refusal(uploads.upload(ada, { id: `broken-${size}`, source: { kind: 'stream', stream } }));
      stream.push(randomBytes(size));
      while (
        (await pool.query('select state from blueprints where id = $1', [`broken-${size}`])).rows[0]
          ?.state !== 'uploading'
      );
      stream.destroy(new Error('aborted'));
      assert.equal((await work).reason, 'upload-broken-off');
      const stored = await blueprints.get(ada, `broken-${size}`);
      assert.equal(stored.state, 'failed-uploading');
      assert.match(stored.error!, /broke off/);
      assert.equal(await count('blobs'), blobsBefore);
    });
  }

  test('trouble of ours is not told to the caller, but to the log', async () => {
    const told: unknown[] = [];
    const broken = catalog(pool, {
      onTrouble: (error) => told.push(error),
      fetch: async () => {
        throw new TypeError('secret detail');
      },
    });
    await assert.rejects(
      broken.uploads.upload(ada, { id: 'ours', source: { kind: 'url', url: 'http://x.example/' } }),
      /secret detail/,
    );
    const stored = await blueprints.get(ada, 'ours');
    assert.equal(stored.state, 'failed-uploading');
    assert.doesNotMatch(stored.error!, /secret/);
    assert.equal(told.length, 1);
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

  test('an upload whose process died fails by itself, and a new one may take its place before that', async () => {
    for (const [id, state] of [
      ['dead-1', 'extracting'],
      ['dead-2', 'parsing'],
      ['dead-3', 'pending'],
    ] as const) {
      await uploads.upload(ada, { id, source: archiveOf({ 'blueprint.yaml': 'x' }) }).catch(() => {});
      await pool.query(
        "update blueprints set state = $2, error = null, alive_until = now() - interval '1 second' where id = $1",
        [id, state],
      );
    }
    await pool.query("update blueprints set alive_until = now() + interval '20 seconds' where id = 'dead-3'");
    const replaced = await uploads.upload(ada, {
      id: 'dead-2',
      source: archiveOf({ 'blueprint.yaml': BLUEPRINT }),
    });
    assert.equal(replaced.state, 'uploaded');
    assert.equal(await uploads.failDead(), 1);
    assert.equal((await blueprints.get(ada, 'dead-1')).state, 'failed-extracting');
    assert.equal((await blueprints.get(ada, 'dead-3')).state, 'pending');
    assert.match((await blueprints.get(ada, 'dead-1')).error!, /stopped during the upload/);
  });

  test('an upload that was overtaken writes nothing', async () => {
    const stream = new Readable({ read() {} });
    const slow = refusal(uploads.upload(ada, { id: 'overtaken', source: { kind: 'stream', stream } }));
    while ((await count("blueprints where id = 'overtaken'")) === 0);
    await pool.query(
      "update blueprints set alive_until = now() - interval '1 second' where id = 'overtaken'",
    );
    const winner = await uploads.upload(ada, {
      id: 'overtaken',
      source: archiveOf({ 'blueprint.yaml': BLUEPRINT, mine: 'yes' }),
    });
    stream.push(bytesOf({ 'blueprint.yaml': BLUEPRINT }));
    stream.push(null);
    assert.equal((await slow).reason, 'upload-superseded');
    const stored = await blueprints.get(ada, 'overtaken');
    assert.deepEqual(
      [stored.state, stored.error, stored.archive?.sha256],
      ['uploaded', null, winner.archive?.sha256],
    );
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
