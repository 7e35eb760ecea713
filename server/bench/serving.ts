/** The real server as a process of its own on a stand's database, and load on it from another. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadOrder, LoadResult } from './http-load.js';
import { PASSWORD, type Stand } from './stand.js';

export function headers(username = 'admin'): Record<string, string> {
  const basic = Buffer.from(`${username}:${PASSWORD}`).toString('base64');
  return { authorization: `Basic ${basic}`, tenant: 'default_tenant', 'content-type': 'application/json' };
}

export async function serve(on: Stand): Promise<{ child: ChildProcess; url: string }> {
  const main = fileURLToPath(new URL('../src/main.js', import.meta.url));
  const started = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH ?? '',
      DATABASE_URL: on.databaseUrl,
      ORRERY_DATA_DIR: on.dataDir,
      ORRERY_MASTER_KEY: on.settings.masterKey,
      ORRERY_PORT: '0',
      ORRERY_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const at = await new Promise<string>((resolve, reject) => {
    started.stdout.on('data', (data) => {
      const found = /ready at (\S+)/.exec(String(data))?.[1];
      if (found !== undefined) resolve(found);
    });
    started.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { child: started, url: at };
}

export function load(order: LoadOrder): Promise<LoadResult> {
  const child_ = fork(fileURLToPath(new URL('./http-load.js', import.meta.url)));
  return new Promise((resolve, reject) => {
    child_.once('message', (result) => resolve(result as LoadResult));
    child_.once('error', reject);
    child_.send(order);
  });
}
