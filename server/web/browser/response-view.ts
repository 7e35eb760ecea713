/** The right: what came, as it came, and how one would ask for it elsewhere. */
import type { Call } from '../../src/openapi/call.js';
import { codeSample, LANGUAGES } from '../../src/openapi/code-samples.js';
import { copyButton } from '../copying.js';
import { el, refill } from '../dom.js';
import { jsonTree } from '../json-view.js';
import { remember, remembered } from '../remembered.js';
import { covered, type Json } from './hal.js';
import { linkView, type Ways } from './panes.js';
import type { Came, Sent } from './sending.js';

/** Bodies over this open collapsed. */
const LARGE = 1024 * 1024;

export function callOfSent({ method, href, body }: Sent, token = 'YOUR_TOKEN'): Call {
  return {
    method,
    path: href,
    headers: [
      ['Authorization', `Bearer ${token}`],
      ...(body === '' ? [] : [['Content-Type', 'application/json'] as const]),
    ],
    basic: null,
    body: body === '' ? null : { kind: 'json', value: JSON.parse(body) as Json },
  };
}

export function responsePane(came: Came, ways: Ways): HTMLElement {
  const type = came.headers.find(([name]) => name === 'content-type')?.[1] ?? '';
  const holder = el('div', {});
  const tabs = [
    ['Body', () => bodyView(came, ways)],
    ['Headers', () => headersView(came)],
    ['Code', () => codeView(came.sent)],
  ] as const;
  const buttons = tabs.map(([title, view], at) => {
    const button = el(
      'button',
      {
        type: 'button',
        role: 'tab',
        'aria-selected': at === 0,
        id: `tab-${title}`,
        'aria-controls': 'response-panel',
        tabindex: at === 0 ? 0 : -1,
      },
      title,
    );
    button.addEventListener('click', () => {
      for (const each of buttons) {
        each.setAttribute('aria-selected', String(each === button));
        each.tabIndex = each === button ? 0 : -1;
      }
      holder.setAttribute('aria-labelledby', button.id);
      refill(holder, view());
    });
    return button;
  });
  const list = el('div', { role: 'tablist', class: 'tabs', 'aria-label': 'Response' }, ...buttons);
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next =
      buttons[
        (buttons.indexOf(document.activeElement as HTMLButtonElement) + step + buttons.length) %
          buttons.length
      ];
    next?.focus();
    next?.click();
  });
  holder.id = 'response-panel';
  holder.setAttribute('role', 'tabpanel');
  holder.setAttribute('aria-labelledby', 'tab-Body');
  refill(holder, bodyView(came, ways));
  const good = came.status >= 200 && came.status < 300;
  return el(
    'section',
    { class: 'pane response', 'aria-label': 'Response' },
    el(
      'div',
      { class: 'response-head' },
      el('h2', {}, 'Response'),
      el('span', { class: `status ${good ? 'ok' : 'bad'}` }, String(came.status || 'none')),
      el(
        'span',
        { class: 'muted' },
        `${Math.round(came.ms)} ms · ${sizeOf(came.bytes)}${type === '' ? '' : ` · ${type}`}`,
      ),
    ),
    list,
    holder,
  );
}

function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < LARGE ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / LARGE).toFixed(1)} MiB`;
}

function bodyView(came: Came, ways: Ways): HTMLElement {
  if (came.json === undefined) return otherBody(came);
  const hidden = covered(came.json);
  const hides = JSON.stringify(hidden) !== JSON.stringify(came.json);
  const options = {
    open: came.bytes > LARGE ? 0 : 3,
    text: (text: string) => (/^\/(?!\/)/.test(text) ? linkView(ways, text, JSON.stringify(text)) : null),
  };
  const holder = el('div', {});
  let tree = jsonTree(hidden, options);
  refill(holder, tree.element);
  const reveal = el(
    'button',
    {
      type: 'button',
      class: 'quiet',
      onclick: () => {
        tree = jsonTree(came.json, options);
        refill(holder, tree.element);
        reveal.remove();
      },
    },
    'Reveal secrets',
  );
  return el(
    'div',
    {},
    el(
      'div',
      { class: 'choices' },
      copyButton(() => JSON.stringify(came.json, null, 2)),
      el('button', { type: 'button', class: 'quiet', onclick: () => tree.expandAll() }, 'Expand all'),
      el('button', { type: 'button', class: 'quiet', onclick: () => tree.collapseAll() }, 'Collapse all'),
      hides ? reveal : null,
    ),
    holder,
  );
}

function otherBody({ text, blob, status }: Came): HTMLElement {
  if (text !== '') return el('pre', { tabindex: 0, role: 'group', 'aria-label': 'Text of the answer' }, text);
  if (blob === null)
    return el('p', { class: 'quiet-line' }, status === 204 ? 'Done; there is no body.' : 'There is no body.');
  const address = URL.createObjectURL(blob);
  return el(
    'p',
    {},
    'This is a file. ',
    el('a', { href: address, download: 'answer' }, `Save it (${sizeOf(blob.size)})`),
  );
}

function headersView({ headers }: Came): HTMLElement {
  const rows = headers.map(([name, value]) =>
    el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, value)),
  );
  return el('table', { class: 'properties' }, el('tbody', {}, ...rows));
}

function codeView(sent: Sent): HTMLElement {
  const known = LANGUAGES.find(({ id }) => id === remembered('language'))?.id ?? 'curl';
  const language = el(
    'select',
    { 'aria-label': 'Language' },
    ...LANGUAGES.map(({ id, title }) => el('option', { value: id, selected: id === known }, title)),
  );
  const code = el('code', {});
  const draw = () => {
    const chosen = LANGUAGES.find(({ id }) => id === language.value) ?? LANGUAGES[0];
    code.textContent = codeSample(chosen.id, callOfSent(sent), location.origin);
  };
  language.addEventListener('change', () => {
    remember('language', language.value);
    draw();
  });
  draw();
  return el(
    'div',
    {},
    el(
      'div',
      { class: 'choices' },
      language,
      copyButton(() => code.textContent ?? ''),
    ),
    el('pre', { tabindex: 0, role: 'group', 'aria-label': 'Code' }, code),
    el('p', { class: 'muted small' }, 'Your token is not in it: put it in the place of YOUR_TOKEN.'),
  );
}
