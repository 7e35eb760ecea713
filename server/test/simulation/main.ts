/** `npm run simulate`: many seeds, for nights; or one again, with what happened line by line. */
import { parseArgs } from 'node:util';
import { replayCommand, shrink } from './failing-seed.js';
import { ALL_FAULTS, FAULTS, type Fault } from './faults.js';
import { live } from './life.js';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20000' },
    without: { type: 'string', default: '' },
    most: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const unknown = values.without.split(',').filter((name) => name !== '' && !FAULTS.includes(name as Fault));
if (unknown.length > 0)
  throw new Error(`unknown faults: ${unknown.join(', ')}; there are ${FAULTS.join(', ')}`);
const without = values.without.split(',').filter((name): name is Fault => FAULTS.includes(name as Fault));
const faults = { without, most: values.most === undefined ? ALL_FAULTS.most : Number(values.most) };
const from = Number(values.from);
const count = Number(values.seeds);

const endings = new Map<string, number>();
const failed: number[] = [];
let steps = 0;
const start = performance.now();
for (let seed = from; seed < from + count; seed += 1) {
  const verdict = await live(seed, { faults, trace: values.trace });
  steps += verdict.steps;
  for (const ending of verdict.endings) endings.set(ending, (endings.get(ending) ?? 0) + 1);
  if (values.trace) console.log(verdict.trace.join('\n'));
  if (verdict.problem === null) continue;
  failed.push(seed);
  console.log(`seed ${seed}: ${verdict.problem}`);
  if (count > 1) console.log(`  again: ${replayCommand(seed, (await shrink(seed)).faults)}`);
}
const seconds = ((performance.now() - start) / 1000).toFixed(1);
const ended = [...endings].map(([status, times]) => `${times} ${status}`).join(', ');
console.log(`${count} seeds, ${failed.length} failed; ${steps} steps in ${seconds} s; executions: ${ended}`);
process.exitCode = failed.length > 0 ? 1 : 0;
