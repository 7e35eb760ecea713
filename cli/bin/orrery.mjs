#!/usr/bin/env node
// The program that npm links. It is there before anything is built, because npm links only what is there when it
// installs; what it starts is built from cli/src.
import { existsSync } from 'node:fs';

const program = new URL('../build/src/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('orrery is not built yet: run "npm start" once, or "npm ci && npm run build".\n');
  process.exitCode = 1;
}
