/**
 * Runs operations of uploaded plugins, which are Python: each in a process of its own, in the virtual environment of
 * its wagon, through a small host (host/host.py) that gives plugin code the `ctx` it expects.
 *
 * Logs, events, files, runtime properties and the outcome come and go over the door that scripts use too; so they are
 * written by the engine, once and under its fence. What plugin code asks of the REST API itself it asks with the
 * execution's own token. Decision 0011 weighs this against the alternatives; docs/plugins.md is for users.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { OperationOutcome, OperationRequest } from '../plugin.js';
import type { PluginPackage } from '../plugin-package.js';
import { CtxFiles } from '../script/ctx-files.js';
import { ctxObject } from '../script/ctx-object.js';
import { CtxServer } from '../script/ctx-server.js';
import { CtxError, CtxObject, walk } from '../script/ctx-values.js';
import { scriptEnvironment } from '../script/environment.js';
import { type LaunchResult, launch } from '../script/launch.js';
import { LineStream, OUTPUT_LIMITS, OutputBudget, type OutputLimits } from '../script/output.js';
import { createRunFolder, type RunFolder, recoverRuns } from '../script/run-folder.js';
import { outcomeOfRaised, ScriptSession } from '../script/session.js';
import type { WorkflowPlugin } from '../workflow.js';
import { BuildFailed, Environments } from './environments.js';
import { type ApiAddress, apiAddressOf, hostContext } from './host-context.js';
import { hostDoor } from './host-door.js';
import { interpreterOf } from './interpreter.js';
import { workflowDoor } from './workflow-door.js';
import { asOperation, endOfPatience } from './workflow-run.js';

export interface PythonPluginOptions {
  /** Environments and runs live here; on a file system that may execute programs. */
  readonly folder: string;
  /** Of these wagons, by SHA-256, the ones that are still kept for anybody. */
  readonly kept: (sha256s: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Program on the PATH, or a path. Default `python3`. */
  readonly python?: string;
  /** Folder of wheels that every plugin may use; null: none. */
  readonly wheels?: string | null;
  /** Base URL of the API for plugin code; null: none is known. Asked for each operation. */
  readonly apiUrl?: () => Promise<string | null>;
  /** File with the certificates that the API's may be signed by; null: those of this machine. */
  readonly apiCertificates?: string | null;
  readonly passEnvironment?: readonly string[];
  readonly limits?: Partial<OutputLimits>;
  /** Milliseconds between asking processes to end and ending them. Default 5000. */
  readonly grace?: number;
  /** Milliseconds that building an environment may take. Default ten minutes. */
  readonly buildLimit?: number;
  /** Told what recovery did, for the operator's log. */
  readonly notice?: (message: string) => void;
}

