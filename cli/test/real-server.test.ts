/** The whole way, with the real server: what the played one cannot prove. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../src/run.js';
import { aWorld, type HeldWorld } from './support/a-world.js';
import { RealServer } from './support/real-server.js';

const HELLO_WORLD = fileURLToPath(new URL('../../../examples/hello-world', import.meta.url));
let server: RealServer;
let here: HeldWorld;

before(async () => {
  server = await RealServer.start();
});
after(() => server.stop());
beforeEach(() => {
  here = aWorld({ env: { ORRERY_URL: server.url, ORRERY_DATA_DIR: server.dataDir } });
});
afterEach(() => here.remove());

/** Runs a command; answers what it printed. */
async function orrery(words: readonly string[], code = 0): Promise<string> {
  const before = here.out().length;
  const errorsBefore = here.err().length;
  const ended = await run(words, here);
  assert.equal(
    ended,
    code,
    `orrery ${words.join(' ')}: ${here.out().slice(before)}${here.err().slice(errorsBefore)}`,
  );
  return here.out().slice(before);
}

async function json<T>(words: readonly string[]): Promise<T> {
  return JSON.parse(await orrery([...words, '-o', 'json'])) as T;
}

function blueprint(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = `${here.cwd}/${folder}/${name}`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o755 });
  }
}

const answers = async (url: string): Promise<boolean> =>
  fetch(url).then(
    (response) => response.ok,
    () => false,
  );

test('hello-world goes from folder to a site that answers, and away again', async () => {
  assert.match(await orrery(['status']), /status +OK/);
  assert.match(
    await orrery(['blueprints', 'upload', HELLO_WORLD]),
    /Blueprint hello-world uploaded \(3 nodes, 2 inputs\)/,
  );
  assert.match(await orrery(['blueprints', 'list']), /^hello-world +uploaded/m);
  assert.match(await orrery(['blueprints', 'get', 'hello-world']), /greeting .*default Hello, world/);
  await orrery(['deployments', 'create', 'hello', '-b', 'hello-world', '-i', 'greeting=Hi']);

  const watched = (await orrery(['executions', 'start', 'install', '-d', 'hello', '--follow']))
    .trimEnd()
    .split('\n');
  assert.match(watched.at(-1) ?? '', /^✔ install of hello completed after .*, \d+ operations$/);
  const execution = (await orrery(['executions', 'list', '-d', 'hello', '-w', 'install', '-q'])).trim();
  const events = (await orrery(['events', 'list', '-e', execution, '--all'])).trimEnd().split('\n');
  assert.deepEqual([...watched.slice(0, -1)].sort(), [...events].sort(), 'every event was shown once');
  assert.equal(watched.filter((line) => line.includes(' workflow_started ')).length, 1);

  const { capabilities } = await json<{ capabilities: { url: string } }>([
    'deployments',
    'capabilities',
    'hello',
  ]);
  assert.ok(await answers(capabilities.url), `${capabilities.url} answers`);
  assert.match(await orrery(['deployments', 'outputs', 'hello']), new RegExp(capabilities.url));
  const states = await json<{ state: string }[]>(['node-instances', 'list', '-d', 'hello']);
  assert.deepEqual(
    states.map(({ state }) => state),
    ['started', 'started', 'started'],
  );
  assert.match(
    await orrery(['nodes', 'list', '-d', 'hello']),
    /^web_server +hello +cloudify\.nodes\.WebServer/m,
  );
  assert.match(await orrery(['deployments', 'list']), /^hello +hello-world +active/m);

  await orrery(['deployments', 'delete', 'hello'], 1);
  await orrery(['executions', 'start', 'uninstall', '-d', 'hello', '--follow', '-q']);
  assert.equal(await answers(capabilities.url), false);
  await orrery(['deployments', 'delete', 'hello']);
  await orrery(['blueprints', 'delete', 'hello-world']);
  assert.equal(await orrery(['deployments', 'list', '-q']), '');
});

test('an archive comes back byte for byte', async () => {
  const { createHash } = await import('node:crypto');
  const { readFileSync } = await import('node:fs');
  const { create } = await import('tar');
  await create({ gzip: true, file: `${here.cwd}/sent.tar.gz`, cwd: dirname(HELLO_WORLD) }, ['hello-world']);
  await orrery(['blueprints', 'upload', 'sent.tar.gz', '-b', 'again']);
  await orrery(['blueprints', 'download', 'again', '-f', 'back.tar.gz']);
  const digest = (name: string): string =>
    createHash('sha256')
      .update(readFileSync(`${here.cwd}/${name}`))
      .digest('hex');
  assert.equal(digest('back.tar.gz'), digest('sent.tar.gz'));
});

test('a blueprint that is wrong is refused with the place of each finding', async () => {
  blueprint('wrong', {
    'blueprint.yaml':
      'tosca_definitions_version: cloudify_dsl_1_3\nnode_templates:\n  web:\n    type: no.such.Type\n',
  });
  await orrery(['blueprints', 'upload', 'wrong'], 1);
  assert.match(here.err(), /no\.such\.Type/);
  assert.match(here.err(), /blueprint\.yaml:4/);
  assert.match(here.err(), /invalid_blueprint_error/);
});

const STEPS = (scripts: number, more = ''): string => `
tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
${Array.from(
  { length: scripts },
  (_, index) => `  step_${index}:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: step.sh, max_retries: 0 }
