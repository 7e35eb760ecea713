import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { aPackage, SLOW_TO_BUILD } from '../../../test/support/wagons.js';
import type { PluginPackage } from '../plugin-package.js';
import { recordedRequest } from '../recorded-request.js';
import { identify } from '../script/processes.js';
import { Environments } from './environments.js';
import { interpreterOf } from './interpreter.js';
import { createPythonPlugin, type PythonPlugin, type PythonPluginOptions } from './python.js';
import { declared } from './testdata/declared.js';

const python = spawnSync('python3', ['--version']).status === 0;
const WORKER = fileURLToPath(new URL('../../../test/support/a-building-worker.js', import.meta.url));
const all = async (sha256s: readonly string[]) => new Set(sha256s);
const none = async () => new Set<string>();

describe('environments of plugins', { skip: !python && 'there is no python3 here' }, () => {
  let folder: string;
  let environments: string;
  const plugins: PythonPlugin[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orrery-environments-'));
    environments = join(folder, 'environments');
  });
  after(async () => {
    await Promise.all(plugins.map((plugin) => plugin.close()));
    await rm(folder, { recursive: true });
  });

  function worker(options: Partial<PythonPluginOptions> = {}): PythonPlugin {
    const plugin = createPythonPlugin({ folder, kept: all, ...options });
    plugins.push(plugin);
    return plugin;
  }

  function small(name: string) {
    return aPackage({ name, files: { [`${name}/__init__.py`]: 'def run(**_):\n    return 1\n' } });
  }

  async function use(plugin: PythonPlugin, wagon: PluginPackage) {
    const name = wagon.packageName;
    return plugin.run(recordedRequest(`${name}.run`, { plugin: declared(name, name), package: wagon }));
  }

  /** Names of records whose age is as if nobody had used them for that long. */
  async function age(milliseconds: number): Promise<string[]> {
    const records = (await readdir(environments)).filter((name) => name.endsWith('.json'));
    const then = new Date(Date.now() - milliseconds);
    for (const name of records) await utimes(join(environments, name), then, then);
    return records;
  }

  it('go when nobody has the plugin any more, or nobody has used it for a week', async () => {
    const plugin = worker();
    const gone = worker({ kept: none });
    assert.equal((await use(plugin, small('kept'))).kind, 'done');
    await gone.sweep();
    assert.equal((await readdir(environments)).length, 2, 'in use a moment ago');
    await age(3600_000);
    await plugin.sweep();
    assert.equal((await readdir(environments)).length, 2, 'somebody has it');
    await gone.sweep();
    assert.deepEqual(await readdir(environments), []);

    assert.equal((await use(plugin, small('kept'))).kind, 'done');
    await age(8 * 24 * 3600_000);
    await plugin.sweep();
    assert.deepEqual(await readdir(environments), []);
  });

  it('that are lent are not swept', async () => {
    const plugin = worker({ kept: none });
    const wagon = aPackage({
      name: 'long',
      files: {
        'long/__init__.py':
          'import time\ndef run(ctx, **_):\n    ctx.logger.info("here")\n    time.sleep(600)\n',
      },
    });
    const request = recordedRequest('long.run', { plugin: declared('long', 'long'), package: wagon });
    const running = plugin.run(request);
    await request.logged(/^here$/);
    await age(3600_000);
    await plugin.sweep();
    assert.equal((await readdir(environments)).length, 2);
    request.abort('killed');
    await running;
    await plugin.sweep();
    assert.deepEqual(await readdir(environments), []);
  });

  it('are made again where their Python is gone', async () => {
    const plugin = worker();
    const wagon = small('again');
    await use(plugin, wagon);
    const [record] = await age(0);
    const { environment } = JSON.parse(await readFile(join(environments, record!), 'utf8')) as {
      environment: string;
    };
    await rm(join(environments, environment, 'bin'), { recursive: true });
    assert.equal((await use(plugin, wagon)).kind, 'done');
    assert.deepEqual(wagon.reports, ['installing', 'installed', 'installing', 'installed']);
  });

  it('take so long and no longer', async () => {
    const wagon: PluginPackage = {
      ...small('endless'),
      unpack: (_folder, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    };
    const outcome = await use(worker({ buildLimit: 100 }), wagon);
    assert.ok(outcome.kind === 'failed');
    assert.equal(outcome.failure.retryable, true);
    assert.match(outcome.failure.message, /plugin endless 1\.0 was not built within 0\.1 seconds/);
  });

  it('leave nothing half made when their worker is killed', async () => {
    for (const name of await readdir(environments)) await rm(join(environments, name), { recursive: true });
    const killed = spawn(process.execPath, [WORKER, folder, 'slow.run'], { stdio: 'ignore' });
    const begun = async () => (await readdir(environments)).some((name) => name.startsWith('env-'));
    while (!(await begun())) await sleep(5);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    assert.equal((await readdir(join(folder, 'runs'))).length, 1);

    const notices: string[] = [];
    const next = worker({ notice: (sentence) => void notices.push(sentence) });
    await next.recover();
    await next.sweep();
    assert.deepEqual(await readdir(environments), []);
    assert.deepEqual(await readdir(join(folder, 'runs')), []);
    assert.match(notices.join(), /the environment of slow 1\.0/);
    assert.equal((await use(next, SLOW_TO_BUILD)).kind, 'done');
  });

  it('lose what a killed worker was running in them', async () => {
    const killed = spawn(process.execPath, [WORKER, folder, 'slow.wait'], { stdio: 'ignore' });
    const runs = join(folder, 'runs');
    const leader = async () => {
      for (const run of await readdir(runs).catch(() => [])) {
        const record = await readFile(join(runs, run, 'run.json'), 'utf8').catch(() => '{}');
        const { operation, leader } = JSON.parse(record) as { operation?: string; leader?: { pid: number } };
        if (operation?.startsWith('execution-1:') === true && leader != null) return leader.pid;
      }
      return null;
    };
    let pid = await leader();
    for (; pid === null; pid = await leader()) await sleep(20);
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    assert.notEqual(await identify(pid), null);
    await worker().recover();
    assert.equal(await identify(pid), null);
    assert.deepEqual(await readdir(runs), []);
  });

  it('get a pip of their own where that of their Python cannot reach into them', async () => {
    const { executable, ...rest } = await interpreterOf('python3', { PATH: process.env.PATH! })();
    const direct = new Environments({
      folder: environments,
      runs: join(folder, 'runs'),
      interpreter: async () => ({ ...rest, executable, pip: 'inside' }),
      wheels: null,
      env: { PATH: process.env.PATH! },
      limit: 120_000,
    });
    const { path, giveBack } = await direct.lend(small('inside'), () => {});
    const loaded = spawnSync(join(path, 'bin', 'python'), ['-I', '-c', 'import inside; print(inside.run())']);
    assert.equal(String(loaded.stdout).trim(), '1', String(loaded.stderr));
    giveBack();
    await direct.close();
  });

  it('that somebody is building are left alone', async () => {
    const run = 'run-0123456789abcdef0123456789abcdef';
    const built = join(environments, run.replace('run', 'env'));
    await mkdir(join(folder, 'runs', run), { recursive: true });
    await mkdir(built);
    await writeFile(join(built, 'pyvenv.cfg'), '');
    await worker().sweep();
    assert.ok((await readdir(environments)).includes(run.replace('run', 'env')));
    await rm(join(folder, 'runs', run), { recursive: true });
    await worker().sweep();
    assert.ok(!(await readdir(environments)).includes(run.replace('run', 'env')));
  });
});
