/**
 * Virtual environments of plugins: built from a wagon's wheels, without a network, once per worker, kept for later.
 *
 *     <folder>/<key>.json       names the environment of a wagon under this Python; written whole, at the very end
 *     <folder>/env-<run>/       the environment
 *     <runs>/run-<run>/         there while it is being built (see ../script/run-folder.ts)
 *
 * Always holds: an environment that a `.json` names is whole. It stays where it was built, because programs in it know
 * their path; so what is atomic is the name. One without a name whose run folder is gone was left by a kill, and
 * is swept. Two workers that build the same one at once both may; the second name loses.
 */
import { createHash } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TaskFailure } from '../../errors.js';
import type { PluginPackage } from '../plugin-package.js';
import { launch } from '../script/launch.js';
import { LineStream, OUTPUT_LIMITS, OutputBudget } from '../script/output.js';
import { createRunFolder, type RunFolder } from '../script/run-folder.js';
import { type Interpreter, NoPython } from './interpreter.js';

export interface EnvironmentsParts {
  readonly folder: string;
  /** Where builds have their private folders. */
  readonly runs: string;
  readonly interpreter: () => Promise<Interpreter>;
  /** Further wheels that an operator lends to every plugin; null: none. */
  readonly wheels: string | null;
  /** What a build may see of the server's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds that a build may take. */
  readonly limit: number;
}

/** An environment could not be had. */
export class BuildFailed extends Error {
  constructor(readonly failure: TaskFailure) {
    super(failure.message);
  }
}

interface EnvironmentRecord {
  readonly environment: string;
  readonly sha256: string;
  readonly plugin: string;
  readonly python: string;
}

/** Milliseconds for which a build that failed is not tried again: a deployment asks for it once for each node. */
const FAILURE_KEPT = 30_000;
/** How long an environment that nobody uses is kept: of a wagon that is gone, and at all. */
const GONE_KEPT = 10 * 60_000;
const IDLE_KEPT = 7 * 24 * 3600_000;
const MOST_BUILDS = 2;
const WHEEL_NAME = /^[A-Za-z0-9][\w.+!-]*\.whl$/;

export class Environments {
  readonly #parts: EnvironmentsParts;
  readonly #building = new Map<string, Promise<string>>();
  readonly #used = new Map<string, number>();
  readonly #closing = new AbortController();
  #builds = 0;
  #line: (() => void)[] = [];

  constructor(parts: EnvironmentsParts) {
    this.#parts = parts;
  }

