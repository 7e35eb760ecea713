/** Whether hints travel: through some poolers they do not. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Pool } from './pool.js';

/** True when a connection that listens is told within `patience` milliseconds what another one says. */
export async function hears(databaseUrl: string, pool: Pool, patience: number): Promise<boolean> {
  const channel = `orrery_hearing_${randomUUID().slice(0, 8)}`;
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'orrery hearing' });
  client.on('error', () => {});
  await client.connect();
  let timer: NodeJS.Timeout | undefined;
  try {
    const heard = new Promise<boolean>((resolve) => {
      client.once('notification', () => resolve(true));
      timer = setTimeout(() => resolve(false), patience);
    });
    await client.query(`listen ${channel}`);
    await pool.query('select pg_notify($1, $2)', [channel, 'heard?']);
    return await heard;
  } finally {
    clearTimeout(timer);
    await client.end().catch(() => {});
  }
}
