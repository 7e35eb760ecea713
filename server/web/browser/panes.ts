/** The left and the middle: where one can go from here, what can be done, what it is. */
import type { Described } from '../../src/openapi/reading.js';
import { textOf } from '../../src/openapi/reading.js';
import { el } from '../dom.js';
import { covered, filled, isObject, type Json, type Link, type Shape, selfOf, within } from './hal.js';

export interface Ways {
  readonly root: string;
  open(href: string): void;
  /** Opens the form of a call that changes something. */
  call(method: string, href: string, title: string): void;
}

function hashTo(href: string): string {
  return `#${href}`;
}

/** A link that can be followed; as text where it leads out of the API. */
export function linkView(ways: Ways, href: string, words: string): HTMLElement {
  const inside = within(ways.root, href);
  if (inside === null)
    return el('span', { class: 'outside', title: 'Leads out of this API, so it is not followed' }, words);
  return el('a', { href: hashTo(inside), title: href }, words);
}

export function linksPane(
  shape: Shape,
  operations: readonly Described[],
  here: string,
  ways: Ways,
): HTMLElement {
  const links = shape.links.map((link) =>
    el(
      'li',
      {},
      el('span', { class: 'rel' }, link.rel),
      link.variables.length > 0
        ? templateForm(link, ways)
        : linkView(ways, link.href, link.title === '' || link.title === link.rel ? link.href : link.title),
    ),
  );
  const known = new Set(shape.actions.map(({ href }) => href.replace(/\/$/, '')));
  const actions = [
    ...shape.actions.map((link) => actionButton(ways, 'POST', link.href, link.rel, link.title)),
    ...operations
      .filter(({ method }) => method !== 'GET')
      .filter(() => !known.has(here.replace(/\/$/, '')))
      .map(({ method, operation }) => actionButton(ways, method, here, textOf(operation.summary), '')),
  ];
  return el(
    'section',
    { class: 'pane', 'aria-label': 'Links and actions' },
    el('h2', {}, 'Links'),
    links.length === 0
      ? el('p', { class: 'quiet-line' }, 'It links to nothing.')
      : el('ul', { class: 'links' }, ...links),
    el('h2', {}, 'Actions'),
    actions.length === 0
      ? el('p', { class: 'quiet-line' }, 'Nothing can be done here, or not by you.')
      : el('ul', { class: 'links actions' }, ...actions.map((each) => el('li', {}, each))),
  );
}

function actionButton(ways: Ways, method: string, href: string, name: string, title: string): HTMLElement {
  if (within(ways.root, href) === null) return el('span', { class: 'outside' }, name);
  return el(
    'button',
    {
      type: 'button',
      class: 'quiet action',
      title: title === '' ? href : title,
      onclick: () => ways.call(method, href, title || name),
    },
    el('span', { class: `method ${method.toLowerCase()}` }, method === 'DELETE' ? 'DEL' : method),
    name,
  );
}

/** A link with something to be filled in. */
function templateForm({ rel, href, variables }: Link, ways: Ways): HTMLElement {
  const fields = variables.map((name) =>
    el('input', { name, placeholder: name, 'aria-label': `${rel}: ${name}` }),
  );
  const form = el('form', { class: 'inline' }, ...fields, el('button', { class: 'quiet' }, 'Go'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ways.open(filled(href, Object.fromEntries(fields.map((field) => [field.name, field.value]))));
  });
  return form;
}

export function propertiesPane(shape: Shape, ways: Ways): HTMLElement {
  const rows = shape.properties
    .filter(([name]) => shape.pages === null || (name !== 'total' && name !== 'count'))
    .map(([name, value]) =>
      el('tr', {}, el('th', { scope: 'row' }, name), el('td', {}, valueView(value, name, ways))),
    );
  return el(
    'section',
    { class: 'pane', 'aria-label': 'Properties' },
    el('h2', {}, 'Properties'),
    rows.length === 0
      ? el('p', { class: 'quiet-line' }, 'None of its own.')
      : el('table', { class: 'properties' }, el('tbody', {}, ...rows)),
  );
}

