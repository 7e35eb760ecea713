/** Another API process on the database of a test server, as far as a test can tell: its own core, its own HTTP. */
import { after } from 'node:test';
import { buildCore, type Core } from '../../../src/core.js';
import { DIALECTS } from '../../../src/dialects/index.js';
import { logTo } from '../../../src/log.js';
import { buildServer } from '../../../src/serve.js';
import { openPool } from '../../../src/store/pool.js';
import { Signals } from '../../../src/store/signals.js';
import type { StreamSettings } from '../../../src/streaming/streams.js';
import type { TestServer } from '../../support/a-server.js';

export interface Replica {
  readonly url: string;
  readonly core: Core;
  /** Cuts every connection at once, as a kill does. */
  kill(): Promise<void>;
}

/** @param parts `deaf`: hears no hints of other processes, and sends none */
export async function aReplica(
  server: TestServer,
  parts: { readonly deaf?: boolean; readonly streams?: Partial<StreamSettings> } = {},
): Promise<Replica> {
  const databaseUrl = server.pool.options.connectionString!;
  const pool = openPool({ databaseUrl, max: 10, applicationName: 'replica' });
  const signals = new Signals(parts.deaf === true ? 'postgresql://127.0.0.1:1/none' : databaseUrl);
  if (parts.deaf !== true) await signals.listen();
  const log = logTo({ write: () => {} }, 'silent');
  const core = await buildCore({
    settings: server.core.settings,
    pool,
    log,
    signals,
    ...(parts.streams === undefined ? {} : { streamSettings: parts.streams }),
  });
  const app = await buildServer({ core, settings: server.core.settings, log, dialects: DIALECTS });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  let ending: Promise<void> | undefined;
  const kill = () => {
    ending ??= (async () => {
      app.server.closeAllConnections();
      await app.close();
      await signals.close();
      await core.credentials.close();
      await core.tokens.close();
      await pool.end();
    })();
    return ending;
  };
  after(kill);
  return { url, core, kill };
}
