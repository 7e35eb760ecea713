// `npm run simulate -- [--from SEED] [--seeds N] [--trace] [--without FAULT,…] [--most N]`: the engine under its simulator, for
// as many seeds as there is time for; `--trace` with one seed tells what happens in it, line by line (docs/simulation.md).
import { makeReady, root } from './ready.mjs';

await makeReady();
await import(`${root}/server/build/test/simulation/main.js`);
