// A server of its own for clients of others: an empty store, nothing installed, a known administrator.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './ready.mjs';

export const PASSWORD = 'interop-password';

/** Resolves with the code that the child ended with; null: a signal ended it. */
export function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/**
 * Starts one on what is built. With settings of its own it has a store of its own as well, whatever database the tests are given.
 *
 * @returns where it answers, and how it is ended
 */
export async function startServer(settings = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-interop-'));
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('ORRERY_') && key !== 'DATABASE_URL'),
  );
  const given = Object.keys(settings).length === 0 ? process.env.ORRERY_TEST_DATABASE_URL : undefined;
  const server = spawn(process.execPath, ['server/build/src/main.js'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...env,
      ...(given ? { DATABASE_URL: given } : {}),
      ORRERY_PORT: '0',
      ORRERY_DATA_DIR: dataDir,
      ORRERY_ADMIN_PASSWORD: PASSWORD,
      ORRERY_DEMO: '0',
      ORRERY_LOGIN_THROTTLE: 'off',
      ORRERY_LOG_LEVEL: 'warn',
      ORRERY_TASK_RETRIES: '1',
      ORRERY_TASK_RETRY_INTERVAL: '0',
      CLOUD_ENDPOINT_ALLOWLIST: '127.0.0.1:*',
      ...settings,
    },
  });
  const stop = async () => {
    server.kill('SIGTERM');
    const late = setTimeout(() => server.kill('SIGKILL'), 30_000);
    await ended(server);
    clearTimeout(late);
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const url = await new Promise((resolve, reject) => {
      let text = '';
      server.stdout.on('data', (chunk) => {
        text += chunk;
        const line = /^Orrery is ready at (\S+)$/m.exec(text);
        if (line !== null) resolve(line[1]);
      });
      server.once('exit', (code) => reject(new Error(`the server ended with ${code} before it was ready`)));
    });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
