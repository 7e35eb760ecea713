#!/usr/bin/env node
import { enableCompileCache } from './compile-cache.js';

enableCompileCache();
const [{ run }, { homedir }] = await Promise.all([import('./run.js'), import('node:os')]);

for (const stream of [process.stdout, process.stderr]) {
  // `orrery … | head` closes the pipe early; that is the reader's right, not an error.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  // Standard input is opened only by what reads it: a pipe that is never read would keep the process alive.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  onInterrupt(listener) {
    process.on('SIGINT', listener);
    return () => process.off('SIGINT', listener);
  },
});
