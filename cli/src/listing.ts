/** Options and paging that every list shares. */
import type { Client, Query } from './api/client.js';
import type { Page } from './api/wire.js';
import type { Call, Option } from './command.js';
import { UsageError } from './errors.js';

export const LIST_OPTIONS: readonly Option[] = [
  { name: 'size', value: 'N', summary: 'at most so many (100)' },
  { name: 'offset', value: 'N', summary: 'leave out so many first' },
  { name: 'all', summary: 'all there are, page by page' },
  { name: 'sort', value: 'FIELD', multiple: true, summary: 'order by a field; -FIELD for descending' },
  { name: 'search', value: 'TEXT', summary: 'only those whose name contains the text' },
];

/** Fetches the list a call asks for. */
export function fetchList<T>(client: Client, path: string, call: Call, query: Query = {}): Promise<Page<T>> {
  const offset = wholeNumber(call, 'offset') ?? 0;
  const size = wholeNumber(call, 'size') ?? 100;
  const full: Query = {
    ...query,
    _offset: offset,
    _search: call.text('search'),
    ...(call.texts('sort').length > 0 ? { _sort: call.texts('sort') } : {}),
  };
  if (call.flag('all')) return client.all<T>(path, full, Number.POSITIVE_INFINITY);
  return size > 1000 ? client.all<T>(path, full, size) : client.get<Page<T>>(path, { ...full, _size: size });
}

export function wholeNumber(call: Call, name: string): number | null {
  const text = call.text(name);
  if (text === null) return null;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} needs a whole number, not "${text}".`);
  return Number(text);
}
