/**
 * The rules of the house (ARCHITECTURE.md), checked against every file; who may import whom is `support/house-plan.ts`.
 *
 * Exceptions are listed with their reason and may only shrink: one that is no longer needed fails too.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ALLOWED, ARROWS, PLACES } from './support/house-plan.js';
import { parseSource, readSources, type SourceFile } from './support/source.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const server = readSources(join(ROOT, 'server/src'));
const cli = existsSync(join(ROOT, 'cli/src')) ? readSources(join(ROOT, 'cli/src')) : [];

/** No clock, no randomness, no input or output. Of node nothing; of npm only what is as pure as they are. */
const PURE = new Set(['dsl', 'orchestration/planning', 'governance/rules', 'inventory/import']);
const PURE_PACKAGES = new Set(['js-yaml', 'yaml', 'typebox', 'typebox/compile', 'typebox/value']);
const IMPURE =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|randomUUID|randomBytes|setTimeout|setInterval|setImmediate|process\.|fetch\(|console\.)/;

/** Files over 400 lines: number of lines they may have. May only shrink. */
const LONG: Readonly<Record<string, number>> = {};
const LONGEST = 400;

/** Files that may use words of vendors, with the reason. */
const SPEAK_WIRE_WORDS: Readonly<Record<string, string>> = {
  'identity/user-types.ts': 'the one table of what types of users are called in each dialect',
  'plugins/python/host-context.ts': 'what plugin code finds in its context is named as its library names it',
  'plugins/script/ctx-object.ts': 'what scripts may ask of ctx is named as in the blueprint language',
};

/** Words of vendors' APIs that belong into their dialects. */
const WIRE_WORDS =
  /\b(workflow_id|error_code|server_code|server_traceback|sys_admin|_include|_get_all_results|cirricula|resource_id=)\b/;

const SQL =
  /^\s*(select\s[\s\S]*\sfrom\s|insert\s+into\s|update\s+\w+(\s+\w+)?\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\(|(create|drop|alter)\s+(table|index|database|schema|role)\s)/i;
const SPEAKS_SQL = /^(store\/|embedded-postgres\/|.*\.store\.ts$)/;

const DRAWERS = /(^|\/)(utils?|helpers?|common|shared|misc)\/|^\w+\/src\/types\//;

function placeOf(path: string): string | null {
  for (const [pattern, place] of PLACES) {
    const match = pattern.exec(path);
    if (match !== null) return place.replace('$1', match[1] ?? '');
  }
  return null;
}

function isTest(file: SourceFile): boolean {
  return file.path.endsWith('.test.ts') || file.path.includes('/testdata/') || file.path.includes('/test/');
}

const production = server.filter((file) => !isTest(file));
const usedExceptions = new Set<string>();

/** Fails with one line for each problem. */
function none(problems: readonly string[]): void {
  assert.ok(problems.length === 0, `\n${problems.map((problem) => `  ${problem}`).join('\n')}\n`);
}

test('every file has a place, and every place its arrows', () => {
  none(
    production.flatMap((file) => {
      const place = placeOf(file.path);
      if (place !== null && place in ARROWS) return [];
      return [
        `server/src/${file.path} has no place: name it in PLACES and ARROWS of this test, or put it into a room`,
      ];
    }),
  );
});

test('arrows point down', () => none(production.flatMap(forbiddenArrows)));

function forbiddenArrows(file: SourceFile): string[] {
  const from = placeOf(file.path) ?? '';
  return file.imports.flatMap(({ file: to, line }) => {
    if (to === null) return [];
    const where = `server/src/${file.path}:${line}`;
    if (to.startsWith('..')) return [`${where} imports ${to}, which is outside the server's sources`];
    const target = placeOf(to) ?? '';
    if (from === target && from !== 'dialects') return [];
    if (from === 'dialects' && target === 'dialects') {
      if (file.path.split('/')[1] === to.split('/')[1]) return [];
      return [`${where} imports ${to}: one dialect never sees another; what both need belongs into a room`];
    }
    if (isAllowed(file.path, from, to)) return [];
    const sameRoom = file.path.split('/')[0] === to.split('/')[0];
    const may = ARROWS[from] ?? [];
    if (!may.includes(target)) {
      return [`${where} imports ${to}: ${from} may import ${may.join(', ') || 'nothing of ours'}`];
    }
    if (to.endsWith('.store.ts') && !sameRoom)
      return [`${where} imports ${to}: a room sees another room's service, never its store`];
    return [];
  });
}

function isAllowed(path: string, place: string, to: string): boolean {
  const found = ALLOWED.find(([from, target]) => (from === place || from === path) && target === to);
  if (found !== undefined) usedExceptions.add(found.join());
  return found !== undefined;
}

test('core is imported by dialects as a type only: they use rooms, they do not build them', () => {
  none(
    production
      .filter((file) => file.path.startsWith('dialects/'))
      .flatMap((file) =>
        file.imports
          .filter((each) => each.file === 'core.ts' && !each.typeOnly)
          .map((each) => `server/src/${file.path}:${each.line} should say "import type"`),
      ),
  );
});

test('no file imports itself around a corner', () =>
  none(cycles(production.map((file) => [file.path, filesOf(file)]))));

test('no two rooms import each other', () => {
  const rooms = new Map<string, Set<string>>();
  for (const file of production) {
    // Running is the inner half of orchestration, drawn apart only because it alone may call plugins.
    const room = (path: string) => (placeOf(path) ?? '').replace(/^orchestration\/running$/, 'orchestration');
    const own = room(file.path);
    const others = filesOf(file)
      .map(room)
      .filter((other) => other !== own);
    rooms.set(own, new Set([...(rooms.get(own) ?? []), ...others]));
  }
  none(cycles([...rooms].map(([room, others]) => [room, [...others]])));
});

function filesOf(file: SourceFile): string[] {
  return file.imports.flatMap((each) => (each.file === null ? [] : [each.file]));
}

/** Each cycle once, as `a -> b -> a`. */
function cycles(graph: readonly (readonly [string, readonly string[]])[]): string[] {
  const edges = new Map(graph);
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const found: string[] = [];
  const visit = (node: string) => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      found.push([...path.slice(path.indexOf(node)), node].join(' -> '));
      return;
    }
    state.set(node, 'open');
    path.push(node);
    for (const next of edges.get(node) ?? []) visit(next);
    path.pop();
    state.set(node, 'done');
  };
  for (const [node] of graph) visit(node);
  return found.map((cycle) => `${cycle}: turn one arrow into an event, or move the common word down`);
}

