/**
 * Every setting: its name in the environment and in the file, its default, its reason.
 *
 * A value comes from the environment, else from the file (`ORRERY_CONFIG`, else `orrery.yaml`, `orrery.yml` or
 * `orrery.json` in the data folder), else it is the default. `orrery config` prints all of them with their source, secrets
 * masked. docs/configuration.md is written from this table, and a test keeps them equal.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { SELF_SERVICE_SETTINGS } from './self-service-settings.js';
import { list, matching, oneOf, type Setting, text, toggle, whole } from './setting.js';
import { SIGN_IN_SETTINGS } from './sign-in-settings.js';
import { WORKER_SETTINGS } from './worker-settings.js';

/** A setting cannot be what it is. The message names the setting, what it was and what would be right. */
export class SettingError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SettingError';
  }
}

const MB = 1024 * 1024;

export const SETTINGS = {
  host: text(
    'ORRERY_HOST',
    '127.0.0.1',
    'an address of this machine',
    'only this machine, until somebody decides otherwise',
  ),
  port: whole('ORRERY_PORT', 8080, 0, 65535, 'the usual second door of the web; 0 takes any free port'),
  role: oneOf(
    'ORRERY_ROLE',
    ['all', 'api', 'worker', 'remote-worker'],
    'all',
    'one process does everything; several machines split it',
  ),
  dataDir: text(
    'ORRERY_DATA_DIR',
    join(home(), '.orrery'),
    'a folder',
    'what Orrery keeps outside the database: the embedded PostgreSQL, keys, the log',
  ),
  databaseUrl: matching(
    'DATABASE_URL',
    '',
    /^postgres(ql)?:\/\//,
    'postgresql://user:password@host:port/database',
    'empty: the embedded PostgreSQL; set: that one (15 or newer), and several machines may share it',
    { secret: true },
  ),
  nodeName: matching(
    'ORRERY_NODE_NAME',
    '',
    /^[A-Za-z][A-Za-z0-9_.~-]{0,255}$/,
    'a name: a letter, then letters, digits and - . _ ~',
    'what this node of the cluster is called when it first comes; empty: the name of the machine',
  ),
  joinCredentials: text(
    'ORRERY_JOIN_CREDENTIALS',
    '',
    'what adding a node has told',
    'with these a node joins an initialised cluster when it starts; without a meaning once it has joined',
    { secret: true },
  ),
  databaseConnections: whole(
    'ORRERY_DATABASE_CONNECTIONS',
    20,
    4,
    500,
    'more in flight than two cores can serve only queue inside PostgreSQL',
  ),
  adminPassword: text(
    'ORRERY_ADMIN_PASSWORD',
    '',
    'a text',
    'empty: a random one at the first start, shown once and kept in the file admin-password of the data folder',
    { secret: true },
  ),
  masterKey: matching(
    'ORRERY_MASTER_KEY',
    '',
    /^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)$/,
    '32 bytes in hexadecimal or base64',
    'encrypts kept secrets; empty: a random one, in the file master-key of the data folder. Several machines need the same',
    { secret: true },
  ),
  formerMasterKeys: list(
    'ORRERY_FORMER_MASTER_KEYS',
    /^([0-9a-fA-F]{64}|[A-Za-z0-9+/]{43}=)$/,
    '32 bytes in hexadecimal or base64, separated by commas',
    'still open what was kept under them, until rotate-master-key has moved it under ORRERY_MASTER_KEY',
    { secret: true },
  ),
  demo: toggle(
    'ORRERY_DEMO',
    true,
    'an empty store installs examples/hello-world, so that there is something to see',
  ),
  endpointAllowlist: list(
    'CLOUD_ENDPOINT_ALLOWLIST',
    /^(\[[0-9a-fA-F:.]+\]|[^\s:,[\]]+):(\*|\d{1,5})$/,
    'host:port, separated by commas; * is any port',
    'private or loopback addresses the server may contact for a user (archives, webhooks, clouds); empty: none',
  ),
  trustedProxies: list(
    'ORRERY_TRUSTED_PROXIES',
    /^[0-9a-fA-F:.]+(\/\d{1,3})?$/,
    'addresses or networks (10.0.0.0/8), separated by commas',
    'only these may say with X-Forwarded-For whom they speak for; empty: nobody',
  ),
  logLevel: oneOf(
    'ORRERY_LOG_LEVEL',
    ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    'info',
    'one line for each request and each change of state',
  ),
  logTo: text(
    'ORRERY_LOG_TO',
    'auto',
    'auto, stderr, or a file',
    'auto: standard error, and orrery.log of the data folder where that is a terminal, which people read',
  ),
  workerConcurrency: whole(
    'ORRERY_WORKER_CONCURRENCY',
    64,
    1,
    5000,
    'operations one worker has in flight; most of them wait for the world',
  ),
  workerExecutions: whole(
    'ORRERY_WORKER_EXECUTIONS',
    100,
    1,
    10_000,
    'executions one worker walks at once, each with its graph in memory; the others wait as rows',
  ),
  maxRunning: whole(
    'ORRERY_MAX_RUNNING',
    0,
    0,
    1_000_000,
    'executions that run at once on all workers together; 0: as many as the workers take',
  ),
  tenantMaxRunning: whole(
    'ORRERY_TENANT_MAX_RUNNING',
    0,
    0,
    1_000_000,
    'of these, how many one tenant may have, unless it has a limit of its own; 0: any number, and tenants take turns',
  ),
  tenantMaxWaiting: whole(
    'ORRERY_TENANT_MAX_WAITING',
    100_000,
    0,
    100_000_000,
    'executions of one tenant that may wait, unless it has a limit of its own; more are refused, not forgotten; 0: any number',
  ),
  leaseSeconds: whole(
    'ORRERY_LEASE_SECONDS',
    8,
    2,
    600,
    'how long a silent worker keeps its operations: short enough to go on soon, longer than a slow moment',
  ),
  ...SIGN_IN_SETTINGS,
  ...WORKER_SETTINGS,
  ...SELF_SERVICE_SETTINGS,
  taskRetries: whole('ORRERY_TASK_RETRIES', 60, -1, 100_000, 'as Cloudify; -1 tries for ever'),
  taskRetryInterval: whole('ORRERY_TASK_RETRY_INTERVAL', 15, 0, 86_400, 'seconds between tries, as Cloudify'),
  bodyBytes: whole(
    'ORRERY_BODY_BYTES',
    8 * MB,
    1024,
    1024 * MB,
    'the longest JSON body; archives are streamed instead',
  ),
  archiveBytes: whole(
    'ORRERY_ARCHIVE_BYTES',
    256 * MB,
    1024,
    64 * 1024 * MB,
    'the largest archive one may upload or have fetched',
  ),
  archiveUnpackedBytes: whole(
    'ORRERY_ARCHIVE_UNPACKED_BYTES',
    1024 * MB,
    1024,
    256 * 1024 * MB,
    'an archive that unpacks to more is a bomb',
  ),
  archiveEntries: whole('ORRERY_ARCHIVE_ENTRIES', 20_000, 1, 10_000_000, 'files in one archive'),
  snapshotBytes: whole(
    'ORRERY_SNAPSHOT_BYTES',
    16 * 1024 * MB,
    1024,
    1024 * 1024 * MB,
    'the largest snapshot one may upload or have fetched',
  ),
  requestSeconds: whole(
    'ORRERY_REQUEST_SECONDS',
    600,
    1,
    86_400,
    'how long a request may take to arrive whole: a large archive over a slow line',
  ),
  python: text(
    'ORRERY_PYTHON',
    'python3',
    'a program on the PATH, or a path',
    'runs uploaded plugins; Python 3.8 or newer with venv. Everything else works without',
  ),
  eventRetentionDays: whole(
    'ORRERY_EVENT_RETENTION_DAYS',
    90,
    0,
    36_500,
    'events and logs are dropped by whole weeks once the last of a week is older; a quarter lets one look back at the change before the last. 0 keeps them for ever',
  ),
  tracesUrl: matching(
    'ORRERY_TRACES_URL',
    '',
    /^https?:\/\/\S+$/,
    'http://host:4318/v1/traces or https://…',
    'a collector of OpenTelemetry that is told spans of requests, executions and operations over OTLP/HTTP (JSON); empty: nothing is traced, which costs nothing',
  ),
  tracesHeaders: text(
    'ORRERY_TRACES_HEADERS',
    '',
    'name=value,name=value',
    'headers that the collector wants to see, such as a key',
    { secret: true },
  ),
  tracesPercent: whole(
    'ORRERY_TRACES_PERCENT',
    100,
    0,
    100,
    'how many of the traces that begin here are told; what came with a decision keeps it',
  ),
  pythonWheels: text(
    'ORRERY_PYTHON_WHEELS',
    '',
    'a folder',
    'wheels that every plugin may use beside those of its wagon, such as cloudify-common; empty: none',
  ),
  apiUrl: matching(
    'ORRERY_API_URL',
    '',
    /^https?:\/\/[^\s/?#]+\/?$/,
    'http://host:port or https://host:port',
    'where plugins on a worker find the API; empty: in this process, and nowhere for one that is only a worker',
  ),
  stopSeconds: whole(
    'ORRERY_STOP_SECONDS',
    20,
    0,
    3600,
    'after SIGTERM, how long requests and operations in flight may still take',
  ),
} as const;

