/**
 * `deployment_settings.default_schedules`: the schedules that a deployment is born with (cloudify-engine.md, part 2). Pure.
 *
 * `since` and `until` are a time, in `timezone` or else UTC, or `+2 days`, counted from when the deployment is made.
 */
import { DomainError } from '../errors.js';
import { isObject } from './json.js';
import type { Json, JsonObject } from './plan.js';
import { checkRule, type Rule } from './recurrence.js';

export interface DefaultSchedule {
  readonly id: string;
  readonly workflow: string;
  readonly parameters: JsonObject;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly allowCustomParameters: boolean;
  /** Seconds; absent: what the workflow's executions wait anyway. */
  readonly waitAfterFail?: number;
  readonly rule: Rule;
  readonly since: Date;
  readonly until: Date | null;
  /** Minutes. */
  readonly slip: number;
  readonly stopOnFail: boolean;
  readonly enabled: boolean;
}

/** Those of a `deployment_settings` section. Throws as `defaultSchedule`. */
export function defaultSchedules(settings: JsonObject, now: Date): DefaultSchedule[] {
  const all = settings.default_schedules;
  if (!isObject(all)) return [];
  return Object.entries(all).flatMap(([id, each]) =>
    isObject(each) ? [defaultSchedule(id, each, now)] : [],
  );
}

/** @throws DomainError `invalid` (`schedule-rule-invalid`) telling what is wrong with its times or its recurrence */
export function defaultSchedule(id: string, given: JsonObject, now: Date): DefaultSchedule {
  const { recurrence, count, weekdays, timezone, until, slip } = given;
  if (id === '' || id.length > LONGEST_NAME || /\p{Cc}/u.test(id)) {
    throw invalid(`its name must have 1 to ${LONGEST_NAME} characters, and no control characters`);
  }
  const zone = typeof timezone === 'string' ? timezone : null;
  const rule: Rule = {
    recurrence: typeof recurrence === 'string' ? recurrence : null,
    count: typeof count === 'number' ? count : recurrence === undefined || recurrence === null ? 1 : null,
    weekdays: Array.isArray(weekdays) ? weekdays.map(String) : [],
  };
  checkRule(rule);
  if (typeof slip === 'number' && (slip < 0 || slip > LONGEST_SLIP)) {
    throw invalid(`slip must be 0 to ${LONGEST_SLIP} minutes, not ${slip}`);
  }
  const run = isObject(given.execution_arguments) ? given.execution_arguments : {};
  return {
    id,
    workflow: String(given.workflow),
    parameters: isObject(given.workflow_parameters) ? given.workflow_parameters : {},
    force: run.force === true,
    dryRun: run.is_dry_run === true,
    allowCustomParameters: run.allow_custom_parameters === true,
    ...(typeof run.wait_after_fail === 'number' ? { waitAfterFail: run.wait_after_fail } : {}),
    rule,
    since: momentOf('since', given.since ?? null, zone, now),
    until: until === undefined || until === null ? null : momentOf('until', until, zone, now),
    slip: typeof slip === 'number' ? slip : 0,
    stopOnFail: given.stop_after_fail === true,
    enabled: given.default_enabled !== false,
  };
}

const LONGEST_NAME = 256;
const LONGEST_SLIP = 525_600;
const MOST_OF_A_UNIT = 100_000;
const ABSOLUTE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;
const RELATIVE = /^\+\s*(\d{1,6})\s*([a-z]+)$/i;
const MINUTE = 60_000;
const LENGTHS: readonly (readonly [RegExp, number])[] = [
  [/^min(ute)?s?$/, MINUTE],
  [/^h(ours?)?$/, 60 * MINUTE],
  [/^d(ays?)?$/, 1440 * MINUTE],
  [/^w(k|eeks?)?$/, 10_080 * MINUTE],
];
const MONTHS: readonly (readonly [RegExp, number])[] = [
  [/^mo(nths?)?$/, 1],
  [/^y(ears?)?$/, 12],
];

function momentOf(key: string, given: Json, zone: string | null, now: Date): Date {
  const moment = readMoment(key, given, zone, now);
  const year = moment.getUTCFullYear();
  if (year >= 1900 && year <= 9999) return moment;
  throw invalid(`${key} '${String(given).slice(0, 50)}' is not in the years 1900 to 9999`);
}

function readMoment(key: string, given: Json, zone: string | null, now: Date): Date {
  const text = String(given).trim();
  const relative = RELATIVE.exec(text);
  if (relative !== null) {
    const moment = after(now, Number(relative[1]), relative[2]!.toLowerCase());
    if (moment !== null) return moment;
  }
  const absolute = ABSOLUTE.exec(text);
  if (absolute === null) {
    throw invalid(
      `${key} '${text.slice(0, 50)}' is no time: YYYY-MM-DD HH:MM:SS, or +<number> minutes|hours|days|weeks|months|years`,
    );
  }
  const [, year, month, day, hour = '0', minute = '0', second = '0', offset] = absolute;
  const wall = Date.UTC(+year!, +month! - 1, +day!, +hour, +minute, +second);
  const read = new Date(wall);
  if (read.getUTCMonth() !== +month! - 1 || read.getUTCDate() !== +day! || +hour > 23 || +minute > 59) {
    throw invalid(`${key} '${text}' is no time that there is`);
  }
  if (offset !== undefined) return new Date(wall - minutesOf(offset) * MINUTE);
  return zone === null ? read : inZone(wall, zone);
}

function after(now: Date, number: number, unit: string): Date | null {
  if (number > MOST_OF_A_UNIT) throw invalid(`at most ${MOST_OF_A_UNIT} of a unit are counted`);
  const length = LENGTHS.find(([form]) => form.test(unit))?.[1];
  if (length !== undefined) return new Date(now.getTime() + number * length);
  const months = MONTHS.find(([form]) => form.test(unit))?.[1];
  if (months === undefined) return null;
  const later = new Date(now.getTime());
  later.setUTCDate(1);
  later.setUTCMonth(later.getUTCMonth() + number * months);
  const last = new Date(Date.UTC(later.getUTCFullYear(), later.getUTCMonth() + 1, 0)).getUTCDate();
  later.setUTCDate(Math.min(now.getUTCDate(), last));
  return later;
}

function minutesOf(offset: string): number {
  if (/^z$/i.test(offset)) return 0;
  const size = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2));
  return offset.startsWith('-') ? -size : size;
}

/** The moment at which clocks in `zone` show `wall`, a time written as if it were UTC. */
function inZone(wall: number, zone: string): Date {
  const guess = wall - (shownIn(zone, wall) - wall);
  return new Date(guess - (shownIn(zone, guess) - wall));
}

function shownIn(zone: string, moment: number): number {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw invalid(`'${zone.slice(0, 50)}' is no time zone: a name such as Europe/Berlin, EST or UTC`);
  }
  const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  return Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
}

function invalid(why: string): DomainError {
  return new DomainError('invalid', 'schedule-rule-invalid', `Invalid schedule: ${why}`);
}
