import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { returnPath, sourceServer, tokenReceiver } from './return-to.js';

const base64 = (text: string) => Buffer.from(text).toString('base64url');

for (const [ref, path] of [
  ['/security/tokens', '/security/tokens'],
  ['/a?b=c', '/a?b=c'],
  [base64('/extension/x'), '/extension/x'],
  ['/../..//x', null],
  ['//evil.example', null],
  ['/\\evil.example', null],
  ['/\t/evil.example', null],
  ['https://evil.example/', null],
  [base64('//evil.example'), null],
  [base64('https://evil.example'), null],
  ['javascript:alert(1)', null],
  ['', null],
  [undefined, null],
  [`/${'a'.repeat(5000)}`, null],
] as const) {
  test(`${JSON.stringify(ref)?.slice(0, 40)} leads to ${path ?? 'nowhere of its own'}`, () => {
    assert.equal(returnPath(ref), path);
  });
}

test('whatever the ref, a browser stays with this server', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `/${text}`),
        fc.webUrl(),
        fc.string().map(base64),
      ),
      (ref) => {
        const path = returnPath(ref);
        if (path === null) return;
        assert.equal(new URL(path, 'https://own.example/login').origin, 'https://own.example');
      },
    ),
  );
});

test('a source is an address of a server, without a name and a password in it', () => {
  assert.equal(sourceServer(base64('http://localhost:9081'))?.origin, 'http://localhost:9081');
  assert.equal(sourceServer('https://meshery.example/')?.origin, 'https://meshery.example');
  for (const bad of ['javascript:alert(1)', 'ftp://x', 'http://user:pw@host', '/path', 'x', '']) {
    assert.equal(sourceServer(bad), null, bad);
    assert.equal(sourceServer(base64(bad)), null, bad);
  }
});

test('the token goes to the place that the other server keeps for it', () => {
  const to = tokenReceiver(new URL('http://localhost:9081/'), { token: 'l5_x', session: 's', ref: 'Lw' });
  assert.equal(to, 'http://localhost:9081/api/user/token?token=l5_x&session_cookie=s&ref=Lw');
});
