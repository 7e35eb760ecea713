/** Questions to a person at a terminal. */

import { CliError, ExitCode, UsageError } from './errors.js';
import type { World } from './world.js';

/** Reads a line without showing it. Throws `UsageError` where nobody can type. */
export async function askHidden(world: World, question: string): Promise<string> {
  const { stdin, stderr } = world;
  if (!stdin.isTTY) {
    throw new UsageError('A password is needed, and there is no terminal to type it at.', [
      'Give it in a file: --password-file FILE (or - for standard input)',
    ]);
  }
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.resume();
  stdin.setEncoding('utf8');
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = '';
      const onData = (data: string): void => {
        for (const character of data) {
          if (character === '\r' || character === '\n' || character === '\u0004') {
            stdin.off('data', onData);
            resolve(typed);
            return;
          }
          if (character === '\u0003') {
            stdin.off('data', onData);
            reject(new CliError('Interrupted.', ExitCode.interrupted));
            return;
          }
          if (character === '\u007f' || character === '\b') typed = [...typed].slice(0, -1).join('');
          else if (character === '\u0015') typed = '';
          else if (character >= ' ') typed += character;
        }
      };
      stdin.on('data', onData);
    });
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}
