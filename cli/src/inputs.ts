/**
 * Inputs and parameters as typed: `NAME=VALUE`, where VALUE is read as YAML (`8080` a number, `true` a truth,
 * `[a, b]` a list, `"8080"` text), or the path of a YAML or JSON file with a mapping. Later ones win.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from './errors.js';

export async function readInputs(
  given: readonly string[],
  cwd: string,
  option: string,
): Promise<Record<string, unknown>> {
  const inputs: Record<string, unknown> = {};
  for (const each of given) {
    const pair = /^([^=\s/\\]+)=(.*)$/s.exec(each);
    if (pair) set(inputs, pair[1] ?? '', await parseValue(pair[2] ?? '', each));
    else
      for (const [name, value] of Object.entries(await readFileOf(each, cwd, option)))
        set(inputs, name, value);
  }
  return inputs;
}

/** Defined, not assigned: an input may be called `__proto__`. */
function set(inputs: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(inputs, name, { value, enumerable: true, writable: true, configurable: true });
}

async function parseValue(text: string, whole: string): Promise<unknown> {
  if (text === '') return '';
  const { load } = await import('js-yaml');
  try {
    return load(text);
  } catch {
    if (/^[[{"'&*!|>%@`]/.test(text)) {
      throw new UsageError(`The value in ${whole} is not YAML.`, [
        `Text with special characters is quoted twice: 'name="${text.replaceAll('"', '')}"'`,
      ]);
    }
    return text;
  }
}

async function readFileOf(path: string, cwd: string, option: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(resolve(cwd, path), 'utf8');
  } catch (error) {
    throw new UsageError(`"${path}" is neither NAME=VALUE nor a file that can be read.`, [
      `${(error as Error).message}; write -${option} NAME=VALUE or -${option} FILE`,
    ]);
  }
  const { load } = await import('js-yaml');
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    throw new UsageError(`${path} is not YAML: ${(error as Error).message}`);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new UsageError(`${path} holds no mapping of names to values.`);
  }
  return value as Record<string, unknown>;
}

/** `KEY=VALUE` labels as the server takes them. */
export function readLabels(given: readonly string[]): { [key: string]: string }[] {
  return given.map((each) => {
    const at = each.indexOf('=');
    if (at < 1) throw new UsageError(`"${each}" is no label.`, ['Write --label KEY=VALUE']);
    return { [each.slice(0, at)]: each.slice(at + 1) };
  });
}
