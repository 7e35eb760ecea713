import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LineStream, OutputBudget } from './output.js';

function logged(chunks: readonly (string | Buffer)[], limits = {}) {
  const budget = new OutputBudget({ line: 10, total: 100, lines: 5, tail: 8, ...limits });
  const lines: string[] = [];
  const stream = new LineStream(budget, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(Buffer.from(chunk));
  stream.end();
  return { lines, dropped: budget.dropped, tail: stream.tail() };
}

describe('what a script prints', () => {
  const cases: [string, string[], string[]][] = [
    [
      'is cut into lines, wherever the pipe cuts it',
      ['on', 'e\nt', 'wo\n', 'three'],
      ['one', 'two', 'three'],
    ],
    ['keeps its empty lines, but not one after the last', ['\n\na\n'], ['', '', 'a']],
    ['may end its lines as on Windows', ['a\r\nb\r\n'], ['a', 'b']],
    ['has its long lines cut', ['0123456789abc', 'def\nx\n'], ['0123456789… (6 bytes more)', 'x']],
    ['cannot hold NUL characters', ['a\0b\n'], ['a\uFFFDb']],
    ['is nothing when nothing is printed', [], []],
  ];
  for (const [title, chunks, expected] of cases) {
    it(title, () => assert.deepEqual(logged(chunks).lines, expected));
  }

  it('keeps characters whole that the pipe has cut', () => {
    const bytes = Buffer.from('ä€\n');
    assert.deepEqual(logged([...bytes].map((byte) => Buffer.from([byte]))).lines, ['ä€']);
  });

  it('is logged up to a number of lines, and the rest is counted', () => {
    const { lines, dropped } = logged(['a\n'.repeat(9)]);
    assert.equal(lines.length, 5);
    assert.equal(dropped, 8);
  });

  it('is logged up to a number of bytes, and the rest is counted', () => {
    const { lines, dropped } = logged(['123456789\n'.repeat(20)], { lines: 1000 });
    assert.equal(lines.length, 10);
    assert.equal(dropped, 100);
  });

  it('ends with a tail that starts with a line', () => {
    assert.equal(logged(['first line\nab\ncd\n']).tail, 'ab\ncd');
    assert.equal(logged(['abc']).tail, 'abc');
  });

  it('shares its budget with the other stream', () => {
    const budget = new OutputBudget({ line: 10, total: 100, lines: 2, tail: 8 });
    const lines: string[] = [];
    const streams = ['out', 'err'].map(
      (name) => new LineStream(budget, (line) => lines.push(`${name} ${line}`)),
    );
    for (const stream of streams) stream.write(Buffer.from('a\nb\n'));
    assert.deepEqual(lines, ['out a', 'out b']);
    assert.equal(budget.dropped, 4);
  });
});
