/**
 * What the author of a script operation asked for, read from the operation's inputs.
 *
 * Source: specs of the script runner (`script_runner.tasks.run`): exactly one of `script_path` and `script_source`,
 * a `process` mapping, and everything else becomes the script's environment.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';

export interface ScriptInputs {
  readonly source: { readonly path: string } | { readonly text: string };
  /** Inputs that are the script's own: variables of its environment. */
  readonly variables: JsonObject;
  readonly env: JsonObject;
  /** null: a private folder that is removed with the run. */
  readonly cwd: string | null;
  readonly args: readonly string[];
  readonly commandPrefix: string | null;
  /** False: no `ctx` for this script (`ctx_proxy_type: none`). */
  readonly ctx: boolean;
  /** null: decided by the script's file name. */
  readonly evalPython: boolean | null;
  readonly logStdout: boolean;
  readonly logStderr: boolean;
  readonly stderrToStdout: boolean;
}

const OWN_INPUTS = new Set(['script_path', 'script_source', 'process', 'ssl_cert_content', 'ctx']);

/** The inputs, or the failure that says what is wrong with them; trying again cannot help then. */
export function readScriptInputs(inputs: JsonObject): ScriptInputs | TaskFailure {
  const path = inputs.script_path ?? '';
  const text = inputs.script_source ?? '';
  if (typeof path !== 'string') return refuse('script_path must be a string');
  if (typeof text !== 'string') return refuse('script_source must be a string');
  if (path === '' && text === '') return refuse('Either script_path or script_source must be provided');
  if (path !== '' && text !== '') return refuse('Only provide script_path or script_source, not both');

  const process = inputs.process ?? {};
  if (!isObject(process)) return refuse('process must be a mapping');
  const env = process.env ?? {};
  if (!isObject(env)) return refuse('process.env must be a mapping');
  const args = process.args ?? [];
  if (!Array.isArray(args)) return refuse('process.args must be a list');
  const cwd = process.cwd ?? null;
  if (cwd !== null && typeof cwd !== 'string') return refuse('process.cwd must be a string');
  const prefix = process.command_prefix ?? null;
  if (prefix !== null && typeof prefix !== 'string') return refuse('process.command_prefix must be a string');
  const proxy = process.ctx_proxy_type ?? 'auto';
  if (proxy !== 'auto' && proxy !== 'http' && proxy !== 'none' && proxy !== '') {
    return refuse(`Unsupported proxy type: ${asText(proxy)}`);
  }
  for (const option of ['eval_python', 'log_stdout', 'log_stderr', 'stderr_to_stdout']) {
    const value = process[option] ?? null;
    if (value !== null && typeof value !== 'boolean')
      return refuse(`process.${option} must be true or false`);
  }
  const flag = (name: string, otherwise: boolean) => (process[name] ?? otherwise) as boolean;
  return {
    source: path !== '' ? { path } : { text },
    variables: Object.fromEntries(Object.entries(inputs).filter(([name]) => !OWN_INPUTS.has(name))),
    env,
    cwd: cwd === '' ? null : cwd,
    args: args.map(asText),
    commandPrefix: prefix === '' ? null : prefix,
    ctx: proxy !== 'none',
    evalPython: (process.eval_python ?? null) as boolean | null,
    logStdout: flag('log_stdout', true),
    logStderr: flag('log_stderr', true),
    stderrToStdout: flag('stderr_to_stdout', false),
  };
}

/** A value as a script sees it in a variable: structures and booleans as JSON, the rest as Python's `str` would. */
export function asText(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'None';
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value);
}

/** `script_source` as written in YAML, without the indentation common to its lines. */
export function dedent(text: string): string {
  const lines = text.split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)![0]);
  const first = indents[0] ?? '';
  let common = first;
  for (const indent of indents) while (!indent.startsWith(common)) common = common.slice(0, -1);
  return lines.map((line) => (line.startsWith(common) ? line.slice(common.length) : line.trim())).join('\n');
}

function refuse(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
