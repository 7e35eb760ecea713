import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../../dsl/plan.js';
import type { OperationOutcome } from '../plugin.js';
import { type RecordedRequest, type RecordedRequestOptions, recordedRequest } from '../recorded-request.js';
import { createScriptPlugin, type ScriptPlugin } from './script.js';

let workDir: string;
let plugin: ScriptPlugin;

before(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'orrery scripts '));
  plugin = createScriptPlugin({ workDir });
});

after(async () => {
  await plugin.close();
  await rm(workDir, { recursive: true });
});

function script(text: string, options: RecordedRequestOptions = {}, name = 'run.sh'): RecordedRequest {
  return recordedRequest('script_runner.tasks.run', {
    ...options,
    inputs: { script_path: `scripts/${name}`, ...options.inputs },
    resources: { [`scripts/${name}`]: text, ...options.resources },
  });
}

async function run(text: string, options: RecordedRequestOptions = {}, name?: string) {
  const request = script(text, options, name);
  const outcome = await plugin.run(request);
  return { outcome, request, lines: request.logs.map(({ message }) => message) };
}

function resultOf(outcome: OperationOutcome) {
  assert.equal(outcome.kind, 'done', JSON.stringify(outcome));
  return outcome.kind === 'done' ? outcome.result : undefined;
}

function failureOf(outcome: OperationOutcome) {
  assert.equal(outcome.kind, 'failed', JSON.stringify(outcome));
  return outcome.kind === 'failed' ? outcome.failure : assert.fail();
}

describe('a script', () => {
  it('is run from the blueprint, and its lines become log lines', async () => {
    const { outcome, lines } = await run('#!/bin/sh\necho one\necho two >&2\nprintf three\n');
    assert.equal(resultOf(outcome), null);
    assert.ok(lines.includes('<out> one'));
    assert.ok(lines.includes('<err> two'));
    assert.ok(lines.includes('<out> three'));
    assert.match(lines.join('\n'), /Process created, PID: \d+/);
    assert.match(lines.join('\n'), /Execution done \(PID=\d+, return_code=0\): run\.sh/);
  });

  it('leaves nothing in the work folder, whether it succeeds or fails', async () => {
    await run('#!/bin/sh\ntouch here; mkdir deep; touch deep/er');
    await run('#!/bin/sh\nexit 3');
    assert.deepEqual(await readdir(workDir), []);
  });

  it('without a first line is run by a shell', async () => {
    assert.equal(resultOf((await run('ctx returns "$((40 + 2))"', {}, 'plain')).outcome), '42');
  });

  it('is run by the program its first line names', async () => {
    const text = '#!/usr/bin/env node\nconsole.log("six times seven is", 6 * 7)';
    assert.ok((await run(text, {}, 'run.mjs')).lines.includes('<out> six times seven is 42'));
  });

  it('may be written into the blueprint itself', async () => {
    const inputs = { script_path: '', script_source: '    if true; then\n      ctx returns yes\n    fi\n' };
    assert.equal(resultOf((await run('', { inputs })).outcome), 'yes');
  });

  it('gets arguments and a command prefix, both read by a shell', async () => {
    const inputs = { process: { args: ['a', '"b c"', 3], command_prefix: 'env EXTRA=1 sh' } };
    const { lines } = await run('echo "$# $2 $3 $EXTRA"', { inputs });
    assert.ok(lines.includes('<out> 3 b c 3 1'), lines.join('\n'));
  });

  it('sees its inputs as variables: structures and booleans as JSON, process.env before them', async () => {
    const inputs = {
      port: 80,
      debug: true,
      tags: ['a', 'b'],
      map: { k: 'v' },
      name: "o'neil $HOME",
      both: 'input',
      process: { env: { both: 'env' } },
    };
    const text = '#!/bin/sh\nfor v in port debug tags map name both; do eval "echo $v=\\$$v"; done';
    const { lines } = await run(text, { inputs });
    for (const line of [
      'port=80',
      'debug=true',
      'tags=["a","b"]',
      'map={"k":"v"}',
      "name=o'neil $HOME",
      'both=env',
    ])
      assert.ok(lines.includes(`<out> ${line}`), `${line} in ${lines.join('\n')}`);
  });

  it('sees nothing else of the server environment', async () => {
    process.env.ORRERY_TEST_PASSWORD = 'hunter2';
    const { lines } = await run('#!/bin/sh\nenv');
    delete process.env.ORRERY_TEST_PASSWORD;
    assert.ok(!lines.join('\n').includes('hunter2'));
    assert.ok(lines.some((line) => line.startsWith('<out> ORRERY_OPERATION_ID=execution-1:task-')));
    assert.ok(lines.includes('<out> ORRERY_OPERATION_ATTEMPT=1'));
  });

  it('runs where it is told to, else in a private folder', async () => {
    const told = await run('#!/bin/sh\npwd', { inputs: { process: { cwd: '/' } } });
    assert.ok(told.lines.includes('<out> /'));
    const own = await run('#!/bin/sh\npwd; ls -ld . | cut -c1-10');
    assert.ok(own.lines.some((line) => line.startsWith(`<out> ${workDir}/run-`)));
    assert.ok(own.lines.includes('<out> drwx------'));
  });

  it('may merge its errors into its output, or keep either out of the log', async () => {
    const text = '#!/bin/sh\necho out; echo err >&2';
    const merged = await run(text, { inputs: { process: { stderr_to_stdout: true } } });
    assert.ok(merged.lines.includes('<out> err'));
    const quiet = await run(text, { inputs: { process: { log_stdout: false } } });
    assert.ok(!quiet.lines.includes('<out> out'));
    assert.ok(quiet.lines.includes('<err> err'));
  });
});