test('pure rooms use no clock, no chance, no input and no output', () => {
  none(
    production
      .filter((file) => PURE.has(placeOf(file.path) ?? '') || file.path.startsWith('dsl/'))
      .flatMap((file) => [
        ...file.imports
          .filter((each) => each.file === null && !each.typeOnly && !PURE_PACKAGES.has(each.written))
          .map(
            (each) =>
              `server/src/${file.path}:${each.line} imports ${each.written}: take what it gives as an argument`,
          ),
        ...file.bare.split('\n').flatMap((line, index) => {
          const word = IMPURE.exec(line)?.[1];
          return word === undefined
            ? []
            : [`server/src/${file.path}:${index + 1} uses ${word}: take it as an argument`];
        }),
      ]),
  );
});

test('only stores speak SQL', () => {
  none(
    production
      .filter((file) => !SPEAKS_SQL.test(file.path))
      .flatMap((file) =>
        file.texts
          .filter(({ text }) => SQL.test(text))
          .map(({ text, line }) => {
            const start = text.trim().replace(/\s+/g, ' ').slice(0, 50);
            return `server/src/${file.path}:${line} says "${start}…": move it into the room's *.store.ts`;
          }),
      ),
  );
});

test('words of vendors stay in their dialects', () => {
  none(
    production
      .filter((file) => !file.path.startsWith('dialects/') && !file.path.startsWith('dsl/'))
      .filter((file) => !(file.path in SPEAK_WIRE_WORDS))
      .flatMap((file) =>
        [...file.texts, ...file.bare.split('\n').map((text, index) => ({ text, line: index + 1 }))].flatMap(
          ({ text, line }) => {
            const word = WIRE_WORDS.exec(text)?.[1];
            return word === undefined
              ? []
              : [
                  `server/src/${file.path}:${line} says ${word}: use the glossary's word, and translate in the dialect`,
                ];
          },
        ),
      ),
  );
});

test('files stay short enough to be read in one sitting', () => {
  const all = [
    ...server.map((file) => ['server/src', file] as const),
    ...cli.map((file) => ['cli/src', file] as const),
  ];
  const long = new Map(
    all.filter(([, file]) => file.lines > LONGEST).map(([base, file]) => [`${base}/${file.path}`, file]),
  );
  none([
    ...[...long].flatMap(([path, file]) => {
      const may = LONG[path] ?? LONGEST;
      return file.lines > may
        ? [`${path} has ${file.lines} lines, over ${may}: which second thing lives there?`]
        : [];
    }),
    ...Object.entries(LONG).flatMap(([path, may]) => {
      const lines = long.get(path)?.lines ?? 0;
      return lines < may
        ? [`${path} has shrunk to ${lines || `under ${LONGEST}`}: lower its number in LONG`]
        : [];
    }),
  ]);
});

