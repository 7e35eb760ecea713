/** The program as a process: what only a real one shows. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CATALOGUE } from '../src/catalogue.js';
import { at, PlayedServer } from './support/played-server.js';

const PROGRAM = fileURLToPath(new URL('../src/main.js', import.meta.url));
let server: PlayedServer;

before(async () => {
  server = await PlayedServer.start();
});
after(() => server.stop());

function start(...words: string[]): ChildProcess {
  const env = {
    ...process.env,
    ORRERY_URL: server.url,
    ORRERY_TOKEN: 't',
    FORCE_COLOR: '0',
    LANG: 'C.UTF-8',
  };
  return spawn(process.execPath, [PROGRAM, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

test('exit codes reach the shell', async () => {
  assert.equal((await finish(start('status'))).code, 0);
  assert.equal((await finish(start('stats'))).code, 2);
  assert.equal((await finish(start('executions', 'get', 'none'))).code, 1);
});

test('npm finds a program to link before anything is built', async () => {
  const root = new URL('../../', import.meta.url);
  const { bin } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    bin: { orrery: string };
  };
  assert.doesNotMatch(bin.orrery, /build\//, 'npm links no program that is not there yet');
  const linked = fileURLToPath(new URL(bin.orrery, root));
  const { stdout } = await promisify(execFile)(linked, ['--version']);
  assert.match(stdout, /^orrery \d/m);
});

test('every noun and verb of the catalogue has a command with help, and the other way round', async () => {
  for (const noun of CATALOGUE) {
    const commands = await noun.load();
    assert.deepEqual(Object.keys(commands).sort(), [...(noun.verbs ?? [''])].sort(), noun.name);
    for (const command of Object.values(commands)) {
      const shorts = (command.options ?? []).flatMap((option) => option.short ?? []);
      assert.equal(new Set([...shorts, 'o', 'q', 't', 'u', 'v', 'h']).size, shorts.length + 6, noun.name);
    }
  }
});

test('help loads neither HTTP nor compression', async () => {
  const tell = `process.on('exit', () => process._rawDebug(process.moduleLoadList.join('\\n')));`;
  for (const words of [
    ['--help'],
    ...CATALOGUE.map((noun) => [noun.name, ...(noun.verbs ?? []).slice(0, 1), '--help']),
  ]) {
    const child = spawn(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(tell)}`, PROGRAM, ...words],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const { out, err } = await finish(child);
    assert.match(out, /orrery/);
    const loaded = err.split('\n');
    assert.ok(loaded.includes('NativeModule fs'));
    const heavy = ['http', 'https', 'tls', 'zlib'].filter((name) => loaded.includes(`NativeModule ${name}`));
    assert.deepEqual(heavy, [], words.join(' '));
  }
});

test('Ctrl-C while following ends with 130 and leaves the execution running', async () => {
  server.execution({ status: 'started', started_at: at(0), total_operations: 3 });
  const child = start('executions', 'follow', 'e1');
  const looked = new Promise<void>((resolve) => {
    server.routes.set('GET /events', (asked, response) => {
      server.playOn(asked, response);
      resolve();
    });
  });
  const ending = finish(child);
  await looked;
  child.kill('SIGINT');
  const { code, err } = await ending;
  assert.equal(code, 130);
  assert.match(err, /goes on without you/);
  assert.equal(
    server.asked.some((each) => each.method === 'POST'),
    false,
  );
});

test('a reader that closes the pipe early is no error', async () => {
  for (let index = 0; index < 5000; index++) server.event({ message: `line ${index} ${'x'.repeat(100)}` });
  server.routes.clear();
  const child = start('events', 'list', '--all');
  child.stdout?.once('data', () => child.stdout?.destroy());
  let err = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  await once(child, 'exit');
  assert.equal(err, '');
  assert.equal(child.exitCode, 0);
});

test('completion scripts are accepted by bash', async () => {
  const { out } = await finish(start('completion', 'bash'));
  const bash = spawn('bash', [
    '-c',
    `${out}\nCOMP_WORDS=(orrery depl); COMP_CWORD=1; _orrery; echo "$COMPREPLY"`,
  ]);
  assert.equal((await finish(bash)).out, 'deployments\n');
  assert.match((await finish(start('completion', 'fish'))).out, /-a deployments/);
  assert.match((await finish(start('completion', 'zsh'))).out, /^#compdef orrery/);
});
