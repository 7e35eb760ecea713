import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/what-failed.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'orrery-what-failed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
const node = (...args: string[]) =>
  spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env }).stdout;

/** What the script says of these steps; each has a log, and those with one that is not empty have failed. */
function told(logs: Record<string, string>): string {
  const steps = Object.entries(logs).map(([name, log], index) => {
    writeFileSync(join(folder, `${name}.log`), log);
    return `${name} ${index + 1} ${log === '' ? 'ok' : 'FAILED'}\n`;
  });
  writeFileSync(join(folder, 'steps'), steps.join(''));
  return node(script, folder);
}

test('the end of a run names each test that failed, with its groups and its error, once', () => {
  mkdirSync(join(folder, 'tests'));
  writeFileSync(
    join(folder, 'tests/one.test.js'),
    `const { describe, it, test } = require('node:test');
     describe('a planet', () => {
       it('has a name', () => {});
       describe('with moons', () => it('counts them', () => require('assert').equal(1, 2, 'a moon is missing')));
       it('will have rings', { todo: true }, () => { throw new Error('not yet'); });
     });
     test('the sun shines', () => { throw new Error('it is night\\n' + 'dark\\n'.repeat(100)); });`,
  );
  writeFileSync(join(folder, 'tests/two.test.js'), `throw new Error('this file has no tests');`);
  const log = node('--test', '--test-reporter=tap', 'tests/one.test.js', 'tests/two.test.js');
  const said = told({ install: '', test: log });
  const [blocks, end] = said.split('== steps\n') as [string, string];
  assert.deepEqual(end.trimEnd().split('\n'), [
    'ok     install (1 s)',
    'FAILED test (2 s)',
    'FAILED test: a planet > with moons > counts them',
    'FAILED test: the sun shines',
    `FAILED test: ${join(folder, 'tests/two.test.js')}`,
  ]);
  assert.match(blocks, /counts them\n {4}location: .*one\.test\.js:4.*\n {4}error: 'a moon is missing'/);
  assert.match(blocks, /it is night/);
  assert.match(blocks, /# Error: this file has no tests/);
  assert.ok(blocks.split('\n').length < 60, blocks);
  assert.doesNotMatch(said, /not yet|has a name/);
});

test('the end of a run shows what a step says has failed, and how one ended that says nothing', () => {
  const said = told({
    check: 'ok    types (1 s)\nFAILED lint (2 s)\nsun.ts:1 is bright\n',
    interop: 'FAIL: test_orbit (test_all.Planets)\nAssertionError: round\n',
    deploy: 'a\nmachine fell over\n',
  });
  assert.match(said, /check: FAILED lint \(2 s\)\n {4}sun\.ts:1 is bright/);
  assert.match(said, /interop: FAIL: test_orbit \(test_all\.Planets\)\n {4}AssertionError: round/);
  assert.match(said, /deploy: it ends so\n {4}a\n {4}machine fell over/);
  assert.match(said, /FAILED deploy: no test of it says that it failed\n$/);
});

test('the end of a run that went well is the duration of its steps', () => {
  assert.equal(told({ install: '', test: '' }), '\n== steps\nok     install (1 s)\nok     test (2 s)\n');
});
