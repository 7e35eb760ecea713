/** The first thousand of the seeds that every run of the tests lives through (docs/simulation.md). */
import { describe, it } from 'node:test';
import { checkVariety, liveThrough } from './many-seeds.js';

describe('the engine under a simulator', () => {
  it('keeps its promises whatever happens, seeds 1 to 1000', async () => {
    checkVariety(await liveThrough(1, 1000));
  });
});
