/**
 * The reference of one API: reads its OpenAPI documents and shows one operation, one tag or the introduction at a time.
 *
 * A document may tell hundreds of operations; what is in the page is what is looked at. Renderers that draw a whole document were
 * measured at a hundred thousand elements and seconds.
 */
import type { Described } from '../../src/openapi/reading.js';
import { byId, el, refill } from '../dom.js';
import { addFrame } from '../frame.js';
import { prose } from '../prose-view.js';
import { Contents, operationLink } from './contents.js';
import { type Chapter, readDocument, type Source, type Tag } from './documents.js';
import { operationView } from './operation-view.js';
import { hashOf, type Place, placeOf } from './place.js';
import { samplesView } from './samples-view.js';
import { collapseAll, expandAll } from './schema-view.js';
import { search, searchable } from './search.js';

const main = byId('main');
const aside = byId('samples');
const nav = byId('contents');
const family = main.querySelector('h1')?.textContent ?? '';
const sources: readonly Source[] = [...main.querySelectorAll<HTMLAnchorElement>('a.document')].map(
  (link) => ({
    path: link.pathname,
    title: link.textContent ?? '',
  }),
);

let chapters: readonly Chapter[] = [];
let contents: Contents | null = null;

async function begin(): Promise<void> {
  try {
    chapters = await Promise.all(sources.map(readDocument));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
    return;
  }
  contents = new Contents(nav, chapters);
  show();
  document.body.dataset.ready = 'yes';
}

function fail(why: string): void {
  const again = el('button', { type: 'button', onclick: () => location.reload() }, 'Try again');
  refill(nav);
  refill(
    main,
    el('h1', {}, family),
    el(
      'div',
      { class: 'note bad', role: 'alert' },
      el('p', {}, 'The description of this API could not be read. ', why),
      el('p', {}, 'Is the server up? ', el('a', { href: '/health/ready' }, 'Ask it'), ', then try again.'),
      again,
    ),
  );
  document.body.dataset.ready = 'failed';
}

function show(): void {
  const place = placeOf(location.hash);
  draw(place);
  contents?.show(place);
  scrollTo(0, 0);
  main.scrollTop = 0;
}

function draw(place: Place): void {
  aside.hidden = true;
  if (place.kind === 'start') {
    drawStart();
    return;
  }
  if (place.kind === 'tag') {
    const tag = chapters.flatMap(({ tags }) => tags).find(({ name }) => name === place.tag);
    if (tag === undefined) drawNothing(`There is nothing called ${place.tag} here`, place.tag);
    else drawTag(tag);
    return;
  }
  for (const { document: described, tags } of chapters) {
    const found = tags.flatMap(({ operations }) => operations).find(({ id }) => id === place.id);
    if (found === undefined) continue;
    entitle(found.operation.summary === undefined ? found.id : String(found.operation.summary));
    refill(main, operationView(described, found), stepsView(found));
    refill(aside, ...samplesView(described, found));
    aside.hidden = false;
    return;
  }
  drawNothing(`There is no operation called ${place.id}`, place.id);
}

function entitle(title: string): void {
  document.title = title === family ? `${family} · Orrery` : `${title} · ${family} · Orrery`;
}

function drawStart(): void {
  entitle(family);
  const many = chapters.length > 1;
  refill(
    main,
    el('h1', {}, family),
    ...chapters.flatMap(({ source, about, version, tags }) => [
      many ? el('h2', {}, source.title) : null,
      prose(about),
      el(
        'p',
        { class: 'files' },
        `Version ${version} · `,
        el('a', { href: source.path }, 'OpenAPI document'),
      ),
      el(
        'ul',
        { class: 'tags' },
        ...tags.map(({ name, about: sentence, operations }) =>
          el(
            'li',
            {},
            el('a', { href: hashOf({ kind: 'tag', tag: name }) }, name),
            el('span', { class: 'count' }, String(operations.length)),
            el('span', { class: 'muted' }, sentence),
          ),
        ),
      ),
    ]),
  );
}

function drawTag(tag: Tag): void {
  entitle(tag.name);
  refill(
    main,
    el('h1', {}, tag.name),
    prose(tag.about),
    el(
      'ul',
      { class: 'operations wide' },
      ...tag.operations.map((each) =>
        el('li', {}, operationLink(each), el('code', { class: 'path' }, each.path)),
      ),
    ),
  );
}

/** What was asked for is not here: says so, and what is near. */
function drawNothing(sentence: string, words: string): void {
  entitle('Not found');
  const text = words.replace(/[_\-/]+/g, ' ');
  const all = (contents?.operations ?? []).map(searchable);
  const near = text
    .split(' ')
    .map((_, at, each) => search(all, each.slice(0, each.length - at).join(' ')))
    .find((found) => found.length > 0);
  refill(
    main,
    el('h1', {}, sentence),
    el(
      'p',
      {},
      'The link may be of another version of the server. Search on the left, or begin at the ',
      el('a', { href: '#' }, 'introduction'),
      '.',
    ),
    near === undefined ? null : el('h2', {}, 'Near to it'),
    near === undefined
      ? null
      : el(
          'ul',
          { class: 'operations wide' },
          ...near.slice(0, 8).map((each) => el('li', {}, operationLink(each))),
        ),
  );
}

function neighbour(id: string, step: number): Described | undefined {
  const all = contents?.operations ?? [];
  const at = all.findIndex((each) => each.id === id);
  return at === -1 ? undefined : all[at + step];
}

function stepsView({ id }: Described): HTMLElement {
  const link = (step: number, word: string) => {
    const other = neighbour(id, step);
    return other === undefined
      ? el('span', {})
      : el(
          'a',
          { href: hashOf({ kind: 'operation', id: other.id }) },
          el('small', {}, word),
          String(other.operation.summary ?? other.id),
        );
  };
  return el('nav', { class: 'steps', 'aria-label': 'Neighbours' }, link(-1, 'Before'), link(1, 'Next'));
}

function go(step: number): void {
  const place = placeOf(location.hash);
  const all = contents?.operations ?? [];
  const other =
    place.kind === 'operation'
      ? neighbour(place.id, step)
      : place.kind === 'tag'
        ? all.find(({ tag }) => tag === place.tag)
        : all[0];
  if (other !== undefined) location.hash = hashOf({ kind: 'operation', id: other.id });
}

/** On paper a tag is all of its operations. */
function beforePrint(): void {
  const place = placeOf(location.hash);
  if (place.kind !== 'tag') return;
  for (const { document: described, tags } of chapters) {
    const tag = tags.find(({ name }) => name === place.tag);
    if (tag === undefined) continue;
    main.append(...tag.operations.map((each) => operationView(described, each, 2)));
  }
}

addFrame([
  { key: '/', does: 'Search', run: () => contents?.focusSearch() },
  { key: 'j', does: 'Next operation', run: () => go(1) },
  { key: 'k', does: 'Operation before', run: () => go(-1) },
  { key: 'e', does: 'Expand all', run: () => expandAll(main) },
  { key: 'c', does: 'Collapse all', run: () => collapseAll(main) },
  {
    key: 'y',
    does: 'Copy the sample of the request',
    run: () => aside.querySelector<HTMLButtonElement>('.copy')?.click(),
  },
  {
    key: 'i',
    does: 'Introduction',
    run: () => {
      location.hash = '#';
    },
  },
]);
addEventListener('hashchange', () => {
  show();
  main.focus({ preventScroll: true });
});
addEventListener('beforeprint', beforePrint);
addEventListener('afterprint', () => draw(placeOf(location.hash)));
void begin();
