import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLUEPRINT } from '../../test/support/catalog.js';
import type { CompileRequest } from './compile-once.js';
import { CompilePool, type CompilePoolSettings } from './compile-pool.js';

function request(files: Record<string, string>, more: Partial<CompileRequest> = {}): CompileRequest {
  return {
    mainFile: 'blueprint.yaml',
    texts: new Map(Object.entries(files)),
    paths: new Set(Object.keys(files)),
    imported: new Map(),
    replaced: new Map(),
    unavailable: new Map(),
    ...more,
  };
}

function blueprintOf(nodes: number): string {
  const templates = Array.from({ length: nodes }, (_, i) => `  n${i}: { type: thing }\n`).join('');
  return `${BLUEPRINT.slice(0, BLUEPRINT.indexOf('outputs:'))}${templates}`;
}

async function withPool<T>(
  settings: Partial<CompilePoolSettings>,
  work: (pool: CompilePool) => Promise<T>,
): Promise<T> {
  const pool = new CompilePool(settings);
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

test('a compile says the same in the process and in a thread', async () => {
  const requests = [
    request({ 'blueprint.yaml': blueprintOf(20) }),
    request({ 'blueprint.yaml': 'a: [' }),
    request({ 'blueprint.yaml': `${BLUEPRINT}imports: ["plugin:x", "http://x.example/y.yaml"]\n` }),
    request(
      { 'blueprint.yaml': `${BLUEPRINT}imports: ["plugin:x"]\n` },
      { unavailable: new Map([['plugin:x', 'not here']]) },
    ),
    request(
      { 'blueprint.yaml': `${BLUEPRINT}imports: [more.txt]\n` },
      { paths: new Set(['blueprint.yaml', 'more.txt']) },
    ),
  ];
  const kinds: string[] = [];
  await withPool({}, (inProcess) =>
    withPool({ threadFrom: 0 }, async (inThread) => {
      for (const each of requests) {
        const answer = await inProcess.compile(each);
        kinds.push(answer.kind);
        assert.deepEqual(await inThread.compile(each), JSON.parse(JSON.stringify(answer)));
      }
    }),
  );
  assert.deepEqual(kinds, ['plan', 'diagnostics', 'needs', 'diagnostics', 'lacks']);
});

test('while a large blueprint compiles, the process goes on with other things', async () => {
  await withPool({ threadFrom: 100_000 }, async (pool) => {
    const work = pool.compile(request({ 'blueprint.yaml': blueprintOf(10_000) }));
    const began = performance.now();
    let turns = 0;
    let longest = 0;
    let last = began;
    let done = false;
    work.finally(() => {
      done = true;
    });
    while (!done) {
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      turns += 1;
    }
    assert.equal((await work).kind, 'plan');
    // In this process it would be one turn, as long as all of it.
    const all = last - began;
    assert.ok(turns > 10 && longest < all / 2, `${turns} turns, the longest ${longest} of ${all} ms`);
  });
});

test('a compile that takes too long is stopped, and the next one gets a new thread', async () => {
  await withPool({ threadFrom: 0, timeoutMs: 300 }, async (pool) => {
    await assert.rejects(pool.compile(request({ 'blueprint.yaml': blueprintOf(40_000) })), {
      kind: 'invalid',
      reason: 'blueprint-too-costly',
    });
  });
  await withPool({ threadFrom: 0 }, async (pool) => {
    assert.equal((await pool.compile(request({ 'blueprint.yaml': BLUEPRINT }))).kind, 'plan');
  });
});

test('a compile that takes too much memory is stopped, and the process lives on', async () => {
  await withPool({ threadFrom: 0, memoryMb: 24 }, async (pool) => {
    await assert.rejects(pool.compile(request({ 'blueprint.yaml': blueprintOf(40_000) })), {
      kind: 'invalid',
      reason: 'blueprint-too-costly',
    });
    assert.equal((await pool.compile(request({ 'blueprint.yaml': BLUEPRINT }))).kind, 'plan');
  });
});

test('more large blueprints than may wait are turned away', async () => {
  await withPool({ threadFrom: 0, waiting: 2 }, async (pool) => {
    const work = [1, 2].map(() => pool.compile(request({ 'blueprint.yaml': BLUEPRINT })));
    await assert.rejects(pool.compile(request({ 'blueprint.yaml': BLUEPRINT })), {
      kind: 'unavailable',
      reason: 'compiler-busy',
    });
    assert.deepEqual(
      (await Promise.all(work)).map((answer) => answer.kind),
      ['plan', 'plan'],
    );
  });
});
