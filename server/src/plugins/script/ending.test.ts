/** How runs end that do not end by themselves, and what they leave: real processes, looked for in /proc. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AbortReason } from '../plugin.js';
import { recordedRequest } from '../recorded-request.js';
import { identify, processPlace } from './processes.js';
import { createScriptPlugin, type ScriptPlugin } from './script.js';

let workDir: string;
let plugin: ScriptPlugin;

before(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'orrery-ending-'));
  plugin = createScriptPlugin({ workDir, grace: 300 });
});

after(async () => {
  await plugin.close();
  await rm(workDir, { recursive: true });
});

const onlyWithProc = { skip: process.platform !== 'linux' && 'needs /proc' };

function script(text: string, timeout: number | null = null) {
  return recordedRequest('script_runner.tasks.run', {
    inputs: { script_path: 'run.sh' },
    resources: { 'run.sh': text },
    operation: { timeout },
  });
}

async function alive(pid: number): Promise<boolean> {
  return (await identify(pid)) !== null;
}

async function goneSoon(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 1500; tries += 1) {
    if (!(await alive(pid))) return true;
    await sleep(20);
  }
  return false;
}

/** A tree of the stubborn kind: a child, a child in its own session, and one that left its parents behind. */
const TREE = `#!/bin/bash
trap '' TERM
sleep 300 & echo "pid $!"
setsid sleep 300 & echo "pid $!"
( ( trap '' TERM; exec setsid sleep 301 >/dev/null 2>&1 ) & echo "pid $!" )
echo "pid $$"
echo ready
while :; do sleep 1; done
`;

describe('a script that hangs', onlyWithProc, () => {
  it('and is killed while it has time after a cancel is given no more of it', async () => {
    const patient = createScriptPlugin({ workDir, grace: 60_000 });
    const request = script(TREE);
    const running = patient.run(request);
    await request.logged(/<out> ready/);
    request.abort('cancelled');
    request.abort('killed');
    const start = performance.now();
    assert.deepEqual(await running, { kind: 'aborted' });
    assert.ok(performance.now() - start < 30_000);
    for (const { message } of request.logs) {
      const pid = /^<out> pid (\d+)/.exec(message)?.[1];
      if (pid !== undefined) assert.equal(await alive(Number(pid)), false);
    }
    await patient.close();
  });

  const reasons: AbortReason[] = ['cancelled', 'killed', 'shutdown', 'fenced', 'timeout'];
  for (const reason of reasons) {
    it(`is ended with everything it started when it is ${reason}`, async () => {
      const request = script(TREE, reason === 'timeout' ? 9 : null);
      const running = plugin.run(request);
      await request.logged(/<out> ready/);
      const pids = request.logs
        .flatMap(({ message }) => /^<out> pid (\d+)/.exec(message)?.[1] ?? [])
        .map(Number);
      assert.equal(pids.length, 4);
      for (const pid of pids) assert.ok(await alive(pid));
      const start = performance.now();
      request.abort(reason);
      const outcome = await running;
      assert.ok(performance.now() - start < 30_000);
      for (const pid of pids) assert.equal(await alive(pid), false, `process ${pid} is still there`);
      if (reason !== 'timeout') return assert.deepEqual(outcome, { kind: 'aborted' });
      assert.ok(outcome.kind === 'failed');
      assert.equal(outcome.failure.type, 'TimeoutException');
      assert.equal(outcome.failure.retryable, true);
      assert.match(outcome.failure.message, /after 9 seconds/);
    });
  }

  it('has time to clean up when it is cancelled, and may then end by itself', async () => {
    const file = join(workDir, '..', `cleaned-${process.pid}`);
    const request = script(
      `#!/bin/bash\ntrap 'echo yes > ${file}; exit 0' TERM\necho ready\nwhile :; do sleep 0.05; done`,
    );
    const running = plugin.run(request);
    await request.logged(/ready/);
    request.abort('cancelled');
    assert.deepEqual(await running, { kind: 'aborted' });
    assert.equal((await readFile(file, 'utf8')).trim(), 'yes');
    await rm(file);
  });

  it('keeps the runtime properties it wrote before it was ended', async () => {
    const request = script('#!/bin/sh\nctx instance runtime-properties id vm-1\necho ready\nsleep 300');
    const running = plugin.run(request);
    await request.logged(/ready/);
    request.abort('cancelled');
    const outcome = await running;
    assert.equal(outcome.kind, 'aborted');
    assert.deepEqual(outcome.runtimeProperties, { web_a: { id: 'vm-1' } });
  });
});

it('an operation aborted before it begins starts nothing', async () => {
  const request = script('#!/bin/sh\necho never');
  request.abort('cancelled');
  assert.deepEqual(await plugin.run(request), { kind: 'aborted' });
  assert.deepEqual(request.logs, []);
});

