/**
 * The API browser: one looks at what a link leads to, follows the next one, and tries what can be done, with one's own rights.
 *
 * The place is in the address after `#`, so that back, forward and links to places are the browser's own. Only paths of this API of this
 * server are asked for, whatever an answer says: credentials go nowhere else. What changes something is asked about first, is never
 * repeated by itself, and is no place to come back to.
 */
import type { JsonObject } from '../../src/openapi/components.js';
import { byId, el, refill } from '../dom.js';
import { addFrame } from '../frame.js';
import { openCallDialog } from './call-dialog.js';
import { isObject, type Shape, shapeOf, within } from './hal.js';
import { Operations } from './operations.js';
import { embeddedPane, linksPane, propertiesPane, type Ways } from './panes.js';
import { queryView } from './query-view.js';
import { responsePane } from './response-view.js';
import { type Came, type Sent, send } from './sending.js';
import { Session } from './session.js';
import { signInView } from './sign-in.js';

const main = byId('main');
const root = main.dataset.root ?? '/';
const reference = main.dataset.reference ?? '/docs/';
const session = new Session(root);
const REMEMBERED = 30;

let api: JsonObject | null = null;
let operations: Operations | null = null;
let running: AbortController | null = null;
let current: { readonly href: string; readonly shape: Shape } | null = null;
let seen: readonly string[] = kept();

const method = el(
  'select',
  { 'aria-label': 'Method' },
  ...['GET', 'POST', 'DELETE'].map((each) => el('option', {}, each)),
);
const field = el('input', {
  class: 'path-field',
  'aria-label': 'Path',
  list: 'seen',
  spellcheck: 'false',
  autocomplete: 'off',
});
const seenList = el('datalist', { id: 'seen' });
const sendButton = el('button', { type: 'submit' }, 'Send');
const who = el('div', { class: 'who' });
const crumbs = el('nav', { class: 'crumbs', 'aria-label': 'Path' });
const state = el('div', { class: 'state-line', role: 'status' });
const query = el('div', {});
const content = el('div', { class: 'browser-content' });
const bar = el('form', { class: 'bar' }, method, field, seenList, sendButton, who);

const ways: Ways = { root, open, call };

function open(href: string): void {
  const inside = within(root, href);
  if (inside === null) {
    fail(`${href} is not a path of this API`, `Paths begin with ${root}. Credentials are sent nowhere else.`);
    return;
  }
  if (location.hash === `#${inside}`) void show();
  else location.hash = inside;
}

function placeOf(): string {
  const text = location.hash.slice(1);
  return text === '' || text === 'main' ? root : text;
}

function call(name: string, href: string, title: string): void {
  openCallDialog(
    { method: name, href, title, document: api, described: operations?.find(name, pathOf(href)), reference },
    (sent) => void change(sent),
  );
}

/** Shows the place of the address. */
async function show(): Promise<void> {
  const href = within(root, placeOf());
  method.value = 'GET';
  field.value = placeOf();
  drawWho();
  drawCrumbs(placeOf());
  if (href === null) {
    fail(
      `${placeOf()} is not a path of this API`,
      `Paths begin with ${root}. Credentials are sent nowhere else.`,
    );
    return;
  }
  if ((await session.token()) === null) {
    askToSignIn('Everything here is shown with your own rights.');
    return;
  }
  const came = await ask({ method: 'GET', href, body: '' });
  if (came === null) return;
  if (came.status === 401) {
    session.forget();
    askToSignIn('Your token has ended, or is not known here any more. Sign in to go on where you were.');
    return;
  }
  if (came.status === 200) note(href);
  draw(came);
}

/** Sends what changes something, and shows what came of it. */
async function change(sent: Sent): Promise<void> {
  const came = await ask(sent);
  if (came === null) return;
  if (came.status === 401) {
    session.forget();
    askToSignIn(
      'Your token has ended, so nothing was changed. Sign in, and send it again if you still want it.',
    );
    return;
  }
  draw(came);
}

