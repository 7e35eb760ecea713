// Compiles every TypeScript file of the workspaces to JavaScript, file by file, and copies what is not code.
// The folder layout is kept (`server/src/x.ts` -> `server/build/src/x.js`), so a path relative to a module
// means the same in the source tree and in the built one.
import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Folders of a workspace that are compiled; everything in them that is not TypeScript is copied as it is. */
const FOLDERS = ['src', 'test', 'bench', 'web'];
const COPIED = { server: ['migrations'], cli: [] };
/** What browsers load, each in one file with all that it needs, in `build/assets`. */
const BUNDLES = {
  server: [
    'web/page.css',
    'web/icon.svg',
    'web/theme.ts',
    'web/index.ts',
    'web/reference/reference.ts',
    'web/browser/browser.ts',
  ],
  cli: [],
};

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

export async function buildAll() {
  for (const workspace of Object.keys(COPIED)) {
    const base = join(root, workspace);
    if (!existsSync(base)) continue;
    const out = join(base, 'build');
    const sources = [];
    const others = [];
    for (const folder of FOLDERS) {
      if (!existsSync(join(base, folder))) continue;
      for (const file of filesBelow(join(base, folder))) {
        if (/\.tsx?$/.test(file) && !file.endsWith('.d.ts')) sources.push(file);
        else others.push(file);
      }
    }
    const wanted = new Set(sources.map((file) => join(out, relative(base, file)).replace(/\.tsx?$/, '.js')));
    if (sources.length > 0) {
      await build({
        entryPoints: sources,
        outdir: out,
        outbase: base,
        format: 'esm',
        platform: 'node',
        target: 'node20.19',
        sourcemap: 'linked',
        sourcesContent: false,
        logLevel: 'warning',
      });
    }
    const bundles = BUNDLES[workspace].map((file) => join(base, file)).filter((file) => existsSync(file));
    if (bundles.length > 0) {
      await build({
        entryPoints: bundles,
        outdir: join(out, 'assets'),
        entryNames: '[name]',
        bundle: true,
        minify: true,
        format: 'esm',
        platform: 'browser',
        loader: { '.svg': 'copy' },
        target: ['chrome111', 'firefox113', 'safari16.4'],
        logLevel: 'warning',
      });
      for (const file of bundles) {
        wanted.add(join(out, 'assets', basename(file).replace(/\.ts$/, '.js')));
      }
    }
    for (const file of others) {
      wanted.add(join(out, relative(base, file)));
      cpSync(file, join(out, relative(base, file)));
    }
    for (const folder of COPIED[workspace]) {
      const from = join(base, folder);
      if (!existsSync(from)) continue;
      cpSync(from, join(out, folder), { recursive: true });
      for (const file of filesBelow(from)) wanted.add(join(out, relative(base, file)));
    }
    // What was built from a source that is gone must not be found by the test runner.
    if (existsSync(out)) {
      for (const file of filesBelow(out)) {
        if (!wanted.has(file) && !wanted.has(file.replace(/\.map$/, ''))) rmSync(file);
      }
    }
  }
}

if (process.argv[1] && statSync(process.argv[1]).ino === statSync(fileURLToPath(import.meta.url)).ino) {
  await buildAll();
}