export type SettingKey = keyof typeof SETTINGS;
export type Settings = {
  readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never;
};

/** Settings, and for each where its value is from: `default`, the variable's name, or the file. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly sources: Readonly<Record<SettingKey, string>>;
  /** Variables that begin with ORRERY_ and mean nothing: a slip of the pen, most likely. */
  readonly unknownVariables: readonly string[];
}

/** For the command line and for tests; not settings of the server. */
const OTHER_VARIABLES = /^ORRERY_(CONFIG|PROFILE|USERNAME|PASSWORD|TENANT|TOKEN|TEST_\w+|BENCH_\w+)$/;

const KEYS = Object.keys(SETTINGS) as SettingKey[];

/** @throws SettingError */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): LoadedSettings {
  const values: Partial<Record<SettingKey, unknown>> = {};
  const sources: Partial<Record<SettingKey, string>> = {};
  for (const key of KEYS) {
    values[key] = SETTINGS[key].default;
    sources[key] = 'default';
  }
  const fromEnvironment = (key: SettingKey) => {
    const given = env[SETTINGS[key].env];
    if (given === undefined || given === '') return;
    values[key] = read(key, given, SETTINGS[key].env);
    sources[key] = SETTINGS[key].env;
  };
  // The file lies in the data folder, so that one is settled first.
  fromEnvironment('dataDir');
  const file = settingsFile(env.ORRERY_CONFIG, resolve(values.dataDir as string));
  for (const [key, given] of Object.entries(file?.values ?? {})) {
    if (!(KEYS as string[]).includes(key)) throw unknownKey(key, file!.path);
    if (given === null) continue;
    values[key as SettingKey] = read(key as SettingKey, asText(given), `${key} in ${file!.path}`);
    sources[key as SettingKey] = file!.path;
  }
  for (const key of KEYS) fromEnvironment(key);
  values.dataDir = resolve(values.dataDir as string);
  const known = new Set<string>(KEYS.map((key) => SETTINGS[key].env));
  return {
    settings: values as Settings,
    sources: sources as Record<SettingKey, string>,
    unknownVariables: Object.keys(env).filter(
      (name) => name.startsWith('ORRERY_') && !known.has(name) && !OTHER_VARIABLES.test(name),
    ),
  };
}

