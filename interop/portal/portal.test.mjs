// The reference and the API browser in a real browser: what is promised of them (docs/portal.md) is measured and clicked. Screenshots, light
// and dark, lie under .cache/portal/.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const {
  ORRERY_INTEROP_HOST: host,
  ORRERY_INTEROP_PORT: port,
  ORRERY_INTEROP_PASSWORD: password,
} = process.env;
const url = `http://${host}:${port}`;
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
assert.ok(executablePath, 'no Chromium here');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const shots = join(root, '.cache', 'portal');
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
after(() => browser.close());

const REFERENCE = `${url}/docs/cloudify-v3/`;
const BROWSER = `${url}/api/v2/browser`;

/** A page that notes what must not be: requests elsewhere, faults of scripts, and what the policy refuses. */
async function aPage(given = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    reducedMotion: 'reduce',
    ...given,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) problems.push(`asked for ${request.url()}`);
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text()))
      problems.push(message.text());
  });
  const done = async () => {
    await context.close();
    assert.deepEqual(problems, []);
  };
  return { page, context, done };
}

async function ready(page, pattern = /^yes$/) {
  await page.waitForFunction(
    ([source]) => new RegExp(source).test(document.body.dataset.ready ?? ''),
    [pattern.source],
  );
}

async function faultless(page, what) {
  // The policy of the page allows no script of ours in it; the debugger may.
  const { violations } = await page.evaluate(`${axe}; axe.run(document)`);
  assert.deepEqual(
    violations.map(
      ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
    ),
    [],
    what,
  );
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wider <= 0, `${what} is ${wider} pixels wider than the screen`);
}

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
    assert.equal(await page.locator('h1').textContent(), 'Create a deployment');
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

async function signIn(page, hash = '') {
  await page.goto(`${BROWSER}${hash}`);
  await ready(page, /^sign-in$/);
  await page.getByLabel('Name', { exact: true }).fill('admin');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.keyboard.press('Enter');
  await ready(page, /^GET .* 200$/);
}

