/**
 * Servers one comes back to, in `$XDG_CONFIG_HOME/orrery/profiles.json` (else `~/.config/orrery`), readable by its
 * owner alone. The file is replaced in one step, so that a killed process leaves the old or the new one.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError, ExitCode } from './errors.js';
import type { World } from './world.js';

export interface Profile {
  readonly url: string;
  readonly tenant: string;
  readonly username: string | null;
  readonly password?: string;
  readonly token?: string;
  readonly caFile?: string;
}

export interface StoredProfiles {
  readonly current: string | null;
  readonly profiles: Readonly<Record<string, Profile>>;
}

export class Profiles {
  readonly file: string;

  constructor(private readonly world: World) {
    const base = world.env.XDG_CONFIG_HOME || join(world.home, '.config');
    this.file = join(base, 'orrery', 'profiles.json');
  }

  /** Nothing stored is no trouble; a file that cannot be understood is. */
  read(): StoredProfiles {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, profiles: {} };
      throw new CliError(`${this.file} cannot be read: ${(cause as Error).message}`, ExitCode.usage);
    }
    this.warnWhenOpen();
    try {
      const parsed = JSON.parse(text) as Partial<StoredProfiles>;
      if (typeof parsed !== 'object' || parsed === null) throw new Error('not an object');
      return { current: parsed.current ?? null, profiles: parsed.profiles ?? {} };
    } catch (cause) {
      throw new CliError(
        `${this.file} is not what this program wrote: ${(cause as Error).message}`,
        ExitCode.usage,
        ['Mend it or take it away, then add the profiles anew'],
      );
    }
  }

  write(stored: StoredProfiles): void {
    mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
    const next = `${this.file}.${process.pid}.new`;
    rmSync(next, { force: true });
    writeFileSync(next, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(next, this.file);
  }

  private warnWhenOpen(): void {
    if (process.platform === 'win32') return;
    const mode = statSync(this.file).mode & 0o077;
    if (mode !== 0) {
      this.world.stderr.write(
        `warning: others can read ${this.file}; close it with: chmod 600 ${this.file}\n`,
      );
    }
  }
}
