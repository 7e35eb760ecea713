/**
 * Under which account PostgreSQL runs, and what that account can reach.
 *
 * PostgreSQL refuses to run as root. So: not root, run as ourselves; root, run as the user `postgres` where the system
 * has one, else as uid 65534, which owns nothing anywhere. Root's home is usually closed to that account (0700), hence
 * the question `canReach`.
 */
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const NOBODY = 65534;

/** The account to run PostgreSQL as; null: ourselves. */
export function databaseAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  return accountNamed('postgres') ?? accountOf(NOBODY);
}

/** The account with this uid; its group is its own number where the system does not know the account. */
export function accountOf(uid: number): Account {
  const entry = passwd().find((fields) => Number(fields[2]) === uid);
  return { uid, gid: entry === undefined ? uid : Number(entry[3]) };
}

function accountNamed(name: string): Account | null {
  const entry = passwd().find((fields) => fields[0] === name);
  return entry === undefined ? null : { uid: Number(entry[2]), gid: Number(entry[3]) };
}

function passwd(): string[][] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .filter((fields) => fields.length >= 4 && fields[0] !== 'root');
  } catch {
    return [];
  }
}

/** Whether `account` may walk through every folder from the root down to and including `folder`. */
export function canReach(account: Account | null, folder: string): boolean {
  if (account === null) return true;
  for (let path = resolve(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = statSync(path);
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Makes `folder` if need be, private to `account`. */
export function privateFolder(folder: string, account: Account | null): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (account !== null) chownSync(folder, account.uid, account.gid);
  chmodSync(folder, 0o700);
}

/** Lets everybody walk through a folder of ours, without letting anybody list it. */
export function passable(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const { mode } = statSync(folder);
  if ((mode & 0o001) === 0) chmodSync(folder, (mode & 0o7777) | 0o011);
}
