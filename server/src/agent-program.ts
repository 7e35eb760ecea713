/**
 * The agent of a host: the program that `plugins/agent/` sends there. A worker elsewhere, and nothing else of Orrery; bundled into one file
 * by `scripts/build.mjs`.
 */
import { loadSettings } from './config.js';
import { AGENT_PLUGIN, RESTART } from './plugins/agent/agent-words.js';
import type { Plugin } from './plugins/plugin.js';
import { startRemoteWorker } from './remote-worker.js';

/** Its credentials are good no longer: whoever keeps it running should not. */
const REFUSED = 3;

const stopping = new AbortController();
let stop: () => Promise<void> = async () => {};

/** What is asked of an agent itself. What keeps it running starts it again. */
const itself: Plugin = {
  name: AGENT_PLUGIN,
  describe: (functionName) => (functionName === RESTART ? { resumable: true } : null),
  async run() {
    // The outcome is delivered before the end.
    setImmediate(() => end());
    return { kind: 'done', result: null };
  },
};

function end(): void {
  if (stopping.signal.aborted) return;
  stopping.abort();
  stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
}

process.on('SIGTERM', end);
process.on('SIGINT', end);
try {
  const passEnvironment = (process.env.ORRERY_AGENT_ENVIRONMENT ?? '')
    .split(',')
    .filter((name) => name !== '');
  const worker = await startRemoteWorker(loadSettings().settings, stopping.signal, {
    plugins: [itself],
    passEnvironment,
  });
  stop = () => worker.stop();
  if (stopping.signal.aborted) await stop().finally(() => process.exit(0));
  await worker.refused;
  process.exit(REFUSED);
} catch (error) {
  if (stopping.signal.aborted) process.exit(0);
  process.stderr.write(`The agent cannot work: ${(error as Error).message}\n`);
  process.exit(/credentials/.test((error as Error).message) ? REFUSED : 1);
}
