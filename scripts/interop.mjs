// `npm run test:interop`: other people's clients, as they are published, against a real server. Words after `--` choose:
// names of suites (see SUITES), or of test modules, which the suite `cloudify` has. `--prepare` only installs what they need.
//
// Needs python3 (3.8 or newer) with venv, and the package index that pip is set up for. Each client is installed into a
// virtual environment of its own under .cache/, once per version of Python and of the client.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installDebian, Missing } from './debian-packages.mjs';
import { ended, PASSWORD, startServer } from './interop-server.mjs';
import { makeReady, root } from './ready.mjs';

const SSHD = { file: '/usr/sbin/sshd', package: 'openssh-server' };
const CHROMIUM = { file: '/usr/bin/chromium', package: 'chromium' };

/** A folder of tests, and the package whose client it drives; or, for tests written for Node, the package that a client of theirs needs. */
const SUITES = [
  { name: 'cloudify', folder: 'cloudify', client: 'cloudify-common==7.0.5' },
  { name: 'cloudify-4.0', folder: 'cloudify-4', client: 'cloudify-rest-client==4.0' },
  { name: 'cloudify-4.3', folder: 'cloudify-4', client: 'cloudify-rest-client==4.3.3' },
  { name: 'cfy', folder: 'cfy', client: 'cloudify==7.0.5' },
  { name: 'plugins', folder: 'plugins', client: 'cloudify-common==7.0.5' },
  // Written for Node, against a server like the others: no client in Python, and what they need they get themselves.
  { name: 'directory', folder: 'directory' },
  { name: 'pages', folder: 'pages', debian: CHROMIUM },
  { name: 'insightcloudsec', folder: 'insightcloudsec', client: 'requests==2.32.5' },
  { name: 'layer5', folder: 'layer5', client: 'requests==2.32.5' },
  { name: 'layer5-client', folder: 'layer5-client' },
  { name: 'portal', folder: 'portal', debian: CHROMIUM },
  { name: 'cloudbolt-clients', folder: 'cloudbolt-clients', helper: 'requests==2.32.5' },
];
/** Our own code against other people's servers: a file of server/test/interop, and what it needs beside Node. */
const NODE_SUITES = [
  { name: 'ec2', client: 'moto[server,ec2]==5.2.5', start: startMoto },
  { name: 'ssh', debian: SSHD },
  { name: 'agents', debian: SSHD },
];
const OLDEST = [3, 8];
/** Milliseconds that one suite may take. */
const LIMIT = 20 * 60_000;

/** The first Python on the path that is new enough, with its version. */
function findPython() {
  for (const name of ['python3', 'python']) {
    const asked = spawnSync(name, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], {
      encoding: 'utf8',
    });
    const version = /^(\d+)\.(\d+)$/.exec((asked.stdout ?? '').trim());
    if (asked.status !== 0 || version === null) continue;
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]))
      return { name, version: version[0] };
  }
  throw new Missing(`python3 ${OLDEST.join('.')} or newer is not on the path: the interop suite cannot run`);
}

function run(command, args, why) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (done.status !== 0)
    throw new Missing(`${why}\n${done.stdout ?? ''}${done.stderr ?? done.error?.message}`);
}

/** The environment with the client in it; made when it is not there yet. */
function environment({ name, version }, client) {
  const folder = join(
    root,
    '.cache',
    `interop-python${version}-${client.replaceAll(/[^A-Za-z0-9._-]+/g, '-')}`,
  );
  const python = join(folder, 'bin', 'python');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return python;
  process.stderr.write(`Installing ${client} for Python ${version} …\n`);
  rmSync(folder, { recursive: true, force: true });
  run(name, ['-m', 'venv', folder], 'python3 has no working venv module (package python3-venv on Debian)');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', client];
  run(python, pip, `${client} could not be installed`);
  writeFileSync(finished, `${client}\n`);
  return python;
}

/** moto's server on a free port. */
async function startMoto(python) {
  const moto = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PYTHONUNBUFFERED: '1' },
  });
  const address = await new Promise((resolve, reject) => {
    let text = '';
    moto.stderr.on('data', (chunk) => {
      text += chunk;
      const found = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(text);
      if (found !== null) resolve(found[1]);
    });
    moto.once('exit', () => reject(new Error(`moto ended before it was ready\n${text}`)));
  });
  return { env: { ORRERY_INTEROP_EC2: address }, stop: () => moto.kill('SIGTERM') };
}

