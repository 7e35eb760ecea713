import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, type Progress, progressLines } from './bar.js';
import { makeStyle } from './style.js';
import { width } from './text.js';

const PLAIN = makeStyle({ colour: false, unicode: true });
const PROGRESS: Progress = {
  workflow: 'install',
  deployment: 'hello',
  finished: 12,
  total: 18,
  elapsed: 14_400,
  status: 'started',
  trouble: 'none',
  tick: 0,
  running: [
    { where: 'web_ab12cd', operation: 'start', elapsed: 4000 },
    { where: 'site_x9y8z7', operation: 'configure', elapsed: 300 },
  ],
  notice: null,
};

test('the bar is full only at the end and never empty once something is done', () => {
  const table: [number, number, string][] = [
    [0, 0, '──────────'],
    [0, 1000, '──────────'],
    [1, 1000, '━─────────'],
    [500, 1000, '━━━━━─────'],
    [999, 1000, '━━━━━━━━━─'],
    [1000, 1000, '━━━━━━━━━━'],
    [1200, 1000, '━━━━━━━━━━'],
  ];
  for (const [done, total, expected] of table) assert.equal(bar(done, total, 10, PLAIN, 'good'), expected);
});

test('progress tells how far, how long, and what runs', () => {
  assert.deepEqual(progressLines(PROGRESS, 100, PLAIN), [
    '⠋ install hello  ━━━━━━━━━━━━━━━━━━━━──────────  12/18  66%  0:14',
    '  web_ab12cd start 0:04 · site_x9y8z7 configure',
  ]);
});

test('before the plan is made the status stands in for the count', () => {
  const [first] = progressLines({ ...PROGRESS, total: 0, finished: 0, status: 'pending' }, 100, PLAIN);
  assert.equal(first, '⠋ install hello  ──────────────────────────────  pending  0:14');
});

test('an unusual status is told beside the count', () => {
  const [first = ''] = progressLines({ ...PROGRESS, status: 'cancelling' }, 100, PLAIN);
  assert.match(first, /12\/18 {2}66% {2}0:14 {2}cancelling$/);
});

test('a notice takes the place of what runs', () => {
  const [, second] = progressLines(
    { ...PROGRESS, notice: 'the server has not answered for 0:05' },
    100,
    PLAIN,
  );
  assert.equal(second, '  the server has not answered for 0:05');
});

test('no line is wider than the terminal, however narrow it is and however much runs', () => {
  const running = Array.from({ length: 40 }, (_, index) => ({
    where: `instance_${index}_日本`,
    operation: 'create',
    elapsed: index * 900,
  }));
  for (let columns = 24; columns < 140; columns += 3) {
    for (const line of progressLines({ ...PROGRESS, deployment: 'd'.repeat(60), running }, columns, PLAIN)) {
      assert.ok(width(line) < columns, `${columns}: ${width(line)} ${line}`);
    }
  }
  const [, second = ''] = progressLines({ ...PROGRESS, running }, 80, PLAIN);
  assert.match(second, /\+3\d more$/);
});
