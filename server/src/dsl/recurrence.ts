/**
 * When a schedule is due: "every two weeks on Monday and Friday", or a recurrence rule of RFC 5545. Pure; all times are UTC.
 *
 * Of RFC 5545: FREQ from MINUTELY to YEARLY, INTERVAL, COUNT, UNTIL, WKST, BYMONTH, BYMONTHDAY, BYDAY with ordinals, BYHOUR, BYMINUTE,
 * BYSECOND. What is left out (SECONDLY, BYWEEKNO, BYYEARDAY, BYSETPOS) is refused when the rule is given.
 *
 * Always holds: a question ends. Days are looked at one by one, at most forty years of them, and occurrences are counted up to a
 * bound. The library for such rules was tried and rejected: with minutes that its interval never meets it never ended.
 */
import { DomainError } from '../errors.js';

export type Rule =
  | {
      readonly recurrence: string | null;
      readonly count: number | null;
      readonly weekdays: readonly string[];
    }
  | { readonly rrule: string };

type Unit = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year';

interface Pattern {
  readonly unit: Unit;
  readonly interval: number;
  /** null: without end. */
  readonly count: number | null;
  readonly until: number | null;
  /** 0: Monday. */
  readonly weekStart: number;
  readonly months: readonly number[];
  readonly monthDays: readonly number[];
  readonly days: readonly { readonly day: number; readonly nth: number | null }[];
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
  readonly seconds: readonly number[];
}

export interface Recurrence {
  readonly rule: Rule;
  readonly since: Date;
  readonly until: Date | null;
}

const DAY = 86_400_000;
/** Days that are looked at before a rule counts as never due again. */
const MOST_DAYS = 40 * 366;
const MOST_COUNT = 100_000;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const UNITS: readonly (readonly [RegExp, Unit])[] = [
  [/^min(ute)?s?$/, 'minute'],
  [/^h(ours?)?$/, 'hour'],
  [/^d(ays?)?$/, 'day'],
  [/^w(k|eeks?)?$/, 'week'],
  [/^mo(nths?)?$/, 'month'],
  [/^y(ears?)?$/, 'year'],
];
const EMPTY = { months: [], monthDays: [], hours: [], minutes: [], seconds: [] };

/** @throws DomainError `invalid` (`schedule-rule-invalid`) */
export function checkRule(rule: Rule): void {
  patternOf(rule);
}

/** The first times after `after`, at most `most`. */
export function upcoming({ rule, since, until }: Recurrence, after: Date, most: number): Date[] {
  const pattern = patternOf(rule);
  const found: Date[] = [];
  const end = Math.min(
    until?.getTime() ?? Number.POSITIVE_INFINITY,
    pattern.until ?? Number.POSITIVE_INFINITY,
  );
  // Where occurrences are counted they are counted from the first.
  const from = pattern.count === null ? Math.max(since.getTime(), after.getTime()) : since.getTime();
  let counted = 0;
  for (let day = startOfDay(from), looked = 0; looked < MOST_DAYS && day <= end; day += DAY, looked += 1) {
    if (!dayFits(pattern, since, day)) continue;
    for (const time of timesOf(pattern, since, day)) {
      if (time < since.getTime()) continue;
      if (time > end) return found;
      counted += 1;
      if (time > after.getTime()) found.push(new Date(time));
      if (found.length >= most || (pattern.count !== null && counted >= pattern.count)) return found;
    }
  }
  return found;
}

function patternOf(rule: Rule): Pattern {
  return 'rrule' in rule ? patternOfRrule(rule.rrule) : patternOfWords(rule);
}

function patternOfWords({ recurrence, count, weekdays }: Exclude<Rule, { rrule: string }>): Pattern {
  if (count !== null && (!Number.isInteger(count) || count < 1 || count > MOST_COUNT)) {
    throw invalid(`the count must be a whole number from 1 to ${MOST_COUNT}`);
  }
  if (recurrence === null) {
    if (count !== 1) throw invalid('without a recurrence the count must be 1');
    return { ...EMPTY, unit: 'day', interval: 1, count: 1, until: null, weekStart: 0, days: [] };
  }
  const match = /^\s*(\d{1,6})\s*([a-z]+)\s*$/i.exec(recurrence);
  const unit = UNITS.find(([form]) => form.test(match?.[2]?.toLowerCase() ?? ''))?.[1];
  const interval = Number(match?.[1]);
  if (unit === undefined || interval < 1) {
    throw invalid(
      `\`${recurrence.slice(0, 50)}\` is not a legal recurrence: <number> minutes|hours|days|weeks|months|years`,
    );
  }
  const days = weekdays.map((text) => weekdayOf(text.replace(/^l-?/i, '-1')));
  return { ...EMPTY, unit, interval, count, until: null, weekStart: 0, days };
}