test('there are no drawers of leftovers and no barrels', () => {
  none(
    [
      ...server.map((file) => `server/src/${file.path}`),
      ...cli.map((file) => `cli/src/${file.path}`),
    ].flatMap((path) => {
      if (DRAWERS.test(path)) return [`${path} lies in a drawer: name the idea and put it where it is used`];
      if (/\/index\.ts$/.test(path) && !path.startsWith('server/src/dialects/')) {
        return [`${path} is a barrel: a room's face is its service files`];
      }
      return [];
    }),
  );
});

test('server and command line meet at the published API only', () => {
  none([
    ...cli.flatMap((file) =>
      file.imports
        .filter((each) => each.file?.startsWith('..') === true && !each.file.startsWith('../test/'))
        .map((each) => `cli/src/${file.path}:${each.line} imports ${each.written}, which is outside cli/src`),
    ),
    ...[...cli, ...production].flatMap((file) =>
      file.imports
        .filter((each) => each.written.startsWith('@orrery/'))
        .map((each) => `${file.path}:${each.line} imports the workspace ${each.written}`),
    ),
  ]);
});

test('the lock file holds every package it names, for every platform, so that npm ci works', () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: object; optionalDependencies?: object }>;
  };
  none(
    Object.entries(packages).flatMap(([path, each]) =>
      Object.keys({ ...each.dependencies, ...each.optionalDependencies })
        .filter((name) => !isLocked(packages, path, name))
        .map((name) => `package-lock.json has no entry for ${name}, which ${path || 'the root'} names`),
    ),
  );
});

/** Looks where node would: beside `path`'s own modules, then in every folder above. */
function isLocked(packages: object, path: string, name: string): boolean {
  for (let base = path; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/')))) {
    if (`${base === '' ? '' : `${base}/`}node_modules/${name}` in packages) return true;
    if (base === '') return false;
  }
}

test('every exception is still needed', () => {
  none(
    ALLOWED.filter((exception) => !usedExceptions.has(exception.join())).map(
      ([from, to]) => `${from} no longer imports ${to}: remove the exception`,
    ),
  );
});

describe('these checks see what they should see', () => {
  test('imports in every form, and none in comments and texts', () => {
    const file = parseSource(
      'room/a.ts',
      [
        "import { a } from './b.js';",
        "import type { c } from '../store/list.js';",
        "export { d } from 'pg';",
        "import './e.js';",
        "const f = await import('node:fs');",
        "// import { no } from 'comment';",
        ['const text = `import { no } from "text" $', '{g("x")} end`;'].join(''),
        'const pattern = /[/"]/; // "',
      ].join('\n'),
    );
    assert.deepEqual(
      file.imports.map((each) => [each.written, each.file, each.typeOnly, each.line]),
      [
        ['./b.js', 'room/b.ts', false, 1],
        ['../store/list.js', 'store/list.ts', true, 2],
        ['pg', null, false, 3],
        ['./e.js', 'room/e.ts', false, 4],
        ['node:fs', null, false, 5],
      ],
    );
  });
  test('a forbidden arrow, a foreign store and another dialect', () => {
    const problem = (path: string, source: string) => forbiddenArrows(parseSource(path, source)).join();
    assert.match(problem('store/pool.ts', "import '../catalog/blueprints.js'"), /store may import contracts/);
    assert.match(problem('catalog/a.ts', "import '../identity/users.store.js'"), /never its store/);
    assert.match(problem('dialects/a/x.ts', "import '../b/y.js'"), /never sees another/);
    assert.match(problem('dsl/a.ts', "import type { X } from '../catalog/a.js'"), /dsl may import contracts/);
    assert.equal(problem('catalog/a.ts', "import './b.store.js'; import '../identity/users.js'"), '');
  });
  test('cycles', () => {
    assert.match(
      cycles([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['a']],
      ]).join(),
      /^a -> b -> c -> a/,
    );
    assert.deepEqual(
      cycles([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', []],
      ]),
      [],
    );
  });
  test('SQL, and not sentences', () => {
    for (const text of ['select a from b', ' update users set x = 1', 'with x as (select 1)'])
      assert.match(text, SQL);
    for (const text of ['select one of these', 'update failed', 'delete the deployment first']) {
      assert.doesNotMatch(text, SQL);
    }
  });
});
