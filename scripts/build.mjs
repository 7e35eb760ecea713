// Compiles every TypeScript file of the workspaces to JavaScript, file by file, and copies what is not code.
// The folder layout is kept (`server/src/x.ts` -> `server/build/src/x.js`), so a path relative to a module
// means the same in the source tree and in the built one.
import { cpSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
/**
 * Packages of very many small files, and the entries of them that we import: each entry becomes one file in `build/node_modules`, where
 * what is built finds it first. Node opens every file by itself: these packages were a thousand of the 1,900 of a start, and most of its time.
 */
const JOINED = {
  server: {
    typebox: ['typebox', 'typebox/compile', 'typebox/schema', 'typebox/value'],
    kysely: ['kysely'],
    jose: ['jose'],
  },
  cli: {},
};

function* filesBelow(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** What the program of an agent finds beside itself: the files of two plugins, where those look for them. */
const AGENT_FILES = {
  'src/plugins/script': ['bin', 'python', 'ctx-client.mjs', 'ctx-client.bash'],
  'src/plugins/python': ['host'],
};

/** The agent of a host: one file with all that it needs, as it is sent there (server/src/plugins/agent/program.ts). */
async function buildAgent(base, entry, out) {
  const home = join(out, 'lib/script');
  await build({
    entryPoints: [entry],
    outfile: join(home, 'agent.mjs'),
    bundle: true,
    minify: true,
    keepNames: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['pg-native'],
    // Packages in the older form ask for what Node has by `require`.
    banner: {
      js: "import { createRequire as __of } from 'node:module'; const require = __of(import.meta.url);",
    },
    logLevel: 'warning',
  });
  const files = [join(home, 'agent.mjs')];
  for (const [folder, names] of Object.entries(AGENT_FILES)) {
    for (const name of names) {
      const from = join(base, folder, name);
      const paths = statSync(from).isDirectory() ? [...filesBelow(from)] : [from];
      for (const path of paths.filter((one) => !one.includes('__pycache__'))) {
        const to = join(home, relative(join(base, folder), path));
        cpSync(path, to);
        files.push(to);
      }
    }
  }
  cpSync(join(base, 'package.json'), join(out, 'package.json'));
  return [...files, join(out, 'package.json')];
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
    const agent = join(base, 'src/agent-program.ts');
    if (existsSync(agent))
      for (const file of await buildAgent(base, agent, join(out, 'agent'))) wanted.add(file);
    for (const [name, entries] of Object.entries(JOINED[workspace])) {
      for (const file of await joinPackage(name, entries, join(out, 'node_modules', name))) wanted.add(file);
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

/** The files that were written. What the entries share is in files of its own, so that it is there once. */
async function joinPackage(name, entries, outdir) {
  const named = entries.map((entry) => [entry === name ? 'index' : entry.slice(name.length + 1), entry]);
  const { metafile } = await build({
    entryPoints: Object.fromEntries(named),
    outdir,
    bundle: true,
    splitting: true,
    metafile: true,
    absWorkingDir: root,
    chunkNames: 'shared-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    logLevel: 'warning',
  });
  const exported = named.map(([file]) => [file === 'index' ? '.' : `./${file}`, `./${file}.js`]);
  const about = { name, type: 'module', exports: Object.fromEntries(exported) };
  writeFileSync(join(outdir, 'package.json'), `${JSON.stringify(about, null, 2)}\n`);
  return [...Object.keys(metafile.outputs).map((file) => join(root, file)), join(outdir, 'package.json')];
}

if (process.argv[1] && statSync(process.argv[1]).ino === statSync(fileURLToPath(import.meta.url)).ino) {
  await buildAll();
}
