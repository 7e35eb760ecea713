import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from '../command.js';
import { CliError, ExitCode } from '../errors.js';

/** The server of the checkout this program stands in. */
const SERVER = new URL('../../../../server/build/src/main.js', import.meta.url);

export const config: Record<string, Command> = {
  '': {
    summary: 'Settings of the server in this checkout, with their sources',
    description:
      'Asks the server’s program beside this one, with this environment; secrets are masked. A server that runs is not asked: it may have been started with others.',
    async run() {
      const program = fileURLToPath(SERVER);
      if (!existsSync(program)) {
        throw new CliError('There is no server beside this program.', ExitCode.failed, [
          'In a checkout it is built by: npm run build',
        ]);
      }
      const child = spawn(process.execPath, [program, 'config'], { stdio: 'inherit' });
      return new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
    },
  },
};
