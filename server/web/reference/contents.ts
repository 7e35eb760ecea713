/**
 * The left side: search, and what there is. Operations of a tag are in the page while the tag is open, and of what a search has found
 * only as many as anybody reads.
 */
import type { Described } from '../../src/openapi/reading.js';
import { textOf } from '../../src/openapi/reading.js';
import { el, refill } from '../dom.js';
import type { Chapter, Tag } from './documents.js';
import { hashOf, type Place } from './place.js';
import { type Searchable, search, searchable } from './search.js';

const MOST_FOUND = 60;

export class Contents {
  readonly #root: HTMLElement;
  readonly #chapters: readonly Chapter[];
  readonly #all: readonly Searchable[];
  readonly #field: HTMLInputElement;
  readonly #list: HTMLElement;
  readonly #said: HTMLElement;
  readonly #opened = new Set<Tag>();
  #place: Place = { kind: 'start' };

  constructor(root: HTMLElement, chapters: readonly Chapter[]) {
    this.#root = root;
    this.#chapters = chapters;
    this.#all = chapters.flatMap(({ tags }) => tags.flatMap(({ operations }) => operations.map(searchable)));
    this.#field = el('input', {
      type: 'search',
      id: 'search',
      placeholder: `Search ${this.#all.length} operations`,
      'aria-label': 'Search operations',
      autocomplete: 'off',
      spellcheck: 'false',
    });
    this.#list = el('div', { class: 'list' });
    this.#said = el('p', { class: 'quiet-line', role: 'status' });
    this.#field.addEventListener('input', () => this.#draw());
    root.addEventListener('keydown', (event) => this.#move(event));
    refill(root, el('div', { class: 'search' }, this.#field, this.#said), this.#list);
    this.#draw();
  }

  /** Every operation in the order of the page, for going from one to the next. */
  get operations(): readonly Described[] {
    return this.#all.map(({ described }) => described);
  }

  focusSearch(): void {
    this.#field.focus();
    this.#field.select();
  }

  show(place: Place): void {
    this.#place = place;
    const tag = this.#tagOf(place);
    if (tag !== undefined && !this.#opened.has(tag)) {
      this.#opened.add(tag);
      this.#draw();
    } else this.#mark();
    this.#root.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }

  #tagOf(place: Place): Tag | undefined {
    const tags = this.#chapters.flatMap((chapter) => chapter.tags);
    if (place.kind === 'tag') return tags.find(({ name }) => name === place.tag);
    if (place.kind === 'start') return undefined;
    return tags.find(({ operations }) => operations.some(({ id }) => id === place.id));
  }

  #draw(): void {
    const words = this.#field.value.trim();
    if (words !== '') {
      const found = search(this.#all, words);
      const more = found.length > MOST_FOUND ? `, the first ${MOST_FOUND} are shown: add a word` : '';
      this.#said.textContent = `${found.length} found${more}`;
      refill(
        this.#list,
        found.length === 0
          ? el(
              'p',
              { class: 'quiet-line' },
              'Nothing has all of these words. Try fewer, a part of a path, or a method.',
            )
          : linksOf(found.slice(0, MOST_FOUND)),
      );
    } else {
      this.#said.textContent = '';
      refill(this.#list, ...this.#chapters.flatMap((chapter) => this.#chapterView(chapter)));
    }
    this.#mark();
  }

  #chapterView({ source, tags }: Chapter): Node[] {
    const head = this.#chapters.length > 1 ? [el('h2', {}, source.title)] : [];
    if (tags.length === 0) return [...head, el('p', { class: 'quiet-line' }, 'No operations yet.')];
    return [...head, ...tags.map((tag) => this.#tagView(tag))];
  }

  #tagView(tag: Tag): HTMLElement {
    const inside = el('div', {});
    const button = el('button', {
      type: 'button',
      class: 'tag-toggle',
      'aria-label': `Operations of ${tag.name}`,
    });
    const set = (opened: boolean) => {
      button.setAttribute('aria-expanded', String(opened));
      refill(inside, opened ? linksOf(tag.operations) : null);
      if (opened) this.#opened.add(tag);
      else this.#opened.delete(tag);
      this.#mark();
    };
    button.addEventListener('click', () => set(button.getAttribute('aria-expanded') !== 'true'));
    const link = el('a', { href: hashOf({ kind: 'tag', tag: tag.name }), class: 'tag-name' }, tag.name);
    const element = el(
      'div',
      { class: 'tag' },
      el(
        'div',
        { class: 'tag-head' },
        button,
        link,
        el('span', { class: 'count' }, String(tag.operations.length)),
      ),
      inside,
    );
    set(this.#opened.has(tag));
    return element;
  }

  #mark(): void {
    const hash = hashOf(this.#place);
    for (const link of this.#list.querySelectorAll('a')) {
      if (link.getAttribute('href') === hash) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
  }

  /** Arrows go through what is listed, Escape ends a search. */
  #move(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.#field.value !== '') {
      this.#field.value = '';
      this.#draw();
      this.#field.focus();
      return;
    }
    const links = [...this.#list.querySelectorAll('a')];
    if (event.key === 'Enter' && event.target === this.#field) links[0]?.click();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    const next = at + step;
    event.preventDefault();
    if (next < 0) this.#field.focus();
    else links[Math.min(next, links.length - 1)]?.focus();
  }
}

/** Operations with one summary are told apart by the version in their path, or by the path. */
function linksOf(operations: readonly Described[]): HTMLElement {
  const summaries = operations.map(({ operation }) => textOf(operation.summary));
  const twice = new Set(summaries.filter((each, at) => summaries.indexOf(each) !== at));
  const items = operations.map((each) => {
    const link = operationLink(each);
    if (twice.has(textOf(each.operation.summary))) {
      const version = /\/(v\d+(?:\.\d+)?)\//.exec(each.path)?.[1] ?? each.path;
      link.lastElementChild?.append(` · ${version}`);
    }
    return el('li', {}, link);
  });
  return el('ul', { class: 'operations' }, ...items);
}

export function operationLink({ id, method, path, operation }: Described): HTMLAnchorElement {
  return el(
    'a',
    { href: hashOf({ kind: 'operation', id }), title: `${method} ${path}` },
    methodMark(method),
    el('span', { class: 'summary' }, textOf(operation.summary) || path),
  );
}

export function methodMark(method: string): HTMLElement {
  return el('span', { class: `method ${method.toLowerCase()}` }, method === 'DELETE' ? 'DEL' : method);
}
