// `npm run bench -- NAME [--nodes N] [--deployments N] …`: runs one benchmark on what is built now. Each prints a table for
// people, then one line of JSON with the same figures. Benchmarks use a database of their own, with fsync on.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

const folder = join(root, 'server/build/bench');
const [name, ...args] = process.argv.slice(2);
await makeReady();
const known = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.js'))
  .map((file) => file.replace('.bench.js', ''));
if (name === undefined || !existsSync(join(folder, `${name}.bench.js`))) {
  process.stderr.write(`Usage: npm run bench -- NAME [options]\nBenchmarks: ${known.join(', ')}\n`);
  process.exit(2);
}
process.argv.splice(2, process.argv.length, ...args);
await import(join(folder, `${name}.bench.js`));
