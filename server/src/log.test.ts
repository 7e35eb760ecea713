import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logTo } from './log.js';

function written(write: (log: ReturnType<typeof logTo>) => void): Record<string, never> & { err?: unknown } {
  const lines: string[] = [];
  write(logTo({ write: (line) => lines.push(line) }, 'info'));
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0]!);
}

test('a line is JSON with level and time by name', () => {
  const line = written((log) => log.info({ a: 1 }, 'said'));
  assert.deepEqual([line.level, line.a, line.msg], ['info', 1, 'said']);
  assert.match(line.time!, /^\d{4}-\d\d-\d\dT.*Z$/);
});

test('fields with telling names are masked, also inside', () => {
  const line = written((log) =>
    log.info(
      { password: 'hush', user: { token: 'hush', deep: { secret: 'hush' } }, databaseUrl: 'hush' },
      'said',
    ),
  );
  assert.doesNotMatch(JSON.stringify(line), /hush/);
});

test('an error shows type, code, stack and causes, and nothing else it carries', () => {
  const error = Object.assign(
    new Error('cannot reach postgres://me:hush@here/db', { cause: new Error('why') }),
    {
      code: '23505',
      detail: 'Key (email)=(hush) already exists',
    },
  );
  const line = written((log) => log.error({ err: error }, 'said'));
  assert.doesNotMatch(JSON.stringify(line), /hush/);
  const { type, code, cause } = line.err as { type: string; code: string; cause: { message: string } };
  assert.deepEqual([type, code, cause.message], ['Error', '23505', 'why']);
});
