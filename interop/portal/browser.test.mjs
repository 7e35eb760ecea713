// The API browser in a real browser: what is promised of it (docs/portal.md) is clicked.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { aPage, faultless, password, ready, shots, url } from './driver.mjs';

const BROWSER = `${url}/api/v2/browser`;

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
