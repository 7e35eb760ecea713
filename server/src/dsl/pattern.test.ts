import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './pattern.js';

function matches(source: string, text: string): boolean {
  const pattern = compilePattern(source);
  if ('problem' in pattern) throw new Error(`${source}: ${pattern.problem}`);
  return pattern.matches(text);
}

test('patterns in Python’s spelling match from the start of the text', () => {
  const cases: [string, string, boolean][] = [
    ['ab', 'abc', true],
    ['b', 'abc', false],
    ['ab$', 'abc', false],
    ['ab$', 'ab\n', true],
    ['ab\\Z', 'ab\n', false],
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'my-name-1', true],
    ['^[a-z0-9]([-a-z0-9]*[a-z0-9])?$', 'my-name-', false],
    ['(\\d{1,3}\\.){3}\\d{1,3}$', '10.0.200.1', true],
    ['(\\d{1,3}\\.){3}\\d{1,3}$', '10.0.2001.1', false],
    ['(?=.*[A-Z])(?=.*\\d).{8,}$', 'Password1', true],
    ['(?=.*[A-Z])(?=.*\\d).{8,}$', 'password1', false],
    ['(?!admin)\\w+$', 'root', true],
    ['(?!admin)\\w+$', 'admin', false],
    ['(?i)yes|no', 'NO', true],
    ['(?P<name>a|b)+c', 'abac', true],
    ['[^]a]', 'b', true],
    ['[^]a]', ']', false],
    ['[\\w.-]+@[\\w.-]+\\.\\w{2,}$', 'a.b@c.org', true],
    ['\\bword\\b', 'word.', true],
    ['a{2}', 'a', false],
    ['a{,2}b', 'aab', true],
    ['a{2,}b', 'ab', false],
    ['x{a}', 'x{a}', true],
    ['.', '\n', false],
    ['(?s).', '\n', true],
    ['\\x41\\u0042', 'AB', true],
    ['(a*)*b', 'aaab', true],
    ['', 'anything', true],
  ];
  for (const [source, text, expected] of cases)
    assert.equal(matches(source, text), expected, `${source} on ${text}`);
});

test('what is no pattern, or cannot be matched in bounded time, is refused with a reason', () => {
  const cases: [string, RegExp][] = [
    ['(', /unterminated group/],
    [')', /unmatched/],
    ['[a', /unterminated character set/],
    ['*a', /nothing to repeat/],
    ['a**', /multiple repeat/],
    ['(a)\\1', /backreferences/],
    ['(?<=a)b', /lookbehind/],
    ['[z-a]', /bad character range/],
    ['a{3,2}', /min repeat/],
    ['((a{100}){100}){100}', /too large/],
    ['\\q', /bad escape/],
    ['('.repeat(1000), /too deeply/],
  ];
  for (const [source, expected] of cases) {
    const result = compilePattern(source);
    assert.ok('problem' in result, source);
    assert.match(result.problem, expected);
  }
});

test('patterns that keep a backtracking matcher busy for ever are answered at once', () => {
  const start = performance.now();
  const text = `${'a'.repeat(9_000)}!`;
  for (const source of ['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*)*x', '(?=(a+)+$)a', '((?=a*b)a)*']) {
    assert.equal(matches(`${source}$`, text), false, source);
  }
  assert.ok(performance.now() - start < 10_000);
});

/** Patterns that both matchers read the same way. */
const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
  pattern: fc.array(tie('piece'), { maxLength: 4 }).map((pieces) => pieces.join('')),
  piece: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '\\b', '^', '$'),
    tie('pattern').map((inner) => `(${inner})`),
    tie('pattern').map((inner) => `(?:${inner})?`),
    tie('pattern').map((inner) => `(?=${inner})`),
    tie('pattern').map((inner) => `(?!${inner})`),
    fc.tuple(tie('pattern'), tie('pattern')).map(([one, two]) => `(?:${one}|${two})`),
    fc
      .tuple(
        fc.constantFrom('a', '[ab]', '(ab)', '(a|b)'),
        fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '*?'),
      )
      .map((both) => both.join('')),
  ),
}));

test('the matcher agrees with the JavaScript one where both can', () => {
  fc.assert(
    fc.property(
      pattern,
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', ' '), maxLength: 8 }),
      (source, text) => {
        assert.equal(
          matches(source, text),
          new RegExp(`^(?:${source})`).test(text),
          `${source} on ${JSON.stringify(text)}`,
        );
      },
    ),
    { numRuns: 3000 },
  );
});
