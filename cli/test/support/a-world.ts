/** A world to run the program in: its own home folder, its output kept, a terminal if wanted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../../src/world.js';

export interface HeldWorld extends World {
  readonly out: () => string;
  readonly err: () => string;
  /** As if Ctrl-C were pressed. */
  interrupt(): void;
  remove(): void;
}

export function aWorld(
  options: { env?: NodeJS.ProcessEnv; terminal?: number; cwd?: string; now?: () => number } = {},
): HeldWorld {
  const home = mkdtempSync(join(tmpdir(), 'orrery-cli-'));
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  const terminal = options.terminal === undefined ? {} : { isTTY: true, columns: options.terminal };
  return {
    env: { LANG: 'C.UTF-8', ...options.env },
    cwd: options.cwd ?? home,
    home,
    stdin: process.stdin,
    stdout: {
      write: (text: string) => {
        out += text;
      },
      ...terminal,
    },
    stderr: {
      write: (text: string) => {
        err += text;
      },
      ...terminal,
    },
    now: options.now ?? Date.now,
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    interrupt() {
      for (const listener of [...listeners]) listener();
    },
    out: () => out,
    err: () => err,
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
