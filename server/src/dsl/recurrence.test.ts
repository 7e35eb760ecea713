import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRule, type Rule, upcoming } from './recurrence.js';

const since = new Date('2026-01-05T09:30:00Z'); // a Monday
const every = (
  recurrence: string | null,
  more: Partial<{ count: number; weekdays: string[] }> = {},
): Rule => ({
  recurrence,
  count: more.count ?? null,
  weekdays: more.weekdays ?? [],
});
const next = (rule: Rule, most = 3, after = new Date('2026-01-01T00:00:00Z'), until: Date | null = null) =>
  upcoming({ rule, since, until }, after, most).map((date) => date.toISOString().slice(0, 16));

const CASES: readonly (readonly [Rule, readonly string[]])[] = [
  [every(null, { count: 1 }), ['2026-01-05T09:30']],
  [every('2 hours'), ['2026-01-05T09:30', '2026-01-05T11:30', '2026-01-05T13:30']],
  [every('45 min'), ['2026-01-05T09:30', '2026-01-05T10:15', '2026-01-05T11:00']],
  [every('1d', { count: 2 }), ['2026-01-05T09:30', '2026-01-06T09:30']],
  [
    every('2 weeks', { weekdays: ['mo', 'fr'] }),
    ['2026-01-05T09:30', '2026-01-09T09:30', '2026-01-19T09:30'],
  ],
  [every('1 mo', { weekdays: ['2fr'] }), ['2026-01-09T09:30', '2026-02-13T09:30', '2026-03-13T09:30']],
  [every('1 month', { weekdays: ['l-sa'] }), ['2026-01-31T09:30', '2026-02-28T09:30', '2026-03-28T09:30']],
  [every('1 year'), ['2026-01-05T09:30', '2027-01-05T09:30', '2028-01-05T09:30']],
  [{ rrule: 'FREQ=DAILY;INTERVAL=3' }, ['2026-01-05T09:30', '2026-01-08T09:30', '2026-01-11T09:30']],
  [
    { rrule: 'RRULE:FREQ=MONTHLY;BYMONTHDAY=-1' },
    ['2026-01-31T09:30', '2026-02-28T09:30', '2026-03-31T09:30'],
  ],
  [{ rrule: 'FREQ=MONTHLY;BYMONTHDAY=31' }, ['2026-01-31T09:30', '2026-03-31T09:30', '2026-05-31T09:30']],
  [
    { rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29' },
    ['2028-02-29T09:30', '2032-02-29T09:30', '2036-02-29T09:30'],
  ],
  [{ rrule: 'FREQ=YEARLY;BYDAY=1MO' }, ['2026-01-05T09:30', '2027-01-04T09:30', '2028-01-03T09:30']],
  [
    { rrule: 'FREQ=WEEKLY;BYDAY=TU;BYHOUR=6,18;BYMINUTE=0' },
    ['2026-01-06T06:00', '2026-01-06T18:00', '2026-01-13T06:00'],
  ],
  [{ rrule: 'FREQ=DAILY;UNTIL=20260106T235959Z' }, ['2026-01-05T09:30', '2026-01-06T09:30']],
  [{ rrule: 'FREQ=HOURLY;BYHOUR=8;COUNT=2' }, ['2026-01-06T08:30', '2026-01-07T08:30']],
];

for (const [rule, expected] of CASES) {
  test(`${JSON.stringify(rule)} is due at ${expected.join(', ')}`, () =>
    assert.deepEqual(next(rule), expected));
}

test('counted occurrences are counted from the first, whenever it is asked', () => {
  assert.deepEqual(next(every('1 day', { count: 3 }), 9, new Date('2026-01-06T09:30:00Z')), [
    '2026-01-07T09:30',
  ]);
  assert.deepEqual(next(every('1 day', { count: 3 }), 9, new Date('2026-02-01T00:00:00Z')), []);
});

test('nothing is due after the end', () => {
  assert.deepEqual(next(every('1 day'), 9, since, new Date('2026-01-07T00:00:00Z')), ['2026-01-06T09:30']);
});

// The limit is there to find what looks through all time minute by minute.
test('what is never due is found out', { timeout: 120_000 }, () => {
  for (const rrule of [
    'FREQ=MINUTELY;INTERVAL=2;BYMINUTE=1',
    'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30',
    'FREQ=HOURLY;INTERVAL=24;BYHOUR=3',
    'FREQ=MINUTELY;INTERVAL=100000;BYHOUR=1;BYMINUTE=1',
  ]) {
    assert.deepEqual(upcoming({ rule: { rrule }, since, until: null }, since, 1), []);
  }
});

for (const rule of [
  every('2 fortnights'),
  every('0 days'),
  every(null),
  every(null, { count: 2 }),
  every('1 day', { count: 0 }),
  every('1 week', { weekdays: ['xx'] }),
  { rrule: 'FREQ=SECONDLY' },
  { rrule: 'INTERVAL=2' },
  { rrule: 'FREQ=DAILY;BYSETPOS=1' },
  { rrule: 'FREQ=DAILY;BYHOUR=24' },
  { rrule: 'FREQ=DAILY;COUNT=x' },
  { rrule: 'FREQ=DAILY;UNTIL=tomorrow' },
] as const) {
  test(`${JSON.stringify(rule)} is refused`, () => {
    assert.throws(() => checkRule(rule), { reason: 'schedule-rule-invalid' });
  });
}
