// The reference in a real browser: what is promised of it (docs/portal.md) is measured and clicked.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { aPage, faultless, ready, shots, url } from './driver.mjs';

const REFERENCE = `${url}/docs/cloudify-v3/`;
const elements = (page) => page.evaluate(() => document.querySelectorAll('*').length);

describe('the reference', () => {
  test('paints within a second and stays small with more than 400 operations', async () => {
    const { page, done } = await aPage();
    await page.goto(REFERENCE);
    await ready(page);
    const times = [];
    for (let at = 0; at < 3; at++) {
      await page.goto(`${REFERENCE}?${at}#deployments_create`);
      await ready(page);
      times.push(
        await page.evaluate(() => ({
          paint:
            performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.POSITIVE_INFINITY,
          whole: performance.now(),
        })),
      );
    }
    const paint = Math.min(...times.map((each) => each.paint));
    assert.ok(paint <= 1000, `first paint after ${paint} ms`);
    const placeholder = await page.getByLabel('Search operations').getAttribute('placeholder');
    assert.ok(Number(/\d+/.exec(placeholder)[0]) >= 400, placeholder);
    assert.ok((await elements(page)) <= 3000, `${await elements(page)} elements`);
    // Even with every tag open.
    await page.evaluate(() => {
      for (const each of document.querySelectorAll('.tag-toggle[aria-expanded=false]')) each.click();
    });
    assert.ok((await elements(page)) <= 3000, `${await elements(page)} elements with all tags open`);
    process.stderr.write(
      `first paint ${Math.round(paint)} ms, ${await elements(page)} elements with all tags open\n`,
    );
    await done();
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`${colorScheme}: axe finds no fault in what people meet`, async () => {
      const { page, done } = await aPage({ colorScheme });
      const places = [
        ['index', `${url}/docs/`, null],
        ['introduction', REFERENCE, /yes/],
        ['tag', `${REFERENCE}#tag/Deployments`, /yes/],
        ['operation', `${REFERENCE}#deployments_create`, /yes/],
        ['unknown', `${REFERENCE}#deployments_creat`, /yes/],
      ];
      for (const [name, address, pattern] of places) {
        await page.goto('about:blank');
        await page.goto(address);
        if (pattern !== null) await ready(page, pattern);
        if (name === 'operation')
          await page.locator('main').getByRole('button', { name: 'Expand all' }).click();
        await page.screenshot({ path: join(shots, `reference-${name}-${colorScheme}.png`) });
        await faultless(page, `${name}, ${colorScheme}`);
      }
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(`${REFERENCE}?small#deployments_create`);
      await ready(page);
      await page.screenshot({ path: join(shots, `reference-small-${colorScheme}.png`) });
      await faultless(page, `small, ${colorScheme}`);
      await done();
    });
  }

  test('opens every operation of every document by its link, with its sections and samples', async () => {
    const { page, done } = await aPage();
    await page.goto(`${url}/docs/`);
    const pages = await page.locator('.card h2 a').evaluateAll((links) => links.map(({ href }) => href));
    assert.ok(pages.length >= 3);
    for (const address of pages) {
      await page.goto(address);
      await ready(page);
      const wrong = await page.evaluate(async () => {
        const sources = [...document.querySelectorAll('main a')]
          .map(({ href }) => href)
          .filter((href) => href.endsWith('.json'));
        const documents = await Promise.all(
          [...new Set(sources)].map(async (each) => (await fetch(each)).json()),
        );
        const ids = documents.flatMap(({ paths }) =>
          Object.values(paths).flatMap((methods) =>
            Object.values(methods).map(({ operationId }) => operationId),
          ),
        );
        const odd = [];
        for (const id of ids) {
          location.hash = id;
          await new Promise((resolve) => setTimeout(resolve));
          const titles = [...document.querySelectorAll('.part > h2, .sample h2')]
            .map((each) => each.textContent)
            .join();
          const sample = document.querySelector('.sample pre')?.textContent ?? '';
          if (titles !== 'Security,Request,Responses,Request,Response' || !sample.startsWith('curl '))
            odd.push(`${id}: ${titles}`);
        }
        return ids.length === 0 ? ['no operations'] : odd;
      });
      assert.deepEqual(wrong, [], address);
    }
    await done();
  });

  test('finds by words, and goes there with the keyboard alone', async () => {
    const { page, done } = await aPage();
    await page.goto(REFERENCE);
    await ready(page);
    await page.keyboard.press('/');
    await page.keyboard.type('create deployment put');
    await page
      .getByRole('status')
      .filter({ hasText: /\d+ found/ })
      .waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#deployments_create/);
    await page.getByRole('heading', { level: 1, name: 'Create a deployment', exact: true }).waitFor();
    const before = page.url();
    await page.keyboard.press('j');
    await page.waitForFunction((old) => location.href !== old, before);
    await page.keyboard.press('k');
    await page.waitForURL(before);
    await page.goBack();
    await page.goBack();
    assert.equal(page.url(), before);
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Next operation').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('zzzz');
    await page.getByText('Nothing has all of these words').waitFor();
    await done();
  });

  test('shows samples in the language that was chosen, and remembers it', async () => {
    const { page, context, done } = await aPage({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.goto(`${REFERENCE}#deployments_create`);
    await ready(page);
    const sample = page.getByRole('group', { name: 'Sample of the request' });
    for (const [language, sign] of [
      ['Go', 'package main'],
      ['Ruby', 'Net::HTTP'],
      ['JavaScript', 'await fetch'],
      ['PowerShell', 'Invoke-RestMethod'],
      ['Python', 'import requests'],
    ]) {
      await page.getByLabel('Language').selectOption(language);
      assert.ok((await sample.textContent()).includes(sign), language);
    }
    await page.getByLabel('Signing in').selectOption('Authentication-Token + Tenant');
    assert.match(await sample.textContent(), /"Authentication-Token": "YOUR_TOKEN"/);
    await page.goto(`${REFERENCE}?again#executions_start`);
    await ready(page);
    assert.match(
      await page.getByRole('group', { name: 'Sample of the request' }).textContent(),
      /import requests/,
    );
    await page.locator('#samples').getByRole('button', { name: 'Copy' }).first().click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^import requests/);
    await context.clearPermissions();
    await done();
  });

  test('expands and collapses schemas and samples', async () => {
    const { page, done } = await aPage();
    await page.goto(`${REFERENCE}#deployments_create`);
    await ready(page);
    const open = () => page.locator('main [aria-expanded=true], main details[open]').count();
    await page.keyboard.press('c');
    assert.equal(await open(), 0);
    await page.keyboard.press('e');
    assert.ok((await open()) > 5);
    assert.ok((await elements(page)) <= 3000);
    const aside = page.locator('#samples');
    await aside.getByRole('button', { name: 'Collapse all' }).click();
    const closed = await aside.locator('.member:visible').count();
    await aside.getByRole('button', { name: 'Expand all' }).click();
    assert.ok((await aside.locator('.member:visible').count()) > closed);
    await done();
  });

  test('keeps markup in a document text, and says what to do when a document cannot be read', async () => {
    const { page, done } = await aPage();
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const document = {
      openapi: '3.1.0',
      info: { title: evil, version: evil, description: `${evil} **b**` },
      tags: [{ name: evil, description: evil }],
      paths: {
        [`/x/${evil}`]: {
          get: {
            operationId: evil,
            summary: evil,
            tags: [evil],
            description: `\`${evil}\`\n\n- ${evil}`,
            parameters: [
              {
                name: evil,
                in: 'query',
                description: evil,
                schema: { type: evil, enum: [evil], default: evil, pattern: evil },
              },
            ],
            responses: {
              [evil]: {
                description: evil,
                content: { [`${evil}json`]: { schema: { properties: { [evil]: { example: evil } } } } },
              },
            },
          },
        },
      },
    };
    await page.route('**/openapi/cloudify-v3.json', (route) => route.fulfill({ json: document }));
    for (const hash of [
      '',
      `#tag/${encodeURIComponent(evil)}`,
      `#${encodeURIComponent(evil)}`,
      `#nothing${encodeURIComponent(evil)}`,
    ]) {
      await page.goto('about:blank');
      await page.goto(`${REFERENCE}${hash}`);
      await ready(page);
      assert.equal(await page.locator('main img, main script, nav img, aside img').count(), 0);
      assert.ok((await page.locator('body').textContent()).includes('onerror='));
    }
    await page.unroute('**/openapi/cloudify-v3.json');
    await page.route('**/openapi/cloudify-v3.json', (route) => route.fulfill({ status: 503, body: 'no' }));
    await page.goto(`${REFERENCE}?down`);
    await ready(page, /failed/);
    await page.getByRole('alert').getByText('answered 503').waitFor();
    await page.unroute('**/openapi/cloudify-v3.json');
    await page.getByRole('button', { name: 'Try again' }).click();
    await ready(page);
    await done();
  });

  test('the theme is chosen by key, and kept', async () => {
    const { page, done } = await aPage({ colorScheme: 'light' });
    await page.goto(REFERENCE);
    await ready(page);
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.keyboard.press('t');
    await page.keyboard.press('t');
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.goto(`${url}/docs/`);
    assert.equal(await ground(), dark);
    await done();
  });

  test('prints a tag with all of its operations, and without what is for the screen', async () => {
    const { page, done } = await aPage();
    await page.goto(`${REFERENCE}#tag/Tokens`);
    await ready(page);
    await page.emulateMedia({ media: 'print' });
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    assert.equal(await page.locator('article.operation').count(), 5);
    assert.equal(await page.locator('.contents').isVisible(), false);
    await page.evaluate(() => dispatchEvent(new Event('afterprint')));
    assert.equal(await page.locator('article.operation').count(), 0);
    await done();
  });
});
