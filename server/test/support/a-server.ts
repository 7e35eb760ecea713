/**
 * The API over real HTTP, on a free port, over a database of its own: what a client meets.
 *
 *   const { url } = await aServer();       // at the top of a test file
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after } from 'node:test';
import { Membership } from '../../src/cluster/membership.js';
import { loadSettings } from '../../src/config.js';
import { buildCore, type Core } from '../../src/core.js';
import { DIALECTS } from '../../src/dialects/index.js';
import { bootstrap } from '../../src/identity/bootstrap.js';
import { logTo } from '../../src/log.js';
import { giveFirstContents } from '../../src/ordering/first-contents.js';
import { newMasterKey } from '../../src/secrets/vault.js';
import { buildServer } from '../../src/serve.js';
import type { Pool } from '../../src/store/pool.js';
import { Signals } from '../../src/store/signals.js';
import { startWork } from '../../src/work.js';
import { testDatabase } from './test-database.js';

export const ADMIN = { username: 'admin', password: 'first-password' } as const;

export interface TestServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly core: Core;
  readonly pool: Pool;
  /** JSON lines that were logged. */
  readonly lines: readonly string[];
}

/**
 * @param env settings beyond the usual ones of a test
 * @param parts `worker`: executions are worked on too; `selfService`: there is what a first start gives people to order; `port`: not any free one
 */
export async function aServer(
  env: Readonly<Record<string, string>> = {},
  parts: { readonly worker?: boolean; readonly selfService?: boolean; readonly port?: number } = {},
): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'orrery-test-data-'));
  let close = async () => {};
  after(async () => {
    await close();
    await endServersOf(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  });
  // Closed after the server that uses it.
  const database = await testDatabase({ after: () => {} });
  const { pool } = database;
  const lines: string[] = [];
  const log = logTo({ write: (line) => lines.push(line) }, env.ORRERY_LOG_LEVEL ?? 'warn');
  const { settings } = loadSettings({
    ORRERY_DATA_DIR: dataDir,
    ORRERY_DEMO: '0',
    ORRERY_MASTER_KEY: newMasterKey(),
    ...env,
  });
  await bootstrap(pool, { adminPassword: ADMIN.password, passwordFile: join(dataDir, 'admin-password') });
  const signals = new Signals(database.databaseUrl);
  await signals.listen();
  const core = await buildCore({ settings, pool, log, signals });
  core.cluster.self = await Membership.enter(
    { pool, signals, log },
    {
      key: newMasterKey(),
      name: 'test-node',
      hostIp: '127.0.0.1',
      role: parts.worker === true ? 'all' : 'api',
      version: '0',
      lease: 60,
    },
  );
  if (parts.selfService === true) await giveFirstContents({ ...core, pool }, settings.cloudboltTenant);
  const app = await buildServer({ core, settings, log, dialects: DIALECTS });
  const url = await app.listen({ host: '127.0.0.1', port: parts.port ?? 0 });
  const { databaseUrl } = database;
  const work =
    parts.worker === true ? await startWork({ core, pool, log, databaseUrl, apiUrl: async () => url }) : null;
  close = async () => {
    await app.close();
    await work?.stop();
    await core.cluster.self?.leave();
    await core.blueprintUploads.settled();
    await signals.close();
    await core.credentials.close();
    await core.tokens.close();
    await database.close();
  };
  return { url, core, pool, lines };
}

/** Servers of this host are processes that outlive whoever has built them. */
async function endServersOf(dataDir: string): Promise<void> {
  const folder = join(dataDir, 'servers');
  for (const path of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (basename(path) !== 'answer.json') continue;
    const { pid } = JSON.parse(await readFile(join(folder, path), 'utf8')) as { pid: number };
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was stopped before.
    }
  }
}
