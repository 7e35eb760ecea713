/**
 * Documents name files, links and commands. What they name is there, and the page on architecture leaves no room out.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SKIPPED = new Set(['node_modules', 'build', '.git', '.cache']);

/** What a guide has its reader make. */
const TO_BE_MADE: Readonly<Record<string, readonly string[]>> = {
  'docs/guides/adding-a-dialect.md': ['server/src/dialects/odd-v1/index.ts'],
  'docs/guides/adding-a-plugin.md': [
    'server/src/plugins/files/files.ts',
    'server/src/plugins/files/files.test.ts',
  ],
};

/** Folders of the checkout, by which a path in a text is known as one of ours. */
const TOP = '(?:server|cli|docs|scripts|examples|interop|openapi|\\.ci)';
/** A path from the top of the checkout, wherever it stands. `{a,b}` and `*` are allowed. */
const FROM_TOP = new RegExp(`(?<![\\w./:@-])${TOP}/[\\w./{},*@-]*[\\w/}*]`, 'g');
/** A file named in code within a line; found from the top, beside the document, or in the sources. */
const NAMED_FILE = /`((?:[\w.{},*@-]+\/)*[\w.{},*@-]+\.(?:ts|mjs|sql|md|yaml|json|py))`/g;
const LINK = /\]\(([^)\s]+)\)/g;

interface Page {
  readonly path: string;
  readonly text: string;
}

function pagesBelow(folder: string): Page[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : pagesBelow(path);
    if (!entry.name.endsWith('.md')) return [];
    return [{ path: relative(ROOT, path).replaceAll('\\', '/'), text: readFileSync(path, 'utf8') }];
  });
}

const pages = pagesBelow(ROOT);

/** `a/{b,c}.ts` is `a/b.ts` and `a/c.ts`. */
function spelledOut(path: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(path);
  if (braces === null) return [path];
  return braces[1]!.split(',').flatMap((one) => spelledOut(path.replace(braces[0], one)));
}

