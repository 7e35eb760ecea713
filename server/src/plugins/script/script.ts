/**
 * The script plugin: operations that are scripts of the blueprint, run as processes of this host.
 *
 * Source: specs of the script runner and of the `ctx` protocol. What isolation there is and is not: docs/scripts.md.
 *
 * Always holds: every run has a private folder, process group and secret `ctx` address, all gone before `run`
 * answers; the exception is a process that a script which *succeeded* left behind on purpose. After a kill of the
 * worker, `recover` ends what its runs left.
 */
import { chmod, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Json } from '../../dsl/plan.js';
import { DomainError, type TaskFailure } from '../../errors.js';
import type { OperationOutcome, OperationRequest, Plugin } from '../plugin.js';
import { looksLikePython, type ScriptCommand, scriptCommand } from './command.js';
import { CtxFiles, storeStream } from './ctx-files.js';
import { ctxObject } from './ctx-object.js';
import { type CtxDoor, CtxServer } from './ctx-server.js';
import { CtxError, walk } from './ctx-values.js';
import { scriptEnvironment } from './environment.js';
import { dedent, readScriptInputs, type ScriptInputs } from './inputs.js';
import { type LaunchResult, launch } from './launch.js';
import { LineStream, OUTPUT_LIMITS, OutputBudget, type OutputLimits } from './output.js';
import { createRunFolder, type RunFolder, recoverRuns } from './run-folder.js';
import { outcomeOfRaised, ScriptSession } from './session.js';

export interface ScriptPluginOptions {
  /** Where runs have their private folders; made when missing. On a file system that may execute programs. */
  readonly workDir: string;
  /** Node that runs the `ctx` command. Default: the one that runs this. */
  readonly nodePath?: string;
  /** Names of the server's environment that scripts may see besides PATH, HOME, LANG and the like. */
  readonly passEnvironment?: readonly string[];
  readonly limits?: Partial<OutputLimits>;
  /** Milliseconds between asking processes to end and ending them. Default 5000. */
  readonly grace?: number;
  /** Fetches `script_path: http…`. Absent: such scripts are refused, because a server must not call every address. */
  readonly download?: (url: string) => Promise<{ size: number; stream: Readable }>;
  /** Told what recovery did, for the operator's log. */
  readonly notice?: (message: string) => void;
}

export interface ScriptPlugin extends Plugin {
  recover(): Promise<void>;
  /** Closes the server scripts talk to. */
  close(): Promise<void>;
}

const FUNCTION = 'script_runner.tasks.run';
/** The host lacks something now that it may have later. */
const SHORT_OF = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);
const SCRIPT_LIMIT = 64 * 1024 * 1024;
const HERE = dirname(fileURLToPath(import.meta.url));

/** A failure on the way to an outcome: thrown inside this file only. */
class Failed extends Error {
  constructor(readonly failure: TaskFailure) {
    super(failure.message);
  }
}

export function createScriptPlugin(options: ScriptPluginOptions): ScriptPlugin {
  const server = new CtxServer();
  return {
    name: 'script',
    describe: (functionName) => (functionName === FUNCTION ? { resumable: true } : null),
    async run(request) {
      if (request.functionName !== FUNCTION) {
        return failed(refusal(`the script plugin has no function "${request.functionName}"`));
      }
      const inputs = readScriptInputs(request.inputs);
      if ('retryable' in inputs) return failed(inputs);
      if (request.signal.aborted) return ended(request);
      const folder = await createRunFolder(options.workDir, request.operation.id);
      try {
        return await runScript(options, server, request, inputs, folder);
      } catch (error) {
        if (error instanceof Failed) return failed(error.failure);
        if (request.signal.aborted) return ended(request);
        throw error;
      } finally {
        await folder.remove();
      }
    },
    async recover() {
      for (const sentence of await recoverRuns(options.workDir)) options.notice?.(sentence);
    },
    close: () => server.close(),
  };
}

