/** The simulator finds bugs that are put in on purpose; and what it finds can be had again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { replayCommand, shrink } from './failing-seed.js';
import { live, type Mutation } from './life.js';
import { MUTATIONS } from './mutations.js';

/** Each is found within so many. */
const SEEDS = 300;

async function firstFailing(mutation: Mutation): Promise<number> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    if ((await live(seed, { mutation })).problem === null) continue;
    assert.equal((await live(seed)).problem, null, `without it, seed ${seed} fails as well`);
    return seed;
  }
  return assert.fail(`not found within ${SEEDS} seeds`);
}

describe('the simulator', { concurrency: false }, () => {
  for (const mutation of MUTATIONS) {
    it(`finds that ${mutation.what}`, async (t) => {
      const seed = await firstFailing(mutation);
      const { problem } = await live(seed, { mutation });
      t.diagnostic(`seed ${seed}: ${problem?.split('\n')[0]}`);
    });
  }

  it('lives through a seed in the same way every time', async () => {
    for (const seed of [3, 77, 1234]) {
      const [first, again] = [await live(seed, { trace: true }), await live(seed, { trace: true })];
      assert.ok(first.trace.length > 20);
      assert.deepEqual(first, again);
    }
  });

  it('names the fewest faults with which a promise is still broken', async () => {
    // One that is found soon, and needs faults.
    const mutation = MUTATIONS.find(({ what }) => what.startsWith('what was under way'))!;
    const seed = await firstFailing(mutation);
    const { faults, verdict } = await shrink(seed, { mutation });
    const again = await live(seed, { mutation, faults });
    assert.equal(again.problem, verdict.problem);
    assert.notEqual(again.problem, null);
    assert.ok(again.faults <= (await live(seed, { mutation })).faults);
    assert.match(
      replayCommand(seed, faults),
      /^npm run simulate -- --from \d+ --seeds 1 --trace --without \S+/,
    );
  });
});
