import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isPublicAddress } from './address.js';
import { parseAllowlist } from './allowlist.js';

describe('addresses', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '172.32.0.1',
    '100.128.0.1',
    '193.0.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ]) {
    test(`${address} is public`, () => assert.equal(isPublicAddress(address), true));
  }
  for (const address of [
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '203.0.113.9',
    '224.0.0.1',
    '239.255.255.250',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '',
    'localhost',
    '127.1',
    '999.1.1.1',
  ]) {
    test(`"${address}" is not public`, () => assert.equal(isPublicAddress(address), false));
  }
});

describe('the allowlist', () => {
  const list = parseAllowlist('127.0.0.1:8080, Build.Example.:*,[::1]:443, 10.0.0.7:1,10.0.0.7:2,');
  for (const [host, port, allowed] of [
    ['127.0.0.1', 8080, true],
    ['127.0.0.1', 8081, false],
    ['127.0.0.2', 8080, false],
    ['build.example', 9999, true],
    ['BUILD.example.', 1, true],
    ['xbuild.example', 1, false],
    ['::1', 443, true],
    ['0:0:0:0:0:0:0:1', 443, true],
    ['::1', 80, false],
    ['10.0.0.7', 2, true],
    ['10.0.0.7', 3, false],
  ] as const) {
    test(`${host} port ${port}: ${allowed}`, () => assert.equal(list.allows(host, port), allowed));
  }

  test('an empty text allows nothing', () =>
    assert.equal(parseAllowlist(' ').allows('127.0.0.1', 80), false));

  for (const entry of [
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:70000',
    '*:80',
    'http://x:80',
    '::1:80',
    '[::g]:80',
    'a b:1',
    'u@x:1',
  ]) {
    test(`"${entry}" is refused by name`, () => {
      assert.throws(
        () => parseAllowlist(`10.0.0.1:80,${entry}`),
        (error: Error) => error.message.includes('CLOUD_ENDPOINT_ALLOWLIST'),
      );
    });
  }
});
