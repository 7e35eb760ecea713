import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actionRequest, requestProblem } from './action-request.js';

const known = {
  inputs: { room: 'a/b c', port: 80 },
  about: { server: { hostname: 'we"b', tags: { tier: 'front' } }, order: null },
  found: null,
};

describe('a webhook', () => {
  test('is sent with what it is about laid into its URL, its headers and its body, as each asks for it', () => {
    const settings = {
      url: ' https://chat.test/{{ room }}?port={{port}}&none={{ order.id }}',
      method: 'put',
      headers: { 'X-Host': '{{ server.hostname }}' },
      body: '{"text": "{{ server.hostname }} in {{ server.tags.tier }} of {{ server.tags }}{{ constructor.name }}"}',
    };
    assert.equal(requestProblem(settings), null);
    const request = actionRequest(settings, known);
    assert.equal(request.method, 'PUT');
    assert.equal(request.url, 'https://chat.test/a%2Fb%20c?port=80&none=');
    assert.deepEqual(request.headers, { 'content-type': 'application/json', 'x-host': 'we"b' });
    assert.deepEqual(JSON.parse(request.body), { text: 'we"b in front of {"tier":"front"}' });
  });

  test('without a body says all that is known, and a GET says nothing', () => {
    const { body, method } = actionRequest({ url: 'http://chat.test' }, { ...known, found: ['x'] });
    assert.equal(method, 'POST');
    assert.deepEqual(JSON.parse(body), {
      ...known.inputs,
      server: known.about.server,
      found: ['x'],
      inputs: known.inputs,
    });
    assert.equal(actionRequest({ url: 'http://chat.test', method: 'GET' }, known).body, '');
  });

  test('of settings that make no request is refused, with what is wrong with them', () => {
    const url = 'https://chat.test/hook';
    for (const [settings, problem] of [
      [{}, /`url`/],
      [{ url: 'ftp://chat.test' }, /`url`/],
      [{ url: 'https://{{ server.ip }}/' }, /a host/],
      [{ url, method: 'TRACE' }, /`method`/],
      [{ url, body: {} }, /`body`/],
      [{ url, headers: [] }, /`headers`/],
      [{ url, headers: { 'x y': 'z' } }, /header 'x y'/],
      [{ url, headers: { x: 'a\r\nb' } }, /header 'x'/],
      [{ url, headers: { Authorization: 'Bearer x' } }, /credentials do not stand/],
      [{ url, headers: { Host: 'x' } }, /cannot be given/],
    ] as const) {
      assert.match(requestProblem(settings as never) ?? '', problem, JSON.stringify(settings));
    }
  });
});
