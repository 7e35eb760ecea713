/** The right side: the request in the language of the reader's choice, which is remembered, and what may come back. */
import { callOf, mediaExample, waysOf } from '../../src/openapi/call.js';
import { codeSample, LANGUAGES } from '../../src/openapi/code-samples.js';
import type { Json, JsonObject } from '../../src/openapi/components.js';
import { type Described, membersOf, resolved } from '../../src/openapi/reading.js';
import { copyButton } from '../copying.js';
import { el, refill } from '../dom.js';
import { jsonTree } from '../json-view.js';
import { remember, remembered } from '../remembered.js';

export function samplesView(document: JsonObject, described: Described): readonly HTMLElement[] {
  return [requestSamples(document, described), responseSamples(document, described)];
}

function select(
  label: string,
  options: readonly (readonly [value: string, title: string])[],
  chosen: string,
): HTMLSelectElement {
  return el(
    'select',
    { 'aria-label': label },
    ...options.map(([value, title]) => el('option', { value, selected: value === chosen }, title)),
  );
}

function requestSamples(document: JsonObject, described: Described): HTMLElement {
  const known = remembered('language');
  const language = select(
    'Language',
    LANGUAGES.map(({ id, title }) => [id, title] as const),
    LANGUAGES.find(({ id }) => id === known)?.id ?? 'curl',
  );
  const ways = waysOf(document, described);
  const label = remembered('way');
  const way = select(
    'Signing in',
    ways.map((each) => [each.label, each.label] as const),
    ways.find((each) => each.label === label)?.label ?? '',
  );
  const medias = membersOf(resolved(document, described.operation.requestBody).content).map(([type]) => type);
  const media = select(
    'Body',
    medias.map((type) => [type, type] as const),
    medias[0] ?? '',
  );
  const code = el('code', {});
  const draw = () => {
    const chosen = LANGUAGES.find(({ id }) => id === language.value) ?? LANGUAGES[0];
    const call = callOf(document, described, {
      way: ways.find((each) => each.label === way.value),
      media: media.value,
    });
    code.textContent = codeSample(chosen.id, call, location.origin);
  };
  for (const [name, each] of [
    ['language', language],
    ['way', way],
    ['media', media],
  ] as const) {
    each.addEventListener('change', () => {
      if (name !== 'media') remember(name, each.value);
      draw();
    });
  }
  draw();
  return el(
    'section',
    { class: 'sample' },
    el(
      'div',
      { class: 'sample-head' },
      el('h2', {}, 'Request'),
      copyButton(() => code.textContent ?? ''),
    ),
    el('div', { class: 'choices' }, language, ways.length > 1 ? way : null, medias.length > 1 ? media : null),
    el('pre', { tabindex: 0, role: 'group', 'aria-label': 'Sample of the request' }, code),
  );
}

interface Told {
  readonly key: string;
  readonly title: string;
  readonly value: Json;
}

function responseSamples(document: JsonObject, { operation }: Described): HTMLElement {
  const told = membersOf(operation.responses).flatMap(([status, each]): Told[] =>
    membersOf(resolved(document, each).content)
      .filter(([type]) => /json$/.test(type))
      .map(([type, media]) => ({
        key: `${status} ${type}`,
        title: `${status} ${type}`,
        value: mediaExample(document, media, 'response'),
      })),
  );
  const head = el('div', { class: 'sample-head' }, el('h2', {}, 'Response'));
  const [first] = told;
  if (first === undefined) {
    return el(
      'section',
      { class: 'sample' },
      head,
      el('p', { class: 'quiet-line' }, 'No answer of this operation is JSON.'),
    );
  }
  const choice = select(
    'Answer',
    told.map(({ key, title }) => [key, title] as const),
    first.key,
  );
  const holder = el('div', {});
  let tree = jsonTree(first.value, { open: 3 });
  let shown = first;
  const draw = () => {
    shown = told.find(({ key }) => key === choice.value) ?? first;
    tree = jsonTree(shown.value, { open: 3 });
    refill(holder, tree.element);
  };
  choice.addEventListener('change', draw);
  draw();
  head.append(
    copyButton(() => JSON.stringify(shown.value, null, 2)),
    el('button', { type: 'button', class: 'quiet', onclick: () => tree.expandAll() }, 'Expand all'),
    el('button', { type: 'button', class: 'quiet', onclick: () => tree.collapseAll() }, 'Collapse all'),
  );
  return el('section', { class: 'sample' }, head, el('div', { class: 'choices' }, choice), holder);
}
