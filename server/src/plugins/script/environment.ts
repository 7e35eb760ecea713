/**
 * The environment of a script.
 *
 * Always holds: nothing of the server's own environment reaches a script unless it is named here (or by the operator
 * in `passEnvironment`), so that `DATABASE_URL`, passwords and keys given to the server stay with the server.
 */
import { delimiter } from 'node:path';
import type { JsonObject } from '../../dsl/plan.js';
import { asText } from './inputs.js';

const PASSED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR'];

export interface EnvironmentParts {
  /** The server's environment. */
  readonly server: Readonly<Record<string, string | undefined>>;
  /** Further names the operator lets through, e.g. `HTTPS_PROXY`. */
  readonly passEnvironment: readonly string[];
  /** The operation's own inputs. */
  readonly variables: JsonObject;
  /** `process.env`: wins over the inputs. */
  readonly env: JsonObject;
  /** Ours: win over everything. */
  readonly fixed: Readonly<Record<string, string>>;
  /** Put before the script's PATH: where `ctx` is. */
  readonly pathBefore: readonly string[];
  /** Put after it, unless already there: where the running node is. */
  readonly pathAfter: readonly string[];
  /** Put before the script's PYTHONPATH; empty: not touched. */
  readonly pythonPath: readonly string[];
}

export function scriptEnvironment(parts: EnvironmentParts): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(parts.server)) {
    if (value === undefined) continue;
    if (PASSED.includes(name) || name.startsWith('LC_') || parts.passEnvironment.includes(name)) {
      result[name] = value;
    }
  }
  for (const [name, value] of [...Object.entries(parts.variables), ...Object.entries(parts.env)]) {
    // Such a name cannot stand in an environment; the operation's other inputs still can.
    if (name === '' || name.includes('=') || name.includes('\0')) continue;
    result[name] = asText(value).replaceAll('\0', '');
  }
  Object.assign(result, parts.fixed);
  const path = (result.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter);
  const after = parts.pathAfter.filter((folder) => !path.includes(folder));
  result.PATH = [...parts.pathBefore, ...path, ...after].join(delimiter);
  if (parts.pythonPath.length > 0) {
    const own = result.PYTHONPATH === undefined ? [] : [result.PYTHONPATH];
    result.PYTHONPATH = [...parts.pythonPath, ...own].join(delimiter);
  }
  return result;
}
