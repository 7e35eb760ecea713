/**
 * Where compiles run. Small ones (nearly all) at once in the process: they take milliseconds. Large ones in a worker
 * thread, one after the other, so that the API goes on answering; a thread also has bounds that code in the process
 * has not: its memory is limited, and it can be stopped.
 */
import { Worker } from 'node:worker_threads';
import { DomainError } from '../errors.js';
import { type CompileAnswer, type CompileRequest, compileOnce } from './compile-once.js';
import type { ThreadWork } from './compile-worker.js';
import { type PluginYamlAnswer, type PluginYamlRequest, readPluginYaml } from './read-plugin-yaml.js';

export interface CompilePoolSettings {
  /** Characters of all texts from which a compile goes to the thread. Some 100 ms of work (measured: decision 0004). */
  readonly threadFrom: number;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Compiles that may wait for the thread. */
  readonly waiting: number;
  /** How long an idle thread is kept. */
  readonly idleMs: number;
}

const DEFAULTS: CompilePoolSettings = {
  threadFrom: 512 * 1024,
  timeoutMs: 120_000,
  memoryMb: 1024,
  waiting: 32,
  idleMs: 10_000,
};

const WORKER = new URL('./compile-worker.js', import.meta.url);

export class CompilePool {
  readonly #settings: CompilePoolSettings;
  #worker: Worker | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(settings: Partial<CompilePoolSettings> = {}) {
    this.#settings = { ...DEFAULTS, ...settings };
  }

  /** Compiles in the thread, and those that wait for it. */
  get waiting(): number {
    return this.#waiting;
  }

  /** @throws DomainError `unavailable` (`compiler-busy`), `invalid` (`blueprint-too-costly`) */
  async compile(request: CompileRequest): Promise<CompileAnswer> {
    let size = 0;
    for (const text of request.texts.values()) size += text.length;
    for (const text of request.imported.values()) size += text.length;
    if (size < this.#settings.threadFrom) return compileOnce(request);
    return this.#inTurn<CompileAnswer>({ kind: 'compile', request });
  }

  /** Reads a plugin's YAML. Throws as `compile` does. */
  async readPluginYaml(request: PluginYamlRequest): Promise<PluginYamlAnswer> {
    if (request.text.length < this.#settings.threadFrom) return readPluginYaml(request);
    return this.#inTurn<PluginYamlAnswer>({ kind: 'plugin-yaml', request });
  }

  /** Lets the thread go. The pool can be used again. */
  async close(): Promise<void> {
    await this.#turn;
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  async #inTurn<Answer>(given: ThreadWork): Promise<Answer> {
    if (this.#waiting >= this.#settings.waiting) {
      throw new DomainError(
        'unavailable',
        'compiler-busy',
        'Too many large blueprints wait to be compiled; try again later',
      );
    }
    this.#waiting += 1;
    const before = this.#turn;
    const work = (async () => {
      await before;
      try {
        return await this.#inThread<Answer>(given);
      } finally {
        this.#waiting -= 1;
      }
    })();
    this.#turn = work.catch(() => {});
    return work;
  }

  #inThread<Answer>(work: ThreadWork): Promise<Answer> {
    clearTimeout(this.#idle);
    const worker =
      this.#worker ??
      new Worker(WORKER, { resourceLimits: { maxOldGenerationSizeMb: this.#settings.memoryMb } });
    this.#worker = worker;
    worker.ref();
    return new Promise((resolve, reject) => {
      const settle = (usable: boolean) => {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        if (usable) this.#keepFor(worker);
        else this.#drop(worker);
      };
      const onMessage = (answer: Answer) => {
        settle(true);
        resolve(answer);
      };
      const onError = (error: NodeJS.ErrnoException) => {
        settle(false);
        const outOfMemory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        reject(
          outOfMemory
            ? tooCostly(`it takes more than ${this.#settings.memoryMb} MB of memory to compile`)
            : error,
        );
      };
      const onExit = () => {
        settle(false);
        reject(new Error('the compiler thread ended without an answer'));
      };
      const timer = setTimeout(() => {
        settle(false);
        reject(tooCostly(`it takes more than ${this.#settings.timeoutMs / 1000} seconds to compile`));
      }, this.#settings.timeoutMs);
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(work);
    });
  }

  /** An idle thread neither keeps the process alive nor stays for long. */
  #keepFor(worker: Worker): void {
    worker.unref();
    this.#idle = setTimeout(() => this.#drop(worker), this.#settings.idleMs).unref();
  }

  #drop(worker: Worker): void {
    if (this.#worker === worker) this.#worker = null;
    worker.on('error', () => {});
    void worker.terminate();
  }
}

function tooCostly(why: string): DomainError {
  return new DomainError('invalid', 'blueprint-too-costly', `The blueprint is refused: ${why}`);
}
