/**
 * The server of this checkout as a process of its own, with its own data folder and database, on a port of its own.
 * Started, killed and started again as a person would; met only over HTTP.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../../../server/build/src/main.js', import.meta.url));

export class RealServer {
  private child: ChildProcess | null = null;

  private constructor(
    readonly dataDir: string,
    readonly port: number,
  ) {}

  static async start(): Promise<RealServer> {
    const server = new RealServer(mkdtempSync(join(tmpdir(), 'orrery-cli-server-')), await freePort());
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get password(): string {
    return readFileSync(join(this.dataDir, 'admin-password'), 'utf8').trim();
  }

  /** Resolves when it accepts work. */
  async start(): Promise<void> {
    const { DATABASE_URL: _other, ...env } = process.env;
    const child = spawn(process.execPath, [PROGRAM], {
      env: { ...env, ORRERY_DATA_DIR: this.dataDir, ORRERY_PORT: String(this.port), ORRERY_DEMO: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('Orrery is ready at')) resolve();
      });
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
  }

  /** As if the power went: no time to say goodbye. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === null) return;
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async stop(): Promise<void> {
    // One that was killed has left its database behind; only a server ends it.
    if (this.child !== null && this.child.signalCode !== null) await this.start();
    const { child } = this;
    if (child !== null && child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
