// `npm run check`: what a change must pass beside its tests. Types, lint and format, the rules of the house, and
// whatever is generated and kept must be up to date.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

await makeReady();
const program = (name) => join(root, 'node_modules/.bin', name);
const checks = [
  ['types of the server', program('tsc'), ['-p', 'server/tsconfig.json']],
  ['types of the pages', program('tsc'), ['-p', 'server/web/tsconfig.json']],
  ['lint and format', program('biome'), ['ci', '--colors=off', '--error-on-warnings', '.']],
  ['rules of the house', process.execPath, ['--test', 'server/build/test/house-rules.test.js']],
  ['documents name what is there', process.execPath, ['--test', 'server/build/test/docs.test.js']],
];
if (existsSync(join(root, 'cli/src'))) {
  checks.push(['types of the command line', program('tsc'), ['-p', 'cli/tsconfig.json']]);
}
checks.push([
  'each documented call is covered',
  process.execPath,
  ['scripts/documented-calls.mjs', '--check'],
]);
if (existsSync(join(root, 'scripts/openapi.mjs'))) {
  checks.push(['openapi is up to date', process.execPath, ['scripts/openapi.mjs', '--check']]);
}

const failed = [];
for (const [what, command, args] of checks) {
  const began = performance.now();
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${what} (${seconds} s)\n`);
  if (status === 0) continue;
  failed.push(what);
  process.stdout.write(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\n`);
}
process.exit(failed.length === 0 ? 0 : 1);
