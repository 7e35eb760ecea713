import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, dateTime, parseSpan, span } from './time.js';

test('a running clock shows minutes and seconds, hours when there are any', () => {
  const table: [number, string][] = [
    [-5, '0:00'],
    [999, '0:00'],
    [61_000, '1:01'],
    [3_723_000, '1:02:03'],
  ];
  for (const [given, expected] of table) assert.equal(clock(given), expected);
});

test('a span that is over is told in its fitting unit', () => {
  const table: [number, string][] = [
    [0, '0 ms'],
    [340, '340 ms'],
    [4210, '4.2 s'],
    [59_949, '59.9 s'],
    [59_960, '1 min 0 s'],
    [185_000, '3 min 5 s'],
    [8_040_000, '2 h 14 min'],
  ];
  for (const [given, expected] of table) assert.equal(span(given), expected);
});

test('times are local on a terminal and untouched elsewhere', () => {
  assert.equal(dateTime('2026-11-22T08:15:04.123Z', false), '2026-11-22T08:15:04.123Z');
  assert.match(dateTime('2026-11-22T08:15:04.123Z', true), /^2026-11-2\d \d\d:\d\d:04$/);
  assert.equal(dateTime(null, true), '');
  assert.equal(dateTime('no time', true), 'no time');
});

test('spans are read with their unit', () => {
  assert.equal(parseSpan('90s'), 90_000);
  assert.equal(parseSpan('1.5h'), 5_400_000);
  assert.equal(parseSpan('10'), null);
  assert.equal(parseSpan('soon'), null);
});
