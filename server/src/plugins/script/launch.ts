/**
 * Starts a script's process, reads what it prints, and waits for its end or ends it.
 *
 * Always holds: `launch` answers soon after the *main* process has ended. A server that the script started and left
 * behind may hold the pipes for ever; its output is then read and thrown away, so that it neither blocks nor dies of a
 * broken pipe while this worker lives.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { LineStream } from './output.js';
import { endTree, hasProc, identify, type ProcessIdentity, signalGroup } from './processes.js';

export interface LaunchRequest {
  readonly line: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** `NAME=value`, in `env`: see `ProcessTree`. */
  readonly mark: string;
  readonly stdout: LineStream;
  readonly stderr: LineStream;
  readonly signal: AbortSignal;
  /** Aborted: whatever is left of the grace is not given. */
  readonly atOnce?: AbortSignal;
  /** Milliseconds between SIGTERM and SIGKILL when the signal's reason allows any. */
  readonly grace: number;
  started(pid: number, identity: ProcessIdentity | null): Promise<void>;
}

export type LaunchResult =
  /** Ended by itself. A process ended by a signal has the negative number of the signal, as in Python. */
  | { readonly kind: 'exited'; readonly pid: number; readonly code: number }
  | { readonly kind: 'ended'; readonly complete: boolean }
  | { readonly kind: 'not-started'; readonly error: NodeJS.ErrnoException };

/** After the main process has ended: how long silence on a pipe means that nothing more will come, and the most we wait. */
const DRAIN_SILENCE = 50;
const DRAIN_LIMIT = 1000;

export async function launch(request: LaunchRequest): Promise<LaunchResult> {
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', request.line], {
      cwd: request.cwd,
      env: request.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    return { kind: 'not-started', error: error as NodeJS.ErrnoException };
  }
  const failed = new Promise<NodeJS.ErrnoException>((done) => child.once('error', done));
  const exited = new Promise<number>((done) => {
    child.once('exit', (code, signal) => done(code ?? -(constants.signals[signal!] ?? 1)));
  });
  if (child.pid === undefined) return { kind: 'not-started', error: await failed };
  const pid = child.pid;
  const drained = Promise.all([
    drain(child.stdout!, request.stdout, exited),
    drain(child.stderr!, request.stderr, exited),
  ]);
  const identity = await identify(pid);
  try {
    await request.started(pid, identity);
  } catch (error) {
    // Nobody will know of this process: it must not stay.
    await end({ pid, identity, mark: request.mark, grace: 0 }, exited);
    throw error;
  }

  const aborted = whenAborted(request.signal);
  const first = await Promise.race([exited.then((code) => ({ code })), aborted.promise.then(() => null)]);
  aborted.forget();
  if (first !== null) {
    await drained;
    return { kind: 'exited', pid, code: first.code };
  }
  const grace = atOnce(request.signal.reason) ? 0 : request.grace;
  const { mark, atOnce: hurry } = request;
  const complete = await end(
    { pid, identity, mark, grace, ...(hurry === undefined ? {} : { hurry }) },
    exited,
  );
  await Promise.race([
    exited.then(() => drained),
    new Promise((done) => setTimeout(done, DRAIN_LIMIT).unref()),
  ]);
  return { kind: 'ended', complete };
}

/** Killed and fenced operations have no time to say goodbye: somebody else may already be at work in their place. */
function atOnce(reason: unknown): boolean {
  return reason === 'killed' || reason === 'fenced';
}

interface Doomed {
  readonly pid: number;
  readonly identity: ProcessIdentity | null;
  readonly mark: string;
  readonly grace: number;
  readonly hurry?: AbortSignal;
}

async function end({ pid, identity, mark, ...how }: Doomed, exited: Promise<number>): Promise<boolean> {
  if (await hasProc()) return endTree({ leader: identity, mark }, how);
  signalGroup(pid, how.grace === 0 ? 'SIGKILL' : 'SIGTERM');
  const gone = exited.then(() => true);
  const late = new Promise<boolean>((done) => setTimeout(() => done(false), how.grace).unref());
  const hurry = how.hurry === undefined ? null : whenAborted(how.hurry);
  await Promise.race(hurry === null ? [gone, late] : [gone, late, hurry.promise]);
  hurry?.forget();
  signalGroup(pid, 'SIGKILL');
  return gone;
}

function whenAborted(signal: AbortSignal): { promise: Promise<void>; forget(): void } {
  let listener = () => {};
  const promise = new Promise<void>((done) => {
    listener = done;
    if (signal.aborted) done();
    else signal.addEventListener('abort', listener, { once: true });
  });
  return { promise, forget: () => signal.removeEventListener('abort', listener) };
}

/** Reads to the end, or until the script has ended and its pipe is silent. */
async function drain(pipe: Readable, lines: LineStream, exited: Promise<number>): Promise<void> {
  let last = 0;
  let listening = true;
  pipe.on('data', (chunk: Buffer) => {
    last = performance.now();
    if (listening) lines.write(chunk);
  });
  pipe.on('error', () => {});
  const closed = new Promise<void>((done) => pipe.once('close', done));
  await Promise.race([closed, exited]);
  const end = performance.now();
  last = Math.max(last, end);
  let open = true;
  const nowClosed = closed.then(() => {
    open = false;
  });
  while (open && performance.now() - last < DRAIN_SILENCE && performance.now() - end < DRAIN_LIMIT) {
    await Promise.race([nowClosed, new Promise((done) => setTimeout(done, DRAIN_SILENCE / 5))]);
  }
  listening = false;
  lines.end();
  if (open) leave(pipe);
}

const LEFT_LIMIT = 256;
const left = new Set<Readable>();

/** A pipe somebody still holds: read on for nothing, without keeping this process alive, and not endlessly many. */
function leave(pipe: Readable): void {
  left.add(pipe);
  pipe.once('close', () => left.delete(pipe));
  (pipe as Readable & { unref?(): void }).unref?.();
  const oldest = left.size > LEFT_LIMIT ? left.values().next().value : undefined;
  oldest?.destroy();
}
