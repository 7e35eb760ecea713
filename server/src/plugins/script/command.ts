/**
 * How a script is run: the shell command for a file, by its first line, its name and the operation's wishes.
 *
 * Source: specs of the script runner: `[command_prefix ]<script>[ args…]`, given to a shell, so a prefix and arguments
 * may use what shells offer. `.py` files are Python even without a first line that says so.
 */
import { access, constants, open } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import type { TaskFailure } from '../../errors.js';
import type { ScriptInputs } from './inputs.js';

export interface ScriptCommand {
  /** For `sh -c`. */
  readonly line: string;
  /** The same without folders of ours, for logs and messages. */
  readonly shown: string;
  /** A Python script that may use `from cloudify import ctx`. */
  readonly python: boolean;
}

export async function scriptCommand(
  script: { readonly file: string; readonly name: string },
  inputs: ScriptInputs,
  path: string,
): Promise<ScriptCommand | TaskFailure> {
  const isPython = inputs.evalPython ?? script.name.endsWith('.py');
  let prefix = inputs.commandPrefix;
  if (prefix === null && isPython) {
    const python = await findProgram('python3', path);
    if (python === null) return refuse(`${script.name} is a Python script, and there is no python3 here`);
    prefix = quoted(python);
  }
  if (prefix === null) {
    const head = await readHead(script.file);
    const shebang = /^#!\s*(\S+)[^\n]*/.exec(head);
    if (shebang !== null) {
      if (/\r/.test(shebang[0])) {
        return refuse(
          `the first line of ${script.name} ends like a Windows text file; save it with Unix line ends`,
        );
      }
      const interpreter = shebang[1]!;
      if (isAbsolute(interpreter) && !(await isProgram(interpreter))) {
        return refuse(`${script.name} wants to be run by ${interpreter}, which is not on this machine`);
      }
    } else if (script.name.endsWith('.ps1')) {
      prefix = 'powershell';
    } else if (script.name.endsWith('.py')) {
      const python = await findProgram('python3', path);
      if (python === null) return refuse(`${script.name} is a Python script, and there is no python3 here`);
      prefix = quoted(python);
    } else if (!head.startsWith('\x7fELF')) {
      prefix = quoted((await findProgram('bash', path)) ?? '/bin/sh');
    }
  }
  const words = (file: string) => [...(prefix === null ? [] : [prefix]), file, ...inputs.args].join(' ');
  // In the place of the shell where that is the same: the process we know is then the script itself.
  const simple = inputs.commandPrefix === null && !inputs.args.some((word) => /[;&|\n(`]/.test(word));
  const line = `${simple ? 'exec ' : ''}${words(quoted(script.file))}`;
  return {
    line: inputs.stderrToStdout ? `exec 2>&1\n${line}` : line,
    shown: words(script.name),
    python: isPython,
  };
}

/** Whether a text without a name is Python: what Python itself can parse. False when there is no python3 to ask. */
export async function looksLikePython(text: string, path: string): Promise<boolean> {
  if (text.startsWith('#!')) return /^#![^\n]*\bpython/.test(text);
  const python = await findProgram('python3', path);
  if (python === null) return false;
  const { spawn } = await import('node:child_process');
  return new Promise((done) => {
    const child = spawn(python, ['-I', '-c', 'import ast, sys; ast.parse(sys.stdin.buffer.read())'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: path, HOME: process.env.HOME ?? '/' },
      timeout: 10_000,
    });
    child.on('error', () => done(false));
    child.on('exit', (code) => done(code === 0));
    child.stdin.on('error', () => {});
    child.stdin.end(text);
  });
}

async function findProgram(name: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    if (isAbsolute(folder) && (await isProgram(join(folder, name)))) return join(folder, name);
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function readHead(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function refuse(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}