/** Whether something answers to `path`; a `*` stands for any part of a name. */
function isThere(base: string, path: string): boolean {
  const [first, ...rest] = path.split('/').filter((part) => part !== '' && part !== '.');
  if (first === undefined) return existsSync(base);
  if (!first.includes('*'))
    return isThere(join(base, first), rest.join('/')) && existsSync(join(base, first));
  if (!existsSync(base)) return false;
  const pattern = new RegExp(`^${first.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  return readdirSync(base).some((name) => pattern.test(name) && isThere(join(base, name), rest.join('/')));
}

/** Names of files that people know without being told where they are. */
const basenames = new Set(
  ['server', 'cli', 'scripts', 'examples', 'interop', 'docs'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => !/(^|[\\/])(node_modules|build)[\\/]/.test(path))
      .map((path) => path.split(/[\\/]/).at(-1)!),
  ),
);

function missingPaths({ path: page, text }: Page): string[] {
  const made = TO_BE_MADE[page] ?? [];
  const bases = [
    ROOT,
    join(ROOT, dirname(page)),
    join(ROOT, 'server/src'),
    join(ROOT, 'server'),
    join(ROOT, 'cli/src'),
  ];
  const fromTop = [...text.matchAll(FROM_TOP)]
    .map((match) => match[0].replace(/[.,]+$/, ''))
    .flatMap(spelledOut)
    .filter((path) => !isThere(ROOT, path));
  const named = [...text.replaceAll(/```.*?```/gs, '').matchAll(NAMED_FILE)]
    .flatMap((match) => spelledOut(match[1]!))
    .filter((path) =>
      path.includes('/') ? !bases.some((base) => isThere(base, path)) : !isKnown(path, dirname(page)),
    );
  return [...fromTop, ...named]
    .filter((path) => !made.includes(path) && !USERS_OWN.has(path))
    .map((path) => `${page} names ${path}`);
}

function isKnown(name: string, folder: string): boolean {
  if (existsSync(join(ROOT, name)) || isThere(join(ROOT, folder), name)) return true;
  if (!name.includes('*')) return basenames.has(name);
  const pattern = new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  return [...basenames].some((one) => pattern.test(one));
}

/** Files of users, and of their blueprints, that the documents speak of. */
const USERS_OWN = new Set([
  'orrery.yaml',
  'orrery.json',
  'blueprint.yaml',
  'types.yaml',
  'types_1_4.yaml',
  'cloudify/types/types.yaml',
  'scripts/start.sh',
  'scripts/stop.sh',
  'scripts/server.mjs',
]);

/** As renderers make anchors of headings: lower case, spaces to hyphens, other signs gone. */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.replaceAll(/```.*?```/gs, '').matchAll(/^#{1,6} +(.+)$/gm)].map((match) =>
      match[1]!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function brokenLinks({ path: page, text }: Page): string[] {
  return [...text.matchAll(LINK)].flatMap(([, link]) => {
    if (link === undefined || /^[a-z]+:/.test(link)) return [];
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
    if (!existsSync(target)) return [`${page} links to ${link}, which is not there`];
    if (anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).has(anchor)) return [];
    return [`${page} links to ${link}, which has no such heading`];
  });
}

function none(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `\n${problems.map((problem) => `  ${problem}`).join('\n')}\n`);
}

test('files that documents name are there', () => none(pages.flatMap(missingPaths)));

test('links of documents lead somewhere', () => none(pages.flatMap(brokenLinks)));

test('commands of npm that documents show are there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  none(
    pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm run ([\w:-]+)/g)]
        .filter(([, name]) => !Object.hasOwn(scripts, name!))
        .map(([, name]) => `${path} shows npm run ${name}`),
    ),
  );
});

test('ARCHITECTURE.md names every room and every file beside them', () => {
  const { text } = pages.find(({ path }) => path === 'ARCHITECTURE.md')!;
  const rooms = readdirSync(join(ROOT, 'server/src'), { withFileTypes: true }).filter(
    ({ name }) => !name.endsWith('.test.ts'),
  );
  none(
    rooms
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .filter((name) => !text.includes(`\`${name}`))
      .map((name) => `ARCHITECTURE.md says nothing of server/src/${name}`),
  );
});

test('every page below docs/ is reached from its index', () => {
  const index = pages.find(({ path }) => path === 'docs/README.md')!.text;
  const linked = new Set([...index.matchAll(LINK)].map(([, link]) => `docs/${link}`));
  none(
    pages
      .filter(({ path }) => path.startsWith('docs/') && path !== 'docs/README.md' && !linked.has(path))
      .map(({ path }) => `docs/README.md does not link to ${path}`),
  );
});

describe('these checks see what they should see', () => {
  const page = (text: string): Page => ({ path: 'docs/none.md', text });

  test('paths that are not there, in prose, in commands, with braces and stars', () => {
    const text =
      'See server/src/gone.ts and `store/{list,gone}.ts`; `none-such.ts`.\n```\nnode server/src/*.gone\n```\n';
    assert.deepEqual(missingPaths(page(text)), [
      'docs/none.md names server/src/gone.ts',
      'docs/none.md names server/src/*.gone',
      'docs/none.md names store/gone.ts',
      'docs/none.md names none-such.ts',
    ]);
  });

  test('paths that are there', () => {
    assert.deepEqual(
      missingPaths(
        page('`store/{list,pool}.ts`, server/src/*.ts, `*.store.ts`, https://example.org/docs/x.html.'),
      ),
      [],
    );
  });

  test('links to nowhere, and to headings that are not there', () => {
    const text = '[a](gone.md) [b](errors.md#errors) [c](errors.md#none) [d](https://example.org/gone)';
    assert.deepEqual(brokenLinks(page(text)), [
      'docs/none.md links to gone.md, which is not there',
      'docs/none.md links to errors.md#none, which has no such heading',
    ]);
  });
});
