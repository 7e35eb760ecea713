/** What a client can see of an installation; the server's own `doctor` sees the rest. */
import { readFileSync } from 'node:fs';
import type { Client } from '../api/client.js';
import type { Page } from '../api/wire.js';
import type { Command } from '../command.js';
import { ApiError, CliError } from '../errors.js';
import { clean } from '../terminal/text.js';

type Level = 'good' | 'note' | 'bad';

interface Finding {
  readonly check: string;
  readonly level: Level;
  readonly found: string;
  readonly remedy?: string;
}

const NODE = [20, 19] as const;
const PATIENCE = 10_000;
const TONES: Readonly<Record<Level, 'good' | 'warning' | 'bad'>> = {
  good: 'good',
  note: 'warning',
  bad: 'bad',
};

export const doctor: Record<string, Command> = {
  '': {
    summary: 'What is not well between here and the server, and the way out',
    description:
      'Checks Node, the way to the server, its readiness, the credentials and the versions. Ends with 0 when nothing is bad, else with 1. Database, workers and secrets are checked on a machine of the server: node server/build/src/main.js doctor',
    async run(call) {
      const own = versionOf(new URL('../../../package.json', import.meta.url));
      const findings: Finding[] = [judgeNode(process.versions.node)];
      try {
        findings.push(...(await ofServer(await call.client(), own)));
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        findings.push({
          check: 'server',
          level: 'bad',
          found: clean(error.message),
          remedy: error.hints.map((hint) => clean(hint)).join(' '),
        });
      }
      const page: Page<Finding> = {
        items: findings,
        metadata: { pagination: { total: findings.length, offset: 0, size: findings.length } },
      };
      await call.print.list(
        page,
        [
          { title: 'check', value: (row) => row.check },
          { title: '', value: (row) => row.level, tone: (row) => TONES[row.level] },
          { title: 'found', value: (row) => row.found, shrinks: 'first' },
        ],
        (row) => row.check,
        { one: 'check', many: 'checks' },
      );
      for (const { check, remedy } of findings) {
        if (remedy !== undefined && remedy !== '') call.world.stderr.write(`${check}: ${remedy}\n`);
      }
      return findings.some(({ level }) => level === 'bad') ? 1 : undefined;
    },
  },
};

export function judgeNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1]))
    return { check: 'node', level: 'good', found: `Node.js ${version}` };
  return {
    check: 'node',
    level: 'bad',
    found: `Node.js ${version} is older than ${NODE.join('.')}`,
    remedy: `Install Node.js ${NODE.join('.')} or newer.`,
  };
}

async function ofServer(client: Client, own: string): Promise<Finding[]> {
  const { connection } = client;
  const live = await client.send<{ version?: string }>('GET', '/health/live', {
    api: '',
    patience: PATIENCE,
  });
  const findings: Finding[] = [
    {
      check: 'server',
      level: 'good',
      found: `${connection.url} (from ${connection.urlOrigin}) answers`,
    },
    await readiness(client),
    judgeVersions(own, clean(live?.version ?? 'an unknown version')),
  ];
  try {
    await client.get('/deployments', { _size: 1 }, PATIENCE);
    const { tenant, origin } = connection;
    findings.push({ check: 'credentials', level: 'good', found: `${origin}, good in tenant ${tenant}` });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    findings.push({
      check: 'credentials',
      level: 'bad',
      found: `refused (${error.status}): ${clean(error.message)}`,
      remedy: error.hints.map((hint) => clean(hint)).join(' '),
    });
  }
  return findings;
}

async function readiness(client: Client): Promise<Finding> {
  try {
    const { status } = await client.send<{ status?: string }>('GET', '/health/ready', {
      api: '',
      patience: PATIENCE,
    });
    if (status === 'ready') return { check: 'ready', level: 'good', found: 'it is ready for work' };
    return {
      check: 'ready',
      level: 'bad',
      found: 'it does not say that it is ready',
      remedy: 'Is this the address of an Orrery server, and not of something before it?',
    };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      check: 'ready',
      level: 'bad',
      found: `it is not ready: ${clean(error.message)}`,
      remedy: 'On its machine: node server/build/src/main.js doctor',
    };
  }
}

export function judgeVersions(own: string, server: string): Finding {
  if (own === server) return { check: 'versions', level: 'good', found: `${own}, here and there` };
  return {
    check: 'versions',
    level: 'note',
    found: `${own} here, ${server} there`,
    remedy: 'Take the version of orrery that comes with the server.',
  };
}

function versionOf(file: URL): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
