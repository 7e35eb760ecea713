/**
 * `doctor`: everything about an installation that can be seen from one of its machines. Changes nothing, and starts nothing.
 *
 * What needs only a client's eyes is told by `orrery doctor` (cli/) as well.
 */
import { checkListening, checkSchema, checkServer, checkTables } from './checkup/database.js';
import { bad, type Finding, good, note, told } from './checkup/finding.js';
import { judgeKeys } from './checkup/keys.js';
import { checkDataFolder, checkDisk, checkNode, checkPython, checkSecretFiles } from './checkup/machine.js';
import { checkWork } from './checkup/work.js';
import type { Settings } from './config.js';
import { keptIn } from './data-folder.js';
import { keptMasterKeys } from './master-keys.js';
import { masterKeysOf } from './secrets/rotation.js';
import { fingerprintOf, masterKeyFrom } from './secrets/vault.js';
import { openPool, type Pool } from './store/pool.js';
import { VERSION } from './version.js';

const HTTP_PATIENCE_MS = 5000;

export interface Examination {
  readonly findings: readonly Finding[];
  /** As it is to be printed. */
  readonly text: string;
}

export async function examine(settings: Settings, asJson = false): Promise<Examination> {
  const findings: Finding[] = [
    checkNode(process.versions.node),
    checkDataFolder(settings.dataDir),
    checkSecretFiles(settings.dataDir),
    await checkDisk(settings.dataDir),
    await checkPython(settings.python),
    await checkAnswer(settings),
  ];
  findings.push(...(await checkDatabase(settings)));
  const text = asJson ? `${JSON.stringify({ findings }, null, 2)}\n` : told(findings);
  return { findings, text };
}

/** Whether the server of these settings answers; a port of 0 nobody can know. */
async function checkAnswer({ host, port }: Settings): Promise<Finding> {
  if (port === 0) return good('server', 'listens on a port of its own choice, which is not asked');
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const at = everywhere[host] ?? host;
  const url = `http://${at.includes(':') ? `[${at}]` : at}:${port}`;
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(HTTP_PATIENCE_MS) });
    const { status, troubles } = (await answer.json()) as { status?: string; troubles?: string[] };
    if (status === 'ready') return good('server', `${url} is ready`);
    return bad(
      'server',
      `${url} is not ready: ${troubles?.join('; ') ?? answer.status}`,
      'See the findings below, and its log.',
    );
  } catch (error) {
    const { cause, message } = error as { cause?: { code?: string }; message: string };
    return note(
      'server',
      `${url} does not answer (${cause?.code ?? message})`,
      'Start it, or set ORRERY_HOST and ORRERY_PORT as it has them.',
    );
  }
}

async function checkDatabase(settings: Settings): Promise<Finding[]> {
  const findings: Finding[] = [];
  let { databaseUrl } = settings;
  if (databaseUrl === '') {
    const { findEmbedded } = await import('./embedded-postgres/launcher.js');
    const embedded = await findEmbedded(settings.dataDir);
    if (embedded === null)
      return [
        note(
          'embedded-postgres',
          'the embedded PostgreSQL does not run, so nothing in it is judged',
          'It runs while a server runs; start one, and ask again. With a PostgreSQL of your own set DATABASE_URL.',
        ),
      ];
    findings.push(good('embedded-postgres', `runs (pid ${embedded.pid}) on ${embedded.home}`));
    databaseUrl = embedded.databaseUrl;
  }
  const pool = openPool({ databaseUrl, max: 2, applicationName: 'orrery doctor' });
  try {
    await ask(settings, databaseUrl, pool, findings);
  } catch (error) {
    findings.push(
      bad(
        'database',
        `the database cannot be asked: ${(error as Error).message || (error as { code?: string }).code}`,
        'Look at DATABASE_URL, at the network between, and at the log of PostgreSQL.',
      ),
    );
  } finally {
    await pool.end();
  }
  return findings;
}

async function ask(settings: Settings, databaseUrl: string, pool: Pool, findings: Finding[]): Promise<void> {
  const { findings: ofServer, server } = await checkServer(pool);
  findings.push(...ofServer, await checkListening(databaseUrl, pool));
  const schema = await checkSchema(pool);
  findings.push(schema);
  // The tables of another version mean something else.
  if (schema.level === 'bad') return;
  const { databaseConnections: connections } = settings;
  findings.push(...(await checkTables(pool, server, { connections, version: VERSION })));
  findings.push(...(await checkWork(pool)), await checkKeys(settings, pool));
}

async function checkKeys({ masterKey, formerMasterKeys, dataDir }: Settings, pool: Pool): Promise<Finding> {
  const own = masterKey !== '' ? masterKey : keptIn(dataDir, 'master-key');
  const fingerprint = (key: string) => fingerprintOf(masterKeyFrom(key));
  const { pinned, rows } = await masterKeysOf(pool);
  return judgeKeys({
    own: own === null ? null : fingerprint(own),
    former: [...formerMasterKeys, ...keptMasterKeys(dataDir)].map(fingerprint),
    pinned,
    rows,
  });
}
