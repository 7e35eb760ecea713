/**
 * What the operating system says about processes.
 *
 * A zombie (killed, not yet collected by its parent) still answers signal 0, which is why PostgreSQL takes a lock file
 * that names one for a living server. In containers without an init it may stay a zombie for ever. We look closer.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether `pid` runs: exists and is no zombie. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const state = stat.charAt(stat.lastIndexOf(')') + 2);
    return state !== 'Z' && state !== 'X';
  } catch {
    // No /proc (macOS): believe the signal.
    return process.platform !== 'linux';
  }
}

/**
 * Running processes whose working folder is `folder`: every PostgreSQL process, main or child, stands in its data
 * folder. Null where the system cannot tell.
 */
export function processesIn(folder: string): number[] | null {
  if (process.platform !== 'linux') return null;
  const found: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readlinkSync(`/proc/${entry}/cwd`) === folder && isRunning(Number(entry)))
        found.push(Number(entry));
    } catch {
      // Gone meanwhile, or another account's: PostgreSQL on our folder runs under an account we can see.
    }
  }
  return found;
}
