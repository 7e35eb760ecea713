import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Together } from './together.js';

/** Work that begins and ends when it is told to. */
function byHand() {
  const asked: { begin(): void; end(value: string): void; fail(error: Error): void }[] = [];
  const work = (begins: () => void) =>
    new Promise<string>((resolve, reject) => {
      asked.push({ begin: begins, end: resolve, fail: reject });
    });
  return { asked, work };
}

describe('who asks the same', () => {
  it('is answered together while nobody has begun, and alone afterwards', async () => {
    const together = new Together();
    const { asked, work } = byHand();
    const early = [together.join('a', work), together.join('a', work), together.join('b', work)];
    assert.equal(asked.length, 2);
    asked[0]!.begin();
    const late = together.join('a', work);
    assert.equal(asked.length, 3, 'what has begun may have looked already');
    asked[0]!.end('before');
    asked[1]!.end('other');
    asked[2]!.end('after');
    assert.deepEqual(await Promise.all([...early, late]), ['before', 'before', 'other', 'after']);
  });

  it('is answered alone where the answer begins at once', async () => {
    const together = new Together();
    let count = 0;
    const work = async (begins: () => void) => {
      begins();
      count += 1;
      return count;
    };
    assert.deepEqual(await Promise.all([together.join('a', work), together.join('a', work)]), [1, 2]);
  });

  it('fails together, and the next one tries anew', async () => {
    const together = new Together();
    const { asked, work } = byHand();
    const both = [together.join('a', work), together.join('a', work)];
    asked[0]!.fail(new Error('away'));
    for (const one of await Promise.allSettled(both)) assert.equal(one.status, 'rejected');
    const next = together.join('a', work);
    asked[1]!.end('back');
    assert.equal(await next, 'back');
  });
});