function read(key: SettingKey, given: string, where: string): unknown {
  const setting: Setting<unknown> = SETTINGS[key];
  const value = setting.read(given.trim());
  if (value !== undefined) return value;
  const shown = setting.secret ? 'what it is' : JSON.stringify(given);
  throw new SettingError(`${where} cannot be ${shown}: it should be ${setting.form}`);
}

function settingsFile(named: string | undefined, dataDir: string): { path: string; values: object } | null {
  const path =
    named !== undefined && named !== ''
      ? resolve(named)
      : ['orrery.yaml', 'orrery.yml', 'orrery.json'].map((name) => join(dataDir, name)).find(existsSync);
  if (path === undefined) return null;
  let values: unknown;
  try {
    // JSON is YAML too.
    values = load(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new SettingError(`the settings file ${path} cannot be read: ${(error as Error).message}`);
  }
  if (values === undefined || values === null) return { path, values: {} };
  if (typeof values !== 'object' || Array.isArray(values)) {
    throw new SettingError(`the settings file ${path} should be a list of "name: value"`);
  }
  if ('dataDir' in values && (named === undefined || named === '')) {
    throw new SettingError(`dataDir cannot be set in ${path}, which lies in it: use ORRERY_DATA_DIR`);
  }
  return { path, values };
}

function asText(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

function unknownKey(key: string, path: string): SettingError {
  const near = KEYS.find((known) => known.toLowerCase() === key.toLowerCase() || SETTINGS[known].env === key);
  const hint = near === undefined ? `known are ${KEYS.join(', ')}` : `did you mean ${near}?`;
  return new SettingError(`${key} in ${path} is no setting: ${hint}`);
}

/** Root of data by default; `HOME` may be absent or empty in a service. */
function home(): string {
  const named = homedir();
  return isAbsolute(named) ? named : userInfo().homedir;
}

/** `orrery config`: a line for each setting, secrets masked. */
export function describeSettings({ settings, sources }: LoadedSettings): string {
  const lines = KEYS.map((key) => {
    const { env, secret, reason } = SETTINGS[key];
    const value = settings[key];
    const shown =
      secret && String(value) !== '' ? '********' : Array.isArray(value) ? value.join(',') : String(value);
    return { name: env, key, shown: shown === '' ? '(empty)' : shown, source: sources[key], reason };
  });
  const width = (column: (line: (typeof lines)[number]) => string) =>
    Math.max(...lines.map((line) => column(line).length));
  const names = width((line) => line.name);
  const keys = width((line) => line.key);
  const values = width((line) => line.shown);
  return lines
    .map((line) => {
      const source = line.source === line.name ? 'environment' : line.source;
      const head = `${line.name.padEnd(names)}  ${line.key.padEnd(keys)}  ${line.shown.padEnd(values)}  ${source}`;
      return `${head}\n${' '.repeat(names + 2)}${line.reason}\n`;
    })
    .join('');
}
