/**
 * Clients of CloudBolt's API that others wrote, unmodified, against a real server: the vendor's Go client and gem, its Python samples, and scripts
 * in bash. Which of them run depends on what is at hand (sources.mjs); those that do not are named loudly, and are skipped.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { installDebian } from '../../scripts/debian-packages.mjs';
import { startServer } from '../../scripts/interop-server.mjs';
import { at } from './orders.mjs';
import { CLIENTS, clientIn } from './sources.mjs';

const {
  ORRERY_INTEROP_HOST: HOST,
  ORRERY_INTEROP_PORT: PORT,
  ORRERY_INTEROP_PASSWORD: PASSWORD,
  ORRERY_INTEROP_PYTHON: python,
  ORRERY_CLOUDBOLT_CLIENTS: given,
} = process.env;
const HERE = dirname(fileURLToPath(import.meta.url));
const CACHE = join(HERE, '../../.cache/cloudbolt-clients');
const temp = mkdtempSync(join(tmpdir(), 'orrery-cloudbolt-'));
after(() => rmSync(temp, { recursive: true, force: true }));

const found = Object.fromEntries(
  await Promise.all(
    Object.entries(CLIENTS).map(async ([key, client]) => [key, await clientIn(client, given, CACHE)]),
  ),
);
/** The interpreter or compiler, or why the client cannot be run after all. */
const tools = { go: goTool, ruby: rubyTool, shell: () => 'bash', python: () => python };
const skipped = {};
const tool = {};
for (const [key, client] of Object.entries(CLIENTS)) {
  try {
    if (found[key].why !== undefined) throw new Error(found[key].why);
    tool[key] = tools[key]();
  } catch (error) {
    skipped[key] = error.message;
    process.stderr.write(`NOT RUN: ${client.name} (${client.version}): ${error.message}\n`);
  }
}

function goTool() {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/go/bin', '/usr/lib/go/bin'];
  const go = places.map((place) => join(place, 'go')).find(existsSync);
  if (go === undefined) throw new Error('Go is not here');
  return go;
}

function rubyTool() {
  installDebian({ file: '/usr/bin/ruby', package: 'ruby' });
  installDebian({ file: '/usr/share/doc/ruby-httparty', package: 'ruby-httparty' });
  return '/usr/bin/ruby';
}

/** Runs to its end without waiting for anybody: other clients run meanwhile. */
function run(command, args, { env = {}, cwd = temp, fine = [0] } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 240_000,
    });
    const told = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (text) => {
        told[stream] += text;
      });
    child.once('error', reject);
    child.once('close', (code) => {
      if (fine.includes(code)) resolve(told);
      else reject(new Error(`${command} ended with ${code}\n${told.stdout}\n${told.stderr}`));
    });
  });
}

const lastLine = ({ stdout }) => JSON.parse(stdout.trimEnd().split('\n').at(-1));

/** Both ways of printing links: as up to version 8, and as from 9 on. Nothing is started where no client runs. */
const servers = { classic: `http://${HOST}:${PORT}`, modern: null };
if (Object.keys(skipped).length < Object.keys(CLIENTS).length) {
  const server = await startServer({ ORRERY_CLOUDBOLT_HREF_STYLE: 'modern' });
  servers.modern = server.url;
  after(() => server.stop());
}
const HREFS = {
  classic: /^\/api\/v2\/blueprints\/\d+$/,
  modern: /^\/api\/v2\/blueprints\/BP-[a-z0-9]{8}\/$/,
};
const unique = `${Date.now()}`;

// First, while the server has no other servers: they tell of every one. And with links as they were printed from version 9 on.
test('the scripts in bash list what is on and what is off, and take snapshots', {
  skip: skipped.shell,
}, async () => {
  const ours = at(servers.modern, PASSWORD);
  const [one, two, three] = await ours.servers(3, 'of-the-scripts-0X');
  await ours.acted(`${three._links.self.href}actions/poweroff/`);

  const credentials = join(temp, 'credentials.json');
  writeFileSync(credentials, JSON.stringify({ username: 'admin', password: PASSWORD }));
  // What they know as `python` is called python3 on most machines.
  const bin = join(temp, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'python'), '#!/bin/sh\nexec python3 "$@"\n', { mode: 0o755 });
  const env = { PATH: `${bin}${delimiter}${process.env.PATH}` };
  const script = async (name) => {
    const args = [join(found.shell.folder, name), servers.modern, credentials];
    const { stdout } = await run('bash', args, { env, cwd: found.shell.folder });
    return stdout.trimEnd().split('\n');
  };
  assert.deepEqual(await script('cloudbolt_list.sh'), [one.hostname, two.hostname]);
  assert.deepEqual(await script('cloudbolt_off.sh'), [three.hostname]);
  const said = await script('cloudbolt_snapshots.sh');
  assert.ok(said.includes('Successful backups: 3'), said.join('\n'));
  for (const { _links } of [one, two, three]) await ours.snapshot(_links.self.href, 'Weekly Backup');
});