describe('a script that cannot be run', () => {
  const cases: [string, string, JsonObject, RegExp][] = [
    ['names no script', '', { script_path: '' }, /Either script_path or script_source must be provided/],
    ['names two', '', { script_source: 'true' }, /Only provide script_path or script_source, not both/],
    ['names a file that is not there', '', { script_path: 'no.sh' }, /no\.sh is neither in the deployment/],
    ['asks for an unknown proxy', '', { process: { ctx_proxy_type: 'zmq' } }, /Unsupported proxy type: zmq/],
    ['wants a missing program', '#!/no/such/program\n', {}, /wants to be run by \/no\/such\/program/],
    ['has Windows line ends', '#!/bin/sh\r\necho\r\n', {}, /Windows/],
    ['runs in a folder that is not there', 'true', { process: { cwd: '/no/such' } }, /not a folder/],
    ['has a variable too large', '#!/bin/sh\n', { big: 'x'.repeat(300_000) }, /too large/],
    ['is elsewhere', '', { script_path: 'http://10.0.0.1/x.sh' }, /scripts from blueprints only/],
  ];
  for (const [title, text, inputs, message] of cases) {
    it(`${title}: a failure that no retry repairs`, async () => {
      const failure = failureOf((await run(text, { inputs })).outcome);
      assert.match(failure.message, message);
      assert.equal(failure.retryable, false);
    });
  }
});

describe('a script that fails', () => {
  it('with an exit code: retryable, with the command, the code and its last words', async () => {
    const failure = failureOf((await run('#!/bin/sh\necho working\necho "no disk" >&2\nexit 7')).outcome);
    assert.equal(failure.type, 'ProcessException');
    assert.equal(failure.retryable, true);
    assert.equal(failure.message, 'command: run.sh, exit_code: 7, stdout: working, stderr: no disk');
  });

  it('by a signal: the negative number of the signal', async () => {
    assert.match(failureOf((await run('#!/bin/sh\nkill -9 $$')).outcome).message, /exit_code: -9/);
  });

  it('because it aborts: for good, with its message, and the script stops there', async () => {
    const { outcome, lines } = await run(
      '#!/bin/sh -e\nctx abort-operation "quota reached"\necho still here',
    );
    const failure = failureOf(outcome);
    assert.equal(failure.message, 'quota reached');
    assert.equal(failure.retryable, false);
    assert.ok(!lines.includes('<out> still here'));
  });

  it('keeps the runtime properties it wrote before', async () => {
    const { outcome } = await run('#!/bin/sh\nctx instance runtime-properties id vm-1\nexit 1');
    assert.deepEqual(outcome.runtimeProperties, { web_a: { id: 'vm-1' } });
  });
});

describe('a script that asks to be called again', () => {
  it('with a message and a delay', async () => {
    const { outcome } = await run('#!/bin/sh -e\nctx retry-operation "not yet" 2.5\n');
    assert.deepEqual(outcome, { kind: 'again', after: 2.5, message: 'not yet' });
  });

  it('may ask without stopping', async () => {
    const { outcome } = await run('#!/bin/sh -e\nctx operation retry "soon" 1\n');
    assert.deepEqual(outcome, { kind: 'again', after: 1, message: 'soon' });
  });

  it('may not ask and return as well', async () => {
    const { outcome } = await run('#!/bin/sh\nctx returns 1\nctx retry-operation again\nexit 0');
    assert.equal(failureOf(outcome).message, 'ctx may only abort or return once');
  });
});
