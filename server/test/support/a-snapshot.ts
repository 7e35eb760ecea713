/** A snapshot of a server as it is at this moment, made without a worker. */
import { writeSnapshot } from '../../src/snapshots/archive/write.js';
import { EVERYTHING } from '../../src/snapshots/contents.js';
import type { TestServer } from './a-server.js';

export async function aSnapshot({ core, pool }: Pick<TestServer, 'core' | 'pool'>): Promise<Buffer> {
  const client = await pool.connect();
  const order = { id: 'made', execution: 'none', contents: EVERYTHING, passphrase: null };
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of writeSnapshot(client, core.vault, order)) chunks.push(chunk);
    await client.query('rollback');
  } finally {
    client.release();
  }
  return Buffer.concat(chunks);
}