function weekdayOf(text: string): { day: number; nth: number | null } {
  const match = /^([+-]?\d{1,2})?-?(MO|TU|WE|TH|FR|SA|SU)$/i.exec(text.trim());
  const nth = match?.[1] === undefined ? null : Number(match[1]);
  if (match === null || nth === 0 || Math.abs(nth ?? 1) > 53) {
    throw invalid(
      `\`${text.slice(0, 20)}\` is no weekday: mo, tu, we, th, fr, sa, su, with a number or \`l-\` before it`,
    );
  }
  return { day: WEEKDAYS.indexOf(match[2]!.toUpperCase()), nth };
}

const FREQ: Readonly<Record<string, Unit>> = {
  MINUTELY: 'minute',
  HOURLY: 'hour',
  DAILY: 'day',
  WEEKLY: 'week',
  MONTHLY: 'month',
  YEARLY: 'year',
};

function patternOfRrule(text: string): Pattern {
  if (text.length > 1000) throw invalid('a recurrence rule has at most 1000 characters');
  const parts = new Map<string, string>();
  for (const part of text
    .trim()
    .replace(/^RRULE:/i, '')
    .split(';')
    .filter((one) => one !== '')) {
    const [name = '', value = '', ...more] = part.split('=');
    if (value === '' || more.length > 0) throw invalid(`\`${part.slice(0, 50)}\` is not NAME=VALUE`);
    parts.set(name.trim().toUpperCase(), value.trim().toUpperCase());
  }
  const take = (name: string) => {
    const value = parts.get(name);
    parts.delete(name);
    return value;
  };
  const unit = FREQ[take('FREQ') ?? ''];
  if (unit === undefined) throw invalid(`FREQ must be one of ${Object.keys(FREQ).join(', ')}`);
  const numbers = (name: string, least: number, most: number): number[] =>
    (take(name)?.split(',') ?? []).map((one) => {
      const number = Number(one);
      const fits =
        /^[+-]?\d{1,3}$/.test(one) &&
        Math.abs(number) <= most &&
        number >= least &&
        (least >= 0 || number !== 0);
      if (!fits) throw invalid(`\`${one.slice(0, 20)}\` cannot stand in ${name}`);
      return number;
    });
  const whole = (name: string, most: number): number | null => {
    const value = take(name);
    if (value === undefined) return null;
    if (!/^\d{1,6}$/.test(value) || Number(value) < 1 || Number(value) > most) {
      throw invalid(`${name} must be a whole number from 1 to ${most}`);
    }
    return Number(value);
  };
  const until = take('UNTIL');
  const pattern: Pattern = {
    unit,
    interval: whole('INTERVAL', 100_000) ?? 1,
    count: whole('COUNT', MOST_COUNT),
    until: until === undefined ? null : untilOf(until),
    weekStart: weekdayOf(take('WKST') ?? 'MO').day,
    months: numbers('BYMONTH', 1, 12),
    monthDays: numbers('BYMONTHDAY', -31, 31),
    days: (take('BYDAY')?.split(',') ?? []).map(weekdayOf),
    hours: numbers('BYHOUR', 0, 23),
    minutes: numbers('BYMINUTE', 0, 59),
    seconds: numbers('BYSECOND', 0, 59),
  };
  if (parts.size > 0) throw invalid(`not understood: ${[...parts.keys()].join(', ').slice(0, 100)}`);
  return pattern;
}

function untilOf(text: string): number {
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})Z?)?$/.exec(text);
  if (match === null) throw invalid(`UNTIL must be of the form 20260131T120000Z`);
  const [year, month, day, hour = 23, minute = 59, second = 59] = match
    .slice(1)
    .map((one) => (one === undefined ? undefined : Number(one)));
  return Date.UTC(year!, month! - 1, day!, hour, minute, second);
}

