import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRequirement } from './plugin-imports.js';

for (const [text, name, version, distribution] of [
  ['cool', 'cool', null, null],
  ['cool?', 'cool', null, null],
  ['cool?version=1.0', 'cool', '1.0', null],
  ['cool?version=>=1.0,<2&distribution=CentOS', 'cool', '>=1.0,<2', 'centos'],
  ['cool?version=%3E%3D1.0%2C%3C2', 'cool', '>=1.0,<2', null],
  ['cool?version= ~=1.4 ', 'cool', '~=1.4', null],
  ['co%6Fl?version=1.0%2Blocal', 'cool', '1.0+local', null],
  ['50%', '50%', null, null],
] as const) {
  test(`plugin:${text} asks for ${name}`, () => {
    const asked = readRequirement(text);
    assert.ok(!('problem' in asked), JSON.stringify(asked));
    assert.deepEqual([asked.packageName, asked.version, asked.distribution], [name, version, distribution]);
    assert.equal(asked.range === null, version === null);
  });
}

for (const [text, problem] of [
  ['', /No plugin has such a name/],
  ['?version=1', /No plugin has such a name/],
  ['a%00b', /No plugin has such a name/],
  ['x'.repeat(257), /No plugin has such a name/],
  ['cool?color=red', /unknown parameter 'color'/],
  ['cool?version', /version '' that is not understood/],
  ['cool?version=>=', /version '>=' that is not understood/],
  [`cool?version=${'>=1,'.repeat(100)}>=1`, /no text of up to 256 characters/],
  ['cool?version=1%00', /no text of up to 256 characters/],
  ['cool?=1', /no text of up to/],
] as const) {
  test(`plugin:${text.slice(0, 40)} is not understood`, () => {
    const asked = readRequirement(text);
    assert.ok('problem' in asked);
    assert.match(asked.problem, problem);
  });
}
