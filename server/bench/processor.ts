/** Processor time: what a figure cost, whatever else the machine was doing. Linux only; NaN elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in `/proc`; the same on every Linux that Node runs on. */
const TICKS = 100;

export interface Processor {
  /** Seconds of user and system time of this process, since it began. */
  readonly node: number;
  /** Of a PostgreSQL and all processes that it has started and not yet lost. */
  readonly postgres: number;
}

/** @param postmaster process id of the server; 0: none */
export function processorTime(postmaster: number): Processor {
  const { user, system } = process.cpuUsage();
  return { node: (user + system) / 1e6, postgres: postmaster === 0 ? Number.NaN : familyTime(postmaster) };
}

/** Seconds of processor time of the process `root` and its children. */
export function familyTime(root: number): number {
  try {
    let ticks = 0;
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = statOf(name);
      if (stat !== null && (Number(name) === root || stat.parent === root)) ticks += stat.ticks;
    }
    return ticks / TICKS;
  } catch {
    return Number.NaN;
  }
}

/** Bytes of memory that the process holds now, and the most it has held. */
export function memoryOf(pid: number): { readonly now: number; readonly most: number } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
    return { now: kilobytes('VmRSS') * 1024, most: kilobytes('VmHWM') * 1024 };
  } catch {
    return { now: Number.NaN, most: Number.NaN };
  }
}

/** Bytes that belong to one child of the process `root` alone, without what they share: the most of any of them now. */
export function largestOwn(root: number): number {
  let most = 0;
  try {
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name) || statOf(name)?.parent !== root) continue;
      const own = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
      most = Math.max(most, Number(own ?? 0) * 1024);
    }
  } catch {
    // One that has ended while it was looked at.
  }
  return most;
}

function statOf(pid: string): { parent: number; ticks: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name may hold anything, blanks and brackets too; it ends with the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}
