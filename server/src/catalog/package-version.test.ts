import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareVersions, newest, parseRange, parseVersion } from './package-version.js';

/** In the order that PEP 440 gives them; each line is older than the next. */
const ORDERED = [
  '0.9',
  '1.0.dev1',
  '1.0a1.dev1',
  '1.0a1',
  '1.0a2',
  '1.0b1',
  '1.0rc1',
  '1.0',
  '1.0+abc.5',
  '1.0+abc.7',
  '1.0+5',
  '1.0.post1.dev2',
  '1.0.post1',
  '1.0.1',
  '1.1',
  '1.10',
  '2.0',
  '2020.1',
  '1!0.1',
];

describe('versions of packages', () => {
  test('have the order of PEP 440', () => {
    for (const [i, left] of ORDERED.entries()) {
      for (const [j, right] of ORDERED.entries()) {
        const order = compareVersions(parseVersion(left)!, parseVersion(right)!);
        assert.equal(Math.sign(order), Math.sign(i - j), `${left} and ${right}`);
      }
    }
  });

  for (const [same, as] of [
    ['1.0', '1'],
    ['v1.0', '1.0.0'],
    ['1.0-1', '1.0.post1'],
    ['1.0.REV3', '1.0.post3'],
    ['1.0alpha', '1.0a0'],
    ['1.0-pre2', '1.0rc2'],
    ['1.0_c3', '1.0rc3'],
    ['1.0dev', '1.0.dev0'],
    ['1.0+Ubuntu-1', '1.0+ubuntu.1'],
  ] as const) {
    test(`${same} is ${as}`, () => {
      assert.equal(compareVersions(parseVersion(same)!, parseVersion(as)!), 0);
    });
  }

  test('are nothing else', () => {
    for (const text of ['', 'latest', '1.', '1..2', '1.0-', '1.0+', '1.0 beta', `${'1.'.repeat(120)}1`]) {
      assert.equal(parseVersion(text), null, text);
    }
  });

  test('any text is read in no time', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.!-_+abcrpostdev>=<~,* ') }), (text) => {
        parseVersion(text);
        parseRange(text)?.admits('1.0');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a range of versions', () => {
  for (const [range, admitted, refused] of [
    ['>=1.0,<2', ['1.0', '1.9.9', '1.0.post1'], ['0.9', '2', '2.0rc1', '2.0.1']],
    ['>1.7', ['1.7.1', '1.8'], ['1.7', '1.7.post1', '1.7.0', '1.7+local']],
    ['>1.7.post2', ['1.7.post3'], ['1.7.post2']],
    ['<2.0rc2', ['2.0rc1', '1.9'], ['2.0rc2', '2.0']],
    ['<=1.0', ['1.0', '1.0+local', '0.1'], ['1.0.1', '1.0.post1']],
    ['==1.4', ['1.4', '1.4.0', '1.4+local'], ['1.4.1', '1.4a1']],
    ['==1.4+a', ['1.4+a'], ['1.4', '1.4+b']],
    ['==1.4.*', ['1.4', '1.4.9', '1.4a1'], ['1.5', '1.40']],
    ['!=1.4.*', ['1.5', '1.40'], ['1.4', '1.4.9']],
    ['!=1.4', ['1.5'], ['1.4', '1.4.0']],
    ['~=1.4.5', ['1.4.5', '1.4.9'], ['1.5', '1.4.4', '2.0']],
    ['~=1.4', ['1.4', '1.9'], ['2.0', '1.3']],
    ['===1.0', ['1.0'], ['1.0.0']],
    ['1.0', ['1.0'], ['1.0.0', '1.0.1']],
    ['===not-a-version', ['NOT-a-version'], ['1.0']],
    [' >= 1.0 , != 1.5 ', ['1.4'], ['1.5', '0.9', 'not-a-version']],
  ] as const) {
    test(`${range} admits ${admitted.join(', ')} and not ${refused.join(', ')}`, () => {
      const parsed = parseRange(range)!;
      assert.deepEqual(
        [...admitted, ...refused].filter((version) => parsed.admits(version)),
        admitted,
      );
    });
  }

  for (const range of ['', '>=', '>= x', '=>1', '~=1', '>=1.*', '>=1,,<2', '1 2', '>1 <2']) {
    test(`"${range}" is none`, () => assert.equal(parseRange(range), null));
  }
});

describe('the newest', () => {
  const pick = (versions: string[], range: string | null) =>
    newest(versions, (version) => version, range === null ? null : parseRange(range));

  test('is chosen by order and not by text, among those that fit', () => {
    assert.equal(pick(['1.9', '1.10', '1.2', '2.0'], '<2'), '1.10');
    assert.equal(pick(['1.9', '2.0rc1'], null), '2.0rc1');
    assert.equal(pick(['1.9'], '>2'), null);
    assert.equal(pick([], null), null);
  });

  test('is none before a final release, unless that is asked for or all there is', () => {
    assert.equal(pick(['1.9', '2.0rc1'], '>=1'), '1.9');
    assert.equal(pick(['1.9', '2.0rc1'], '>=2.0rc1'), '2.0rc1');
    assert.equal(pick(['1.9', '2.0rc1'], '>=1.9.1'), '2.0rc1');
  });

  test('what is no version comes behind all versions, and the first of equals is taken', () => {
    assert.equal(pick(['nightly', '0.1', 'zzz'], null), '0.1');
    assert.equal(pick(['nightly', 'zzz'], null), 'nightly');
    assert.equal(pick(['1.0', '1.0.0'], '>=1'), '1.0');
  });
});
