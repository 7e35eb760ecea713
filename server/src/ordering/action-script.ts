/**
 * An action as the script plugin runs it: its source, and what it is told in its environment. Pure.
 *
 * A script finds its inputs under their names, and what it is about as `SERVER_HOSTNAME`, `ORDER_ID` and the like. A plug-in is a file
 * with a function `run`, called with the inputs and with `server`, `resource`, `order` and `found` by name, as far as it takes
 * them; it answers `(status, output, errors)`, a fourth value being what it has found or decided, or nothing at all.
 */
import type { Json, JsonObject } from '../dsl/plan.js';

export interface ActionSource {
  readonly kind: string;
  readonly source: string;
  readonly filename: string;
}

/** Name (`server`) -> its facts; null and absent: it is about none. */
export type About = Readonly<Record<string, JsonObject | null>>;

/** Before the line in which a plug-in tells what it has found. */
const FOUND = '::found::';
/** Characters: what is handed on stands in a variable of an environment. */
const LONGEST = 60_000;
const RUNNABLE: ReadonlySet<string> = new Set(['script', 'plugin']);

/** Kinds of actions that this server can run by their source. */
export function isScript(kind: string): boolean {
  return RUNNABLE.has(kind);
}

export function isPython({ kind, filename }: Pick<ActionSource, 'kind' | 'filename'>): boolean {
  return kind === 'plugin' || filename.endsWith('.py');
}

/** @param found null: no condition came before it */
export function actionScript(
  action: ActionSource,
  { inputs, about, found }: { readonly inputs: JsonObject; readonly about: About; readonly found: Json },
): JsonObject {
  const python = isPython(action);
  const known = Object.fromEntries(Object.entries(about).filter(([, facts]) => facts !== null));
  return {
    script_source: python ? pythonSource(action.source) : action.source,
    process: {
      env: {
        ...variablesOf(known as Record<string, JsonObject>),
        ...(found === null ? {} : { FOUND: JSON.stringify(found) }),
        ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, textOf(value)])),
      },
      ...(python ? { command_prefix: 'python3' } : {}),
    },
    action_inputs: inputs,
    action_about: { ...known, ...(found === null ? {} : { found }) },
  };
}

/** `{server: {hostname}}` -> `SERVER_HOSTNAME`; only of what is one value. */
function variablesOf(about: Readonly<Record<string, JsonObject>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(about).flatMap(([name, facts]) =>
      Object.entries(facts).flatMap(([fact, value]) =>
        value === null || typeof value === 'object'
          ? []
          : [[`${name}_${fact}`.toUpperCase().replace(/[^A-Z0-9_]/g, '_'), textOf(value)]],
      ),
    ),
  );
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * A plug-in as a program. Its output is the operation's, and what it reports as a failure fails it. A text without a function
 * `run` (of rules: `check`) is a program already.
 */
export function pythonSource(text: string): string {
  if (!/^def (run|check)\(/m.test(text)) return text;
  return `${text}

if __name__ == '__main__':
    import inspect, json, logging, os, sys, types
    told = lambda name: json.loads(os.environ.get(name) or '{}')
    given = told('action_inputs')
    about = json.loads(os.environ.get('action_about') or '{}', object_hook=lambda facts: types.SimpleNamespace(**facts))
    found = told('action_about').get('found')
    if isinstance(found, dict):
        given = {**found, **given}
    main = globals().get('run') or globals()['check']
    known = inspect.signature(main).parameters
    takes_all = any(one.kind is one.VAR_KEYWORD for one in known.values())
    arguments = {name: value for name, value in given.items() if takes_all or name in known}
    for name, value in {'job': None, 'logger': logging.getLogger(), **vars(about), 'found': found}.items():
        if name in known:
            arguments.setdefault(name, value)
    if takes_all:
        arguments.setdefault('job', None)
    answer = main(**arguments)
    parts = tuple(answer) if isinstance(answer, tuple) else (answer, '', '') if isinstance(answer, str) else ('', '', '', answer)
    status, output, errors, result = (parts + ('', '', '', None)[len(parts):])[:4]
    if output:
        print(output)
    if errors:
        print(errors, file=sys.stderr)
    if 'action_about' in os.environ:
        print('${FOUND}' + json.dumps(result, default=str))
    sys.exit(1 if str(status).upper() in ('FAILURE', 'FAILED', 'ERROR') else 0)
`;
}

/** What people read of what was printed. */
export function shownOf(printed: readonly string[]): string {
  return printed.filter((line) => !line.startsWith(FOUND)).join('\n');
}

/**
 * What a step has found: what its plug-in answered, else its last line where that is JSON, else its lines.
 *
 * @returns null: nothing, as empty things are; undefined: more than can be handed on
 */
export function foundIn(printed: readonly string[]): Json | undefined {
  const told = printed.findLast((line) => line.startsWith(FOUND));
  const found = told === undefined ? readLines(printed) : parsed(told.slice(FOUND.length));
  if (isNothing(found)) return null;
  return JSON.stringify(found).length > LONGEST ? undefined : found;
}

function readLines(printed: readonly string[]): Json {
  const lines = printed.map((line) => line.trim()).filter((line) => line !== '');
  return parsed(lines.at(-1) ?? '') ?? lines;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}

function isNothing(value: Json): boolean {
  if (value === null || value === false || value === '' || value === 0) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** What a step that decides about an order has said; null: it leaves that to people. */
export function verdictIn(found: Json): { readonly approve: true } | { readonly deny: string } | null {
  const said = Array.isArray(found) ? found.at(-1) : found;
  if (typeof said === 'string') {
    if (/^approved?$/i.test(said.trim())) return { approve: true };
    const denied = /^den(?:y|ied)\b[:\s]*(.*)$/is.exec(said.trim());
    return denied === null ? null : { deny: denied[1]! };
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said)) return null;
  if (said.deny !== undefined && said.deny !== false)
    return { deny: typeof said.deny === 'string' ? said.deny : '' };
  return said.approve === true ? { approve: true } : null;
}
