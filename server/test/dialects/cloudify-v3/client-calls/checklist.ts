/** The published client's methods beside what is served: from its recorded table, our description, and the tests' sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOT_THERE, REFUSED } from './verdicts.js';

export interface ClientCall {
  /** `blueprints.upload` */
  readonly name: string;
  /** As it is sent first, without parameters and body: `PUT /blueprints/ID`. */
  readonly route: string;
  /** With them. */
  readonly sent: string;
  /** `METHOD /path` of our description that takes it; null: none. */
  readonly served: string | null;
  readonly tests: readonly string[];
}

interface Sources {
  /** The top of the checkout. */
  readonly root: string;
}

export function readCalls({ root }: Sources): ClientCall[] {
  const table = JSON.parse(readFileSync(join(root, 'interop/cloudify/methods.json'), 'utf8')) as Readonly<
    Record<string, string>
  >;
  const routes = describedRoutes(root);
  const clients = clientTests(root, Object.keys(table));
  const wire = wireTests(root);
  return Object.entries(table).map(([name, sent]) => {
    const route = sent.replace('^', '').replace(/[? ](?!\/).*$/, '');
    const served = routes.find((each) => fits(route, each)) ?? null;
    const over = wire.filter((each) => fits(each.route, route)).map(({ file }) => file);
    return {
      name,
      route,
      sent: sent.replace('^', ''),
      served,
      tests: [...(clients.get(name) ?? []), ...new Set(over)],
    };
  });
}

/** What keeps the checklist from being whole. */
export function troubles(calls: readonly ClientCall[]): string[] {
  const absent = new Set(calls.filter(({ served }) => served === null).map(({ route }) => route));
  const names = new Set(calls.map(({ name }) => name));
  return [
    ...[...absent]
      .filter((route) => !(route in NOT_THERE))
      .map((route) => `${route} is not served, and nobody says why`),
    ...Object.keys(NOT_THERE)
      .filter((route) => !absent.has(route))
      .map((route) => `${route} is served, or not sent by the client: take it off NOT_THERE`),
    ...Object.keys(REFUSED)
      .filter((name) => !names.has(name))
      .map((name) => `the client has no method ${name}: take it off REFUSED`),
  ];
}

export function checklistPage(calls: readonly ClientCall[]): string {
  const clients = [...new Set(calls.map(({ name }) => name.split('.')[0]!))];
  const count = (wanted: ReturnType<typeof verdict>['kind']) =>
    calls.filter((call) => verdict(call).kind === wanted).length;
  const parts = clients.map((client) => {
    const rows = calls.filter(({ name }) => name.startsWith(`${client}.`)).map(row);
    return `## ${client}\n\n| method | sends | here | tests |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# The methods of Cloudify's Python client, and what they meet here

Made by \`scripts/client-calls.mjs\`; not to be edited. It has every public method of \`cloudify_rest_client\` in \`cloudify-common\` 7.0.5 with
the request that it sends first, as recorded from the client (\`interop/cloudify/test_every_method.py\`), held against \`openapi/cloudify-v3.json\`.
Of ${calls.length} methods ${count('served')} are served, ${count('refused')} are refused whatever they say, and ${count('not there')} have no route. What differs in a call that is served
stands in [Cloudify's API as spoken here](cloudify-v3.md). Methods \`restore\` send what \`create\` does, with times, makers and states of another day; those are
refused by name where they would be lost. Tests are of the folder \`interop/\` (Python) and of \`server/test/dialects/cloudify-v3/\` (TypeScript).

${parts.join('\n')}`;
}

function verdict({ name, route, served }: ClientCall) {
  if (served === null) return { kind: 'not there', told: `not there: ${NOT_THERE[route] ?? ''}` } as const;
  const refused = REFUSED[name];
  if (refused === undefined) return { kind: 'served', told: 'served' } as const;
  const told = `refused with ${refused.status} \`${refused.code}\`: ${refused.why}`;
  return { kind: 'refused', told } as const;
}

function row(call: ClientCall): string {
  const { name, sent, tests, served } = call;
  const own = REFUSED[name] !== undefined || served === null ? ['client-calls.test.ts'] : tests;
  // Every route has a row there: a request as each role, with the answer that it must get.
  const told = own.length > 0 ? own.slice(0, 3) : ['route-access.test.ts'];
  const where = told.map((each) => `\`${each}\``).join('<br>');
  return `| ${name.slice(name.indexOf('.') + 1)} | \`${sent}\` | ${verdict(call).told} | ${where} |`;
}

/** Whether a request of the form `one` goes to the route `other`; names stand for anything, a last `{path}` for any rest. */
function fits(one: string, other: string): boolean {
  const [asked, taken] = [one, other].map((each) => each.split(/[ /]+/).filter(Boolean)) as [
    string[],
    string[],
  ];
  const isAny = (word: string) => word === 'ID' || /^\{.*\}$/.test(word);
  if (taken.at(-1) === '{path}' && asked.length > taken.length) asked.length = taken.length;
  return asked.length === taken.length && taken.every((word, at) => isAny(word) || word === asked[at]);
}

function describedRoutes(root: string): string[] {
  const { paths } = JSON.parse(readFileSync(join(root, 'openapi/cloudify-v3.json'), 'utf8')) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) => {
    const [, rest] = /^\/api\/v3\.1(\/.*)$/.exec(path) ?? [];
    if (rest === undefined && path.startsWith('/api')) return [];
    return Object.keys(methods).map((method) => `${method.toUpperCase()} ${rest ?? path}`);
  });
}