async function runScript(
  options: ScriptPluginOptions,
  server: CtxServer,
  request: OperationRequest,
  inputs: ScriptInputs,
  folder: RunFolder,
): Promise<OperationOutcome> {
  const limits = { ...OUTPUT_LIMITS, ...options.limits };
  const budget = new OutputBudget(limits);
  const session = new ScriptSession(request);
  const cwd = resolve(folder.work, inputs.cwd ?? '.');
  const files = new CtxFiles(request, folder.files, cwd);
  const ctx = ctxObject(session, files, budget);
  let door: CtxDoor | undefined;
  if (inputs.ctx) {
    door = await server.open((args) => {
      if (!session.open) throw new CtxError('RuntimeError', 'the operation of this ctx has ended');
      return walk(ctx, args);
    });
  }
  try {
    const node = options.nodePath ?? process.execPath;
    const environment = (python: boolean) =>
      scriptEnvironment({
        server: process.env,
        passEnvironment: options.passEnvironment ?? [],
        variables: inputs.variables,
        env: inputs.env,
        fixed: {
          ...(door === undefined ? {} : { CTX_SOCKET_URL: door.url }),
          ORRERY_NODE: node,
          ORRERY_OPERATION_ID: request.operation.id,
          ORRERY_OPERATION_ATTEMPT: String(request.operation.attempt),
          ...(request.operation.trace === undefined ? {} : { TRACEPARENT: request.operation.trace }),
          [folder.mark[0]]: folder.mark[1],
          ...(python ? { PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' } : {}),
        },
        pathBefore: inputs.ctx ? [join(HERE, 'bin')] : [],
        pathAfter: [dirname(node)],
        pythonPath: python && inputs.ctx ? [join(HERE, 'python')] : [],
      });
    const path = environment(false).PATH ?? '';
    const script = await fetchScript(options, request, inputs, folder, path);
    const command = await scriptCommand(script, inputs, path);
    if ('retryable' in command) return failed(command);

    if (!(await isFolder(cwd))) return failed(refusal(`process.cwd is ${cwd}, which is not a folder`));

    const log = (mark: string) => (line: string) => request.log('info', `${mark} ${line}`);
    const stdout = new LineStream(budget, inputs.logStdout ? log('<out>') : null);
    const stderr = new LineStream(budget, inputs.logStderr ? log('<err>') : null);
    let heartbeat: NodeJS.Timeout | undefined;
    const result = await launch({
      line: command.line,
      cwd,
      env: environment(command.python),
      mark: folder.mark.join('='),
      stdout,
      stderr,
      signal: request.signal,
      ...(request.atOnce === undefined ? {} : { atOnce: request.atOnce }),
      grace: options.grace ?? 5000,
      async started(pid, identity) {
        request.log('info', `Process created, PID: ${pid}`);
        const waiting = () => request.log('debug', `Waiting for process ${pid} to end...`);
        heartbeat = setInterval(waiting, 20_000).unref();
        await folder.recordLeader(identity);
      },
    });
    clearInterval(heartbeat);
    session.close();
    if (budget.dropped > 0) {
      const most = `${limits.total} bytes or ${limits.lines} lines`;
      request.log(
        'warning',
        `${budget.dropped} bytes of output were not logged: an operation logs at most ${most}, a line ${limits.line} bytes`,
      );
    }
    const outcome = conclude(request, session, command, result, { stdout, stderr });
    const changes = session.changes();
    return changes === undefined ? outcome : { ...outcome, runtimeProperties: changes };
  } finally {
    session.close();
    door?.close();
  }
}

function conclude(
  request: OperationRequest,
  session: ScriptSession,
  command: ScriptCommand,
  result: LaunchResult,
  output: { readonly stdout: LineStream; readonly stderr: LineStream },
): OperationOutcome {
  if (result.kind === 'not-started') {
    const { code, message } = result.error;
    const why = code === 'E2BIG' ? 'its inputs are too large for an environment' : message;
    const failure = refusal(`${command.shown} could not be started: ${why}`);
    return failed({ ...failure, retryable: code !== undefined && SHORT_OF.has(code) });
  }
  if (result.kind === 'ended') {
    if (!result.complete) request.log('error', 'some processes of the script could not be ended');
    return ended(request);
  }
  request.log('info', `Execution done (PID=${result.pid}, return_code=${result.code}): ${command.shown}`);

  const { verdict } = session;
  switch (verdict?.kind) {
    case 'abort':
      return failed(refusal(verdict.message));
    case 'retry':
      return { kind: 'again', after: verdict.after, message: verdict.message };
    case 'raise':
      return outcomeOfRaised(verdict.error);
  }
  if (result.code !== 0) {
    const parts = [`command: ${command.shown}`, `exit_code: ${result.code}`];
    for (const name of ['stdout', 'stderr'] as const) {
      const tail = output[name].tail();
      if (tail !== '') parts.push(`${name}: ${tail}`);
    }
    return failed({ type: 'ProcessException', message: parts.join(', '), retryable: true, causes: [] });
  }
  if (session.retryWish !== null) return { kind: 'again', ...session.retryWish };
  const value: Json = verdict === null ? null : verdict.value;
  return { kind: 'done', result: value };
}

/** Puts the script into the run's folder, executable. */
async function fetchScript(
  options: ScriptPluginOptions,
  request: OperationRequest,
  inputs: ScriptInputs,
  folder: RunFolder,
  path: string,
): Promise<{ file: string; name: string }> {
  if ('text' in inputs.source) {
    const text = dedent(inputs.source.text);
    const python = inputs.evalPython ?? (await looksLikePython(text, path));
    const name = python ? 'script_source.py' : 'script_source.sh';
    const file = join(folder.script, name);
    await writeFile(file, text, { mode: 0o700 });
    return { file, name };
  }
  const wanted = inputs.source.path;
  const name = basename(wanted.replace(/[?#].*$/, '')) || 'script';
  const file = join(folder.script, name);
  const { size, stream } = await openScript(options, request, wanted);
  if (size > SCRIPT_LIMIT) {
    stream.destroy();
    throw new Failed(refusal(`script ${wanted} has ${size} bytes, more than the ${SCRIPT_LIMIT} allowed`));
  }
  await storeStream(stream, file, request.signal, 0o700);
  await chmod(file, 0o700);
  request.log('debug', `Downloaded ${wanted} to ${file}`);
  return { file, name };
}

async function openScript(
  options: ScriptPluginOptions,
  request: OperationRequest,
  wanted: string,
): Promise<{ size: number; stream: Readable }> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(wanted)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    if ((scheme === 'http' || scheme === 'https') && options.download !== undefined)
      return options.download(wanted);
    throw new Failed(refusal(`script ${wanted}: this server runs scripts from blueprints only`));
  }
  try {
    return await request.resource(wanted);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const gone = error.kind === 'not-found';
    throw new Failed({
      type: gone ? 'NonRecoverableError' : 'ResourceError',
      message: gone
        ? `script ${wanted} is neither in the deployment's folder nor in its blueprint`
        : `script ${wanted} could not be read: ${error.message}`,
      retryable: !gone && error.kind !== 'invalid',
      causes: [],
    });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** The answer to an abort: a timeout is a failure of the operation, anything else is no verdict on it at all. */
function ended(request: OperationRequest): OperationOutcome {
  if (request.signal.reason !== 'timeout') return { kind: 'aborted' };
  const { timeout } = request.operation;
  const after = timeout === null ? '' : ` after ${timeout} seconds`;
  return failed({
    type: 'TimeoutException',
    message: `the script was ended: it was still running${after}`,
    retryable: true,
    causes: [],
  });
}

function failed(failure: TaskFailure): OperationOutcome {
  return { kind: 'failed', failure };
}

function refusal(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}
