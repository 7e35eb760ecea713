/**
 * JSON as a tree that opens and closes. What is closed is not in the page: a large answer costs what is looked at of it.
 */
import { el, refill } from './dom.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

interface Options {
  /** How deep it is open at first. */
  readonly open?: number;
  /** What a text is where it is more than a text; null: a text. */
  readonly text?: (text: string) => HTMLElement | null;
}

export interface JsonTree {
  readonly element: HTMLElement;
  expandAll(): void;
  collapseAll(): void;
}

/** Members that are shown of one thing before somebody asks for more. */
const SHOWN = 100;
/** Elements that "Expand all" may make: a page must stay quick whatever an answer holds. */
const MOST_EXPANDED = 1500;

export function jsonTree(value: unknown, options: Options = {}): JsonTree {
  const element = el('div', { class: 'json', tabindex: 0, role: 'group', 'aria-label': 'JSON' });
  const draw = (depth: number) => {
    const budget = { left: MOST_EXPANDED };
    refill(element, valueView(value as Json, 0, depth, options, budget, ''));
  };
  draw(options.open ?? 2);
  return { element, expandAll: () => draw(Number.POSITIVE_INFINITY), collapseAll: () => draw(1) };
}

interface Budget {
  left: number;
}

function valueView(
  value: Json,
  depth: number,
  open: number,
  options: Options,
  budget: Budget,
  tail: string,
): Node {
  budget.left -= 3;
  if (value === null || typeof value !== 'object') return scalarView(value, options, tail);
  const isList = Array.isArray(value);
  const entries = isList
    ? (value as readonly Json[]).map((each) => [null, each] as const)
    : Object.entries(value as { [name: string]: Json });
  const [start, end] = isList ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) return el('span', { class: 'sign' }, `${start}${end}${tail}`);
  const inside = el('div', { class: 'inside' });
  const noun = isList ? 'items' : 'members';
  const toggle = el('button', { type: 'button', class: 'toggle' });
  const count = el(
    'span',
    { class: 'count' },
    ` ${entries.length} ${entries.length === 1 ? noun.slice(0, -1) : noun} ${end}${tail}`,
  );
  const foot = el('span', { class: 'sign' }, `${end}${tail}`);
  let filled = false;
  const set = (opened: boolean, deeper: number, spent: Budget) => {
    toggle.setAttribute('aria-expanded', String(opened));
    toggle.setAttribute('aria-label', opened ? 'Collapse' : `Expand ${entries.length} ${noun}`);
    if (opened && !filled) {
      filled = true;
      fill(inside, entries, 0, { depth: depth + 1, open: deeper, options, budget: spent });
    }
    inside.hidden = !opened;
    foot.hidden = !opened;
    count.hidden = opened;
  };
  toggle.addEventListener('click', () =>
    set(toggle.getAttribute('aria-expanded') !== 'true', depth + 1, { left: MOST_EXPANDED }),
  );
  set(depth < open && budget.left > 0, open, budget);
  return el('span', {}, toggle, el('span', { class: 'sign' }, start), count, inside, foot);
}

interface Level {
  readonly depth: number;
  readonly open: number;
  readonly options: Options;
  readonly budget: Budget;
}

function fill(
  inside: HTMLElement,
  entries: readonly (readonly [string | null, Json])[],
  from: number,
  level: Level,
): void {
  const { depth, open, options, budget } = level;
  const part = entries.slice(from, from + SHOWN);
  part.forEach(([name, value], at) => {
    const tail = from + at < entries.length - 1 ? ',' : '';
    const key = name === null ? null : el('span', { class: 'key' }, JSON.stringify(name));
    inside.append(
      el(
        'div',
        { class: 'member' },
        key,
        key === null ? null : ': ',
        valueView(value, depth, open, options, budget, tail),
      ),
    );
  });
  const left = entries.length - from - part.length;
  if (left === 0) return;
  const more = el(
    'button',
    { type: 'button', class: 'quiet' },
    `Show ${Math.min(SHOWN, left)} more of ${left}`,
  );
  more.addEventListener('click', () => {
    more.remove();
    fill(inside, entries, from + SHOWN, { ...level, budget: { left: MOST_EXPANDED } });
  });
  inside.append(more);
}

function scalarView(value: string | number | boolean | null, options: Options, tail: string): Node {
  const kind = value === null ? 'null' : typeof value;
  const special = typeof value === 'string' ? (options.text?.(value) ?? null) : null;
  return el(
    'span',
    { class: kind },
    special ?? JSON.stringify(value),
    tail === '' ? null : el('span', { class: 'sign' }, tail),
  );
}
