/** What no client means to send: texts, numbers and structures that have broken servers before. */
import type { Chance } from './chance.js';

const TEXTS: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udfff',
  '\ufeff',
  '\u202e',
  '😀'.repeat(300),
  '../../../etc/passwd',
  '..%2f..%2f',
  '%',
  '%s%n%x',
  '%00',
  '%zz',
  "'; drop table users; --",
  '" or 1=1',
  '{{7*7}}',
  '<script>alert(1)</script>',
  'null',
  'undefined',
  'NaN',
  'true',
  '[object Object]',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'ctok-x-y',
  '-1',
  '0',
  '1e400',
  '99999999999999999999',
  '2147483648',
  '-9223372036854775809',
  '0x10',
  '1970-01-01',
  '9999-12-31T23:59:59.999Z',
  '99999-01-01T00:00:00Z',
  '2024-02-30T25:61:61+99:99',
  'timestamp,,',
  'timestamp,x,y',
  ',',
  '-',
  '+',
  '\\',
  '%5C%_',
  '(((((((((((((((((((((((((',
  'a{1,99999}',
  '\r\nSet-Cookie: x=y',
  'file:///etc/passwd',
  'http://169.254.169.254/latest',
  'http://[::1]:1/',
  'http://127.0.0.1:1/x.zip',
  'ftp://x/y',
  'http://user:pass@\u0130/',
  'FREQ=SECONDLY;INTERVAL=0',
  'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30',
];

const NUMBERS: readonly number[] = [
  0,
  -0,
  -1,
  1,
  0.1,
  1e21,
  1e308,
  -1e308,
  5e-324,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53 + 1,
  -(2 ** 63) - 1025,
  2 ** 64,
];

export function garbageText(chance: Chance): string {
  if (chance.oneIn(12)) return 'a'.repeat(chance.pick([255, 256, 257, 1024, 5000]));
  if (chance.oneIn(8)) {
    const length = chance.whole(20);
    return Array.from({ length }, () =>
      String.fromCharCode(chance.whole(chance.pick([128, 256, 65_536]))),
    ).join('');
  }
  return chance.pick(TEXTS);
}

/** Any JSON. */
export function garbageValue(chance: Chance, depth = 0): unknown {
  switch (chance.whole(depth > 3 ? 5 : 9)) {
    case 0:
      return null;
    case 1:
      return chance.oneIn(2);
    case 2:
      return chance.pick(NUMBERS);
    case 3:
    case 4:
      return garbageText(chance);
    case 5:
      return Array.from({ length: chance.whole(4) }, () => garbageValue(chance, depth + 1));
    case 6:
      return nested(chance.pick([30, 260, 900]), chance.oneIn(2));
    default:
      return Object.fromEntries(
        Array.from({ length: chance.whole(4) }, () => [garbageText(chance), garbageValue(chance, depth + 1)]),
      );
  }
}

function nested(depth: number, asList: boolean): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = asList ? [value] : { a: value };
  return value;
}

/** A JSON document, made no document any more. */
export function brokenJson(chance: Chance, whole: string): Buffer {
  switch (chance.whole(10)) {
    case 0:
      return Buffer.from(whole.slice(0, chance.whole(whole.length + 1)));
    case 1:
      return Buffer.from(`${whole}${whole}`);
    case 2:
      return Buffer.from(`\ufeff${whole}`);
    case 3:
      return Buffer.from(whole, 'utf16le');
    case 4:
      return Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from('"}')]);
    case 5:
      return Buffer.from(`${'['.repeat(20_000)}`);
    case 6:
      return Buffer.from(`{"a":1e400,"__proto__":{"x":1},"constructor":null}`);
    case 7:
      return Buffer.from(
        chance.pick(['null', '[]', '1', '"x"', 'true', '[{}]', '\0', 'a=b&c=d', '---\na: b']),
      );
    case 8:
      return Buffer.from(whole.replace(/:/g, () => (chance.oneIn(3) ? ',' : ':')));
    default:
      return Buffer.from(Array.from({ length: chance.whole(200) }, () => chance.whole(256)));
  }
}
