/** Descriptions as elements. */
import { el } from './dom.js';
import { blocksOf, type Span, spansOf } from './prose.js';

export function prose(text: string): HTMLElement {
  const blocks = blocksOf(text).map((block) => {
    if (block.kind === 'code') return el('pre', { tabindex: 0 }, el('code', {}, block.text));
    if (block.kind === 'paragraph') return el('p', {}, ...block.spans.map(spanView));
    return el('ul', {}, ...block.items.map((item) => el('li', {}, ...item.map(spanView))));
  });
  return el('div', { class: 'prose' }, ...blocks);
}

/** A description that stands in a line. */
export function phrase(text: string): HTMLElement {
  return el('span', { class: 'phrase' }, ...spansOf(text.replace(/\s+/g, ' ')).map(spanView));
}

function spanView({ kind, text }: Span): Node {
  return kind === 'text' ? document.createTextNode(text) : el(kind, {}, text);
}