/** Whether something may be due on a day, whatever the time. */
function dayFits(
  { unit, interval, weekStart, months, monthDays, days }: Pattern,
  since: Date,
  day: number,
): boolean {
  const date = new Date(day);
  const first = startOfDay(since.getTime());
  const month = date.getUTCMonth();
  const monthDay = date.getUTCDate();
  switch (unit) {
    case 'day':
      if (((day - first) / DAY) % interval !== 0) return false;
      break;
    case 'week': {
      const week = (time: number) => Math.floor((time / DAY + 3 - weekStart) / 7);
      if ((week(day) - week(first)) % interval !== 0) return false;
      if (days.length === 0 && weekday(day) !== weekday(first)) return false;
      break;
    }
    case 'month': {
      const index = (one: Date) => one.getUTCFullYear() * 12 + one.getUTCMonth();
      if ((index(date) - index(since)) % interval !== 0) return false;
      if (days.length + monthDays.length === 0 && monthDay !== since.getUTCDate()) return false;
      break;
    }
    case 'year':
      if ((date.getUTCFullYear() - since.getUTCFullYear()) % interval !== 0) return false;
      if (days.length + monthDays.length === 0) {
        if (monthDay !== since.getUTCDate()) return false;
        if (months.length === 0 && month !== since.getUTCMonth()) return false;
      }
  }
  if (months.length > 0 && !months.includes(month + 1)) return false;
  const length = new Date(Date.UTC(date.getUTCFullYear(), month + 1, 0)).getUTCDate();
  if (monthDays.length > 0 && !monthDays.some((one) => (one > 0 ? one : length + 1 + one) === monthDay))
    return false;
  return (
    days.length === 0 ||
    days.some(
      (one) =>
        one.day === weekday(day) && nthFits(one.nth, date, length, unit === 'year' && months.length === 0),
    )
  );
}

/** The n-th of its weekday in the month, or in the year; from the end where negative. */
function nthFits(nth: number | null, date: Date, monthLength: number, inYear: boolean): boolean {
  if (nth === null) return true;
  const year = date.getUTCFullYear();
  const place = inYear ? (startOfDay(date.getTime()) - Date.UTC(year, 0, 1)) / DAY : date.getUTCDate() - 1;
  const length = inYear ? (Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1)) / DAY : monthLength;
  return nth > 0 ? Math.floor(place / 7) + 1 === nth : Math.floor((length - 1 - place) / 7) + 1 === -nth;
}

/** The times of a day that fits, in order. */
function* timesOf(
  { unit, interval, hours, minutes, seconds }: Pattern,
  since: Date,
  day: number,
): Generator<number> {
  const inOrder = (given: readonly number[], usual: number) =>
    given.length === 0 ? [usual] : [...given].sort((a, b) => a - b);
  const second = inOrder(seconds, since.getUTCSeconds());
  const part = since.getTime() % 1000;
  if (unit === 'minute' || unit === 'hour') {
    const step = (unit === 'minute' ? 60_000 : 3_600_000) * interval;
    const base =
      unit === 'minute'
        ? Math.floor(since.getTime() / 60_000) * 60_000
        : Math.floor(since.getTime() / 3_600_000) * 3_600_000;
    const begin = base + Math.ceil((day - base) / step) * step;
    for (let time = begin; time < day + DAY; time += step) {
      const at = new Date(time);
      if (hours.length > 0 && !hours.includes(at.getUTCHours())) continue;
      if (unit === 'minute' && minutes.length > 0 && !minutes.includes(at.getUTCMinutes())) continue;
      const within = unit === 'minute' ? [0] : inOrder(minutes, since.getUTCMinutes());
      for (const minute of within)
        for (const each of second) yield time + minute * 60_000 + each * 1000 + part;
    }
    return;
  }
  for (const hour of inOrder(hours, since.getUTCHours())) {
    for (const minute of inOrder(minutes, since.getUTCMinutes())) {
      for (const each of second) yield day + hour * 3_600_000 + minute * 60_000 + each * 1000 + part;
    }
  }
}

function startOfDay(time: number): number {
  return Math.floor(time / DAY) * DAY;
}

/** 0: Monday. The first of January 1970 was a Thursday. */
function weekday(time: number): number {
  return (((Math.floor(time / DAY) + 3) % 7) + 7) % 7;
}

function invalid(why: string): DomainError {
  return new DomainError('invalid', 'schedule-rule-invalid', `Invalid schedule: ${why}`);
}
