/** The second thousand of the seeds that every run of the tests lives through (docs/simulation.md). */
import { describe, it } from 'node:test';
import { checkVariety, liveThrough } from './many-seeds.js';

describe('the engine under a simulator', () => {
  it('keeps its promises whatever happens, seeds 1001 to 2000', async () => {
    checkVariety(await liveThrough(1001, 1000));
  });
});
