import { readFileSync } from 'node:fs';
import type { Command } from '../command.js';
import { CliError } from '../errors.js';
import { clean } from '../terminal/text.js';
import type { World } from '../world.js';

function ownVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

export function printOwnVersion(world: World): number {
  world.stdout.write(`orrery ${ownVersion()}\n`);
  return 0;
}

export const version: Record<string, Command> = {
  '': {
    summary: 'Versions of this program and of the server',
    description: 'Without a server that answers, its version is left out. orrery --version never asks it.',
    async run(call) {
      const cli = ownVersion();
      let server: string | null = null;
      let trouble = '';
      try {
        const client = await call.client();
        server = (await client.get<{ version: string }>('/version', undefined, 3000)).version;
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        trouble = error.message;
      }
      await call.print.record({ cli, server, node: process.versions.node }, cli, () => [
        ['orrery', cli],
        ['server', server === null ? clean(trouble) : clean(server), server === null ? 'quiet' : 'plain'],
        ['node', process.versions.node],
      ]);
      return undefined;
    },
  },
};
