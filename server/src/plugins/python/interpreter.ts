/** The Python of this machine: whether it is there, and what it can do. Asked once, and again while it is not there. */
import { execFile } from 'node:child_process';

export interface Interpreter {
  /** The program itself, behind links and wrappers. */
  readonly executable: string;
  /** `3.11.7` */
  readonly version: string;
  /** Tells builds of Python apart whose packages do not fit each other. */
  readonly build: string;
  /** `own`: its pip can install into another environment. `inside`: pip can be put into an environment first. */
  readonly pip: 'own' | 'inside';
}

/** Why there is no Python to use; the message says what to do. */
export class NoPython extends Error {}

const OLDEST = [3, 8] as const;
/** The first pip that installs into another environment than its own. */
const REACHING_PIP = [22, 3] as const;

const QUESTION = `
import importlib.util, json, sys, sysconfig
there = importlib.util.find_spec
pip = None
if there('pip'):
    import pip as found
    pip = found.__version__
print(json.dumps({'executable': sys.executable, 'version': '%d.%d.%d' % sys.version_info[:3], 'pip': pip,
  'build': '%s %s' % (sys.implementation.cache_tag, sysconfig.get_platform()),
  'venv': there('venv') is not None, 'ensurepip': there('ensurepip') is not None}))
`;

interface Answer {
  readonly executable: string;
  readonly version: string;
  readonly pip: string | null;
  readonly build: string;
  readonly venv: boolean;
  readonly ensurepip: boolean;
}

/** @param program name on the PATH, or a path */
export function interpreterOf(
  program: string,
  env: Readonly<Record<string, string>>,
): () => Promise<Interpreter> {
  let found: Promise<Interpreter> | null = null;
  return () => {
    found ??= look(program, env).catch((error: unknown) => {
      found = null;
      throw error;
    });
    return found;
  };
}

async function look(program: string, env: Readonly<Record<string, string>>): Promise<Interpreter> {
  const answer = await ask(program, env);
  if (!atLeast(answer.version, OLDEST)) {
    throw new NoPython(`${program} is Python ${answer.version}; plugins need ${OLDEST.join('.')} or newer`);
  }
  if (!answer.venv) throw lacks(program, 'the module venv', 'python3-venv');
  const { executable, version, build } = answer;
  if (answer.pip !== null && atLeast(answer.pip, REACHING_PIP)) {
    return { executable, version, build, pip: 'own' };
  }
  if (!answer.ensurepip) throw lacks(program, 'pip 22.3 or newer, and the module ensurepip', 'python3-venv');
  return { executable, version, build, pip: 'inside' };
}

function ask(program: string, env: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    execFile(program, ['-I', '-c', QUESTION], { env, timeout: 30_000 }, (error, stdout) => {
      try {
        if (error !== null) throw error;
        resolve(JSON.parse(stdout) as Answer);
      } catch (trouble) {
        const { code } = trouble as NodeJS.ErrnoException;
        const why =
          code === 'ENOENT' ? 'there is no such program' : (trouble as Error).message.split('\n')[0];
        reject(
          new NoPython(
            `this worker has no Python to run plugins with: "${program}": ${why}. Install Python ${OLDEST.join('.')} ` +
              'or newer with venv (on Debian: python3-venv), or name it with ORRERY_PYTHON',
          ),
        );
      }
    });
  });
}

function lacks(program: string, what: string, debian: string): NoPython {
  return new NoPython(`${program} lacks ${what}, which plugins are installed with (on Debian: ${debian})`);
}

function atLeast(version: string, wanted: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}