${index === 0 ? '' : `    relationships: [{ type: cloudify.relationships.depends_on, target: step_${index - 1} }]\n`}`,
).join('')}${more}`;

test('a failing script ends the watch with 3, with its words and the way on; resume takes it up', async () => {
  blueprint('fails', {
    'blueprint.yaml': STEPS(2),
    'step.sh': `#!/bin/sh\nif [ -e ${here.cwd}/mended ]; then exit 0; fi\necho out of luck >&2\nexit 3\n`,
  });
  await orrery(['blueprints', 'upload', 'fails']);
  await orrery(['deployments', 'create', 'fails', '-b', 'fails']);
  const watched = await orrery(['executions', 'start', 'install', '-d', 'fails', '--follow'], 3);
  assert.match(watched, / task_failed step_0_\w+ create Task failed /);
  assert.match(watched, /out of luck/);
  const id = /orrery executions resume (\S+) --follow/.exec(watched)?.[1] ?? '';
  assert.match(await orrery(['executions', 'get', id]), /status +failed/);
  writeFileSync(`${here.cwd}/mended`, '');
  assert.match(await orrery(['executions', 'resume', id, '--follow']), /✔ install of fails completed/);
});

test('one operation is looked up, tried once more and skipped, with the reason on it', async () => {
  blueprint('stuck', { 'blueprint.yaml': STEPS(2), 'step.sh': '#!/bin/sh\nexit 3\n' });
  await orrery(['blueprints', 'upload', 'stuck']);
  await orrery(['deployments', 'create', 'stuck', '-b', 'stuck']);
  await orrery(['executions', 'start', 'install', '-d', 'stuck', '--follow'], 3);
  const id = (await orrery(['executions', 'list', '-d', 'stuck', '-w', 'install', '-q'])).trim();
  const number = (await orrery(['executions', 'operations', id, '--undone', '-q'])).trim();
  assert.match(number, /^\d+$/);
  assert.match(
    await orrery(['executions', 'operations', id]),
    new RegExp(`${number} +cloudify.*create +step_0_\\w+ +failed +1`),
  );
  await orrery(['executions', 'retry', id, number, '--follow'], 3);
  await orrery(['executions', 'skip', id, number], 2);
  assert.match(here.err(), /--reason is missing/);
  await orrery(['executions', 'skip', id, number, '--reason', 'by hand', '--follow'], 3);
  assert.match(
    await orrery(['executions', 'operations', id]),
    new RegExp(`${number} +cloudify.* skipped +2 +admin: by hand`),
  );
  const other = (await orrery(['executions', 'operations', id, '--undone', '-q'])).trim();
  assert.notEqual(other, number, 'what depends on it was begun');
  await orrery(['executions', 'skip', id, number, '-r', 'twice'], 1);
  assert.match(here.err(), /admin has decided so \(by hand\)/);
  await orrery(['executions', 'skip', id, other, '--done', '-r', 'it is there', '--follow']);
});

test('what cannot be is refused with its reason: unknown things, missing inputs, a second execution', async () => {
  blueprint('slow', {
    'blueprint.yaml': STEPS(1, 'inputs:\n  size: { type: integer }\n'),
    'step.sh': '#!/bin/sh\nexec sleep 60\n',
  });
  await orrery(['blueprints', 'upload', 'slow']);
  await orrery(['deployments', 'create', 'slow', '-b', 'slow'], 1);
  assert.match(here.err(), /missing_required_deployment_input_error/);
  assert.match(here.err(), /size/);
  await orrery(['deployments', 'create', 'slow', '-b', 'slow', '-i', 'size=3']);
  await orrery(['executions', 'start', 'instal', '-d', 'slow'], 1);
  await orrery(['deployments', 'get', 'nowhere'], 1);
  const id = (await orrery(['executions', 'start', 'install', '-d', 'slow', '-q'])).trim();
  await orrery(['executions', 'start', 'install', '-d', 'slow'], 1);
  assert.match(here.err(), /existing_running_execution_error/);
  await orrery(['executions', 'cancel', id, '--force', '--follow']);
  assert.match(await orrery(['executions', 'get', id]), /status +cancelled/);
});

test('the watch outlives the server: killed and started again, every event is shown once', async () => {
  blueprint('steps', { 'blueprint.yaml': STEPS(8), 'step.sh': '#!/bin/sh\necho working\nsleep 0.4\n' });
  await orrery(['blueprints', 'upload', 'steps']);
  await orrery(['deployments', 'create', 'steps', '-b', 'steps']);
  const id = (await orrery(['executions', 'start', 'install', '-d', 'steps', '-q'])).trim();
  const watching = orrery(['executions', 'follow', id]);
  await until(() => (here.out().match(/ task_succeeded /g) ?? []).length >= 2);
  await server.kill();
  await until(() => here.err().includes('Waiting for it'));
  await server.start();
  const watched = (await watching).trimEnd().split('\n');
  assert.match(watched.at(-1) ?? '', /^✔ install of steps completed/);
  const events = (await orrery(['events', 'list', '-e', id, '--all'])).trimEnd().split('\n');
  assert.deepEqual([...watched.slice(0, -1)].sort(), [...events].sort());
});

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!condition()) {
    assert.ok(Date.now() < end, 'in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
