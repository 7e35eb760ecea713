import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Veil } from './veil.js';

function over(...values: Parameters<Veil['add']>[0][]): Veil {
  const veil = new Veil();
  for (const value of values) veil.add(value);
  return veil;
}

test('a value is hidden wherever it stands, as often as it does', () => {
  const veil = over('correct horse');
  assert.equal(veil.text('a correct horse, correct horse!'), 'a ********, ********!');
  assert.equal(veil.text('nothing of it'), 'nothing of it');
});

test('each line of a value is hidden, and its form within JSON', () => {
  const veil = over('-----BEGIN-----\nline one of it\n"quoted" end of it');
  assert.equal(veil.text('read: line one of it'), 'read: ********');
  assert.equal(
    veil.text('{"key":"-----BEGIN-----\\nline one of it\\n\\"quoted\\" end of it"}'),
    '{"key":"********"}',
  );
});

test('a value that holds another leaves nothing of itself', () => {
  assert.equal(over('secret', 'secret and more').text('secret and more'), '********');
  assert.equal(over('secret and more', 'secret').text('secret and more secret'), '******** ********');
});

test('of a structured value every text is hidden, and short ones are not', () => {
  const veil = over({ user: 'bob', password: 'swordfish', port: 1234567 });
  assert.equal(veil.text('bob swordfish 1234567'), 'bob ******** ********');
});

test('outcomes are hidden to their depth', () => {
  const veil = over('swordfish');
  assert.deepEqual(veil.outcome({ kind: 'done', result: { a: ['x swordfish'], swordfish: 1 } }), {
    kind: 'done',
    result: { a: ['x ********'], '********': 1 },
  });
  const causes = [{ type: 'E', message: 'swordfish', traceback: 'at swordfish' }];
  const failure = { type: 'ProcessException', message: 'said swordfish', retryable: true, causes };
  assert.ok(!JSON.stringify(veil.outcome({ kind: 'failed', failure })).includes('swordfish'));
});

test('whatever is said around it, the value does not come through', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (value, before, after) => {
      fc.pre(value.trim().length >= 6 && !'********'.includes(value));
      const hidden = over(value).text(`${before}${value}${after}`);
      assert.ok(!hidden.includes(value) || `${before}********${after}`.includes(value));
    }),
  );
});