  /**
   * The folder of the plugin's environment, built when it is not there. Whoever asks while it is being built waits for
   * the same build, which goes on when they give up.
   *
   * @param tell hears what the build does
   * @throws BuildFailed
   */
  async lend(
    plugin: PluginPackage,
    tell: (message: string) => void,
  ): Promise<{ readonly path: string; giveBack(): void }> {
    const interpreter = await this.#interpreter();
    const key = await this.#keyOf(plugin, interpreter);
    let building = this.#building.get(key);
    if (building === undefined) {
      building = this.#find(key).then((found) => found ?? this.#build(key, plugin, interpreter, tell));
      this.#building.set(key, building);
      const forget = () => void this.#building.delete(key);
      building.then(forget, () => setTimeout(forget, FAILURE_KEPT).unref());
    }
    const path = await building;
    this.#used.set(path, (this.#used.get(path) ?? 0) + 1);
    return { path, giveBack: () => this.#giveBack(path) };
  }

  /** Removes what kills left, and environments that nobody needs any more. */
  async sweep(kept: (sha256s: readonly string[]) => Promise<ReadonlySet<string>>): Promise<void> {
    const { folder, runs } = this.#parts;
    // In this order: an environment that is whole by now has its record before its run folder goes.
    const made = (await listed(folder)).filter((name) => name.startsWith('env-'));
    const building = new Set(await listed(runs));
    const needed = await this.#needed(kept);
    for (const name of made) {
      if (needed.has(name) || building.has(`run-${name.slice('env-'.length)}`)) continue;
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  /** Environments that stay; the records of the others are removed. */
  async #needed(kept: (sha256s: readonly string[]) => Promise<ReadonlySet<string>>): Promise<Set<string>> {
    const { folder } = this.#parts;
    const records = new Map<string, EnvironmentRecord>();
    for (const name of (await listed(folder)).filter((one) => one.endsWith('.json'))) {
      const record = await this.#read(name);
      if (record !== null) records.set(name, record);
    }
    const living = await kept([...new Set([...records.values()].map((record) => record.sha256))]);
    const needed = new Set<string>();
    for (const [name, record] of records) {
      const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: 0 }));
      const idle = Date.now() - mtimeMs;
      const used = this.#used.has(join(folder, record.environment));
      if (used || idle < (living.has(record.sha256) ? IDLE_KEPT : GONE_KEPT)) needed.add(record.environment);
      else await rm(join(folder, name), { force: true });
    }
    return needed;
  }

  /** Ends builds under way. */
  async close(): Promise<void> {
    this.#closing.abort('shutdown');
    await Promise.allSettled(this.#building.values());
  }

  #giveBack(path: string): void {
    const left = (this.#used.get(path) ?? 1) - 1;
    if (left > 0) this.#used.set(path, left);
    else this.#used.delete(path);
  }

  async #interpreter(): Promise<Interpreter> {
    try {
      return await this.#parts.interpreter();
    } catch (error) {
      if (!(error instanceof NoPython)) throw error;
      throw new BuildFailed(final(error.message));
    }
  }

  async #keyOf(plugin: PluginPackage, { executable, version, build }: Interpreter): Promise<string> {
    const lent = await this.#lentWheels();
    const parts = [plugin.sha256, executable, version, build, ...lent.map((wheel) => basename(wheel))];
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
  }

  async #lentWheels(): Promise<string[]> {
    const { wheels } = this.#parts;
    if (wheels === null) return [];
    const names = await readdir(wheels).catch((error: Error) => {
      throw new BuildFailed(final(`the folder of ORRERY_PYTHON_WHEELS cannot be read: ${error.message}`));
    });
    return names
      .filter((name) => WHEEL_NAME.test(name))
      .sort()
      .map((name) => join(wheels, name));
  }

  /** The environment that is there already, marked as used now. */
  async #find(key: string): Promise<string | null> {
    const record = await this.#read(`${key}.json`);
    if (record === null) return null;
    const path = join(this.#parts.folder, record.environment);
    const whole = await stat(join(path, 'bin', 'python')).catch(() => null);
    if (whole === null) {
      // The Python it was made of is gone, or somebody has tidied up.
      await rm(join(this.#parts.folder, `${key}.json`), { force: true });
      return null;
    }
    const now = new Date();
    await utimes(join(this.#parts.folder, `${key}.json`), now, now).catch(() => {});
    return path;
  }

  async #read(name: string): Promise<EnvironmentRecord | null> {
    try {
      return JSON.parse(await readFile(join(this.#parts.folder, name), 'utf8')) as EnvironmentRecord;
    } catch {
      return null;
    }
  }

  async #build(
    key: string,
    plugin: PluginPackage,
    interpreter: Interpreter,
    tell: (message: string) => void,
  ): Promise<string> {
    await this.#turn();
    const { folder, runs, limit } = this.#parts;
    const label = `${plugin.packageName} ${plugin.packageVersion}`;
    const clock = new AbortController();
    const timer = setTimeout(() => clock.abort('timeout'), limit);
    const signal = AbortSignal.any([this.#closing.signal, clock.signal]);
    let run: RunFolder | null = null;
    let environment: string | null = null;
    try {
      tell(`Building the environment of ${label} with Python ${interpreter.version}`);
      const start = performance.now();
      run = await createRunFolder(runs, `the environment of ${label}`);
      const name = `env-${basename(run.path).slice('run-'.length)}`;
      environment = join(folder, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await plugin.report('installing');
      await this.#install(run, plugin, interpreter, environment, signal);
      const python = `${interpreter.executable} ${interpreter.version}`;
      const record: EnvironmentRecord = { environment: name, sha256: plugin.sha256, plugin: label, python };
      if (await this.#name(run, key, record)) {
        await plugin.report('installed');
        tell(`Built it in ${((performance.now() - start) / 1000).toFixed(1)} s`);
        const built = environment;
        environment = null;
        return built;
      }
      const first = await this.#find(key);
      if (first === null) throw new Error(`the environment of ${label} was removed while it was made`);
      return first;
    } catch (trouble) {
      const error = signal.aborted && !(trouble instanceof BuildFailed) ? this.#unfinished(label) : trouble;
      await plugin.report('error', (error as Error).message).catch(() => {});
      throw error;
    } finally {
      clearTimeout(timer);
      if (environment !== null) await rm(environment, { recursive: true, force: true });
      await run?.remove();
      this.#builds -= 1;
      this.#line.shift()?.();
    }
  }

  #unfinished(label: string): BuildFailed {
    const why = this.#closing.signal.aborted
      ? 'made: the worker stopped meanwhile'
      : `built within ${this.#parts.limit / 1000} seconds`;
    const message = `the environment of plugin ${label} was not ${why}`;
    return new BuildFailed({ ...final(message), type: 'PluginInstallationError', retryable: true });
  }

  async #turn(): Promise<void> {
    if (this.#builds >= MOST_BUILDS) await new Promise<void>((go) => void this.#line.push(go));
    this.#builds += 1;
  }

  /** False: another worker was first. */
  async #name(run: RunFolder, key: string, record: EnvironmentRecord): Promise<boolean> {
    const written = join(run.files, 'record.json');
    await writeFile(written, JSON.stringify(record), { mode: 0o600, flush: true });
    try {
      await link(written, join(this.#parts.folder, `${key}.json`));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  async #install(
    run: RunFolder,
    plugin: PluginPackage,
    interpreter: Interpreter,
    environment: string,
    signal: AbortSignal,
  ): Promise<void> {
    const names = await plugin.unpack(run.files, signal);
    const wheels = names.filter((name) => WHEEL_NAME.test(name)).map((name) => join(run.files, name));
    const own = wheels.find((wheel) => distributionOf(wheel) === normal(plugin.packageName));
    if (own === undefined) {
      const which = wheels.map((wheel) => basename(wheel)).join(', ') || 'no wheels at all';
      throw new BuildFailed(
        final(`the wagon of ${plugin.packageName} has no wheel of that name, but ${which}`),
      );
    }
    const python = quoted(interpreter.executable);
    const inside = quoted(join(environment, 'bin', 'python'));
    const bare = interpreter.pip === 'own' ? ' --without-pip' : '';
    await this.#run(run, plugin, `${python} -I -m venv${bare} ${quoted(environment)}`, signal);
    const lent = await this.#lentWheels();
    const common = [...wheels, ...lent].some((wheel) => distributionOf(wheel) === 'cloudify-common');
    const pip = [
      interpreter.pip === 'own' ? `${python} -I -m pip --python ${inside}` : `${inside} -I -m pip`,
      '--isolated --disable-pip-version-check --no-input --no-color install',
      '--no-index --no-cache-dir --only-binary :all: --no-warn-script-location',
      `--find-links ${quoted(run.files)}`,
      ...(this.#parts.wheels === null ? [] : [`--find-links ${quoted(this.#parts.wheels)}`]),
      quoted(own),
      ...(common ? ['cloudify-common'] : []),
    ];
    await this.#run(run, plugin, pip.join(' '), signal);
  }

  async #run(run: RunFolder, plugin: PluginPackage, line: string, signal: AbortSignal): Promise<void> {
    const budget = new OutputBudget({ ...OUTPUT_LIMITS, tail: 4096 });
    const stdout = new LineStream(budget, null);
    const stderr = new LineStream(budget, null);
    const result = await launch({
      line: `exec ${line}`,
      cwd: run.work,
      env: {
        ...this.#parts.env,
        HOME: run.work,
        TMPDIR: run.work,
        PIP_CONFIG_FILE: '/dev/null',
        [run.mark[0]]: run.mark[1],
      },
      mark: run.mark.join('='),
      stdout,
      stderr,
      signal,
      grace: 1000,
      started: async (_pid, identity) => run.recordLeader(identity),
    });
    if (result.kind === 'exited' && result.code === 0) return;
    if (result.kind === 'ended') throw new Error(`the build was ended: ${String(signal.reason)}`);
    const label = `${plugin.packageName} ${plugin.packageVersion}`;
    const why =
      result.kind === 'not-started' ? result.error.message : said(stderr.tail(), stdout.tail(), result.code);
    throw new BuildFailed({
      ...final(`plugin ${label} could not be installed: ${why}`),
      type: 'PluginInstallationError',
      retryable: result.kind === 'not-started',
    });
  }
}

function listed(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** What the tool says went wrong, and what to do where we know. */
function said(stderr: string, stdout: string, code: number): string {
  const errors = stderr.split('\n').filter((line) => /^ERROR|^error/.test(line));
  const text = (errors.length > 0 ? errors.join(' ') : stderr || stdout).trim() || `exit code ${code}`;
  return /No matching distribution|Could not find a version/.test(text)
    ? `${text} It is installed without a network: what it needs must be in its wagon, or in the folder of ORRERY_PYTHON_WHEELS`
    : text;
}

/** Name of the distribution in a wheel's file name, as package indexes compare names. */
function distributionOf(wheel: string): string {
  return normal(basename(wheel).split('-')[0] ?? '');
}

function normal(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function final(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}
