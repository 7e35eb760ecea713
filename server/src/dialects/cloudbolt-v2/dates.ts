/** Times as CloudBolt tells them: of the server's own zone, without saying which (specs: cloudbolt.md §2.4). */

/** The zone that times without one are told in. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `2014-03-13T14:26:41`, with six digits of a second where there is a part of one; null stays null. */
export function wireTime(time: string | Date | null): string | null {
  if (time === null) return null;
  const date = typeof time === 'string' ? new Date(time) : time;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const part = date.getMilliseconds();
  return `${day}T${clock}${part === 0 ? '' : `.${String(part).padStart(3, '0')}000`}`;
}

const FORM = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?$/;

/** The ISO time that a text without zone means here; null: it is none. */
export function readTime(text: string): string | null {
  const match = FORM.exec(text.trim());
  if (match === null) return null;
  const [year, month, day, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const part = Math.floor(Number(`0.${match[7] ?? 0}`) * 1000);
  const date = new Date(year!, month! - 1, day, hour, minute, second, part);
  // 31 February is no day, though a Date would take it for one in March.
  const same = date.getMonth() === month! - 1 && date.getDate() === day && date.getHours() === hour;
  return same && year! >= 1 ? date.toISOString() : null;
}

/** `2017-12-19`, if it is a day. */
export function readDay(text: string): string | null {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(text.trim())?.[0];
  return day !== undefined && readTime(day) !== null ? day : null;
}
