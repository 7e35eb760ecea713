// Writes docs/cloudify-v3-calls.md: each call of Cloudify's published document with the tests that send it.
//   --check   writes nothing; fails when a call is not covered, or when the page is not what the tests say
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

const FOLDER = 'test/dialects/cloudify-v3/documented';
const page = join(root, 'docs/cloudify-v3-calls.md');

await makeReady();
const { checklistPage, readCoverings, troubles } = await import(
  join(root, 'server/build', FOLDER, 'checklist.js')
);
const coverings = readCoverings(join(root, 'server', FOLDER));
const found = troubles(coverings);
const wanted = checklistPage(coverings);
const kept = existsSync(page) ? readFileSync(page, 'utf8') : '';
if (process.argv.includes('--check')) {
  if (kept !== wanted)
    found.push('docs/cloudify-v3-calls.md is outdated. Run: node scripts/documented-calls.mjs');
} else if (kept !== wanted) {
  writeFileSync(page, wanted);
  process.stdout.write('docs/cloudify-v3-calls.md written\n');
}
for (const trouble of found) process.stderr.write(`${trouble}\n`);
process.exit(found.length === 0 ? 0 : 1);
