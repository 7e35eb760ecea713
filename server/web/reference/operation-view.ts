/** The middle: what an operation is for, how one is known, what it takes, what it answers. */
import { schemeOf, waysOf } from '../../src/openapi/call.js';
import type { Json, JsonObject } from '../../src/openapi/components.js';
import { type Described, listOf, membersOf, resolved, textOf } from '../../src/openapi/reading.js';
import { copyButton } from '../copying.js';
import { el } from '../dom.js';
import { phrase, prose } from '../prose-view.js';
import { methodMark } from './contents.js';
import { hashOf } from './place.js';
import { rowOf, rowsOf, typeWords } from './schema-rows.js';
import { collapseAll, expandAll, rowsView } from './schema-view.js';

/** @param level of the heading: 1 on a page of its own, 2 among others */
export function operationView(document: JsonObject, described: Described, level: 1 | 2 = 1): HTMLElement {
  const { id, method, path, tag, operation } = described;
  const article = el('article', { class: 'operation' });
  const heading = textOf(operation.summary) || `${method} ${path}`;
  const link = hashOf({ kind: 'operation', id });
  article.append(
    el('p', { class: 'crumb' }, el('a', { href: hashOf({ kind: 'tag', tag }) }, tag)),
    el(
      'div',
      { class: 'heading' },
      level === 1 ? el('h1', {}, heading) : el('h2', {}, heading),
      el(
        'div',
        { class: 'actions' },
        copyButton(() => new URL(link, location.href).href, 'Copy link'),
        el('button', { type: 'button', class: 'quiet', onclick: () => expandAll(article) }, 'Expand all'),
        el('button', { type: 'button', class: 'quiet', onclick: () => collapseAll(article) }, 'Collapse all'),
      ),
    ),
    el('p', { class: 'address' }, methodMark(method), ' ', pathView(path)),
  );
  if (operation.deprecated === true)
    article.append(el('p', { class: 'note warn' }, 'Deprecated: it will go.'));
  if (path.includes('/prototype/')) {
    article.append(el('p', { class: 'note warn' }, 'A prototype: what it takes and answers may change.'));
  }
  if (textOf(operation.description) !== '') article.append(prose(textOf(operation.description)));
  article.append(
    securityView(document, described),
    requestView(document, operation),
    responsesView(document, operation),
  );
  return article;
}

/** A path that breaks where people would break it. */
export function pathView(path: string): HTMLElement {
  const parts = path.split(/(?=\/)/).flatMap((part) => [el('wbr'), part]);
  return el('code', { class: 'path' }, ...parts);
}

function section(title: string, ...inside: readonly (Node | null)[]): HTMLElement {
  return el('section', { class: 'part' }, el('h2', {}, title), ...inside);
}

function securityView(document: JsonObject, described: Described): HTMLElement {
  const ways = waysOf(document, described);
  if (ways.length === 0) return section('Security', el('p', {}, 'None: anybody may call this.'));
  const about = (name: string) => {
    const scheme = schemeOf(document, name);
    const where =
      scheme.type === 'http'
        ? `Authorization: ${textOf(scheme.scheme) === 'basic' ? 'Basic' : 'Bearer'} …`
        : `${textOf(scheme.name)}: …`;
    const more = textOf(scheme.description);
    return el('li', {}, el('code', {}, where), more === '' ? null : ' ', more === '' ? null : phrase(more));
  };
  const one = ways.length === 1;
  return section(
    'Security',
    el('p', {}, one ? 'Send:' : 'Send one of these:'),
    el(
      'ul',
      { class: 'ways' },
      ...ways.map(({ label, schemes }) =>
        schemes.length === 1
          ? about(schemes[0]!)
          : el('li', {}, `${label}, together:`, el('ul', {}, ...schemes.map(about))),
      ),
    ),
  );
}

const PLACES = [
  ['path', 'Path'],
  ['query', 'Query'],
  ['header', 'Header'],
  ['cookie', 'Cookie'],
] as const;

function requestView(document: JsonObject, operation: JsonObject): HTMLElement {
  const parameters = listOf(operation.parameters).map((each) => resolved(document, each));
  const groups = PLACES.flatMap(([place, title]) => {
    const rows = parameters
      .filter((each) => each.in === place)
      .map((each) => {
        const row = rowOf(document, textOf(each.name), each.schema ?? {}, each.required === true);
        return { ...row, description: textOf(each.description) || row.description };
      });
    return rows.length === 0 ? [] : [el('h3', {}, title), rowsView(rows)];
  });
  const body = resolved(document, operation.requestBody);
  const bodies = membersOf(body.content).flatMap(([type, media]) => [
    el('h3', {}, 'Body ', el('span', { class: 'type' }, body.required === true ? `${type}, required` : type)),
    contentView(document, media.schema ?? {}),
  ]);
  const all = [...groups, ...bodies];
  return section('Request', ...(all.length === 0 ? [el('p', {}, 'Nothing beside its address.')] : all));
}

function contentView(document: JsonObject, schema: Json): HTMLElement {
  const rows = rowsOf(document, schema);
  const about = textOf(resolved(document, schema).description);
  return el(
    'div',
    {},
    about === '' ? null : el('p', {}, phrase(about)),
    el('p', { class: 'type' }, typeWords(document, schema)),
    rows.length === 0 ? null : rowsView(rows),
  );
}

function responsesView(document: JsonObject, operation: JsonObject): HTMLElement {
  const all = membersOf(operation.responses).map(
    ([status, each]) => [status, resolved(document, each)] as const,
  );
  return section(
    'Responses',
    ...all.map(([status, answer]) => {
      const content = membersOf(answer.content);
      const about = textOf(answer.description);
      const mark = el('span', { class: `status ${status.startsWith('2') ? 'ok' : 'bad'}` }, status);
      if (content.length === 0) {
        return el(
          'p',
          { class: 'answer bare' },
          mark,
          ' ',
          phrase(about),
          el('span', { class: 'type' }, ' no body'),
        );
      }
      const details = el('details', { class: 'answer' }, el('summary', {}, mark, ' ', phrase(about)));
      details.addEventListener('toggle', () => {
        if (!details.open || details.childElementCount > 1) return;
        for (const [type, media] of content) {
          details.append(el('p', { class: 'type' }, type), contentView(document, media.schema ?? {}));
        }
      });
      details.open = status.startsWith('2');
      return details;
    }),
  );
}