export interface PythonPlugin extends WorkflowPlugin {
  recover(): Promise<void>;
  /** Builds a plugin's environment before anybody needs it, and reports how that went. */
  install(plugin: PluginPackage): Promise<void>;
  /** Removes environments that nobody needs any more. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

const HERE = dirname(fileURLToPath(import.meta.url));
const HOST = join(HERE, 'host', 'host.py');
/** The package that takes the place of cloudify-common. */
const FALLBACK = join(HERE, '..', 'script', 'python');
const FUNCTION = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/;
const BUILD_LIMIT = 10 * 60_000;
/** The host lacks something now that it may have later. */
const SHORT_OF = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

export function createPythonPlugin(options: PythonPluginOptions): PythonPlugin {
  const server = new CtxServer();
  const runs = join(options.folder, 'runs');
  const bare = scriptEnvironment({
    server: process.env,
    passEnvironment: [],
    variables: {},
    env: {},
    fixed: {},
    pathBefore: [],
    pathAfter: [],
    pythonPath: [],
  });
  const environments = new Environments({
    folder: join(options.folder, 'environments'),
    runs,
    interpreter: interpreterOf(options.python ?? 'python3', bare),
    wheels: options.wheels ?? null,
    env: bare,
    limit: options.buildLimit ?? BUILD_LIMIT,
  });
  return {
    name: 'python',
    // Which functions there are is known when the plugin is loaded. Whether one bears being run twice, too: until then, a
    // person decides.
    describe: (functionName) => (FUNCTION.test(functionName) ? { resumable: false } : null),
    run: (request) => start(request),
    async runWorkflow(request) {
      const patience = endOfPatience(request);
      const door = workflowDoor(request);
      try {
        const outcome = await start(asOperation(request, patience.signal), door.words);
        return door.cancelled && request.signal.aborted ? { kind: 'aborted' } : outcome;
      } finally {
        patience.forget();
      }
    },
    async recover() {
      for (const sentence of await recoverRuns(runs)) options.notice?.(sentence);
    },
    async install(plugin) {
      try {
        const { giveBack } = await environments.lend(plugin, () => {});
        giveBack();
        await plugin.report('installed');
      } catch (error) {
        if (!(error instanceof BuildFailed)) throw error;
        await plugin.report('error', error.failure.message);
      }
    },
    sweep: () => environments.sweep(options.kept),
    async close() {
      await Promise.all([environments.close(), server.close()]);
    },
  };

  /** `workflow`: what the code of a workflow may ask for; absent: it is an operation. */
  async function start(request: OperationRequest, workflow?: CtxObject): Promise<OperationOutcome> {
    if (!FUNCTION.test(request.functionName)) {
      return refused(`"${request.functionName}" is no function of a plugin: it should be module.function`);
    }
    if (request.signal.aborted) return ended(request);
    try {
      const found = await packageOf(request);
      if ('retryable' in found) return { kind: 'failed', failure: found };
      const lending = environments.lend(found, (message) => request.log('info', message));
      const environment = await unlessAborted(lending, request.signal);
      if (environment === null) {
        lending.then(
          (late) => late.giveBack(),
          () => {},
        );
        return ended(request);
      }
      try {
        return await runOperation(options, server, request, {
          runs,
          environment: environment.path,
          workflow,
        });
      } finally {
        environment.giveBack();
      }
    } catch (error) {
      if (request.signal.aborted) return ended(request);
      if (error instanceof BuildFailed) return { kind: 'failed', failure: error.failure };
      throw error;
    }
  }
}

async function packageOf(request: OperationRequest): Promise<PluginPackage | TaskFailure> {
  const { plugin, context } = request;
  const named = plugin?.name ?? 'of this operation';
  const packageName = plugin?.packageName ?? null;
  const source = plugin?.source ?? null;
  if (source !== null) {
    return refusal(
      `plugin ${named} comes from a source (${source}), which is not installed here: upload it as a wagon, and give the plugin its package_name instead`,
    );
  }
  if (packageName === null) {
    return refusal(
      `plugin ${named} is not built in and names no package_name, so there is nothing to run it with`,
    );
  }
  const found = (await request.package?.()) ?? null;
  if (found !== null) return found;
  const version = plugin?.packageVersion ?? null;
  const which = version === null ? packageName : `${packageName} ${version}`;
  return refusal(
    `plugin ${named} needs the package ${which}, which is not uploaded in tenant ${context.tenant}: upload its wagon (cfy plugins upload)`,
  );
}

async function runOperation(
  options: PythonPluginOptions,
  server: CtxServer,
  request: OperationRequest,
  where: { readonly runs: string; readonly environment: string; readonly workflow: CtxObject | undefined },
): Promise<OperationOutcome> {
  const { runs, environment, workflow } = where;
  const api = await unlessAborted(apiOf(options, request), request.signal);
  const folder = await createRunFolder(runs, request.operation.id);
  const limits = { ...OUTPUT_LIMITS, ...options.limits };
  const budget = new OutputBudget(limits);
  const session = new ScriptSession(request);
  const call: JsonObject = {
    context: { ...hostContext(request, api), type: workflow === undefined ? 'operation' : 'workflow' },
    inputs: request.inputs,
    fallback: FALLBACK,
  };
  const files = new CtxFiles(request, folder.files, folder.work);
  const ctx = new CtxObject('ctx', {
    ...ctxObject(session, files, budget).attributes,
    plugin: () => new CtxObject('plugin', { name: () => request.plugin?.name ?? '' }),
    host: () => hostDoor(session, call),
    ...(workflow === undefined ? {} : { workflow: () => workflow }),
  });
  const door = await server.open((args) => {
    if (!session.open) throw new CtxError('RuntimeError', 'the operation of this ctx has ended');
    return walk(ctx, args);
  });
  try {
    const stdout = new LineStream(budget, (line) => request.log('info', `<out> ${line}`));
    const stderr = new LineStream(budget, (line) => request.log('info', `<err> ${line}`));
    const result = await launch({
      line: `exec ${quoted(join(environment, 'bin', 'python'))} -I -u -B ${quoted(HOST)}`,
      cwd: folder.work,
      env: await hostEnvironment(options, request, folder, environment, door.url, api?.address ?? null),
      mark: folder.mark.join('='),
      stdout,
      stderr,
      signal: request.signal,
      ...(request.atOnce === undefined ? {} : { atOnce: request.atOnce }),
      grace: options.grace ?? 5000,
      started: async (_pid, identity) => folder.recordLeader(identity),
    });
    session.close();
    if (budget.dropped > 0) {
      request.log(
        'warning',
        `${budget.dropped} bytes were not logged: an operation logs at most ${limits.total} bytes or ${limits.lines} lines, a line ${limits.line} bytes`,
      );
    }
    const outcome = conclude(request, session, result, stderr.tail());
    const changes = session.changes();
    return changes === undefined ? outcome : { ...outcome, runtimeProperties: changes };
  } finally {
    session.close();
    door.close();
    await folder.remove();
  }
}

async function apiOf(options: PythonPluginOptions, request: OperationRequest) {
  const url = (await options.apiUrl?.()) ?? null;
  if (url === null || request.token === undefined) return null;
  return { address: apiAddressOf(url), token: await request.token() };
}

/** What plugin code and the libraries it uses look for, and nothing else of the server's. */
async function hostEnvironment(
  options: PythonPluginOptions,
  request: OperationRequest,
  folder: RunFolder,
  environment: string,
  door: string,
  api: ApiAddress | null,
): Promise<Record<string, string>> {
  const place = (name: string) => join(folder.path, name);
  const [temporary, resources] = [place('tmp'), place('resources')];
  await Promise.all([mkdir(temporary, { mode: 0o700 }), mkdir(resources, { mode: 0o700 })]);
  // Must be a file even where nothing is encrypted. For https without one, the host takes this machine's.
  const certificates =
    options.apiCertificates ?? place(api?.protocol === 'https' ? 'none' : 'no-certificates');
  if (api?.protocol !== 'https') await writeFile(place('no-certificates'), '');
  return scriptEnvironment({
    server: process.env,
    passEnvironment: options.passEnvironment ?? [],
    variables: {},
    env: {},
    fixed: {
      CTX_SOCKET_URL: door,
      CLOUDIFY_DISPATCH: 'true',
      REST_HOST: api?.host ?? '',
      REST_PORT: api === null ? '' : String(api.port),
      REST_PROTOCOL: api?.protocol ?? 'http',
      LOCAL_REST_CERT_FILE: certificates,
      MANAGER_FILE_SERVER_SCHEME: api?.protocol ?? 'http',
      MANAGER_NAME: hostname(),
      AGENT_WORK_DIR: folder.work,
      CFY_EXEC_TEMP: temporary,
      CFY_RESOURCES_ROOT: resources,
      TMPDIR: temporary,
      VIRTUAL_ENV: environment,
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      ORRERY_OPERATION_ID: request.operation.id,
      ORRERY_OPERATION_ATTEMPT: String(request.operation.attempt),
      ...(request.operation.trace === undefined ? {} : { TRACEPARENT: request.operation.trace }),
      [folder.mark[0]]: folder.mark[1],
    },
    pathBefore: [join(environment, 'bin')],
    pathAfter: [],
    pythonPath: [],
  });
}

function conclude(
  request: OperationRequest,
  session: ScriptSession,
  result: LaunchResult,
  said: string,
): OperationOutcome {
  if (result.kind === 'not-started') {
    const { code, message } = result.error;
    const failure = refusal(`the plugin's process could not be started: ${message}`);
    return { kind: 'failed', failure: { ...failure, retryable: code !== undefined && SHORT_OF.has(code) } };
  }
  if (result.kind === 'ended') {
    if (!result.complete) request.log('error', 'some processes of the plugin could not be ended');
    return ended(request);
  }
  const { verdict, retryWish } = session;
  switch (verdict?.kind) {
    case 'returns':
      return retryWish === null ? { kind: 'done', result: verdict.value } : { kind: 'again', ...retryWish };
    case 'raise':
      return outcomeOfRaised(verdict.error);
    case 'retry':
      return { kind: 'again', after: verdict.after, message: verdict.message };
    case 'abort':
      return refused(verdict.message);
    default: {
      const how =
        result.code < 0
          ? `Process terminated (rc=${result.code})`
          : `Unhandled exception occurred in operation dispatch (rc=${result.code})`;
      return refused(said === '' ? how : `${how}: ${said}`);
    }
  }
}

/** null: aborted before it was there. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let stop = () => {};
  const aborted = new Promise<null>((resolve) => {
    stop = () => resolve(null);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The answer to an abort: a timeout is a failure of the operation, anything else is no verdict on it at all. */
function ended(request: OperationRequest): OperationOutcome {
  if (request.signal.reason !== 'timeout') return { kind: 'aborted' };
  const { timeout } = request.operation;
  const message = `Process killed due to timeout of ${timeout ?? '?'} seconds`;
  return { kind: 'failed', failure: { type: 'TimeoutException', message, retryable: true, causes: [] } };
}

function refused(message: string): OperationOutcome {
  return { kind: 'failed', failure: refusal(message) };
}

function refusal(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
