import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PathKey, SourceFile } from './source.js';

const TEXT = `# a comment
one:
  two: [x, "y", {three: 'z'}]
base: &base
  kept: 1
  shared: {deep: 2}
merged:
  <<: *base
  own: 3
alias: *base
? complex key
: value
block: |
  text
last: end
`;

test('a path leads to a key, an item, and through merges and aliases to where it is written', () => {
  const file = new SourceFile('a.yaml', TEXT);
  const at = (...path: PathKey[]) => {
    const { line, column } = file.positionOf(path);
    return `${line}:${column}`;
  };
  assert.equal(at('one'), '2:1');
  assert.equal(at('one', 'two'), '3:3');
  assert.equal(at('one', 'two', 0), '3:9');
  assert.equal(at('one', 'two', 1), '3:12');
  assert.equal(at('one', 'two', 2, 'three'), '3:18');
  assert.equal(at('merged', 'own'), '9:3');
  assert.equal(at('merged', 'kept'), '5:3');
  assert.equal(at('alias', 'shared', 'deep'), '6:12');
  assert.equal(at('complex key'), '11:3');
  assert.equal(at('last'), '15:1');
});

test('what does not exist is told at the nearest thing that does', () => {
  const file = new SourceFile('a.yaml', TEXT);
  assert.deepEqual(file.positionOf(['one', 'two', 7, 'x']), { file: 'a.yaml', line: 3, column: 3 });
  assert.deepEqual(new SourceFile('b.yaml', '{').positionOf(['x']), { file: 'b.yaml', line: 1, column: 1 });
});
