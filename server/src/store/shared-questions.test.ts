import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedQuestions } from './shared-questions.js';

/** A question that is answered when the test says so. */
function byHand() {
  const asked: { answer(value: string): void; fail(error: Error): void }[] = [];
  const question = () =>
    new Promise<string>((resolve, reject) => {
      asked.push({ answer: resolve, fail: reject });
    });
  return { asked, question };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('who asks the same while it is under way', () => {
  it('shares the next question, and is told nothing older than their own', async () => {
    const shared = new SharedQuestions(60_000);
    const { asked, question } = byHand();
    const first = shared.ask('a', question);
    const late = [shared.ask('a', question), shared.ask('a', question)];
    assert.equal(asked.length, 1);
    asked[0]!.answer('before');
    assert.equal(await first, 'before');
    await turn();
    assert.equal(asked.length, 2, 'one question for both who came late');
    const latest = shared.ask('a', question);
    asked[1]!.answer('after');
    assert.deepEqual(await Promise.all(late), ['after', 'after']);
    await turn();
    asked[2]!.answer('at last');
    assert.equal(await latest, 'at last');
  });

  it('waits for nobody who asks something else, nor for what is over', async () => {
    const shared = new SharedQuestions(60_000);
    const { asked, question } = byHand();
    const both = [shared.ask('a', question), shared.ask('b', question)];
    assert.equal(asked.length, 2);
    for (const one of asked) one.answer('told');
    await Promise.all(both);
    void shared.ask('a', question);
    assert.equal(asked.length, 3);
    asked[2]!.answer('told');
  });

  it('is not told of the failure of the one before, but of that of their own', async () => {
    const shared = new SharedQuestions(60_000);
    const { asked, question } = byHand();
    const first = shared.ask('a', question);
    const second = shared.ask('a', question);
    asked[0]!.fail(new Error('away'));
    await assert.rejects(first, /away/);
    await turn();
    const third = shared.ask('a', question);
    asked[1]!.fail(new Error('still away'));
    await assert.rejects(second, /still away/);
    await turn();
    asked[2]!.answer('back');
    assert.equal(await third, 'back');
  });

  it('is not held up by one that is slow', async () => {
    const shared = new SharedQuestions(1);
    const { asked, question } = byHand();
    const slow = shared.ask('a', question);
    const quick = shared.ask('a', async () => 'quick');
    assert.equal(await quick, 'quick');
    asked[0]!.answer('slow');
    assert.equal(await slow, 'slow');
  });
});
