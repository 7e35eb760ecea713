import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { masterKeyFrom, newMasterKey, Vault } from './vault.js';

const vault = new Vault(randomBytes(32));
const unreadable = { kind: 'unavailable', reason: 'secret-unreadable' };

test('whatever is sealed opens to itself in its own place, and nowhere else', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (value, place, other) => {
      const box = vault.seal(value, place);
      assert.equal(vault.open(box, place), Buffer.from(value).toString());
      if (other !== place) assert.throws(() => vault.open(box, other), unreadable);
    }),
  );
});

test('a box with any bit changed, or cut short, does not open', () => {
  const box = vault.seal('attack at dawn', 'here');
  for (const part of ['sealed', 'sealedKey'] as const) {
    for (let bit = 0; bit < box[part].length * 8; bit++) {
      const spoilt = Buffer.from(box[part]);
      spoilt[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => vault.open({ ...box, [part]: spoilt }, 'here'), unreadable, `${part} bit ${bit}`);
    }
    for (let length = 0; length < box[part].length; length++) {
      assert.throws(() => vault.open({ ...box, [part]: box[part].subarray(0, length) }, 'here'), unreadable);
    }
  }
});

test('the two halves of different boxes do not open together', () => {
  const one = vault.seal('one', 'here');
  const two = vault.seal('two', 'here');
  assert.throws(() => vault.open({ ...one, sealedKey: two.sealedKey }, 'here'), unreadable);
});

test('another master key opens nothing', () => {
  const box = vault.seal('value', 'here');
  const other = new Vault(randomBytes(32));
  assert.throws(() => other.open(box, 'here'), { kind: 'unavailable', reason: 'master-key-unknown' });
  assert.throws(() => other.open({ ...box, masterKey: other.fingerprint }, 'here'), unreadable);
  assert.notEqual(other.fingerprint, vault.fingerprint);
});

test('the same value sealed twice looks different', () => {
  assert.notDeepEqual(vault.seal('value', 'here'), vault.seal('value', 'here'));
});

test('a master key is read from hexadecimal and from base64, and nothing else is taken', () => {
  const key = randomBytes(32);
  assert.deepEqual(masterKeyFrom(key.toString('hex')), key);
  assert.deepEqual(masterKeyFrom(key.toString('base64')), key);
  assert.equal(masterKeyFrom(newMasterKey()).length, 32);
  for (const text of ['', 'short', randomBytes(16).toString('hex'), randomBytes(33).toString('base64')]) {
    assert.throws(() => masterKeyFrom(text));
  }
});
