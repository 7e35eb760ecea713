/** Asking a list: conditions, more attributes, pages. */
import { el } from '../dom.js';
import type { Json, Pages, Shape } from './hal.js';
import { isObject } from './hal.js';
import { asking, condition, hrefOf, LOOKUPS, type Question, questionOf } from './query.js';

export function queryView(href: string, shape: Shape, open: (href: string) => void): HTMLElement | null {
  const question = questionOf(href);
  const isList = shape.pages !== null;
  if (!isList && shape.properties.length === 0) return null;
  return el(
    'div',
    { class: 'query' },
    ...(isList ? [conditionsView(question, shape, open)] : []),
    attributesView(question, open),
    shape.pages === null ? null : pagesView(shape.pages, open),
  );
}

function conditionsView(question: Question, shape: Shape, open: (href: string) => void): HTMLElement {
  const names = namesOf(shape.embedded.flatMap(({ items }) => items));
  const key = el('input', {
    list: 'known-keys',
    placeholder: 'field',
    'aria-label': 'Field of the condition',
    required: true,
    size: 12,
  });
  const lookup = el(
    'select',
    { 'aria-label': 'Lookup' },
    ...LOOKUPS.map(([value, words]) => el('option', { value }, words)),
  );
  const value = el('input', { placeholder: 'value', 'aria-label': 'Value of the condition', size: 12 });
  const form = el(
    'form',
    { class: 'inline', 'aria-label': 'Filter' },
    el('span', { class: 'label' }, 'Filter'),
    ...question.filter.map((each) =>
      el(
        'button',
        {
          type: 'button',
          class: 'chip',
          'aria-label': `Without ${each}`,
          onclick: () =>
            open(hrefOf(asking(question, { filter: question.filter.filter((other) => other !== each) }))),
        },
        `${each} ×`,
      ),
    ),
    key,
    el('datalist', { id: 'known-keys' }, ...names.map((name) => el('option', { value: name }))),
    lookup,
    value,
    el('button', { class: 'quiet' }, 'Add'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    open(
      hrefOf(
        asking(question, { filter: [...question.filter, condition(key.value, lookup.value, value.value)] }),
      ),
    );
  });
  return form;
}

function namesOf(items: readonly Json[]): readonly string[] {
  return [...new Set(items.filter(isObject).flatMap((each) => Object.keys(each)))].filter(
    (name) => !name.startsWith('_'),
  );
}

function attributesView(question: Question, open: (href: string) => void): HTMLElement {
  const field = el('input', {
    value: question.attributes,
    placeholder: 'owner.user.username,group.name',
    'aria-label': 'More attributes, with commas',
    size: 32,
  });
  const form = el(
    'form',
    { class: 'inline', 'aria-label': 'Attributes' },
    el('span', { class: 'label' }, 'Attributes'),
    field,
    el('button', { class: 'quiet' }, 'Ask'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    open(hrefOf({ ...question, attributes: field.value.replace(/\s+/g, '') }));
  });
  return form;
}

function pagesView({ number, of, total, next, previous }: Pages, open: (href: string) => void): HTMLElement {
  const step = (href: string | null, sign: string, words: string) =>
    el(
      'button',
      {
        type: 'button',
        class: 'quiet',
        'aria-label': words,
        disabled: href === null,
        onclick: () => href !== null && open(href),
      },
      sign,
    );
  return el(
    'div',
    { class: 'inline pages' },
    el('span', { class: 'muted' }, `${total} in all · page ${number} of ${of}`),
    step(previous, '‹', 'Page before'),
    step(next, '›', 'Next page'),
  );
}
