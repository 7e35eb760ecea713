import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame, LiveBlock } from './live.js';

test('a frame goes up to the top of the old block, clears, and draws lasting lines above the new block', () => {
  const table: [number, string[], string[], string][] = [
    [0, [], ['bar'], 'bar'],
    [0, ['event'], ['bar', 'run'], 'event\nbar\nrun'],
    [1, [], ['bar'], '\r\u001b[Jbar'],
    [2, ['event'], ['bar', 'run'], '\r\u001b[1A\u001b[Jevent\nbar\nrun'],
    [2, ['the end'], [], '\r\u001b[1A\u001b[Jthe end\n'],
  ];
  for (const [height, lasting, block, expected] of table)
    assert.equal(frame(height, lasting, block), expected);
});

test('nothing is written when nothing changed, and the cursor comes back at the end', () => {
  const written: string[] = [];
  const live = new LiveBlock({ write: (text) => written.push(text) });
  live.draw(['a']);
  live.draw(['a']);
  assert.equal(written.length, 1);
  assert.ok(written[0]?.includes('\u001b[?25l'));
  live.draw(['a'], ['event']);
  assert.equal(written.length, 2);
  live.close(['end']);
  assert.ok(written[2]?.endsWith('end\n\u001b[?25h'));
  live.close();
  assert.equal(written.length, 3);
});