/** @returns null: another request has taken its place */
async function ask(sent: Sent): Promise<Came | null> {
  running?.abort();
  const own = new AbortController();
  running = own;
  const began = performance.now();
  const cancel = el('button', { type: 'button', class: 'quiet', onclick: () => own.abort() }, 'Cancel');
  const clock = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    refill(state, `${sent.method} ${sent.href} … ${seconds} s `, cancel);
  }, 1000);
  main.setAttribute('aria-busy', 'true');
  const came = await send(sent, session, own.signal);
  clearInterval(clock);
  if (running !== own) return null;
  running = null;
  main.removeAttribute('aria-busy');
  refill(state);
  drawWho();
  return came;
}

function draw(came: Came): void {
  const { sent } = came;
  const shape = shapeOf(came.json ?? null);
  const good = came.status >= 200 && came.status < 300;
  const here = sent.method === 'GET' ? sent.href : (selfHref(shape) ?? sent.href);
  current = { href: sent.href, shape };
  refill(query, good && sent.method === 'GET' ? queryView(sent.href, shape, open) : null);
  const known = operations?.at(pathOf(here)) ?? [];
  refill(
    content,
    el(
      'div',
      { class: 'columns' },
      el('div', { class: 'column' }, good ? linksPane(shape, known, here, ways) : helpPane(came)),
      el(
        'div',
        { class: 'column' },
        sent.method === 'GET' ? null : changedNote(came, shape),
        good && (shape.properties.length > 2 || shape.pages === null) ? propertiesPane(shape, ways) : null,
        good ? embeddedPane(shape, ways) : null,
      ),
      el('div', { class: 'column' }, responsePane(came, ways)),
    ),
  );
  document.title = `${sent.href} · API browser · Orrery`;
  document.body.dataset.ready = `${sent.method} ${sent.href} ${came.status}`;
}

function selfHref(shape: Shape): string | null {
  return shape.links.find(({ rel }) => rel === 'self')?.href ?? null;
}

function changedNote({ sent, status }: Came, shape: Shape): HTMLElement {
  const self = selfHref(shape);
  const good = status >= 200 && status < 300;
  return el(
    'p',
    { class: `note ${good ? 'ok' : 'bad'}`, role: 'status' },
    `${sent.method} ${sent.href}: ${good ? 'done' : 'refused'}. `,
    good && self !== null && within(root, self) !== null
      ? el('a', { href: `#${self}` }, 'Open what it made or changed')
      : null,
    ' ',
    el('button', { type: 'button', class: 'quiet', onclick: () => void show() }, `Back to ${placeOf()}`),
  );
}

const HELP: Readonly<Record<number, string>> = {
  0: 'Nothing came back.',
  400: 'The server does not understand a part of it. The words below name the part.',
  403: 'You are known, and may not. Somebody who may can give you the permission.',
  404: 'There is none, or none that you may see.',
  405: 'This path is not asked in this way.',
  409: 'A fair request at the wrong moment: look at the state it is in.',
  429: 'Too many requests; wait a little.',
  503: 'A part of the server that is needed is down; try again soon.',
};

/** A refusal as help: what it was, why, and what next. */
function helpPane(came: Came): HTMLElement {
  const { sent, status, json, trouble } = came;
  const described = operations?.find(sent.method, pathOf(sent.href));
  const words = isObject(json) ? [json.error, json.detail].filter((each) => typeof each === 'string') : [];
  const own = [...new Set(words)].map(String);
  const id = came.headers.find(([name]) => name === 'x-request-id')?.[1];
  return el(
    'section',
    { class: 'pane', 'aria-label': 'Why' },
    el('h2', {}, status === 0 ? 'No answer' : `Refused with ${status}`),
    el('p', {}, trouble || (HELP[status] ?? 'The server could not do it.')),
    ...own.map((each) => el('p', { class: 'note bad' }, each)),
    el(
      'div',
      { class: 'choices' },
      el(
        'button',
        { type: 'button', onclick: () => void show() },
        sent.method === 'GET' ? 'Try again' : 'Back',
      ),
      described === undefined ? null : el('a', { href: `${reference}#${described.id}` }, 'Reference'),
      el('a', { href: `#${root}` }, 'To the root'),
    ),
    id === undefined ? null : el('p', { class: 'muted small' }, `Request ${id}`),
  );
}

function fail(title: string, why: string): void {
  refill(query);
  refill(
    content,
    el(
      'section',
      { class: 'pane narrow' },
      el('h2', {}, title),
      el('p', {}, why),
      el('a', { href: `#${root}` }, 'To the root'),
    ),
  );
  document.body.dataset.ready = 'refused';
}

