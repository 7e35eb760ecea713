/** Rows of a schema as a list whose members open. */
import { el, refill } from '../dom.js';
import { phrase } from '../prose-view.js';
import type { Row } from './schema-rows.js';

/** Elements that may be opened at once by "Expand all": schemas may hold themselves. */
const MOST_OPENED = 60;

export function rowsView(rows: readonly Row[]): HTMLElement {
  return el('ul', { class: 'rows' }, ...rows.map(rowView));
}

function rowView(row: Row): HTMLElement {
  const item = el('li', {});
  const facts = el(
    'div',
    { class: 'row' },
    nameView(row, item),
    ' ',
    el('span', { class: 'type' }, row.type),
  );
  if (row.required) facts.append(' ', el('span', { class: 'required' }, 'required'));
  if (row.deprecated) facts.append(' ', el('span', { class: 'warned' }, 'deprecated'));
  for (const limit of row.limits) facts.append(' ', el('span', { class: 'limit' }, limit));
  item.append(facts);
  if (row.description !== '') item.append(el('div', { class: 'about' }, phrase(row.description)));
  if (row.fallback !== null) item.append(wordsView('Default', [row.fallback]));
  if (row.allowed.length > 0) item.append(wordsView('Allowed', row.allowed));
  return item;
}

function nameView(row: Row, item: HTMLElement): HTMLElement {
  const { inside } = row;
  if (inside === null) return el('code', { class: 'name' }, row.name);
  const holder = el('div', { class: 'inside' });
  const button = el('button', { type: 'button', class: 'name opens', 'aria-expanded': 'false' }, row.name);
  button.addEventListener('click', () => {
    const opened = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(opened));
    if (!opened) {
      holder.remove();
      return;
    }
    refill(holder, rowsView(inside()));
    item.append(holder);
  });
  return button;
}

function wordsView(label: string, words: readonly string[]): HTMLElement {
  const shown = words.slice(0, 40).flatMap((word) => [' ', el('code', {}, word)]);
  const rest = words.length > 40 ? ` and ${words.length - 40} more` : '';
  return el('div', { class: 'words' }, `${label}:`, ...shown, rest);
}

/** Opens everything below `root`, level by level, as far as it does not become too much. */
export function expandAll(root: HTMLElement): void {
  for (const details of root.querySelectorAll('details')) details.open = true;
  for (let opened = 0; opened < MOST_OPENED; ) {
    const next = root.querySelector<HTMLButtonElement>('button.opens[aria-expanded=false]');
    if (next === null || depthOf(next) > 6) return;
    next.click();
    opened++;
  }
}

export function collapseAll(root: HTMLElement): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>('button.opens[aria-expanded=true]'))
    button.click();
  for (const details of root.querySelectorAll('details')) details.open = false;
}

function depthOf(element: Element): number {
  let depth = 0;
  for (let at = element.parentElement?.closest('.inside'); at; at = at.parentElement?.closest('.inside'))
    depth++;
  return depth;
}
