/** The dispatcher of a worker elsewhere: the same words, said to the API over HTTPS (docs/workers.md). */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { ArchiveLimits } from '../../../catalog/archive/limits.js';
import { writeWheels } from '../../../catalog/plugin-packages.js';
import { DomainError, type ErrorKind } from '../../../errors.js';
import type { PluginPackage } from '../../../plugins/plugin-package.js';
import {
  type AbortNews,
  type Answers,
  type Dispatcher,
  type Finish,
  type Hold,
  Lost,
  type News,
  type Question,
  type Renewal,
  type Said,
} from './dispatcher.js';
import type { Answer } from './errand-answers.js';
import { answered } from './store-dispatcher.js';

export interface HttpDispatcherParts {
  /** Of the API, without a path. */
  readonly url: string;
  readonly token: string;
  /** What registering tells of this process. */
  readonly self: {
    readonly name: string;
    readonly host: string;
    readonly version: string;
    /** What the machine is, for people. */
    readonly system?: string;
    readonly room: number;
  };
  readonly limits: ArchiveLimits;
  /** Called once, when the credentials are good no longer. */
  readonly refused: () => void;
}

/** Seconds that the API may keep a worker waiting for news. */
const WAIT = 25;
const ANSWER_MS = 60_000;
const KINDS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  413: 'limit',
  429: 'limit',
};

export class HttpDispatcher implements Dispatcher {
  readonly #parts: HttpDispatcherParts;
  readonly #base: string;
  #worker = -1;
  #refused = false;

  constructor(parts: HttpDispatcherParts) {
    this.#parts = parts;
    this.#base = `${parts.url.replace(/\/$/, '')}/orrery/v1/workers`;
  }

  /**
   * To be done before anything else; returns the lease in seconds and the pools.
   *
   * @param fresh this process has just started: it holds nothing
   */
  async register(fresh: boolean): Promise<{ lease: number; pools: readonly string[] }> {
    const answer = await this.#send('POST', '/register', { ...this.#parts.self, fresh });
    const entry = (await answer.json()) as { worker: number; lease: number; pools: string[] };
    this.#worker = entry.worker;
    return entry;
  }

  async leave(): Promise<void> {
    await this.#send('POST', '/leave', undefined, AbortSignal.timeout(5000));
  }

