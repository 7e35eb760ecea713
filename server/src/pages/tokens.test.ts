/** Colours that pages are drawn with can be told apart from what they stand on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COLOURS, STATES, TINT, TOKENS } from './tokens.js';

type Channels = readonly [number, number, number];

function channels(hex: string): Channels {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Channels;
}

function mixed(colour: Channels, ground: Channels, part: number): Channels {
  return colour.map((each, at) => each * part + ground[at]! * (1 - part)) as unknown as Channels;
}

function luminance(colour: Channels): number {
  const [red, green, blue] = colour.map((each) => {
    const part = each / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as unknown as Channels;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Channels, other: Channels): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

for (const theme of ['light', 'dark'] as const) {
  const colour = (name: string) => channels(COLOURS[name]![theme]);

  test(`${theme}: text is at least 4.5:1 on every ground`, () => {
    for (const text of ['fg', 'muted']) {
      for (const ground of ['canvas', 'surface', 'sub']) {
        assert.ok(contrast(colour(text), colour(ground)) >= 4.5, `${text} on ${ground}`);
      }
    }
    assert.ok(contrast(colour('on-accent'), colour('accent')) >= 4.5);
    assert.ok(contrast(colour('accent'), colour('surface')) >= 4.5);
    for (const state of STATES) {
      const tint = mixed(colour(state), colour('surface'), TINT[theme]);
      assert.ok(contrast(colour(state), colour('surface')) >= 4.5, state);
      assert.ok(contrast(colour(state), tint) >= 4.5, `${state} on its tint`);
    }
  });

  test(`${theme}: borders of controls are at least 3:1`, () => {
    for (const ground of ['canvas', 'surface', 'sub']) {
      assert.ok(contrast(colour('control'), colour(ground)) >= 3, ground);
    }
  });
}

test('the chosen theme overrules the system in both directions', () => {
  assert.match(TOKENS, /:root:not\(\[data-theme=light\]\)\{color-scheme:dark/);
  assert.match(TOKENS, /:root\[data-theme=dark\]\{color-scheme:dark/);
});
