/** Lists take every word that their description names: each field to sort by, and to filter by. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { clientOf } from './client.js';

const server = await aServer();
const ask = clientOf(server);

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description?: string;
  readonly $ref?: string;
}
interface Document {
  readonly paths: Readonly<Record<string, { readonly get?: { readonly parameters?: Parameter[] } }>>;
  readonly components: { readonly parameters: Readonly<Record<string, Parameter>> };
}

test('every list can be sorted and filtered by each of its fields', async () => {
  const document = (await (await fetch(`${server.url}/openapi/cloudify-v3.json`)).json()) as Document;
  const wrong: string[] = [];
  let asked = 0;
  for (const [path, { get }] of Object.entries(document.paths)) {
    const [, version, list] = /^\/api\/(v3(?:\.1)?)(\/[^{]+)$/.exec(path) ?? [];
    const parameters = (get?.parameters ?? []).map((one) =>
      one.$ref === undefined ? one : document.components.parameters[one.$ref.split('/').at(-1)!]!,
    );
    const sort = parameters.find(({ name }) => name === '_sort');
    if (list === undefined || sort === undefined) continue;
    const fields = /One of: (.*)$/.exec(sort.description ?? '')?.[1]?.split(', ') ?? [];
    // Short lists that are read whole do not name theirs.
    if (fields.length === 0) continue;
    const filters = parameters.filter((one) => one.in === 'query' && !one.name.startsWith('_'));
    const queries = [...fields.map((field) => `_sort=-${field}`), ...filters.map(({ name }) => `${name}=x`)];
    const answers = queries.map(async (query) => {
      const { status, text } = await ask('GET', `${list}?${query}`, { version: version as 'v3' });
      // What is no time, or no number, equals none.
      const right = status === 200 || (status === 400 && !query.startsWith('_'));
      return right ? [] : [`${path}?${query}: ${status} ${text}`];
    });
    wrong.push(...(await Promise.all(answers)).flat());
    asked += queries.length;
  }
  assert.deepEqual(wrong, []);
  assert.ok(asked > 400, String(asked));
});
