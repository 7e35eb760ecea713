/**
 * Ends what a benchmark has started when the benchmark ends, however it does: an embedded PostgreSQL, and servers over it, outlive
 * whoever started them. A process beside it waits for the end of a pipe that only the benchmark holds, and then ends whatever
 * names the benchmark's folder in its arguments or its environment. Where there is no /proc, nothing is ended.
 */
import { spawn } from 'node:child_process';

/** Runs in the process beside. */
const WATCH = `
const { readdirSync, readFileSync, rmSync } = require('node:fs');
const folder = process.argv[1];
const text = (pid, name) => {
  try { return readFileSync('/proc/' + pid + '/' + name, 'latin1'); } catch { return ''; }
};
const left = () => readdirSync('/proc').filter((pid) =>
  /^[0-9]+$/.test(pid) && pid !== String(process.pid) && (text(pid, 'cmdline') + text(pid, 'environ')).includes(folder));
process.stdin.resume().once('close', () => {
  const end = () => {
    for (const pid of left()) {
      // PostgreSQL ends its own processes, and gives its memory back.
      const signal = text(pid, 'cmdline').includes('/postgres\\0') ? 'SIGQUIT' : 'SIGKILL';
      try { process.kill(Number(pid), signal); } catch {}
    }
    if (left().length > 0) return setTimeout(end, 100);
    rmSync(folder, { recursive: true, force: true });
  };
  end();
});
`;

/** @param folder of the benchmark alone; it is removed too */
export function endsWithUs(folder: string): void {
  // In a session of its own: what ends a whole group of processes leaves it.
  const watch = spawn(process.execPath, ['-e', WATCH, folder], {
    detached: true,
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watch.unref();
  (watch.stdin as unknown as { unref(): void }).unref();
}