for (const [style, url] of Object.entries(servers)) {
  describe(`clients of CloudBolt that others wrote, with ${style} links`, { concurrency: true }, () => {
    const ours = url === null ? null : at(url, PASSWORD);
    const { hostname, port } = url === null ? { hostname: '', port: '' } : new URL(url);
    const address = { HOST: hostname, PORT: port, PASSWORD };
    test(`the Go client ${CLIENTS.go.version} finds, orders, switches off, deletes and decommissions`, {
      skip: skipped.go,
    }, async () => {
      const parent = `Parent ${unique}`;
      const type = (await ours.get((await ours.named('groups', 'Default'))._links.self.href)).type;
      const above = await ours.post('/api/v2/groups/', { name: parent, type });
      await ours.post('/api/v2/groups/', { name: 'Nested', type, parent: above._links.self.href });
      const build = (await ours.get('/api/v2/os-builds/'))._embedded[0].name;

      // Where packages were found before there were modules: nothing is asked of anybody, and nothing of the client is changed.
      const place = join(temp, 'go/src/github.com/cloudboltsoftware');
      mkdirSync(place, { recursive: true });
      cpSync(found.go.folder, join(place, 'cloudbolt-go-sdk'), { recursive: true });
      const env = {
        ...address,
        OS_BUILD: build,
        NESTED_GROUP: `${parent}/Nested`,
        GO111MODULE: 'off',
        GOFLAGS: '',
        GOPATH: join(temp, 'go'),
        GOTOOLCHAIN: 'local',
      };
      const told = lastLine(await run(tool.go, ['run', join(HERE, 'drive.go')], { env }));

      assert.equal(told.blueprint.name, 'Custom Server');
      assert.match(told.blueprint._links.self.href, HREFS[style]);
      assert.equal(told.group.name, 'Default');
      assert.equal(told.nested.name, 'Nested');
      assert.match(told['not nested there'], /Not Found/);
      assert.match(told['not there'], /Could not find/);
      assert.equal(told.ordered.status, 'ACTIVE');
      assert.match(told.ordered.id, /^\d+$/);
      assert.equal(told.order.status, 'SUCCESS');
      assert.equal(told.order._links.group.title, 'Default');
      assert.match(told.order['approve-date'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/);
      assert.deepEqual(
        told.jobs.map(({ type: word, status }) => [word, status]),
        [
          ['Deploy Blueprint', 'SUCCESS'],
          ['Provision Server', 'SUCCESS'],
        ],
      );
      assert.equal(told.server.status, 'ACTIVE');
      assert.equal(told.server['power-status'], 'POWERON');
      assert.equal(told.server['cpu-cnt'], 1);
      assert.equal(told.server['mem-size'], '1.0000 GB');
      assert.equal(told['power off'].status, 'SUCCESS');
      assert.equal(told.off['power-status'], 'POWEROFF');
      assert.notEqual(told.refused, '<nil>');
      assert.equal(told.resource.status, 'Active');
      assert.equal(told.resource._links.servers.length, 1);
      assert.equal(told.delete.status, 'SUCCESS');
      assert.equal(told.delete.type, 'Delete Resource');
      assert.equal(told.deleted.status, 'Historical');
      assert.equal(told.decommission.status, 'SUCCESS');
      assert.equal(told.gone.status, 'HISTORICAL');
      const orders = await ours.get('/api/v2/orders/?filter=status:CART&page_size=100');
      assert.equal(orders.total, 0, 'nothing came of the refused order');
    });

    test(`the gem ${CLIENTS.ruby.version} orders, waits, finds the server and takes it away`, {
      skip: skipped.ruby,
    }, async () => {
      const id = async (kind, name) => (await ours.named(kind, name)).id;
      const env = {
        ...address,
        GROUP: await id('groups', 'Default'),
        BLUEPRINT: `/api/v2/blueprints/${await id('blueprints', 'Custom Server')}`,
        ENVIRONMENT: `/api/v2/environments/${await id('environments', 'Local')}`,
      };
      const told = lastLine(
        await run(tool.ruby, ['-I', join(found.ruby.folder, 'lib'), join(HERE, 'drive.rb')], { env }),
      );
      assert.equal(told['wrong password'], 'Error retrieving API token');
      assert.match(told.refused, /Parameter named 'no-such-parameter' does not exist/);
      assert.equal(told.ordered.status, 'ACTIVE');
      assert.equal(told.order.status, 'SUCCESS');
      assert.equal(told.found.hostname, told.server.hostname);
      assert.match(told.server.hostname, /^of-the-gem/);
      assert.equal(told.server.status, 'ACTIVE');
      assert.equal(told.gone.status, 'HISTORICAL');
    });

    test('the product’s Python samples order, change and decommission a server', {
      skip: skipped.python,
    }, async () => {
      const samples = aPythonClient(address);
      const group = (await ours.named('groups', 'Default')).id;
      const environment = (await ours.named('environments', 'Local')).id;
      const blueprint = (await ours.named('blueprints', 'Custom Server'))._links.self.href;
      const items = [
        {
          blueprint,
          'blueprint-items-arguments': {
            'build-item-Server': {
              environment: `/api/v2/environments/${environment}`,
              attributes: { quantity: 1 },
              parameters: { 'cpu-cnt': '1' },
            },
          },
          'resource-name': '',
        },
      ];
      const ordered = await samples('order_blueprint.py', [
        '--group-id',
        group,
        '--deploy-items',
        JSON.stringify(items),
        '--wait',
      ]);
      const server = /\(ID (\d+)\)/.exec(ordered.stdout)?.[1];
      assert.ok(server !== undefined, ordered.stdout);

      const whose = ['--group-id', group, '--env-id', environment];
      await samples('mod_server.py', [
        ...whose,
        '--server-id',
        server,
        '--cf',
        'mem_size=2',
        'cpu_cnt=2',
        '--wait',
      ]);
      const changed = await ours.get(`/api/v2/servers/${server}`);
      assert.deepEqual([changed['mem-size'], changed['cpu-cnt']], ['2.0000 GB', 2]);

      await samples('decom_server.py', [...whose, '--server-ids', server, '--wait']);
      assert.equal((await ours.get(`/api/v2/servers/${server}`)).status, 'HISTORICAL');
    });

    test('the product’s Python samples delete a resource, and take a blueprint out and in', {
      skip: skipped.python,
    }, async () => {
      const samples = aPythonClient(address);
      const offer = await ours.named('blueprints', 'Web Service');
      const group = (await ours.named('groups', 'Default'))._links.self.href;
      const order = await ours.post('/api/v2/orders/', {
        group,
        'submit-now': 'true',
        items: {
          'deploy-items': [{ blueprint: offer._links.self.href, 'resource-name': `samples ${unique}` }],
        },
      });
      let now = order;
      while (now.status === 'ACTIVE') now = await ours.get(`${order._links.self.href}?wait=20`);
      assert.equal(now.status, 'SUCCESS', JSON.stringify(now.failures));
      const [resource] = now._links.resources;
      const id = resource.href.replace(/\/$/, '').split('/').at(-1);
      const deleted = await samples('delete_resource.py', [
        '--resource-id',
        id,
        '--resource-type',
        'service',
        '--wait',
      ]);
      assert.match(deleted.stdout, /Started Delete Resource (Job|Order)/);
      assert.equal((await ours.get(resource.href)).status, 'Historical');

      const place = mkdtempSync(join(temp, 'exported-'));
      for (const more of [[], ['--instance-info']]) {
        const out = await samples(
          'export_object.py',
          ['--collection', 'blueprints', '--obj-id', offer.id, ...more],
          place,
        );
        assert.match(out.stdout, /Saved to file: Web Service\.zip/);
        assert.deepEqual(readdirSync(place), ['Web Service.zip']);
      }
      const came = await samples(
        'import_object.py',
        ['--collection', 'blueprints', '--zip-file', 'Web Service.zip'],
        place,
      );
      assert.match(came.stdout, /Web Service/);
      const { _embedded } = await ours.get('/api/v2/blueprints/?filter=name.startswith:Web+Service');
      assert.ok(_embedded.length >= 2, 'what came in stands beside what was there');
    });
  });
}

/** The samples with what they import; `ext` is a folder of the product, which hands on the module of Python's own library. */
function aPythonClient({ HOST, PORT }) {
  const beside = mkdtempSync(join(temp, 'python-'));
  if (!existsSync(join(found.python.folder, 'ext'))) {
    mkdirSync(join(beside, 'ext'));
    writeFileSync(join(beside, 'ext/__init__.py'), 'import argparse\n');
  }
  return (name, args, cwd = beside) =>
    run(
      tool.python,
      [
        join(found.python.folder, 'samples', name),
        ...[
          '--username',
          'admin',
          '--password',
          PASSWORD,
          '--host',
          HOST,
          '--port',
          PORT,
          '--protocol',
          'http',
        ],
        ...args,
      ],
      { cwd, env: { PYTHONPATH: beside, PYTHONDONTWRITEBYTECODE: '1' } },
    );
}
