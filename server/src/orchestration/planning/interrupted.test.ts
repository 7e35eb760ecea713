import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterInterruption } from './interrupted.js';

describe('afterInterruption', () => {
  const cases = [
    ['asks the plugin where the operation is silent', null, true, 'run-again'],
    ['stops where the plugin says it would do harm', null, false, 'stop'],
    ['stops where nobody knows the function any more', null, null, 'stop'],
    ['believes the operation that it may run again', true, false, 'run-again'],
    ['believes the operation that it may not', false, true, 'stop'],
  ] as const;
  for (const [title, resumable, plugin, kind] of cases) {
    it(title, () => assert.deepEqual(afterInterruption({ resumable }, plugin), { kind }));
  }

  it('asks the plugin where the operation is not in the plan any more', () => {
    assert.deepEqual(afterInterruption(undefined, true), { kind: 'run-again' });
    assert.deepEqual(afterInterruption(undefined, null), { kind: 'stop' });
  });
});
