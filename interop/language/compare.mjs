// Blueprints of a folder through the published parser and through ours, and where the two plans differ.
//
//   node interop/language/compare.mjs --python PYTHON --types FOLDER [--imports FILE] [--cache FOLDER] [--verbose] FOLDER…
//
// PYTHON has the package cloudify-common. `--types` holds `cloudify/types/types.yaml` as the published parser is to
// read it. `--imports` is a JSON list of [pattern, file]: the text of each import that is no file. The outcomes of the
// published parser are kept in `--cache`. Each FOLDER counts as one archive; every YAML file in it that names a
// version of the language is a blueprint. Nothing is fetched.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { expandPlan } from '../../server/build/src/dialects/cloudify-v3/plan.js';
import { compile } from '../../server/build/src/dsl/blueprint/compile.js';
import { differences, meantAs } from './differences.mjs';

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    types: { type: 'string' },
    imports: { type: 'string' },
    cache: { type: 'string' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    parsed: { type: 'boolean', default: false },
  },
});
if (options.types === undefined || folders.length === 0) {
  process.stderr.write('usage: compare.mjs --python PYTHON --types FOLDER [--imports FILE] FOLDER…\n');
  process.exit(2);
}
const types = resolve(options.types);
const imports = options.imports === undefined ? [] : JSON.parse(readFileSync(options.imports, 'utf8'));
const cache = resolve(options.cache ?? mkdtempSync(join(tmpdir(), 'language-')));
mkdirSync(cache, { recursive: true });
const nowhere = mkdtempSync(join(tmpdir(), 'language-'));
const reference = join(import.meta.dirname, 'reference.py');

function* blueprintsIn(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* blueprintsIn(path);
    else if (entry.isFile() && /\.ya?ml$/i.test(entry.name)) {
      if (/^['"]?tosca_definitions_version\b/m.test(readFileSync(path, 'utf8'))) yield path;
    }
  }
}

function jobsOf(folder) {
  const root = resolve(folder);
  return [...blueprintsIn(root)].sort().map((file) => ({
    root,
    file,
    out: join(cache, `${createHash('sha256').update(file).digest('hex').slice(0, 24)}.json`),
  }));
}

async function parseWithReference(jobs) {
  const child = spawn(options.python, [reference], { cwd: nowhere, stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.end(
    JSON.stringify({ types, imports, jobs: jobs.map(({ root, file, out }) => ({ root, file, out })) }),
  );
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`the published parser ended with ${code}`);
}

function storedImport(name, minor) {
  for (const [pattern, file] of imports) {
    if (new RegExp(`^(?:${pattern})$`).test(name) && file !== null)
      return readFileSync(editionOf(file, minor), 'utf8');
  }
  return null;
}

/** `plugin_1_4.yaml` beside `plugin.yaml` for blueprints of 1_4. */
function editionOf(file, minor) {
  const edition = `${file.slice(0, -extname(file).length)}_1_${minor}${extname(file)}`;
  return existsSync(edition) ? edition : file;
}

function minorOf(file) {
  return Number(/cloudify_dsl_1_(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
}

function compileOurs({ root, file }) {
  const at = (path) => join(root, path);
  const isFile = (path) => existsSync(at(path)) && statSync(at(path)).isFile();
  const request = {
    mainFile: relative(root, file),
    read: (path) => (isFile(path) ? readFileSync(at(path), 'utf8') : null),
    exists: isFile,
    imported: new Map(),
    unavailable: new Map(),
  };
  const minor = minorOf(file);
  for (let round = 0; round < 20; round++) {
    const result = compile(request);
    if (result.kind !== 'needs') return result;
    for (const name of result.imports) {
      const text = storedImport(name, minor);
      if (text === null) request.unavailable.set(name, 'no stored text');
      else request.imported.set(name, text);
    }
  }
  throw new Error('imports without end');
}

function compareOne(job) {
  const theirs = JSON.parse(readFileSync(job.out, 'utf8'));
  const started = performance.now();
  const ours = compileOurs(job);
  const took = performance.now() - started;
  if (theirs.plan === undefined) {
    if (ours.kind === 'diagnostics') {
      const codes = ours.diagnostics.map((each) => each.code ?? null);
      return {
        kind: codes.includes(theirs.code) ? 'both refuse' : 'both refuse, otherwise',
        ours,
        theirs,
        took,
      };
    }
    return { kind: 'only ours compiles', ours, theirs, took };
  }
  if (ours.kind === 'diagnostics') return { kind: 'only theirs compiles', ours, theirs, took };
  const wire = JSON.parse(JSON.stringify(expandPlan(ours.plan)));
  const found = differences(wire, theirs.plan, dirname(relative(job.root, job.file)).replace(/^\.$/, ''));
  const meant = found.map((each) => meantAs(each, minorOf(job.file)));
  const isMeant = found.length > 0 && meant.every((each) => each !== null);
  return {
    kind:
      found.length === 0 ? 'agree' : isMeant ? `differ as meant: ${[...new Set(meant)].sort()}` : 'differ',
    ours,
    theirs,
    found,
    took,
    nodes: wire.nodes.length,
  };
}

const jobs = folders
  .flatMap(jobsOf)
  .filter(({ file }) => options.only === undefined || file.includes(options.only));
const todo = options.parsed ? [] : jobs.filter(({ out }) => !existsSync(out));
if (todo.length > 0) {
  process.stderr.write(`${todo.length} blueprints through the published parser …\n`);
  const shares = [0, 1].map((share) => todo.filter((_, index) => index % 2 === share));
  await Promise.all(shares.filter((each) => each.length > 0).map(parseWithReference));
}
const counts = new Map();
let fromTop = 0;
let withNodes = 0;
for (const job of options.parsed ? jobs.filter(({ out }) => existsSync(out)) : jobs) {
  const result = compareOne(job);
  counts.set(result.kind, (counts.get(result.kind) ?? 0) + 1);
  if ((result.nodes ?? 0) > 0) withNodes++;
  if (result.theirs.plan !== undefined && result.theirs.refused !== undefined) fromTop++;
  const silent = result.kind === 'agree' || result.kind === 'both refuse';
  if (silent && !options.verbose) continue;
  process.stdout.write(
    `${result.kind}: ${relative(process.cwd(), job.file)} (${Math.round(result.took)} ms)\n`,
  );
  for (const each of (result.found ?? []).slice(0, options.verbose ? 1000 : 6)) {
    process.stdout.write(`    ${each.at}\n      ours   ${each.ours}\n      theirs ${each.theirs}\n`);
  }
  if (result.ours.kind === 'diagnostics') {
    for (const each of result.ours.diagnostics.slice(0, options.verbose ? 20 : 3)) {
      const { file, line, column } = each.at;
      process.stdout.write(`    ours   ${file}:${line}:${column} [${each.code ?? '-'}] ${each.summary}\n`);
    }
  }
  if (result.theirs.plan === undefined) {
    const text = result.theirs.error.replace(/\s+/g, ' ').slice(0, 300);
    process.stdout.write(`    theirs [${result.theirs.code ?? result.theirs.kind}] ${text}\n`);
  }
}
process.stdout.write(`\n${jobs.length} blueprints, ${withNodes} of those both compile have nodes, \
${fromTop} are parsed by theirs only from the top of their archive\n`);
for (const [kind, count] of [...counts].sort())
  process.stdout.write(`${String(count).padStart(6)}  ${kind}\n`);
