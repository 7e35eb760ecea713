// Writes docs/cloudify-client-calls.md: each method of Cloudify's published Python client, what it sends, what that meets
// here, and the tests. `client-calls.test.ts` fails while the page is another.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

await makeReady();
const { checklistPage, readCalls, troubles } = await import(
  join(root, 'server/build/test/dialects/cloudify-v3/client-calls/checklist.js')
);
const calls = readCalls({ root });
writeFileSync(join(root, 'docs/cloudify-client-calls.md'), checklistPage(calls));
for (const trouble of troubles(calls)) process.stderr.write(`${trouble}\n`);
