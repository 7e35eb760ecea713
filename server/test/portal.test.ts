/** The pages on which people read about the APIs, as they are served. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { DIALECTS } from '../src/dialects/index.js';
import type { JsonObject } from '../src/openapi/components.js';
import { operationsOf } from '../src/openapi/reading.js';
import { referencePath } from '../src/portal/portal.js';
import { aServer } from './support/a-server.js';

const { url } = await aServer();
const PAGES = ['/docs/', ...DIALECTS.map(referencePath), '/api/v2/browser'];
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers });

async function assetsOf(path: string): Promise<string[]> {
  const page = await (await get(path)).text();
  return [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, found]) => found!);
}

describe('each page', () => {
  for (const path of PAGES) {
    test(`${path} answers without credentials, may load from here alone, and is in nobody's frame`, async () => {
      const answer = await get(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
      const policy = answer.headers.get('content-security-policy') ?? '';
      assert.match(policy, /default-src 'self'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|https?:|\*/);
      const page = await answer.text();
      // Nothing written within the page that runs or styles: the policy would refuse it.
      assert.doesNotMatch(page, /<script(?![^>]* src="\/assets\/)|<style|\sstyle=|\son\w+=|javascript:/i);
      assert.doesNotMatch(page, /(?:src|href|action)="(?!\/|#)/);
    });
  }

  test('is known again by its etag, with and without a slash at the end', async () => {
    for (const path of ['/docs/cloudify-v3/', '/docs/cloudify-v3']) {
      const first = await get(path);
      assert.equal(first.headers.get('cache-control'), 'no-cache');
      const again = await get(path, { 'if-none-match': first.headers.get('etag') ?? '' });
      assert.deepEqual([again.status, await again.text()], [304, '']);
    }
  });

  test('names every API, and the landing page leads to each', async () => {
    const index = await (await get('/docs/')).text();
    const landing = await (await get('/')).text();
    for (const dialect of DIALECTS) {
      assert.ok(index.includes(`href="${referencePath(dialect)}"`), dialect.name);
      assert.ok(landing.includes(`href="${referencePath(dialect)}"`), dialect.name);
    }
  });

  test('leads to documents that are there and tell something', async () => {
    for (const dialect of DIALECTS) {
      const page = await (await get(referencePath(dialect))).text();
      const documents = [...page.matchAll(/class="document" href="([^"]+)"/g)].map(([, path]) => path!);
      assert.ok(documents.length > 0, dialect.name);
      for (const path of documents) {
        const answer = await get(path);
        assert.equal(answer.status, 200, path);
        assert.ok(operationsOf((await answer.json()) as JsonObject).length > 0, path);
      }
    }
  });
});

describe('the documents of a page', () => {
  for (const dialect of DIALECTS.filter(({ reference }) => reference !== undefined)) {
    test(`of ${dialect.name} tell each operation once, and all of them`, async () => {
      const parts = await Promise.all(
        dialect.reference!.documents.map(async ({ path }) => (await (await get(path)).json()) as JsonObject),
      );
      const whole = (await (await get(`/openapi/${dialect.name}.json`)).json()) as JsonObject;
      const ids = (document: JsonObject) => operationsOf(document).map(({ id }) => id);
      assert.deepEqual(parts.flatMap(ids).sort(), [...ids(whole)].sort());
    });
  }
});

describe('assets', () => {
  test('are kept for ever, since another content is another address', async () => {
    const paths = new Set((await Promise.all(PAGES.map(assetsOf))).flat());
    assert.ok(paths.size >= 5);
    for (const path of paths) {
      const answer = await get(path);
      assert.equal(answer.status, 200, path);
      assert.match(answer.headers.get('cache-control') ?? '', /immutable/);
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      const type = TYPES[path.split('.').at(-1)!];
      assert.equal(answer.headers.get('content-type'), type);
      const again = await get(path, { 'if-none-match': answer.headers.get('etag') ?? '' });
      assert.equal(again.status, 304);
    }
  });

  test('name no other host, and fetch nothing but what they are told', async () => {
    const paths = new Set((await Promise.all(PAGES.map(assetsOf))).flat());
    for (const path of paths) {
      // The one address that is a name and no place: of what SVG is.
      const text = (await (await get(path)).text()).replace('http://www.w3.org/2000/svg', '');
      assert.doesNotMatch(text, /(?:https?:)?\/\/[a-z0-9-]+\.[a-z]{2,}/i, path);
      assert.doesNotMatch(
        text,
        /\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write/,
        path,
      );
    }
  });

  test('come compressed to whoever takes that, and as they are to others', async () => {
    const [path] = (await assetsOf('/docs/cloudify-v3/')).filter((each) => each.endsWith('.js')).slice(-1);
    const raw = async (accepted: string) => {
      const answer = await get(path!, { 'accept-encoding': accepted });
      return {
        coding: answer.headers.get('content-encoding'),
        text: await answer.text(),
        vary: answer.headers.get('vary'),
      };
    };
    const plain = await raw('identity');
    assert.equal(plain.coding, null);
    assert.equal(plain.vary, 'accept-encoding');
    // fetch has undone the coding: the texts are equal when it was right.
    assert.deepEqual(await raw('gzip'), { ...plain, coding: 'gzip' });
    assert.deepEqual(await raw('br;q=1, gzip'), { ...plain, coding: 'br' });
    assert.equal((await raw('br;q=0, gzip;q=0.0')).coding, null);
  });

  test('are small: all that a page loads is under 90 KiB as it travels', async () => {
    for (const path of PAGES) {
      let bytes = 0;
      for (const asset of await assetsOf(path)) {
        bytes += gzipSync(await (await get(asset)).text()).length;
      }
      assert.ok(bytes < 90 * 1024, `${path}: ${bytes}`);
    }
  });

  test('are no door to files', async () => {
    const odd = [
      '/assets/..%2f..%2fpackage.json',
      '/assets/../src/main.js',
      '/assets/%2e%2e/src/main.js',
      '/assets/reference.js',
      '/docs/..%2f..%2fpackage.json',
      '/docs/nothing/',
      '/assets/',
      '/assets/reference.js%00.css',
    ];
    for (const path of odd) {
      const answer = await get(path);
      assert.equal(answer.status, 404, path);
      assert.doesNotMatch(await answer.text(), /"name": "@orrery|import /);
    }
  });
});
