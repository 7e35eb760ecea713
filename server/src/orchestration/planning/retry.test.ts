import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import { afterAgain, afterFailure, asksAgain, retryLimits } from './retry.js';

const FAILURE: TaskFailure = { type: 'ProcessException', message: 'no', retryable: true, causes: [] };
const FINAL = { kind: 'final' };

describe('afterFailure', () => {
  it('retries until the retries are used up, after the interval', () => {
    const after = (failedAttempts: number, maxRetries: number) =>
      afterFailure({ failure: FAILURE, failedAttempts, maxRetries, retryInterval: 15 });
    const retry = { kind: 'retry', afterSeconds: 15 };
    assert.deepEqual(after(1, 2), retry);
    assert.deepEqual(after(2, 2), retry);
    assert.deepEqual(after(3, 2), FINAL);
    assert.deepEqual(after(1, 0), FINAL);
    assert.deepEqual(after(1_000_000, -1), retry);
  });

  it('gives up at once where trying again cannot help', () => {
    const failure = { ...FAILURE, retryable: false, retryAfter: 1 };
    assert.deepEqual(afterFailure({ failure, failedAttempts: 1, maxRetries: -1, retryInterval: 15 }), FINAL);
  });

  it('waits as long as the failure asks, even not at all', () => {
    for (const retryAfter of [0, 300]) {
      assert.deepEqual(
        afterFailure({
          failure: { ...FAILURE, retryAfter },
          failedAttempts: 1,
          maxRetries: 1,
          retryInterval: 15,
        }),
        { kind: 'retry', afterSeconds: retryAfter },
      );
    }
  });
});

describe('afterAgain', () => {
  it('counts like a failure and waits as long as asked', () => {
    const after = (failedAttempts: number, seconds: number | null) =>
      afterAgain({ after: seconds, failedAttempts, maxRetries: 1, retryInterval: 15 });
    assert.deepEqual(after(1, 5), { kind: 'retry', afterSeconds: 5 });
    assert.deepEqual(after(1, null), { kind: 'retry', afterSeconds: 15 });
    assert.deepEqual(after(2, 5), FINAL);
  });
});

describe('retryLimits', () => {
  it('takes the numbers of the call before those of the operation, and those before the system', () => {
    const system = { maxRetries: 60, retryInterval: 15 };
    assert.deepEqual(retryLimits({}, { maxRetries: null, retryInterval: null }, system), system);
    assert.deepEqual(retryLimits({}, { maxRetries: 0, retryInterval: 0 }, system), {
      maxRetries: 0,
      retryInterval: 0,
    });
    assert.deepEqual(retryLimits({ maxRetries: 0 }, { maxRetries: -1, retryInterval: null }, system), {
      maxRetries: 0,
      retryInterval: 15,
    });
  });
});

describe('asksAgain', () => {
  it('only holds for calls that wait for a truthy result, and for what Python calls false', () => {
    const empty: Json[] = [null, false, 0, '', [], {}];
    const full: Json[] = [true, 1, 'no', [0], { a: null }];
    for (const result of empty) assert.equal(asksAgain({ until: 'truthy' }, result), true);
    for (const result of full) assert.equal(asksAgain({ until: 'truthy' }, result), false);
    for (const result of empty) assert.equal(asksAgain({}, result), false);
  });
});
