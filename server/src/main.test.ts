import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testDatabase } from '../test/support/test-database.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'orrery-main-'));
chmodSync(folder, 0o711);
const { databaseUrl } = await testDatabase();
const children: ChildProcess[] = [];

after(() => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function run(command: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, ...command], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      ORRERY_PORT: '0',
      ORRERY_DEMO: '0',
      ORRERY_DATA_DIR: join(folder, 'data'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text;
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      const url = /^Orrery is ready at (http:\/\/\S+)$/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
    throw new Error(`it ended before it was ready: ${said.err}`);
  })();
  // Not every test waits for it.
  ready.catch(() => {});
  return { child, said, ended, ready };
}

test('start says one line once it is ready, and ends cleanly on SIGTERM', async () => {
  const { child, said, ended, ready } = run([], { DATABASE_URL: databaseUrl });
  const url = await ready;
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.equal(said.out, `Orrery is ready at ${url}\n`);
  for (const line of said.err
    .trim()
    .split('\n')
    .filter((each) => each.startsWith('{')))
    JSON.parse(line);
  assert.match(said.err, /"msg":"stopped"/);
});

test('the first start tells the password it made up, once, and keeps it for its owner', async () => {
  const own = await testDatabase();
  const dataDir = join(folder, 'first');
  const env = { DATABASE_URL: own.databaseUrl, ORRERY_DATA_DIR: dataDir };
  const password = /with the password (\S+)/;
  const first = run([], env);
  await first.ready;
  first.child.kill('SIGTERM');
  await first.ended;
  const file = join(dataDir, 'admin-password');
  assert.equal(password.exec(first.said.err)?.[1], readFileSync(file, 'utf8').trim());
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(dataDir, 'master-key')).mode & 0o777, 0o600);
  const second = run([], env);
  await second.ready;
  second.child.kill('SIGTERM');
  await second.ended;
  assert.doesNotMatch(second.said.err, password);
});

test('an administrator password that is no good is refused by name', async () => {
  const { said, ended } = run([], { DATABASE_URL: databaseUrl, ORRERY_ADMIN_PASSWORD: 'x' });
  assert.equal(await ended, 1);
  assert.match(said.err, /Orrery cannot start: ORRERY_ADMIN_PASSWORD is no good: /);
});

test('a worker alone answers probes and no API', async () => {
  const { child, ended, ready } = run(['start'], { DATABASE_URL: databaseUrl, ORRERY_ROLE: 'worker' });
  const url = await ready;
  assert.equal((await fetch(`${url}/health/ready`)).status, 200);
  assert.match(await (await fetch(url)).text(), /None in this process/);
  child.kill('SIGINT');
  assert.equal(await ended, 0);
});

test('rotate-master-key makes a new key in the data folder, which a running server finds by itself', async () => {
  const own = await testDatabase();
  const dataDir = join(folder, 'rotated');
  const password = 'a first password';
  const env = { DATABASE_URL: own.databaseUrl, ORRERY_DATA_DIR: dataDir, ORRERY_ADMIN_PASSWORD: password };
  const { child, ended, ready } = run([], env);
  const url = await ready;
  const ask = async (method: string, body?: object) => {
    const response = await fetch(`${url}/api/v3.1/secrets/kept`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`,
        tenant: 'default_tenant',
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return ((await response.json()) as { value?: string }).value;
  };
  await ask('PUT', { value: 'before' });
  const before = readFileSync(join(dataDir, 'master-key'), 'utf8');
  const rotation = run(['rotate-master-key'], env);
  assert.equal(await rotation.ended, 0);
  assert.match(rotation.said.err, /moved: 1\b/);
  assert.notEqual(readFileSync(join(dataDir, 'master-key'), 'utf8'), before);
  assert.equal(readFileSync(join(dataDir, 'former-master-keys'), 'utf8'), before);
  assert.equal(statSync(join(dataDir, 'former-master-keys')).mode & 0o777, 0o600);
  assert.equal(await ask('GET'), 'before');
  assert.equal(await ask('PUT', { value: 'after', update_if_exists: true }), 'after');
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  const again = run([], env);
  await again.ready;
  again.child.kill('SIGTERM');
  assert.equal(await again.ended, 0);
  assert.doesNotMatch(again.said.err, /former master key/);
});

test('after SIGKILL the next start takes the embedded database over', async () => {
  const env = { ORRERY_DATA_DIR: join(folder, 'embedded') };
  const first = run([], env);
  await first.ready;
  first.child.kill('SIGKILL');
  await first.ended;
  const second = run([], env);
  await second.ready;
  second.child.kill('SIGTERM');
  assert.equal(await second.ended, 0);
  assert.match(second.said.err, /"adopted":true/);
});

test('a taken port is told in a sentence that names the way out', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const { said, ended } = run([], { DATABASE_URL: databaseUrl, ORRERY_PORT: String(port) });
  assert.equal(await ended, 1);
  assert.match(said.err, new RegExp(`Orrery cannot start: port ${port} is taken: set ORRERY_PORT`));
  assert.equal(said.out, '');
  taken.close();
});

test('a wrong setting is told in a sentence, without a stack', async () => {
  const { said, ended } = run([], { ORRERY_ROLE: 'boss' });
  assert.equal(await ended, 1);
  assert.equal(
    said.err,
    'Orrery cannot start: ORRERY_ROLE cannot be "boss": it should be one of all, api, worker, remote-worker\n',
  );
});

test('config prints settings and sources without starting anything', async () => {
  const { said, ended } = run(['config'], { ORRERY_ADMIN_PASSWORD: 'hush', ORRERY_PROT: '1' });
  assert.equal(await ended, 0);
  assert.match(said.out, /ORRERY_ADMIN_PASSWORD +adminPassword +\*{8}/);
  assert.doesNotMatch(said.out, /hush/);
});

test('migrate brings the database up to date and says so', async () => {
  const { said, ended } = run(['migrate'], { DATABASE_URL: databaseUrl });
  assert.equal(await ended, 0);
  assert.match(said.err, /up to date/);
});

test('an unknown command is refused with the list of those there are', async () => {
  const { said, ended } = run(['strat'], {});
  assert.equal(await ended, 2);
  assert.match(said.err, /no command "strat"/);
});

test('doctor tells what is bad with a way out, and ends with 1; --json is for programs', async () => {
  const env = { DATABASE_URL: databaseUrl, ORRERY_MASTER_KEY: 'ab'.repeat(32) };
  const { said, ended } = run(['doctor', '--json'], env);
  assert.equal(await ended, 1, said.err);
  const { findings } = JSON.parse(said.out) as {
    findings: { check: string; level: string; remedy?: string }[];
  };
  const levels = Object.fromEntries(findings.map(({ check, level }) => [check, level]));
  // Whoever worked on this one has stopped.
  assert.deepEqual([levels.workers, levels.schema], ['bad', 'good'], said.out);
  assert.ok(findings.every(({ level, remedy }) => level === 'good' || remedy !== undefined));

  const people = run(['doctor'], { ...env, DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' });
  assert.equal(await people.ended, 1);
  assert.match(people.said.out, /BAD +database +the database cannot be asked: .*\n +Look at DATABASE_URL/);

  const embedded = run(['doctor'], { ORRERY_DATA_DIR: join(folder, 'empty') });
  assert.equal(await embedded.ended, 0, 'nothing is there yet, so nothing is bad');
  assert.match(embedded.said.out, /note +embedded-postgres +the embedded PostgreSQL does not run/);
});
