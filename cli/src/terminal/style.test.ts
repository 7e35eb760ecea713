import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeStyle, speaksUnicode, statusTone, wantsColour } from './style.js';

test('NO_COLOR wins over FORCE_COLOR, FORCE_COLOR over the terminal', () => {
  const table: [NodeJS.ProcessEnv, boolean, boolean][] = [
    [{}, true, true],
    [{}, false, false],
    [{ TERM: 'dumb' }, true, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
  ];
  for (const [env, terminal, expected] of table) {
    assert.equal(wantsColour(env, terminal), expected, JSON.stringify([env, terminal]));
  }
});

test('signs are ASCII where the locale does not speak UTF-8', () => {
  assert.equal(speaksUnicode({ LANG: 'en_GB.UTF-8' }), true);
  assert.equal(speaksUnicode({ LC_ALL: 'C', LANG: 'en_GB.UTF-8' }), false);
  assert.equal(speaksUnicode({}), true);
  assert.equal(speaksUnicode({ TERM: 'linux' }), false);
});

test('paint without colour is the text itself', () => {
  assert.equal(makeStyle({ colour: false, unicode: true }).paint('bad', 'x'), 'x');
});

test('a status has one tone in every table', () => {
  assert.equal(statusTone('terminated'), 'good');
  assert.equal(statusTone('Failed'), 'bad');
  assert.equal(statusTone('cancelling'), 'warning');
  assert.equal(statusTone('started'), 'good');
  assert.equal(statusTone(null), 'plain');
});
