/**
 * Starts Orrery: `start` (the default), or `config`, `doctor`, `migrate` or `rotate-master-key`.
 *
 * Standard output belongs to one line, `Orrery is ready at http://HOST:PORT`, said once the process accepts work. What
 * a person should read goes to standard error, and so does the log (log.ts).
 */
import { describeSettings, type LoadedSettings, loadSettings, SettingError } from './config.js';
import { EmbeddedPostgresError } from './embedded-postgres/trouble.js';
import { DomainError } from './errors.js';
import { SchemaMismatch } from './store/migrate.js';

const USAGE = `Usage: node server/build/src/main.js [command]

  start     serve and work, as ORRERY_ROLE says (default)
  migrate   bring the database to this version, then end
  rotate-master-key
            put all secrets under a new master key, then end; servers may go on meanwhile
  doctor    check this installation and say what is not well, and the way out; --json for programs.
            Ends with 0 when nothing is bad, else with 1
  config    print every setting, its source and its reason
  help      this
`;

async function main(command: string): Promise<void> {
  switch (command) {
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(USAGE);
      return;
    case 'config':
      process.stdout.write(describeSettings(loadSettings()));
      return;
    case 'migrate': {
      const { migrateOnce } = await import('./running-server.js');
      const applied = await migrateOnce(loadSettings().settings);
      process.stderr.write(
        applied.length === 0
          ? 'Nothing to do: the database is up to date.\n'
          : `Applied ${applied.join(', ')}.\n`,
      );
      return;
    }
    case 'rotate-master-key': {
      const { rotateMasterKeyOnce } = await import('./running-server.js');
      const { fingerprint, moved, formerKeysFile } = await rotateMasterKeyOnce(
        loadSettings().settings,
        (rows) => process.stderr.write(`${rows} secrets moved …\n`),
      );
      process.stderr.write(`All secrets are under the master key ${fingerprint} (moved: ${moved}).\n`);
      if (formerKeysFile !== null)
        process.stderr.write(
          `The keys before it are in ${formerKeysFile}: snapshots made until now need them.\n`,
        );
      return;
    }
    case 'doctor': {
      const { examine } = await import('./doctor.js');
      const { findings, text } = await examine(loadSettings().settings, process.argv.includes('--json'));
      process.stdout.write(text);
      process.exitCode = findings.some(({ level }) => level === 'bad') ? 1 : 0;
      return;
    }
    case 'start':
      await start(loadSettings());
      return;
    default:
      process.stderr.write(`Orrery knows no command "${command}".\n\n${USAGE}`);
      process.exitCode = 2;
  }
}

async function start(loaded: LoadedSettings): Promise<void> {
  for (const name of loaded.unknownVariables) {
    process.stderr.write(`Note: ${name} is no setting of Orrery; "config" lists them.\n`);
  }
  const stopping = new AbortController();
  let server: { stop(): Promise<void> } | undefined;
  const stop = (signal: NodeJS.Signals) => {
    // The second time is somebody who will not wait.
    if (stopping.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopping.abort();
    void finish();
  };
  const finish = async () => {
    try {
      await server?.stop();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`Orrery did not stop cleanly: ${(error as Error).message}\n`);
      process.exit(1);
    }
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  if (process.env.npm_lifecycle_event !== undefined) onParentGone(() => stop('SIGTERM'));
  server = loaded.settings.role === 'remote-worker' ? await workElsewhere() : await serve();
  if (stopping.signal.aborted) await finish();

  async function serve() {
    const { startServer } = await import('./running-server.js');
    return startServer(loaded.settings, {
      tell: (sentence) => process.stderr.write(`${sentence}\n`),
      ready: (url) => process.stdout.write(`Orrery is ready at ${url}\n`),
    });
  }

  async function workElsewhere() {
    const { startRemoteWorker } = await import('./remote-worker.js');
    const worker = await startRemoteWorker(loaded.settings, stopping.signal);
    process.stdout.write(`Orrery works for ${worker.url}\n`);
    void worker.refused.then(() => {
      process.stderr.write('The credentials of this worker were revoked.\n');
      process.exit(3);
    });
    return worker;
  }
}

/** `npm start` that is killed cannot pass a signal on; its server should not stay behind, holding the port. */
function onParentGone(work: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    work();
  }, 250);
  timer.unref();
}

/** Trouble that a person can mend is told in a sentence; anything else is a bug and shows where it is. */
function explain(error: unknown): string {
  if (error instanceof SettingError || error instanceof EmbeddedPostgresError) return error.message;
  if (error instanceof SchemaMismatch) return error.message;
  // Of a start the only request is its settings', and the only one that can be refused is the password.
  if (error instanceof DomainError) return `ORRERY_ADMIN_PASSWORD is no good: ${error.message}`;
  const { code, message, port } = error as { code?: string; message?: string; port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is taken: set ORRERY_PORT to another one, or to 0 for any`;
  if (code === 'EACCES' && port !== undefined)
    return `port ${port} is not allowed: set ORRERY_PORT above 1023`;
  if (code === 'EADDRNOTAVAIL') return `${message}: set ORRERY_HOST to an address of this machine`;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === '28P01' || code === '3D000') {
    return `the database of DATABASE_URL cannot be used: ${message}`;
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await main(process.argv[2] ?? 'start');
} catch (error) {
  process.stderr.write(`Orrery cannot start: ${explain(error)}\n`);
  process.exit(1);
}
