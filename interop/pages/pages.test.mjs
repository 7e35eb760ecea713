// The server's own pages in a real browser: how they look, light and dark, large and small; what axe finds; and that they work
// with the keyboard alone. Screenshots lie under .cache/pages/.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
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
const shots = join(root, '.cache', 'pages');
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
after(() => browser.close());

// Something to show beside the sign-in itself.
const basic = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
await fetch(`${url}/orrery/v1/authorities/example`, {
  method: 'PUT',
  headers: { authorization: basic, 'content-type': 'application/json' },
  body: JSON.stringify({
    kind: 'ldap',
    settings: { url: 'ldap://127.0.0.1:1', userBase: 'dc=example,dc=com' },
  }),
});

const SIZES = { large: { width: 1440, height: 900 }, small: { width: 390, height: 844 } };

async function aPage(colorScheme, size) {
  const context = await browser.newContext({
    colorScheme,
    viewport: SIZES[size],
    reducedMotion: 'reduce',
    bypassCSP: true,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const foreign = [];
  const problems = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) foreign.push(request.url());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  return { page, context, foreign, problems };
}

async function signIn(page) {
  await page.goto(`${url}/login`);
  await page.fill('#identifier', 'admin');
  await page.fill('#password', password);
  await page.click('button[type=submit]');
  await page.waitForURL('**/security/tokens');
}

async function faultless(page, what) {
  await page.addScriptTag({ content: axe });
  const { violations } = await page.evaluate(() => globalThis.axe.run(globalThis.document));
  const told = violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
  );
  assert.deepEqual(told, [], what);
  const wider = await page.evaluate(
    () => globalThis.document.documentElement.scrollWidth - globalThis.innerWidth,
  );
  assert.ok(wider <= 0, `${what} is ${wider} pixels wider than the screen`);
}

for (const colorScheme of ['light', 'dark']) {
  for (const size of ['large', 'small']) {
    test(`the pages are faultless to axe, ${colorScheme} and ${size}, and ask nobody else for anything`, async () => {
      const { page, context, foreign, problems } = await aPage(colorScheme, size);
      const shoot = async (name) => {
        await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${size}.png`), fullPage: true });
        await faultless(page, name);
      };
      await page.goto(`${url}/login`);
      await shoot('sign-in');
      await page.fill('#identifier', 'admin');
      await page.fill('#password', 'wrong');
      await page.click('button[type=submit]');
      await page.waitForSelector('[role=alert]');
      await shoot('sign-in-refused');
      await signIn(page);
      await page.fill('#name', 'continuous integration');
      await page.fill('#purpose', 'builds of the main branch');
      await page.click('text=Create token');
      await page.waitForSelector('.note.ok code.value');
      await shoot('token-created');
      await page.click('text=Set up');
      await page.waitForSelector('#first-code');
      await shoot('second-factor-offered');
      await page.goto(`${url}/security/tokens`);
      await shoot('tokens');
      await page.goto(`${url}/login?source=${Buffer.from('https://meshery.example').toString('base64url')}`);
      await page.waitForSelector('text=Allow meshery.example?');
      await shoot('allow');
      await page.goto(`${url}/login?source=x`);
      await shoot('refused');
      assert.deepEqual(foreign, []);
      assert.deepEqual(problems, []);
      await context.close();
    });
  }
}

test('the keyboard is enough: signing in, making a token, revoking it, signing out', async () => {
  const { page, context } = await aPage('light', 'large');
  await page.goto(`${url}/login`);
  await page.waitForFunction(() => globalThis.document.activeElement?.id === 'identifier');
  await page.keyboard.type('admin');
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/security/tokens');
  await page.focus('#name');
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Enter');
  const value = await page.textContent('.note.ok code.value');
  assert.match(value, /^l5_/);
  const revoke = page.getByRole('button', { name: 'Revoke Security token by keyboard' });
  await revoke.focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('text=Revoked: Security token by keyboard');
  await page.getByRole('link', { name: 'Sign out' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/login');
  await context.close();
});

test('the browser itself keeps the policy: a script put into the page does not run, and the first paint is soon', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const refused = [];
  page.on('console', (message) => refused.push(message.text()));
  await page.goto(`${url}/login`);
  const painted = await page.evaluate(
    () => globalThis.performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  );
  assert.ok(painted < 1000, `painted after ${painted} ms`);
  const ran = await page.evaluate(() => {
    const script = globalThis.document.createElement('script');
    script.textContent = 'globalThis.ran = true';
    globalThis.document.body.append(script);
    return globalThis.ran === true;
  });
  assert.equal(ran, false);
  assert.match(refused.join(' '), /Content Security Policy/);
  await context.close();
});
