import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressThrottle, networkOf } from './address-throttle.js';

const SETTINGS = { failures: 3, windowSeconds: 60, addresses: 2 };

test('an address waits for the rest of the window after its last allowed failure', () => {
  let now = 0;
  const throttle = new AddressThrottle(SETTINGS, () => now);
  for (let failure = 1; failure <= 3; failure++) {
    assert.equal(throttle.wait('192.0.2.1'), 0);
    throttle.failed('192.0.2.1');
    now += 1000;
  }
  assert.equal(throttle.wait('192.0.2.1'), 57);
  assert.equal(throttle.wait('192.0.2.2'), 0);
  now = 60_000;
  assert.equal(throttle.wait('192.0.2.1'), 0);
  throttle.failed('192.0.2.1');
  assert.equal(throttle.wait('192.0.2.1'), 0, 'a new window counts from one');
});

test('when the memory is full, the address that failed longest ago is forgotten', () => {
  const throttle = new AddressThrottle({ ...SETTINGS, failures: 1 }, () => 0);
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.3']) throttle.failed(address);
  assert.deepEqual(
    ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => throttle.wait(address)),
    [60, 0, 60],
  );
});

test('addresses of one IPv6 customer, and both spellings of an IPv4 address, count as one', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ] as const) {
    assert.equal(networkOf(address), network, address);
  }
});
