/** Python scripts of a blueprint, where there is a Python. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type RecordedRequestOptions, recordedRequest } from '../recorded-request.js';
import { createScriptPlugin, type ScriptPlugin } from './script.js';

const python = spawnSync('python3', ['--version']).status === 0;

let workDir: string;
let plugin: ScriptPlugin;

before(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'orrery-python-'));
  plugin = createScriptPlugin({ workDir });
});

after(async () => {
  await plugin.close();
  await rm(workDir, { recursive: true });
});

async function run(text: string, options: RecordedRequestOptions = {}) {
  const request = recordedRequest('script_runner.tasks.run', {
    ...options,
    inputs: { script_path: 'run.py', ...options.inputs },
    resources: { 'run.py': text, ...options.resources },
  });
  const outcome = await plugin.run(request);
  return { request, outcome, lines: request.logs.map(({ level, message }) => `${level} ${message}`) };
}

describe('a Python script', { skip: !python && 'there is no python3 here' }, () => {
  it('has ctx and its inputs as Python values', async () => {
    const text = `
from cloudify import ctx
from cloudify.state import ctx_parameters as inputs
assert __name__ == '__main__'
ctx.logger.info('100%% of %s', ctx.node.name)
ctx.instance.runtime_properties['ports'] = inputs['ports'] + [inputs.more]
ctx.instance.runtime_properties['deep'] = {}
ctx.instance.runtime_properties['deep']['er'] = ctx.node.properties['port']
print(ctx.instance.relationships[0].target.node.name, ctx.deployment.id, ctx.operation.retry_number)
print(ctx.get_resource_and_render('t.txt', {'who': 'you'}))
ctx.returns({'value': [1, None]})
`;
    const { outcome, lines } = await run(text, {
      inputs: { ports: [80], more: 443 },
      properties: { port: 8080 },
      resources: { 't.txt': 'Hello {{ who }} of {{ ctx.node.name }}' },
    });
    assert.deepEqual(outcome, {
      kind: 'done',
      result: { value: [1, null] },
      runtimeProperties: { web_a: { ports: [80, 443], deep: { er: 8080 } } },
    });
    for (const line of ['info 100% of web', 'info <out> db site 0', 'info <out> Hello you of web']) {
      assert.ok(lines.includes(line), `${line} in ${lines.join('\n')}`);
    }
  });

  it('writes both sides of a relationship, and saves at once when it asks to', async () => {
    const text = `
from cloudify import ctx
ctx.source.instance.runtime_properties['peer'] = ctx.target.instance.id
ctx.source.instance.update()
ctx.target.instance.runtime_properties['seen'] = True
`;
    const { outcome, request } = await run(text, { relationship: 'source' });
    assert.deepEqual(request.saved, [{ web_a: { peer: 'db_b' } }]);
    assert.deepEqual(outcome.runtimeProperties, { db_b: { port: 5432, seen: true } });
  });

  const raised: [string, string, object][] = [
    [
      'NonRecoverableError',
      "NonRecoverableError('quota')",
      { type: 'NonRecoverableError', message: 'quota', retryable: false },
    ],
    [
      'RecoverableError with a delay',
      "RecoverableError('busy', retry_after=7)",
      { type: 'RecoverableError', message: 'busy', retryable: true, retryAfter: 7 },
    ],
    ['any other exception', "ValueError('odd')", { type: 'ValueError', message: 'odd', retryable: true }],
  ];
  for (const [title, error, expected] of raised) {
    it(`fails as it says: ${title}`, async () => {
      const { outcome } = await run(
        `from cloudify import ctx\nfrom cloudify.exceptions import *\nctx.instance.runtime_properties['a'] = 1\nraise ${error}\n`,
      );
      assert.ok(outcome.kind === 'failed');
      const { causes, ...failure } = outcome.failure;
      assert.deepEqual(failure, expected);
      assert.match(causes[0]!.traceback!, /run\.py", line 4/);
      assert.deepEqual(outcome.runtimeProperties, { web_a: { a: 1 } });
    });
  }

  it('asks to be called again by raising OperationRetry, or through ctx', async () => {
    const raises = `from cloudify import exceptions, ctx\nraise exceptions.OperationRetry('soon', retry_after=3)`;
    const asks = `from cloudify import ctx\nctx.retry_operation('soon', 3)\n`;
    for (const text of [raises, asks]) {
      assert.deepEqual((await run(text)).outcome, { kind: 'again', after: 3, message: 'soon' });
    }
  });

  it('aborts for good through ctx', async () => {
    const { outcome } = await run(`from cloudify import ctx\nctx.abort_operation('no quota')\n`);
    assert.ok(outcome.kind === 'failed' && !outcome.failure.retryable);
    assert.equal(outcome.failure.message, 'no quota');
  });

  it('may not write what is read only', async () => {
    const { outcome } = await run(`from cloudify import ctx\nctx.node.properties['port'] = 1\n`);
    assert.ok(outcome.kind === 'failed');
    assert.equal(outcome.failure.message, 'Cannot override read only properties');
  });

  it('is recognised in the blueprint by being Python', async () => {
    const script_source = 'from cloudify import ctx\nfor one in range(3):\n    ctx.logger.info(str(one))\n';
    const { lines } = await run('', { inputs: { script_path: '', script_source } });
    assert.ok(lines.includes('info 2'), lines.join('\n'));
  });
});

it('a Python script without a Python is a failure that no retry repairs', async () => {
  const elsewhere = createScriptPlugin({ workDir, nodePath: '/nowhere/node' });
  const outcome = await elsewhere.run(
    recordedRequest('script_runner.tasks.run', {
      inputs: { script_path: 'run.py', process: { env: { PATH: '/nowhere' } } },
      resources: { 'run.py': 'print(1)' },
    }),
  );
  await elsewhere.close();
  assert.ok(outcome.kind === 'failed' && !outcome.failure.retryable);
  assert.match(outcome.failure.message, /there is no python3 here/);
});