describe('a script that prints without end', () => {
  it('costs bounded memory and log rows, and the loss is said once', async () => {
    const request = script('#!/bin/sh\nyes | head -c 200000000\necho done >&2\nexit 9');
    global.gc?.();
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 10);
    const outcome = await plugin.run(request);
    clearInterval(watch);
    assert.ok(most - before < 80 * 1024 * 1024, `${Math.round((most - before) / 1e6)} MB more`);
    assert.ok(request.logs.length < 10_010);
    const notes = request.logs.filter(({ message }) => /bytes of output were not logged/.test(message));
    assert.equal(notes.length, 1);
    assert.match(notes[0]!.message, /^1999\d{5} bytes/);
    assert.ok(outcome.kind === 'failed');
    assert.match(outcome.failure.message, /exit_code: 9.*stderr: done/s);
  });

  it('on one line has that line cut', async () => {
    const request = script('#!/bin/sh\nhead -c 50000000 /dev/zero | tr "\\0" x');
    assert.equal((await plugin.run(request)).kind, 'done');
    const line = request.logs.find(({ message }) => message.startsWith('<out> x'))!.message;
    assert.ok(line.length < 8300);
    assert.match(line, /… \(49991808 bytes more\)$/);
  });
});

describe('a process that a script leaves behind', onlyWithProc, () => {
  it('lives on, and does not hold the operation though it holds the pipes', async () => {
    const request = script(
      '#!/bin/sh\n(while :; do echo tick; sleep 0.1; done) &\necho "pid $!"\nctx returns $!',
    );
    const start = performance.now();
    const outcome = await plugin.run(request);
    assert.ok(performance.now() - start < 30_000);
    assert.ok(outcome.kind === 'done');
    const pid = Number(outcome.result);
    await sleep(300);
    assert.ok(await alive(pid), 'ended by a broken pipe');
    process.kill(pid, 'SIGKILL');
    assert.ok(await goneSoon(pid));
  });

  it('cannot use ctx any more', async () => {
    const file = join(workDir, '..', `late-${process.pid}`);
    const request = script(
      `#!/bin/sh\n(sleep 0.3; ctx instance runtime-properties late 1; echo $? > ${file}) >/dev/null 2>&1 &\n`,
    );
    const outcome = await plugin.run(request);
    assert.deepEqual(outcome, { kind: 'done', result: null });
    let text = '';
    while (text === '') {
      await sleep(50);
      text = await readFile(file, 'utf8').catch(() => '');
    }
    assert.equal(text.trim(), '1');
    await rm(file);
  });
});

describe('recovery', onlyWithProc, () => {
  it('ends what a killed worker left running, with its descendants, and removes the folder', async () => {
    const folder = join(workDir, 'recover');
    const here = dirname(fileURLToPath(import.meta.url));
    const worker = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createScriptPlugin } from ${JSON.stringify(join(here, 'script.js'))};
         import { recordedRequest } from ${JSON.stringify(join(here, '../recorded-request.js'))};
         const request = recordedRequest('script_runner.tasks.run', {
           inputs: { script_path: 'run.sh' }, resources: { 'run.sh': ${JSON.stringify(TREE)} } });
         createScriptPlugin({ workDir: ${JSON.stringify(folder)} }).run(request);
         await request.logged(/ready/);
         console.log(request.logs.map(({ message }) => message).join('\\n'));
         console.log('told');`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let text = '';
    for await (const chunk of worker.stdout) {
      text += chunk;
      if (text.includes('told')) break;
    }
    worker.kill('SIGKILL');
    const pids = [...text.matchAll(/<out> pid (\d+)/g)].map((match) => Number(match[1]));
    assert.equal(pids.length, 4);
    assert.ok(await goneSoon(worker.pid!));
    for (const pid of pids) assert.ok(await alive(pid), 'outlives its worker');

    const told: string[] = [];
    const next = createScriptPlugin({ workDir: folder, notice: (sentence) => told.push(sentence) });
    await next.recover();
    for (const pid of pids) assert.ok(await goneSoon(pid));
    assert.deepEqual(await readdir(folder), []);
    assert.match(told.join(), /ended what was left of interrupted operation execution-1:task-/);
  });

  it('never ends a process whose number was given to somebody else', async () => {
    const folder = join(workDir, 'reused');
    const name = `run-${'0'.repeat(32)}`;
    const stranger = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
    const place = await processPlace();
    await mkdir(join(folder, name), { recursive: true });
    const record = {
      place,
      worker: { pid: stranger.pid, startTime: '1' },
      operation: 'x:y',
      leader: { pid: stranger.pid, startTime: '1' },
    };
    await writeFile(join(folder, name, 'run.json'), JSON.stringify(record));
    await createScriptPlugin({ workDir: folder }).recover();
    assert.ok(await alive(stranger.pid!));
    assert.deepEqual(await readdir(folder), []);
    stranger.kill('SIGKILL');
  });

  it('leaves the runs of a living worker alone', async () => {
    const request = script('#!/bin/sh\necho ready\nsleep 0.5\nctx returns well');
    const running = plugin.run(request);
    await request.logged(/ready/);
    await createScriptPlugin({ workDir }).recover();
    assert.deepEqual(await running, { kind: 'done', result: 'well' });
  });
});
