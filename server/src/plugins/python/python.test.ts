/** Uploaded plugins whose wagon brings no cloudify-common, where there is a Python. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { aPackage, aWheel } from '../../../test/support/wagons.js';
import { notFound } from '../../errors.js';
import type { OperationRequest } from '../plugin.js';
import { type RecordedRequestOptions, recordedRequest } from '../recorded-request.js';
import { createPythonPlugin, type PythonPlugin } from './python.js';
import { declared } from './testdata/declared.js';

const TASKS = `
import logging, os, sys, threading
from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import NonRecoverableError, OperationRetry, RecoverableError
from cloudify.state import ctx_parameters
import helper

@operation
def create(ports, **kwargs):
    assert kwargs['ctx'] is ctx and ctx_parameters.ports == ports
    ctx.logger.info('100%% of %s', ctx.node.name)
    logging.getLogger('library').warning('mind the gap')
    logging.getLogger('library').debug('chatter')
    ctx.send_event('half way')
    print('printed')
    ctx.instance.runtime_properties['ports'] = ports + [helper.PORT]
    ctx.instance.runtime_properties['text'] = ctx.get_resource('motd')
    return {'plugin': ctx.plugin.name, 'colour': ctx.plugin.properties['colour'], 'retry': ctx.operation.retry_number}

def connect(**_):
    ctx.source.instance.runtime_properties['peer'] = ctx.target.instance.id
    ctx.target.instance.runtime_properties['seen'] = True

def later(**_):
    return ctx.operation.retry('soon', 3)

def threads(**_):
    all = [threading.Thread(target=ctx.logger.info, args=('thread %d', n)) for n in range(20)]
    [one.start() for one in all]
    [one.join() for one in all]

def fails(how, **_):
    ctx.instance.runtime_properties['tried'] = True
    raise {'final': NonRecoverableError('no quota'), 'later': RecoverableError('busy', retry_after=7),
           'again': OperationRetry('soon', retry_after=3), 'odd': ValueError('odd')}[how]

def ends(code, **_):
    os._exit(code)

def kills(**_):
    os.kill(os.getpid(), 9)

def returns_nonsense(**_):
    return {'a': object()}

def keeps_nonsense(**_):
    ctx.instance.runtime_properties['thing'] = object()

def environment(**_):
    return dict(os.environ)

def starves(**_):
    import cloudify.manager
`;

const WAGON = aPackage(
  {
    name: 'demo-plugin',
    files: { 'demo/__init__.py': '', 'demo/tasks.py': TASKS, 'demo/broken.py': 'import no_such_thing\n' },
    requires: ['demo-helper>=1'],
  },
  [aWheel({ name: 'demo-helper', files: { 'helper.py': 'PORT = 443\n' } })],
);
const PLUGIN = declared('demo', 'demo-plugin', { properties: { colour: 'red' } });
const python = spawnSync('python3', ['--version']).status === 0;

describe('an uploaded plugin', { skip: !python && 'there is no python3 here' }, () => {
  let folder: string;
  let plugin: PythonPlugin;
  const kept = async (sha256s: readonly string[]) => new Set(sha256s);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-plugins-'));
    plugin = createPythonPlugin({ folder, kept, apiUrl: async () => 'http://[::1]:8080' });
  });
  after(async () => {
    await plugin.close();
    await rm(folder, { recursive: true });
  });

  async function run(task: string, options: RecordedRequestOptions = {}, by = plugin) {
    const request = recordedRequest(`demo.${task}`, { plugin: PLUGIN, package: WAGON, ...options });
    const outcome = await by.run(request);
    return { request, outcome, lines: request.logs.map(({ level, message }) => `${level} ${message}`) };
  }

  async function failure(task: string, options: RecordedRequestOptions = {}, by = plugin) {
    const { outcome } = await run(task, options, by);
    assert.ok(outcome.kind === 'failed', JSON.stringify(outcome));
    return outcome.failure;
  }

  it('is installed from its wagon alone, and gets ctx and its inputs', async () => {
    const { outcome, lines, request } = await run('tasks.create', {
      inputs: { ports: [80] },
      resources: { motd: 'Hello' },
    });
    assert.deepEqual(outcome, {
      kind: 'done',
      result: { plugin: 'demo', colour: 'red', retry: 0 },
      runtimeProperties: { web_a: { ports: [80, 443], text: 'Hello' } },
    });
    const said = [
      'info 100% of web',
      'warning library: mind the gap',
      'info <out> printed',
      /^info Building the environment of demo-plugin 1.0 with Python 3/,
      /^info Built it in/,
    ];
    for (const line of said) {
      const found = lines.some((one) => (typeof line === 'string' ? one === line : line.test(one)));
      assert.ok(found, `${line} in ${lines.join('\n')}`);
    }
    assert.ok(!lines.some((line) => line.includes('chatter')));
    assert.deepEqual(request.events, ['half way']);
    assert.deepEqual(WAGON.reports, ['installing', 'installed']);
  });

  it('is installed once, also when many ask at once', async () => {
    const many = await Promise.all([1, 2, 3].map(() => run('tasks.threads')));
    assert.deepEqual(WAGON.reports, ['installing', 'installed']);
    for (const { lines } of many)
      assert.equal(lines.filter((line) => /^info thread \d+$/.test(line)).length, 20);
    const other = createPythonPlugin({ folder, kept });
    await run('tasks.threads', {}, other);
    await other.close();
    assert.deepEqual(WAGON.reports, ['installing', 'installed']);
    assert.equal((await readdir(join(folder, 'environments'))).length, 2);
    assert.deepEqual(await readdir(join(folder, 'runs')), []);
  });

  it('writes both sides of a relationship', async () => {
    const { outcome } = await run('tasks.connect', { relationship: 'source' });
    assert.deepEqual(outcome.runtimeProperties, {
      web_a: { peer: 'db_b' },
      db_b: { port: 5432, seen: true },
    });
  });

  it('asks to be called again, by returning ctx.operation.retry or by raising', async () => {
    const again = { kind: 'again', after: 3, message: 'soon' };
    assert.deepEqual((await run('tasks.later')).outcome, again);
    const { runtimeProperties, ...raised } = (await run('tasks.fails', { inputs: { how: 'again' } })).outcome;
    assert.deepEqual(raised, again);
    assert.deepEqual(runtimeProperties, { web_a: { tried: true } });
  });

  const failures: [string, object][] = [
    ['final', { type: 'NonRecoverableError', message: 'no quota', retryable: false }],
    ['later', { type: 'RecoverableError', message: 'busy', retryable: true, retryAfter: 7 }],
    ['odd', { type: 'ValueError', message: 'odd', retryable: true }],
  ];
  for (const [how, expected] of failures) {
    it(`fails as it says: ${how}`, async () => {
      const { causes, ...rest } = await failure('tasks.fails', { inputs: { how } });
      assert.deepEqual(rest, expected);
      assert.match(causes[0]!.traceback!, /demo\/tasks\.py", line \d+, in fails/);
      assert.doesNotMatch(causes[0]!.traceback!, /host\.py/);
    });
  }

  it('whose process ends without an answer has failed for good', async () => {
    assert.match((await failure('tasks.ends', { inputs: { code: 3 } })).message, /\(rc=3\)/);
    assert.match((await failure('tasks.kills')).message, /^Process terminated \(rc=-9\)/);
  });

  it('is told which of its values cannot be stored', async () => {
    const returned = await failure('tasks.returns_nonsense');
    assert.match(returned.message, /what the operation returned cannot be stored: .*object/);
    const property = await failure('tasks.keeps_nonsense');
    assert.match(property.message, /runtime property 'thing' of web_a cannot be stored/);
    assert.ok(!returned.retryable && !property.retryable);
  });

  it('is told what is not there', async () => {
    const cases: [string, RegExp][] = [
      ['tasks.nothing', /module 'demo\.tasks' of the plugin has no function 'nothing'/],
      ['nowhere.create', /the plugin has no module 'demo\.nowhere'/],
      ['broken.create', /No module named 'no_such_thing'/],
      [
        'tasks.starves',
        /cloudify\.manager.*is cloudify-common of the right version in the wagon, or in the folder ORRERY_PYTHON_WHEELS\?/,
      ],
    ];
    for (const [task, message] of cases) {
      const found = await failure(task);
      assert.match(found.message, message);
      assert.equal(found.retryable, false, task);
    }
  });

  it('sees nothing of the server’s environment but what it needs', async () => {
    process.env.DATABASE_URL ??= 'postgresql://secret@nowhere/x';
    process.env.ORRERY_MASTER_KEY ??= 'a secret';
    const { outcome } = await run('tasks.environment', { token: 'ctok-one' });
    assert.ok(outcome.kind === 'done');
    const env = outcome.result as Record<string, string>;
    assert.equal(env.DATABASE_URL, undefined);
    assert.equal(env.ORRERY_MASTER_KEY, undefined);
    assert.ok(!JSON.stringify(env).includes('ctok-one'));
    assert.deepEqual([env.REST_PROTOCOL, env.REST_HOST, env.REST_PORT], ['http', '::1', '8080']);
    assert.ok(env.PATH!.startsWith(join(env.VIRTUAL_ENV!, 'bin')));
  });

  it('that is not there is named, with what to do', async () => {
    const cases: [RecordedRequestOptions, RegExp][] = [
      [
        { plugin: PLUGIN },
        /plugin demo needs the package demo-plugin, which is not uploaded in tenant default_tenant/,
      ],
      [
        { plugin: declared('demo', 'demo-plugin', { packageVersion: '2.0' }) },
        /needs the package demo-plugin 2\.0,/,
      ],
      [{ plugin: declared('demo', null) }, /names no package_name/],
      [{ plugin: declared('demo', null, { source: 'demo-folder' }) }, /comes from a source \(demo-folder\)/],
    ];
    for (const [options, message] of cases) {
      const request = recordedRequest('demo.tasks.create', options);
      const outcome = await plugin.run(request as OperationRequest);
      assert.ok(outcome.kind === 'failed' && !outcome.failure.retryable);
      assert.match(outcome.failure.message, message);
    }
  });

  it('whose wagon lacks something says what, and is not built again for each node', async () => {
    const wagon = aPackage({ name: 'needy', files: { 'needy.py': '' }, requires: ['not-in-the-wagon>=3'] });
    const options = { plugin: declared('needy', 'needy'), package: wagon };
    for (let node = 0; node < 3; node += 1) {
      const { message, retryable } = await failure('tasks.create', options);
      assert.match(message, /plugin needy 1\.0 could not be installed: .*not-in-the-wagon/);
      assert.match(message, /must be in its wagon, or in the folder of ORRERY_PYTHON_WHEELS/);
      assert.equal(retryable, false);
    }
    assert.equal(wagon.reports.length, 2);
    assert.match(wagon.reports[1]!, /^error: .*not-in-the-wagon/);
  });

  it('finds in the operator’s folder what its wagon lacks', async () => {
    const wheels = await mkdtemp(join(tmpdir(), 'orrery-wheels-'));
    const { name, content } = aWheel({ name: 'lent', files: { 'lent.py': 'VALUE = 7\n' } });
    const { writeFile } = await import('node:fs/promises');
    await writeFile(join(wheels, name), content);
    const lender = createPythonPlugin({ folder, kept, wheels });
    const files = { 'demo/__init__.py': 'import lent\ndef value(**_):\n    return lent.VALUE\n' };
    const wagon = aPackage({ name: 'borrower', files, requires: ['lent'] });
    const { outcome } = await run('value', { package: wagon }, lender);
    assert.ok(outcome.kind === 'done', JSON.stringify(outcome));
    assert.equal(outcome.result, 7);
    await lender.close();
    await rm(wheels, { recursive: true });
  });

  it('looks at the rest of its deployment through the worker', async () => {
    const code = `
import http.client, json, os, sys
host = sys.modules['__main__']
def look(**_):
    seen = [host.ask('host', 'node', 'db', None)['type'], host.ask('host', 'instance', 'db_b')['runtime_properties']]
    for asked in (('node', 'nothing', None), ('instance', 'nothing_1')):
        try:
            host.ask('host', *asked)
        except host.Refused as refused:
            seen.append([refused.kind, str(refused)])
    return seen
`;
    const wagon = aPackage({ name: 'looker', files: { 'demo/__init__.py': code } });
    const node = { name: 'db', type: 'a.Database', typeHierarchy: [], properties: {}, numberOfInstances: 1 };
    const surroundings = {
      node: async (name: string) => {
        if (name !== 'db') throw notFound('Node', name);
        return { ...node, host: null, relationships: [] };
      },
      instance: async (id: string) => {
        if (id !== 'db_b') throw notFound('Node instance', id);
        const rest = { relationships: [], scalingGroups: [], host: null, index: 1, node: 'db' };
        return { id, runtimeProperties: { port: 5432 }, ...rest };
      },
    };
    const { outcome } = await run('look', { package: wagon, surroundings });
    assert.ok(outcome.kind === 'done', JSON.stringify(outcome));
    assert.deepEqual(outcome.result, [
      'a.Database',
      { port: 5432 },
      ['NonRecoverableError', 'Node "nothing" was not found'],
      ['NonRecoverableError', 'Node instance "nothing_1" was not found'],
    ]);
  });
});

it('an uploaded plugin without a Python fails for good, and says what to install', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orrery-plugins-'));
  const plugin = createPythonPlugin({ folder, kept: async () => new Set(), python: 'no-such-python' });
  const outcome = await plugin.run(recordedRequest('demo.tasks.create', { plugin: PLUGIN, package: WAGON }));
  await plugin.close();
  await rm(folder, { recursive: true });
  assert.ok(outcome.kind === 'failed' && !outcome.failure.retryable);
  assert.match(
    outcome.failure.message,
    /no Python to run plugins with: "no-such-python".*Install Python 3\.8 or newer.*ORRERY_PYTHON/,
  );
});