async function runNodeSuite({ name, client, debian, start }, found) {
  process.stderr.write(`\n${name}\n`);
  if (debian !== undefined) installDebian(debian);
  const python = client === undefined ? null : environment(found, client);
  const beside = start === undefined ? { env: {}, stop: () => {} } : await start(python);
  try {
    const tests = spawn(process.execPath, ['--test', `server/build/test/interop/${name}.interop.js`], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...beside.env },
    });
    const late = setTimeout(() => tests.kill('SIGKILL'), LIMIT);
    const code = await ended(tests);
    clearTimeout(late);
    return code ?? 1;
  } finally {
    beside.stop();
  }
}

/** The suites that are meant, with the modules that are; all of both when none is named. */
function chosen(words) {
  const named = SUITES.filter(({ name }) => words.includes(name));
  const nodes = NODE_SUITES.filter(({ name }) => words.includes(name));
  const modules = words.filter((word) => ![...named, ...nodes].some(({ name }) => name === word));
  if (named.length + nodes.length > 0) return { suites: named, nodes, modules };
  return modules.length > 0
    ? { suites: SUITES.slice(0, 1), nodes: [], modules }
    : { suites: SUITES, nodes: NODE_SUITES, modules };
}

async function runSuite({ name, folder, helper }, modules, python, url) {
  process.stderr.write(`\n${name}\n`);
  const cwd = join(root, 'interop', folder);
  const env = {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: '1',
    ORRERY_INTEROP_HOST: url.hostname,
    ORRERY_INTEROP_PORT: url.port,
    ORRERY_INTEROP_PASSWORD: PASSWORD,
    ...(helper === undefined ? {} : { ORRERY_INTEROP_PYTHON: python }),
  };
  if (python === null || helper !== undefined) {
    const files = readdirSync(cwd).filter((file) => file.endsWith('.test.mjs'));
    return finished(
      spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], { cwd, env, stdio: 'inherit' }),
    );
  }
  const what =
    modules.length > 0
      ? ['--verbose', ...modules]
      : ['discover', '--verbose', '--start-directory', '.', '--pattern', 'test_*.py'];
  return finished(spawn(python, ['-W', 'ignore', '-m', 'unittest', ...what], { cwd, env, stdio: 'inherit' }));
}

async function finished(tests) {
  const late = setTimeout(() => tests.kill('SIGKILL'), LIMIT);
  const code = await ended(tests);
  clearTimeout(late);
  return code ?? 1;
}

async function main() {
  const words = process.argv.slice(2);
  const { suites, nodes, modules } = chosen(words.filter((word) => word !== '--prepare'));
  const needsPython =
    nodes.length > 0 || suites.some(({ client, helper }) => (client ?? helper) !== undefined);
  const found = needsPython ? findPython() : null;
  const pythons = suites.map(({ client, helper }) => {
    const wanted = client ?? helper;
    return wanted === undefined ? null : environment(found, wanted);
  });
  for (const { debian } of suites) if (debian !== undefined) installDebian(debian);
  if (words.includes('--prepare')) {
    for (const { client, debian } of nodes) {
      if (debian !== undefined) installDebian(debian);
      if (client !== undefined) environment(found, client);
    }
    return 0;
  }
  await makeReady();
  const failed = [];
  for (const suite of nodes) if ((await runNodeSuite(suite, found)) !== 0) failed.push(suite.name);
  if (suites.length === 0) return summary(failed);
  const server = await startServer();
  try {
    const url = new URL(server.url);
    for (const [index, suite] of suites.entries()) {
      const code = await runSuite(suite, modules, pythons[index], url);
      if (code !== 0) failed.push(suite.name);
    }
  } finally {
    await server.stop();
  }
  return summary(failed);
}

function summary(failed) {
  if (failed.length > 0) process.stderr.write(`\nFAILED: ${failed.join(', ')}\n`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Missing ? error.message : error.stack}\n`);
  process.exitCode = 1;
}
