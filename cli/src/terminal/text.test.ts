import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clean, cleanLines, padEnd, padStart, truncate, width, wrap } from './text.js';

test('clean lets no escape sequence or control character through', () => {
  const table: [string, string][] = [
    ['plain', 'plain'],
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;owned\u0007title', 'title'],
    ['a\u001b[2Jb', 'ab'],
    ['one\ntwo\r\n', 'one ⏎ two'],
    ['tab\there', 'tab here'],
    ['bell\u0007 back\b', 'bell back'],
    ['right\u202eleft', 'rightleft'],
    ['höher ☃', 'höher ☃'],
  ];
  for (const [given, expected] of table) assert.equal(clean(given), expected, JSON.stringify(given));
  assert.equal(clean('a\nb', '\\n'), 'a\\nb');
  assert.deepEqual(cleanLines('a\n\u001b[1mb\n'), ['a', 'b']);
});

test('width counts columns: wide characters two, marks and colours none', () => {
  const table: [string, number][] = [
    ['', 0],
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['🚀', 2],
    ['✔ ok', 4],
    ['\u001b[32mok\u001b[39m', 2],
  ];
  for (const [text, expected] of table) assert.equal(width(text), expected, JSON.stringify(text));
});

test('truncate never exceeds the columns, and marks what it cut', () => {
  const table: [string, number, string][] = [
    ['hello', 5, 'hello'],
    ['hello', 4, 'hel…'],
    ['hello', 1, '…'],
    ['hello', 0, ''],
    ['日本語', 5, '日本…'],
    ['日本語', 4, '日…'],
  ];
  for (const [text, columns, expected] of table) assert.equal(truncate(text, columns), expected);
  assert.equal(truncate('hello', 4, '~'), 'hel~');
});

test('padding fills by columns, not by characters', () => {
  assert.equal(padEnd('日', 4), '日  ');
  assert.equal(padStart('7', 3), '  7');
});

test('wrap keeps words whole where they fit a line, and breaks those that do not', () => {
  const table: [string, number, string[]][] = [
    ['one two three', 7, ['one two', 'three']],
    ['immeasurable x', 5, ['immea', 'surab', 'le x']],
    ['a immeasurable', 5, ['a', 'immea', 'surab', 'le']],
    ['日本語', 4, ['日本', '語']],
    ['', 5, ['']],
  ];
  for (const [text, columns, expected] of table) assert.deepEqual(wrap(text, columns), expected, text);
});