/** Method of the client -> tests that call it, by `client.CLIENT.METHOD` or by a name given to either. */
function clientTests(root: string, names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  const clients = new Set(names.map((name) => name.slice(0, name.lastIndexOf('.'))));
  for (const folder of ['cloudify', 'cfy']) {
    for (const file of readdirSync(join(root, 'interop', folder))
      .filter((each) => each.endsWith('.py'))
      .sort()) {
      if (file === 'test_every_method.py') continue;
      const text = readFileSync(join(root, 'interop', folder, file), 'utf8');
      const called = new Map<string, string>();
      for (const [, name, client] of text.matchAll(/^\s*(?:self\.)?(\w+) = [\w.]*\bclient\.([\w.]+)$/gm)) {
        if (clients.has(client!) || names.includes(client!)) called.set(name!, client!);
      }
      let test = file;
      for (const line of text.split('\n')) {
        const [, begun] = /^\s*def (\w+)/.exec(line) ?? [];
        if (begun !== undefined) test = begun.startsWith('test_') ? `${file} ${begun}` : file;
        for (const [, path] of line.matchAll(/([A-Za-z_][\w.]*)/g)) {
          const words = path!.split('.');
          const start = words.findIndex((word) => called.has(word));
          const spoken =
            start < 0 ? words : [...called.get(words[start]!)!.split('.'), ...words.slice(start + 1)];
          for (const name of names) {
            const at = spoken.join('.');
            if (at === name || at.endsWith(`.${name}`))
              found.set(name, (found.get(name) ?? new Set()).add(test));
          }
        }
      }
    }
  }
  // What tests share is named only where no test says it itself.
  const told = (tests: readonly string[]) => {
    const own = tests.filter((each) => each.includes(' '));
    return own.length > 0 ? own : tests;
  };
  return new Map([...found].map(([name, tests]) => [name, told([...tests])]));
}

/** Requests that tests of the wire spell out. */
function wireTests(root: string): { readonly route: string; readonly file: string }[] {
  const folder = join(root, 'server/test/dialects/cloudify-v3');
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .sort();
  return files.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(/ask\(\s*'([A-Z]+)',\s*(?:'([^']*)'|`([^`]*)`)/g)].map(
      ([, method, plain, pattern]) => ({
        route: `${method} ${(plain ?? pattern!).replace(/\$\{[^}]*\}/g, 'ID').replace(/\?.*$/, '')}`,
        file,
      }),
    );
  });
}
