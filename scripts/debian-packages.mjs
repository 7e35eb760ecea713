// Packages of Debian that a suite needs beside Node: installed where what they bring is not there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** What a suite needs is not to be had. */
export class Missing extends Error {}

/** A package of Debian, where what it brings is not there. */
export function installDebian({ file, package: name }) {
  if (existsSync(file)) return;
  process.stderr.write(`Installing ${name} …\n`);
  const why = `${name} could not be installed: the suite needs ${file}`;
  // At this run level no service of the package is started.
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '--no-install-recommends', name];
  const installed = spawnSync('apt-get', install, { env, stdio: 'ignore' });
  if (installed.status === 0 && existsSync(file)) return;
  spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
  const again = spawnSync('apt-get', install, { env, encoding: 'utf8' });
  if (again.status !== 0 || !existsSync(file))
    throw new Missing(`${why}\n${again.stderr ?? again.error?.message}`);
}
