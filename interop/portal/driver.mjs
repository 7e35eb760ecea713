// One Chromium and its pages, each of which notes what must not be, for the tests of the reference and of the API browser. Screenshots,
// light and dark, lie under .cache/portal/.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { ORRERY_INTEROP_HOST: host, ORRERY_INTEROP_PORT: port } = process.env;
export const password = process.env.ORRERY_INTEROP_PASSWORD;
export const url = `http://${host}:${port}`;
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
assert.ok(executablePath, 'no Chromium here');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const shots = join(root, '.cache', 'portal');
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
after(() => browser.close());

/** A page that notes what must not be: requests elsewhere, faults of scripts, and what the policy refuses. */
export async function aPage(given = {}) {
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

export async function ready(page, pattern = /^yes$/) {
  await page.waitForFunction(
    ([source]) => new RegExp(source).test(document.body.dataset.ready ?? ''),
    [pattern.source],
  );
}

export async function faultless(page, what) {
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
