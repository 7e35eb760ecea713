/**
 * Processes of this host: who they are, and ending a whole tree of them.
 *
 * A script's processes are found in four ways, because each alone misses some: the process group, the session, the
 * chain of parents, and a mark in the environment that every descendant inherits (also one that was re-parented by a
 * double fork). Only a process that both left its parents and cleared its environment escapes.
 *
 * A process is named by its id *and* its start time, so a number that has been given to somebody else is never ended.
 * Where there is no /proc (macOS), only the process group is known.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since the boot, as /proc says it. */
  readonly startTime: string;
}

interface ProcessRow extends ProcessIdentity {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
}

/** The process's identity; null when it does not run (a zombie does not) or when this host has no /proc. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const row = await readRow(pid);
  return row === null || row.state === 'Z' ? null : { pid, startTime: row.startTime };
}

/** Names the boot and the set of process numbers this process lives in; numbers of another place mean nothing here. */
export async function processPlace(): Promise<string> {
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
    readlink('/proc/self/ns/pid').catch(() => ''),
  ]);
  return `${boot.trim()} ${namespace}`.trim();
}

/** What belongs to one run of a script. */
export interface ProcessTree {
  /** Leader of the process group and session; null when it is not known (any more). */
  readonly leader: ProcessIdentity | null;
  /** `NAME=value` in the environment of every process of the run. */
  readonly mark: string;
}

/**
 * Ends a tree: SIGTERM, then after `grace` milliseconds (or as soon as `hurry` is aborted) SIGKILL, again and again until nothing is left of it.
 * Returns whether nothing is left; false after `patience` milliseconds beyond the grace.
 */
export async function endTree(
  tree: ProcessTree,
  options: { readonly grace: number; readonly patience?: number; readonly hurry?: AbortSignal },
): Promise<boolean> {
  const start = performance.now();
  const asked = new Set<string>();
  const marks = new Map<string, boolean>();
  let pause = 5;
  while (true) {
    const elapsed = performance.now() - start;
    const force = elapsed >= options.grace || options.hurry?.aborted === true;
    const living = await membersOf(tree, marks);
    if (living.length === 0) return true;
    if (elapsed > options.grace + (options.patience ?? 10_000)) return false;
    for (const one of living) {
      const key = nameOf(one);
      if (!force && asked.has(key)) continue;
      asked.add(key);
      send(one.pid, force ? 'SIGKILL' : 'SIGTERM');
    }
    await sleep(pause);
    pause = Math.min(pause * 2, 100);
  }
}

/** Ends a process group without knowing its members: all that is possible without /proc. */
export function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  send(-leader, signal);
}

export async function hasProc(): Promise<boolean> {
  return (await readRow(process.pid)) !== null;
}

/** Living members of the tree. */
async function membersOf(tree: ProcessTree, marks: Map<string, boolean>): Promise<ProcessIdentity[]> {
  const rows = await readRows();
  const { leader } = tree;
  // Members of a group keep its number reserved, so a leader that is gone still names its group; a number that now
  // leads something else is told by its start time.
  const stranger = leader !== null && rows.some((row) => row.pid === leader.pid && !same(row, leader));
  const found = new Map<number, ProcessRow>();
  const take = (row: ProcessRow) => {
    if (row.pid !== process.pid) found.set(row.pid, row);
  };
  // A mark is looked for once per process: it is inherited, not acquired.
  const unseen = rows.filter((row) => !marks.has(nameOf(row)));
  await Promise.all(unseen.map(async (row) => marks.set(nameOf(row), await hasMark(row.pid, tree.mark))));
  rows.forEach((row) => {
    if (marks.get(nameOf(row))) take(row);
    if (leader !== null && !stranger && (row.group === leader.pid || row.session === leader.pid)) take(row);
  });
  const children = groupByParent(rows);
  const queue = [...found.values()];
  for (let row = queue.pop(); row !== undefined; row = queue.pop()) {
    for (const child of children.get(row.pid) ?? []) {
      if (found.has(child.pid)) continue;
      take(child);
      queue.push(child);
    }
  }
  return [...found.values()].filter((row) => row.state !== 'Z' && row.state !== 'X');
}

function groupByParent(rows: readonly ProcessRow[]): Map<number, ProcessRow[]> {
  const groups = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const group = groups.get(row.parent);
    if (group === undefined) groups.set(row.parent, [row]);
    else group.push(row);
  }
  return groups;
}

async function readRows(): Promise<ProcessRow[]> {
  const names = await readdir('/proc').catch(() => []);
  const rows = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((name) => readRow(+name)));
  return rows.filter((row) => row !== null);
}

async function readRow(pid: number): Promise<ProcessRow | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // pid (comm) state ppid pgrp session … starttime is field 22; comm may hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return null;
  return { pid, state, parent: Number(parent), group: Number(group), session: Number(session), startTime };
}

/** False also for processes of other users, whose environment we may not read. */
async function hasMark(pid: number, mark: string): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  return `\0${environment}`.includes(`\0${mark}\0`);
}

function nameOf({ pid, startTime }: ProcessIdentity): string {
  return `${pid} ${startTime}`;
}

function same(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTime === b.startTime;
}

function send(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile, or not ours to end: the next look tells.
  }
}
