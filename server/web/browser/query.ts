/** The query of a list as people think of it: conditions, more attributes, a page. Pure. */
export interface Question {
  readonly path: string;
  readonly filter: readonly string[];
  readonly attributes: string;
  /** What else the query has, the page too. */
  readonly rest: readonly (readonly [string, string])[];
}

/** Lookups as the last step of a key, with what they mean. */
export const LOOKUPS: readonly (readonly [lookup: string, words: string])[] = [
  ['', 'is'],
  ['icontains', 'contains'],
  ['istartswith', 'begins with'],
  ['iendswith', 'ends with'],
  ['gt', 'is more than'],
  ['gte', 'is at least'],
  ['lt', 'is less than'],
  ['lte', 'is at most'],
  ['isnull', 'is nothing'],
];

export function questionOf(href: string): Question {
  const at = href.indexOf('?');
  const path = at === -1 ? href : href.slice(0, at);
  const pairs = at === -1 ? [] : [...new URLSearchParams(href.slice(at + 1).replaceAll(';', '%3B'))];
  const last = (wanted: string) => pairs.findLast(([name]) => name === wanted)?.[1] ?? '';
  return {
    path,
    filter: last('filter')
      .split(';')
      .filter((each) => each !== ''),
    attributes: last('attributes'),
    rest: pairs.filter(([name]) => name !== 'filter' && name !== 'attributes'),
  };
}

export function hrefOf({ path, filter, attributes, rest }: Question): string {
  const pairs: (readonly [string, string])[] = [
    ...(filter.length === 0 ? [] : [['filter', filter.join(';')] as const]),
    ...(attributes === '' ? [] : [['attributes', attributes] as const]),
    ...rest,
  ];
  const query = pairs.map(([name, value]) => `${encodeURIComponent(name)}=${readable(value)}`).join('&');
  return query === '' ? path : `${path}?${query}`;
}

/** Another question of the same list begins on its first page. */
export function asking(question: Question, change: Partial<Question>): Question {
  return { ...question, rest: question.rest.filter(([name]) => name !== 'page'), ...change };
}

/** @param key dotted, without lookup. Semicolons end a condition, so a value has none. */
export function condition(key: string, lookup: string, value: string): string {
  return `${key.trim()}${lookup === '' ? '' : `.${lookup}`}:${value.replaceAll(';', '').trim()}`;
}

/** Encoded, but for signs that are harmless and make an address readable. */
function readable(value: string): string {
  return encodeURIComponent(value).replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%2F/g, '/');
}