  async attend(room: number, known: readonly AbortNews[], signal: AbortSignal): Promise<News> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), WAIT * 1000 + ANSWER_MS);
    const stop = () => late.abort();
    signal.addEventListener('abort', stop);
    try {
      if (signal.aborted) return { work: [], aborts: [] };
      const news = await this.#post<News>('/attend', { room, known, wait: WAIT }, late.signal);
      // Until we have said that we know of it, it may go to another.
      if (news.work.length === 0) return news;
      const { kept } = await this.renew(news.work);
      return { ...news, work: news.work.filter(({ operation }) => kept.has(operation)) };
    } catch (error) {
      if (signal.aborted) return { work: [], aborts: [] };
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  async renew(held: readonly Hold[]): Promise<Renewal> {
    const holds = held.map(({ operation, lease }) => ({ operation, lease }));
    const { kept, aborts } = await this.#post<{ kept: number[]; aborts: AbortNews[] }>('/beat', {
      held: holds,
    });
    return { kept: new Set(kept), aborts };
  }

  tell(said: readonly Said[]) {
    return this.#post<{ lost: number[]; full: number[] }>('/tell', { said });
  }

  async ask<Q extends Question>(
    { operation, lease }: Hold,
    number: number,
    question: Q,
    signal: AbortSignal,
  ): Promise<Answers[Q['kind']]> {
    if (question.kind === 'agent-script') {
      const why = 'a worker elsewhere is not told the scripts of agents';
      throw new DomainError('forbidden', 'secret-withheld', why);
    }
    if (question.kind === 'token') {
      throw new DomainError('unavailable', 'token-unavailable', 'A worker elsewhere has no token of the API');
    }
    const asked = { operation, lease, number, question };
    for (;;) {
      if (signal.aborted) throw new Lost();
      const { answer } = await this.#patiently(() => this.#post<{ answer: Answer | null }>('/ask', asked));
      if (answer !== null) return answered(answer) as Answers[Q['kind']];
    }
  }

  /** An API that is away is waited for, as an operation at home waits for the database. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof Lost || error instanceof DomainError || this.#refused) throw error;
        await new Promise((resolve) => setTimeout(resolve, Math.min(2000, 100 * 2 ** attempt)));
      }
    }
  }

  async file(hold: Hold, path: string) {
    return this.#bytes(hold, `file?path=${encodeURIComponent(path)}`);
  }

  async files(hold: Hold, folder: string): Promise<readonly string[]> {
    const answer = await this.#get(hold, `files?folder=${encodeURIComponent(folder)}`);
    return ((await answer.json()) as { files: string[] }).files;
  }

  async package(hold: Hold): Promise<PluginPackage | null> {
    const answer = await this.#get(hold, 'package');
    const { package: found } = (await answer.json()) as {
      package: { packageName: string; packageVersion: string; sha256: string; size: number } | null;
    };
    if (found === null) return null;
    return {
      ...found,
      unpack: (folder, signal) => this.#unpack(hold, found, folder, signal),
      report: async () => {},
    };
  }

  async finish({ operation, lease }: Hold, rest: readonly Said[], finish: Finish): Promise<void> {
    await this.#send('POST', '/finish', { operation, lease, rest, finish });
  }

  async #unpack(
    hold: Hold,
    { sha256, size }: { sha256: string; size: number },
    folder: string,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const place = await mkdtemp(join(tmpdir(), 'orrery-wagon-'));
    try {
      const path = join(place, 'wagon');
      const hash = createHash('sha256');
      const { stream } = await this.#bytes(hold, 'wagon');
      stream.on('data', (chunk: Buffer) => hash.update(chunk));
      await pipeline(stream, createWriteStream(path, { mode: 0o600 }), { signal });
      if (hash.digest('hex') !== sha256) throw new Error('the wagon did not arrive whole');
      const bytes = {
        size,
        range: (start: number, end: number): AsyncIterable<Buffer> =>
          end <= start ? Readable.from([]) : createReadStream(path, { start, end: end - 1 }),
      };
      return await writeWheels(bytes, this.#parts.limits, folder, signal);
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  }

  async #bytes(hold: Hold, what: string): Promise<{ size: number; stream: Readable }> {
    const answer = await this.#get(hold, what);
    const size = Number(answer.headers.get('content-length') ?? 0);
    const { body } = answer;
    return { size, stream: body === null ? Readable.from([]) : Readable.fromWeb(body as ReadableStream) };
  }

  #get(hold: Hold, what: string): Promise<Response> {
    return this.#patiently(() => this.#send('GET', of(hold, what)));
  }

  async #post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    return (await (await this.#send('POST', path, body, signal)).json()) as T;
  }

  async #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    const answer = await fetch(this.#base + path, {
      method,
      redirect: 'error',
      headers: {
        authorization: `Bearer ${this.#parts.token}`,
        'orrery-worker': String(this.#worker),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal ?? AbortSignal.timeout(ANSWER_MS),
    });
    if (answer.ok) return answer;
    const problem = (await answer.json().catch(() => ({}))) as { type?: string; detail?: string };
    const reason = (problem.type ?? '').replace('urn:orrery:', '');
    const detail = problem.detail ?? `the API answers ${answer.status}`;
    if (answer.status === 401 && !this.#refused) {
      this.#refused = true;
      this.#parts.refused();
    }
    if (reason === 'operation-lost') throw new Lost();
    if (reason === 'worker-unknown' && path !== '/register') {
      await this.register(false);
      throw new Error('this worker was not known any more, and has registered again');
    }
    const kind = KINDS[answer.status];
    if (kind !== undefined && reason !== '') throw new DomainError(kind, reason, detail);
    throw new Error(detail);
  }
}

function of({ operation, lease }: Hold, what: string): string {
  return `/operations/${operation}/${lease}/${what}`;
}