describe('the API browser', () => {
  test('goes the way of the first steps: token, root, groups, a group, what it may order; and back', async () => {
    const { page, done } = await aPage();
    await signIn(page);
    const links = page.getByRole('region', { name: 'Links and actions' });
    assert.equal(await links.locator('.rel').count(), 16);
    await links.getByRole('link', { name: '/api/v2/groups/' }).click();
    await ready(page, /^GET \/api\/v2\/groups\/ 200$/);
    await page.getByRole('region', { name: 'Embedded' }).getByRole('link', { name: 'Default' }).click();
    await ready(page, /^GET \/api\/v2\/groups\/\d+ 200$/);
    const group = page.url();
    await links.locator('li').filter({ hasText: 'orderable-environments' }).getByRole('link').click();
    await ready(page, /orderable-environments\/ 200$/);
    await page.goBack();
    await ready(page, /^GET \/api\/v2\/groups\/\d+ 200$/);
    assert.equal(page.url(), group);
    await page.goForward();
    await ready(page, /orderable-environments\/ 200$/);
    await page.keyboard.press('u');
    await ready(page, /^GET \/api\/v2\/groups\/\d+ 200$/);
    await page.keyboard.press('r');
    await ready(page, /^GET \/api\/v2\/ 200$/);
    // A link to a place opens that place, in this tab without signing in again.
    await page.goto('about:blank');
    await page.goto(group);
    await ready(page, /^GET \/api\/v2\/groups\/\d+ 200$/);
    await done();
  });

  test('makes, filters, pages and deletes, asking first', async () => {
    const { page, done } = await aPage();
    await signIn(page, '#/api/v2/groups/');
    for (const name of ['Browsed one', 'Browsed two', 'Browsed three']) {
      await page.getByRole('button', { name: /POST/ }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(/Body/).fill('{ not json');
      await dialog.getByRole('button', { name: 'Send POST' }).click();
      await dialog.getByText('This is no JSON').waitFor();
      await dialog.getByLabel(/Body/).fill(JSON.stringify({ name, type: 'Organization' }));
      await dialog.getByRole('button', { name: 'Send POST' }).click();
      await ready(page, /^POST \/api\/v2\/groups\/ 201$/);
      await page.getByRole('button', { name: /^Back to/ }).click();
      await ready(page, /^GET \/api\/v2\/groups\/ 200$/);
    }
    await page.getByLabel('Field of the condition').fill('name');
    await page.getByLabel('Lookup').selectOption('begins with');
    await page.getByLabel('Value of the condition').fill('browsed');
    await page.getByRole('button', { name: 'Add' }).click();
    await ready(page, /filter=name.istartswith:browsed 200$/);
    assert.equal(await page.locator('tbody tr').count(), 3);
    await page.goto(`${BROWSER}#/api/v2/groups/?filter=name.istartswith:browsed&page_size=2`);
    await ready(page, /page_size=2 200$/);
    await page.getByRole('button', { name: 'Next page' }).click();
    await ready(page, /page=2.* 200$/);
    assert.equal(await page.locator('tbody tr').count(), 1);
    await page.getByLabel('More attributes, with commas').fill('type');
    await page.getByRole('button', { name: 'Ask' }).click();
    await ready(page, /attributes=type.* 200$/);
    await page.goto(`${BROWSER}#/api/v2/groups/?filter=name.istartswith:browsed`);
    await ready(page, /browsed 200$/);
    for (let left = 3; left > 0; left--) {
      await page.locator('tbody a').first().click();
      await ready(page, /^GET \/api\/v2\/groups\/\d+ 200$/);
      await page.getByRole('button', { name: /DEL/ }).click();
      const dialog = page.getByRole('dialog');
      assert.equal(
        await dialog
          .getByRole('button', { name: 'Cancel' })
          .evaluate((each) => each === document.activeElement),
        true,
      );
      await dialog.getByRole('button', { name: 'Send DELETE' }).click();
      await ready(page, /^DELETE .* 204$/);
      await page.goto(`${BROWSER}#/api/v2/groups/?filter=name.istartswith:browsed`);
      await ready(page, /browsed 200$/);
      assert.equal(await page.locator('tbody tr').count(), left - 1);
    }
    await done();
  });

  test('tells a call as curl, which does the same', async () => {
    const { page, done } = await aPage();
    await signIn(page, '#/api/v2/groups/');
    await page.getByRole('tab', { name: 'Code' }).click();
    const sample = await page.getByRole('group', { name: 'Code' }).textContent();
    assert.match(sample, /^curl /);
    const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem('orrery.browser.token')).token);
    assert.ok(!sample.includes(token));
    const ran = spawnSync('/bin/sh', ['-c', `${sample.replace('YOUR_TOKEN', token)} --silent --show-error`], {
      encoding: 'utf8',
    });
    if (ran.status === 127) process.stderr.write('no curl here\n');
    else assert.ok(JSON.parse(ran.stdout).total >= 1, ran.stderr);
    await done();
  });

  test('asks to sign in again where a token has ended, and goes on where one was', async () => {
    const { page, done } = await aPage();
    await signIn(page, '#/api/v2/groups/');
    await page.evaluate(() =>
      sessionStorage.setItem(
        'orrery.browser.token',
        JSON.stringify({ token: 'eyJhbGciOiJIUzI1NiJ9.e30.x', username: 'admin' }),
      ),
    );
    await page.reload();
    await ready(page, /^sign-in$/);
    await page.getByText('Your token has ended').waitFor();
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('Unable to log in').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.keyboard.press('Enter');
    await ready(page, /^GET \/api\/v2\/groups\/ 200$/);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await ready(page, /^sign-in$/);
    assert.equal(await page.evaluate(() => `${sessionStorage.length} ${document.cookie}`), '0 ');
    await done();
  });

  test('follows nothing out of the API, keeps markup text, covers secrets, and explains refusals', async () => {
    const { page, done } = await aPage();
    await signIn(page);
    for (const odd of ['https://example.com/', '//example.com/', '/login', '/api/v2/../v3.1/tokens']) {
      await page.goto(`${BROWSER}?${encodeURIComponent(odd)}#${odd}`);
      await ready(page, /^refused$/);
    }
    const evil = '<img src=x onerror="document.title=1">';
    await page.route('**/api/v2/groups/7', (route) =>
      route.fulfill({
        contentType: 'application/hal+json',
        body: JSON.stringify({
          _links: {
            self: { href: '/api/v2/groups/7', title: evil },
            bad: { href: 'javascript:alert(1)', title: evil },
            out: { href: 'https://example.com/', title: 'out' },
            [evil]: [{ href: '/api/v2/x', title: '' }],
          },
          name: evil,
          password: 'hush-hush',
          _embedded: { [evil]: [{ _links: {}, [evil]: evil }] },
        }),
      }),
    );
    await page.goto(`${BROWSER}?evil#/api/v2/groups/7`);
    await ready(page, /groups\/7 200$/);
    assert.equal(await page.locator('main img').count(), 0);
    assert.equal(await page.locator('a[href^="javascript:"], a[href^="https:"]').count(), 0);
    assert.ok(!(await page.content()).includes('hush-hush'));
    await page.getByRole('button', { name: 'Reveal secrets' }).click();
    assert.ok((await page.content()).includes('hush-hush'));
    await page.goto(`${BROWSER}?missing#/api/v2/groups/999999`);
    await ready(page, / 404$/);
    await page.getByRole('heading', { name: 'Refused with 404' }).waitFor();
    await page.goto(`${BROWSER}?bad#/api/v2/groups/?filter=nothing:1`);
    await ready(page, / 400$/);
    await page.getByRole('region', { name: 'Why' }).getByText('Cannot resolve keyword').first().waitFor();
    await done();
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`${colorScheme}: axe finds no fault, and the keyboard goes everywhere`, async () => {
      const { page, done } = await aPage({ colorScheme });
      await page.goto(BROWSER);
      await ready(page, /^sign-in$/);
      await page.screenshot({ path: join(shots, `browser-sign-in-${colorScheme}.png`) });
      await faultless(page, 'sign-in');
      await signIn(page);
      for (const [name, href] of [
        ['root', '/api/v2/'],
        ['list', '/api/v2/groups/'],
        ['item', '/api/v2/groups/1'],
        ['orders', '/api/v2/orders/'],
        ['refused', '/api/v2/groups/999999'],
      ]) {
        await page.goto(`${BROWSER}#${href}`);
        await ready(page, new RegExp(`^GET ${href} `));
        await page.screenshot({ path: join(shots, `browser-${name}-${colorScheme}.png`) });
        await faultless(page, `${name}, ${colorScheme}`);
      }
      await page.goto(`${BROWSER}#/api/v2/groups/`);
      await ready(page, /groups\/ 200/);
      await page.getByRole('button', { name: /POST/ }).click();
      await page.screenshot({ path: join(shots, `browser-call-${colorScheme}.png`) });
      await faultless(page, 'the question before a call');
      await page.keyboard.press('Escape');
      await page.evaluate(() => document.activeElement?.blur());
      for (let at = 0; at < 3; at++) await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await ready(page, /^GET \/api\/v2\/groups\/\d+ 200$/);
      await page.setViewportSize({ width: 390, height: 844 });
      await page.screenshot({ path: join(shots, `browser-small-${colorScheme}.png`) });
      await faultless(page, 'small');
      await done();
    });
  }
});
