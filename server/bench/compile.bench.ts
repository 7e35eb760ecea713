/**
 * compile --nodes 1000,10000 --runs 5: from the bytes of an archive to the stored plan, through the real upload.
 *
 * Limit: the YAML reader alone on the same text. Rival (measured apart, see docs): Cloudify's parser takes 33 s for
 * 1,000 nodes and 144 s for 2,000.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { load } from 'js-yaml';
import { create } from 'tar';
import { blueprintOf, measureCompile } from './compile.js';
import { aStand, middleOf, numbers, report } from './stand.js';

const { nodes, runs } = numbers({ nodes: '1000,2000,5000,10000', runs: '5' });
const stand = await aStand();
const rows = [];
let id = 0;
for (const count of nodes) {
  const text = blueprintOf(count);
  const folder = join(stand.dataDir, 'archives', `n${count}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'blueprint.yaml'), text);
  const chunks: Buffer[] = [];
  for await (const chunk of create({ cwd: join(folder, '..'), gzip: true }, [`n${count}`]))
    chunks.push(chunk as Buffer);
  const archive = Buffer.concat(chunks);
  const times: number[] = [];
  for (let run = 0; run <= runs[0]!; run += 1) {
    id += 1;
    const from = performance.now();
    const blueprint = await stand.core.blueprintUploads.upload(stand.admin, {
      id: `b${id}`,
      source: { kind: 'stream', stream: Readable.from([archive]) },
    });
    if (blueprint.state !== 'uploaded') throw new Error(blueprint.error ?? blueprint.state);
    // The first one warms up.
    if (run > 0) times.push(performance.now() - from);
  }
  const yaml: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const from = performance.now();
    load(text);
    yaml.push(performance.now() - from);
  }
  const alone = measureCompile(count, 3);
  rows.push({
    nodes: count,
    'text kB': text.length / 1000,
    'archive → stored plan ms': middleOf(times),
    'best ms': Math.min(...times),
    'compile alone ms': alone.median,
    'limit: YAML alone ms': middleOf(yaml),
  });
}
await stand.close();
const [first, last] = [rows[0]!, rows.at(-1)!];
const exponent = Math.log(last['best ms'] / first['best ms']) / Math.log(last.nodes / first.nodes);
report(
  'compile',
  rows,
  rows.length > 1
    ? [`growth exponent ${first.nodes} → ${last.nodes} nodes, best runs: ${exponent.toFixed(2)}`]
    : [],
);