const STATES: readonly (readonly [RegExp, string, string])[] = [
  [/^(active|success|poweron|online|ok|completed|approved)$/i, 'ok', '■'],
  [/^(running|prov|modify|decom|approving)$/i, 'working', '●'],
  [/^(pending|queued|init|to_?do)$/i, 'waiting', '□'],
  [/^(warning)$/i, 'warn', '▲'],
  [/^(failure|failed|denied|error|provfail)$/i, 'bad', '✖'],
  [/^(to_cancel|canceling|cancelling)$/i, 'leaving', '⇥'],
  [/^(cart|unknown)$/i, 'idle', '◌'],
  [/^(historical|canceled|cancelled|poweroff|paused)$/i, 'off', '⊝'],
];

function valueView(value: Json, name: string, ways: Ways): Node {
  const shown = covered(value, name);
  if (typeof shown === 'string') {
    if (shown.startsWith('/')) return linkView(ways, shown, shown);
    const state = /status$/i.test(name) ? STATES.find(([pattern]) => pattern.test(shown)) : undefined;
    if (state !== undefined) {
      return el(
        'span',
        { class: `state ${state[1]}` },
        el('span', { 'aria-hidden': 'true' }, state[2]),
        ` ${shown}`,
      );
    }
    return shown === '' ? el('span', { class: 'muted' }, 'empty') : document.createTextNode(shown);
  }
  if (shown === null) return el('span', { class: 'muted' }, 'nothing');
  if (typeof shown !== 'object') return document.createTextNode(String(shown));
  if (isObject(shown) && typeof shown.href === 'string') {
    return linkView(ways, shown.href, typeof shown.title === 'string' ? shown.title : shown.href);
  }
  const text = JSON.stringify(shown);
  return el(
    'code',
    { title: 'The whole of it is in the response' },
    text.length > 120 ? `${text.slice(0, 119)}…` : text,
  );
}

/** Columns that a table of embedded things has at most. */
const COLUMNS = 6;

export function embeddedPane(shape: Shape, ways: Ways): HTMLElement | null {
  const parts = shape.embedded.filter(({ items }) => items.length > 0 || shape.pages !== null);
  if (parts.length === 0) return null;
  return el(
    'section',
    { class: 'pane', 'aria-label': 'Embedded' },
    ...parts.flatMap(({ rel, items }) => [
      el('h2', {}, rel === 'items' ? 'Items' : rel, ' ', el('span', { class: 'count' }, `(${items.length})`)),
      items.length === 0
        ? el('p', { class: 'quiet-line' }, 'None that you may see. Fewer conditions may find some.')
        : tableView(items, ways),
    ]),
  );
}

function tableView(items: readonly Json[], ways: Ways): HTMLElement {
  const objects = items.filter(isObject);
  const names = [...new Set(objects.flatMap((each) => Object.keys(each)))]
    .filter((name) => !['_links', 'links', 'link', '_embedded'].includes(name))
    .slice(0, COLUMNS);
  const rows = items.map((item) => {
    const self = selfOf(item);
    const cells = names.map((name) => {
      const value = isObject(item) ? item[name] : undefined;
      return el('td', {}, value === undefined ? null : valueView(value, name, ways));
    });
    const open = self === null ? null : linkView(ways, self.href, self.title === '' ? self.href : self.title);
    return el('tr', {}, el('td', {}, open ?? (isObject(item) ? null : valueView(item, '', ways))), ...cells);
  });
  return el(
    'div',
    { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Table of items' },
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          el('th', { scope: 'col' }, 'item'),
          ...names.map((name) => el('th', { scope: 'col' }, name)),
        ),
      ),
      el('tbody', {}, ...rows),
    ),
  );
}
