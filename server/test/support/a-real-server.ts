/** Orrery as processes of its own, started, asked and killed from outside: what tests of durability stand on. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const PASSWORD = 'a password for the fault test';
const KEY = 'ab'.repeat(32);
const HEADERS = {
  authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
  tenant: 'default_tenant',
};

export interface RealServer {
  readonly url: string;
  readonly pid: number;
  /** Sends the signal and waits for the end; how long that took, in milliseconds. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number>;
  /** What a request of the administrator in the default tenant carries. */
  readonly headers: Readonly<Record<string, string>>;
  /** One request to the API v3.1. Fails the test unless it is answered with 2xx. */
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
}

/** A folder that is removed at the end of the file. */
export function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-fault-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a process on a data folder and waits until it is ready; killed at the end of the file if need be. */
export async function aRealServer(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RealServer> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dataDir,
      ORRERY_DATA_DIR: dataDir,
      ORRERY_PORT: '0',
      ORRERY_DEMO: '0',
      ORRERY_ADMIN_PASSWORD: PASSWORD,
      ORRERY_MASTER_KEY: KEY,
      ORRERY_LOG_TO: `${dataDir}.log`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  after(() => finish(child, gone));
  const said = lastWords(child);
  const url = await readyUrl(child, said);
  return {
    url,
    pid: child.pid!,
    async end(signal) {
      const start = Date.now();
      child.kill(signal);
      await gone;
      return Date.now() - start;
    },
    headers: HEADERS,
    async call<T>(method: string, path: string, body?: unknown) {
      const ended = () => child.exitCode ?? child.signalCode;
      assert.equal(ended(), null, `the server has ended: ${said()}`);
      return call<T>(url, method, path, body);
    },
  };
}

async function finish(child: ChildProcess, gone: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  await Promise.race([gone, delay(40_000, undefined, { ref: false })]);
  child.kill('SIGKILL');
}

/** The end of what the process has written to standard error so far. */
function lastWords(child: ChildProcess): () => string {
  let said = '';
  child.stderr!.on('data', (data) => {
    said = (said + data).slice(-10_000);
  });
  return () => said;
}

function readyUrl(child: ChildProcess, said: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = '';
    child.stdout!.on('data', (data) => {
      out += data;
      const url = /Orrery is ready at (\S+)/.exec(out)?.[1];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said()}`)));
  });
}

async function call<T>(url: string, method: string, path: string, body?: unknown): Promise<T> {
  const raw = body instanceof Buffer;
  const response = await fetch(`${url}/api/v3.1${path}`, {
    method,
    headers: {
      ...HEADERS,
      ...(body === undefined
        ? {}
        : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}

/**
 * A file that scripts tell of themselves, one line each: `begin OPERATION ATTEMPT PID` and `end OPERATION ATTEMPT`. No
 * part of the server writes to it.
 */
export class Witness {
  readonly file: string;

  constructor(folder: string) {
    this.file = join(folder, 'witness');
    writeFileSync(this.file, '');
  }

  lines(what: 'begin' | 'at' | 'end'): { operation: string; attempt: number; pid: number }[] {
    const lines = readFileSync(this.file, 'utf8').split('\n');
    return lines
      .filter((line) => line.startsWith(`${what} `))
      .map((line) => {
        const [, operation, attempt, pid] = line.split(' ');
        return { operation: operation!, attempt: Number(attempt), pid: Number(pid) };
      });
  }
}

/** An archive of a blueprint whose scripts tell the witness that the input `witness` names, and do `work` in between. */
export async function witnessedBlueprint(
  folder: string,
  nodes: string,
  work: string,
  /** More types, derived from `test.Told`. */
  types = '',
): Promise<Buffer> {
  const top = join(folder, 'told');
  mkdirSync(top, { recursive: true });
  writeFileSync(
    join(top, 'blueprint.yaml'),
    `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  witness: {type: string}
node_types:
  test.Told:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: tell.sh, inputs: {WITNESS: {default: {get_input: witness}}}, max_retries: 0}
        configure: {implementation: tell.sh, inputs: {WITNESS: {default: {get_input: witness}}}, max_retries: 0}
        start: {implementation: tell.sh, inputs: {WITNESS: {default: {get_input: witness}}}, max_retries: 0}
${types}node_templates:
${nodes}
`,
  );
  const script = `#!/bin/sh
printf 'begin %s %s %s\\n' "$ORRERY_OPERATION_ID" "$ORRERY_OPERATION_ATTEMPT" "$$" >> "$WITNESS"
${work}
printf 'end %s %s\\n' "$ORRERY_OPERATION_ID" "$ORRERY_OPERATION_ATTEMPT" >> "$WITNESS"
`;
  writeFileSync(join(top, 'tell.sh'), script, { mode: 0o755 });
  const chunks: Buffer[] = [];
  for await (const chunk of create({ cwd: folder, gzip: true }, ['told'])) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Waits for a condition; what it throws meanwhile (a server that is away) counts as not yet. */
export async function eventually<T>(
  what: string,
  condition: () => Promise<T | false> | T | false,
  limit = 180_000,
): Promise<T> {
  const deadline = Date.now() + limit;
  let trouble: unknown;
  for (;;) {
    try {
      const found = await condition();
      if (found !== false) return found;
    } catch (error) {
      trouble = error;
    }
    if (Date.now() > deadline) assert.fail(`${what}: it did not come true (${String(trouble ?? '')})`);
    await delay(25);
  }
}
