import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultSchedule, defaultSchedules } from './default-schedules.js';

const NOW = new Date('2030-01-31T10:00:00Z');
const since = (text: string, more: object = {}) =>
  defaultSchedule('s', { workflow: 'w', since: text, ...more }, NOW).since.toISOString();

describe('the first time of a default schedule', () => {
  for (const [text, more, moment] of [
    ['2031-05-06 07:08:09', {}, '2031-05-06T07:08:09.000Z'],
    ['2031-05-06T07:08', {}, '2031-05-06T07:08:00.000Z'],
    ['2031-05-06', {}, '2031-05-06T00:00:00.000Z'],
    ['2031-05-06 07:08:09+02:00', {}, '2031-05-06T05:08:09.000Z'],
    ['2031-05-06 07:08', { timezone: 'Europe/Berlin' }, '2031-05-06T05:08:00.000Z'],
    ['2031-01-06 07:08', { timezone: 'Europe/Berlin' }, '2031-01-06T06:08:00.000Z'],
    ['2031-01-06 20:00', { timezone: 'America/New_York' }, '2031-01-07T01:00:00.000Z'],
    ['+4 hours', {}, '2030-01-31T14:00:00.000Z'],
    ['+2 weeks', {}, '2030-02-14T10:00:00.000Z'],
    ['+1 month', {}, '2030-02-28T10:00:00.000Z'],
    ['+ 1 y', {}, '2031-01-31T10:00:00.000Z'],
  ] as const) {
    test(`${text} ${JSON.stringify(more)} is ${moment}`, () => assert.equal(since(text, more), moment));
  }

  for (const text of [
    'soon',
    '1 day',
    '+1 fortnight',
    '2030-02-31',
    '2030-01-01 25:00',
    '+999999 days',
    '+9000 years',
  ]) {
    test(`${text} is none`, () => assert.throws(() => since(text), { reason: 'schedule-rule-invalid' }));
  }
});

test('without a recurrence it starts once, and with one without end', () => {
  const rule = (more: object) => defaultSchedule('s', { workflow: 'w', since: '+1 day', ...more }, NOW).rule;
  assert.deepEqual(rule({}), { recurrence: null, count: 1, weekdays: [] });
  assert.deepEqual(rule({ recurrence: '2 days' }), { recurrence: '2 days', count: null, weekdays: [] });
  assert.throws(() => rule({ recurrence: 'often' }), { reason: 'schedule-rule-invalid' });
});

test('its name can be that of a schedule', () => {
  for (const name of ['', 'x'.repeat(257), 'a\u0000b']) {
    assert.throws(() => defaultSchedule(name, { workflow: 'w', since: '+1 day' }, NOW), /name must have/);
  }
});

test('settings without schedules have none', () => {
  assert.deepEqual(defaultSchedules({}, NOW), []);
  assert.deepEqual(defaultSchedules({ default_schedules: null }, NOW), []);
});