function askToSignIn(why: string): void {
  refill(query);
  refill(
    content,
    signInView(session, why, () => void show()),
  );
  drawWho();
  document.body.dataset.ready = 'sign-in';
}

function drawWho(): void {
  const name = session.username;
  if (name === null) {
    refill(who, el('span', { class: 'muted' }, 'not signed in'));
    return;
  }
  const { until } = session;
  const ends =
    until === null
      ? ''
      : ` · until ${new Date(until).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`;
  const out = el('button', { type: 'button', class: 'quiet', onclick: signOut }, 'Sign out');
  refill(who, el('span', { class: 'muted' }, `as ${name}${ends}`), out);
}

function signOut(): void {
  session.signOut();
  seen = [];
  forgetSeen();
  askToSignIn('You have signed out. Nothing of what you saw is kept.');
}

function drawCrumbs(href: string): void {
  const base = root.replace(/\/$/, '');
  const below = pathOf(href)
    .slice(base.length)
    .split('/')
    .filter((part) => part !== '');
  const links = below.map((part, at) => {
    const to = `${base}/${below.slice(0, at + 1).join('/')}${at === 0 ? '/' : ''}`;
    return el(
      'a',
      { href: `#${to}`, 'aria-current': at === below.length - 1 ? 'page' : null },
      decodeURIComponent(part),
    );
  });
  refill(crumbs, el('a', { href: `#${root}` }, 'root'), ...links.flatMap((link) => [' › ', link]));
}

function pathOf(href: string): string {
  return href.split('?')[0] ?? href;
}

/** Places of this tab, for the list under the field. */
function note(href: string): void {
  seen = [href, ...seen.filter((each) => each !== href)].slice(0, REMEMBERED);
  refill(seenList, ...seen.map((each) => el('option', { value: each })));
  try {
    sessionStorage.setItem('orrery.browser.seen', JSON.stringify(seen));
  } catch {
    // It is known until the page is left.
  }
}

function kept(): readonly string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem('orrery.browser.seen') ?? '[]');
    return Array.isArray(found) ? found.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

function forgetSeen(): void {
  refill(seenList);
  try {
    sessionStorage.removeItem('orrery.browser.seen');
  } catch {
    // Nothing was kept.
  }
}

function page(which: 'next' | 'previous'): void {
  const href = current?.shape.pages?.[which];
  if (href !== null && href !== undefined) open(href);
}

function up(): void {
  const links = [...crumbs.querySelectorAll('a')];
  links.at(-2)?.click();
}

/** From one link or button of the answer to the next. */
function step(by: number): void {
  const all = [...content.querySelectorAll<HTMLElement>('.links a, .links button, tbody a')];
  const at = all.indexOf(document.activeElement as HTMLElement);
  all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
}

bar.addEventListener('submit', (event) => {
  event.preventDefault();
  const href = field.value.trim();
  if (method.value === 'GET') open(href);
  else if (within(root, href) === null) open(href);
  else call(method.value, href, `${method.value} ${href}`);
});

addFrame([
  { key: '/', does: 'Path', run: () => field.select() },
  { key: 'r', does: 'Root', run: () => open(root) },
  { key: 'u', does: 'One level up', run: up },
  { key: 'j', does: 'Next link or action', run: () => step(1) },
  { key: 'k', does: 'Link or action before', run: () => step(-1) },
  { key: 'n', does: 'Next page of a list', run: () => page('next') },
  { key: 'p', does: 'Page before', run: () => page('previous') },
  {
    key: 'y',
    does: 'Copy the response',
    run: () => content.querySelector<HTMLButtonElement>('.response .copy')?.click(),
  },
]);
main.append(bar, crumbs, state, query, content);
addEventListener('hashchange', () => void show());

/** Without the description everything works but what it would have helped with. */
async function readDescription(): Promise<void> {
  const answer = await fetch(main.dataset.document ?? '').catch(() => null);
  const found: unknown = answer?.ok === true ? await answer.json().catch(() => null) : null;
  if (typeof found !== 'object' || found === null) return;
  api = found as JsonObject;
  operations = new Operations(api);
}

await readDescription();
void show();
