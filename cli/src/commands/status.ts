import type { Command } from '../command.js';
import { ApiError } from '../errors.js';
import type { Entry } from '../output.js';
import { statusTone } from '../terminal/style.js';
import { clean } from '../terminal/text.js';

interface StatusAnswer {
  readonly status: string;
  readonly services?: Readonly<Record<string, { readonly status: string }>>;
}

interface VersionAnswer {
  readonly version: string;
  readonly edition?: string;
}

export const status: Record<string, Command> = {
  '': {
    summary: 'Is the server well, and who am I there?',
    description:
      'Exit code 0 when the server answers and accepts the credentials, 4 when it does not answer, 5 when it refuses them.',
    async run(call) {
      const client = await call.client();
      const { connection } = client;
      const [answer, version] = await Promise.all([
        client.get<StatusAnswer>('/status', undefined, 10_000),
        client.get<VersionAnswer>('/version', undefined, 10_000),
      ]);
      // An older server may not tell who asks; then what we sent is told.
      const self = await client
        .get<{ username?: string }>('/user', undefined, 10_000)
        .catch((error: unknown): { username?: string } => {
          if (error instanceof ApiError) return {};
          throw error;
        });
      const { credentials } = connection;
      const sent = credentials.kind === 'password' ? credentials.username : null;
      const user = self.username ?? sent;
      const record = { ...answer, version, url: connection.url, username: user, tenant: connection.tenant };
      await call.print.record(record, answer.status, () => {
        const entries: Entry[] = [
          ['server', connection.url],
          ['status', clean(answer.status), statusTone(answer.status)],
          ['version', clean(version.version)],
          ['user', `${clean(user ?? '-')}, credentials from ${connection.origin}`],
          ['tenant', connection.tenant],
        ];
        if (connection.profile !== null) entries.push(['profile', connection.profile]);
        for (const [name, service] of Object.entries(answer.services ?? {})) {
          entries.push([clean(name), clean(service.status), statusTone(service.status)]);
        }
        return entries;
      });
      return undefined;
    },
  },
};
