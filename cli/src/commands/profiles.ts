import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Call, Command } from '../command.js';
import { ApiError, CliError, UsageError } from '../errors.js';
import { type Profile, Profiles } from '../profiles.js';
import { askHidden } from '../prompt.js';
import {
  type Connection,
  type Credentials,
  DEFAULT_TENANT,
  defaultUrl,
  isLoopback,
  normalUrl,
  resolveConnection,
} from '../settings.js';

interface Row extends Profile {
  readonly name: string;
  readonly current: boolean;
}

function rows(profiles: Profiles): Row[] {
  const stored = profiles.read();
  return Object.entries(stored.profiles).map(([name, profile]) => ({
    ...profile,
    name,
    current: name === stored.current,
  }));
}

const credentialWord = (profile: Profile): string =>
  profile.token ? 'token' : profile.password ? 'password' : 'none';

/** What may be shown of a profile. */
const shown = ({ name, current, url, tenant, username, caFile, token, password }: Row) => ({
  name,
  current,
  url,
  tenant,
  username,
  credentials: token ? 'token' : password ? 'password' : null,
  ca_file: caFile ?? null,
});

export const profiles: Record<string, Command> = {
  list: {
    summary: 'The profiles, the one in use marked',
    async run(call) {
      const all = rows(new Profiles(call.world));
      await call.print.list(
        {
          items: all.map(shown),
          metadata: { pagination: { total: all.length, offset: 0, size: all.length } },
        },
        [
          { title: '', value: (row) => (row.current ? '*' : ' '), tone: () => 'good' },
          { title: 'name', value: (row) => row.name, tone: (row) => (row.current ? 'strong' : 'plain') },
          { title: 'url', value: (row) => row.url, shrinks: 'first' },
          { title: 'tenant', value: (row) => row.tenant },
          { title: 'user', value: (row) => row.username },
          { title: 'credentials', value: (row) => row.credentials },
        ],
        (row) => row.name,
        { one: 'profile', many: 'profiles' },
      );
      return undefined;
    },
  },
  use: {
    summary: 'Use a profile from now on',
    arguments: [{ name: 'NAME', summary: 'the profile' }],
    async run(call) {
      const store = new Profiles(call.world);
      const stored = store.read();
      const name = known(call, store);
      store.write({ ...stored, current: name });
      await call.print.done(`Using profile ${name} (${stored.profiles[name]?.url})`, { current: name }, name);
      return undefined;
    },
  },
  show: {
    summary: 'A profile, or what would be used now, without secrets',
    arguments: [
      {
        name: 'NAME',
        summary: 'the profile; without it, what this moment’s settings come to',
        optional: true,
      },
    ],
    async run(call) {
      const store = new Profiles(call.world);
      if (call.optionalArgument('NAME') !== null) {
        const name = known(call, store);
        const row = rows(store).find((each) => each.name === name) as Row;
        await call.print.record(shown(row), name, () => [
          ['name', name],
          ['url', row.url],
          ['tenant', row.tenant],
          ['user', row.username ?? '-'],
          ['credentials', credentialWord(row)],
          ['file', store.file],
        ]);
        return undefined;
      }
      const connection = resolveConnection(call.world, call.globals);
      const { credentials } = connection;
      const username = credentials.kind === 'password' ? credentials.username : null;
      await call.print.record(
        {
          profile: connection.profile,
          url: connection.url,
          tenant: connection.tenant,
          username,
          credentials: credentials.kind === 'none' ? null : credentials.kind,
        },
        connection.profile ?? '',
        () => [
          ['profile', connection.profile ?? '-'],
          ['url', `${connection.url}  (from ${connection.urlOrigin})`],
          ['tenant', connection.tenant],
          ['user', username ?? '-'],
          [
            'credentials',
            credentials.kind === 'none' ? 'none' : `${credentials.kind} from ${connection.origin}`,
          ],
        ],
      );
      return undefined;
    },
  },
  add: {
    summary: 'Keep a server, and credentials for it',
    description:
      'The password is asked for without showing it, or read from a file. It is exchanged at the server for a token, and the token is what is kept (in a file only you can read); where the server gives no tokens, the password is. A profile of the same name is replaced.',
    arguments: [{ name: 'NAME', summary: 'how you will call it' }],
    options: [
      { name: 'password-file', value: 'FILE', summary: 'read the password from a file; - is standard input' },
      { name: 'token-file', value: 'FILE', summary: 'read a token from a file; - is standard input' },
      { name: 'ca-file', value: 'FILE', summary: 'certificates to trust for this server, PEM' },
      { name: 'no-check', summary: 'keep it without asking the server' },
      { name: 'keep-current', summary: 'do not use it from now on' },
    ],
    examples: [
      ['orrery profiles add work --url https://orrery.example.org --username ada', ''],
      ['orrery profiles add ci --url http://127.0.0.1:8080 --token-file token.txt', ''],
    ],
    async run(call) {
      const name = call.argument('NAME');
      if (!/^[A-Za-z0-9_.-]{1,64}$/.test(name) || name === '__proto__') {
        throw new UsageError(`"${name}" cannot name a profile.`, ['Letters, digits and _ . - are possible']);
      }
      const url = normalUrl(call.globals.url ?? defaultUrl(call.world));
      const tenant = call.globals.tenant ?? DEFAULT_TENANT;
      const given = await credentials(call);
      const caFile = call.text('ca-file');
      const connection: Connection = {
        url,
        tenant,
        credentials: given,
        caFile: caFile === null ? null : resolve(call.world.cwd, caFile),
        origin: 'what was just given',
        urlOrigin: '--url',
        loopback: isLoopback(new URL(url).hostname),
        profile: null,
      };
      if (url.startsWith('http://') && !connection.loopback && given.kind !== 'none') {
        call.print.warn(`credentials travel readable to ${url}; https would hide them`);
      }
      const kept = call.flag('no-check') ? given : await check(connection);
      const store = new Profiles(call.world);
      const stored = store.read();
      const username = given.kind === 'password' ? given.username : (call.globals.username ?? null);
      const profile: Profile = {
        url,
        tenant,
        username,
        ...(kept.kind === 'password' ? { password: kept.password } : {}),
        ...(kept.kind === 'token' ? { token: kept.token } : {}),
        ...(connection.caFile === null ? {} : { caFile: connection.caFile }),
      };
      const use = !call.flag('keep-current') || stored.current === null;
      store.write({
        current: use ? name : stored.current,
        profiles: { ...stored.profiles, [name]: profile },
      });
      await call.print.done(
        `Profile ${name} kept${use ? ' and in use' : ''}: ${username ?? 'token'} at ${url}, tenant ${tenant}`,
        shown({ ...profile, name, current: use }),
        name,
      );
      return undefined;
    },
  },
  remove: {
    summary: 'Forget a profile',
    arguments: [{ name: 'NAME', summary: 'the profile' }],
    async run(call) {
      const store = new Profiles(call.world);
      const stored = store.read();
      const name = known(call, store);
      const { [name]: _gone, ...left } = stored.profiles;
      store.write({ current: stored.current === name ? null : stored.current, profiles: left });
      await call.print.done(`Profile ${name} forgotten`, { name }, name);
      return undefined;
    },
  },
};

function known(call: Call, store: Profiles): string {
  const name = call.argument('NAME');
  const names = Object.keys(store.read().profiles);
  if (!names.includes(name)) {
    throw new UsageError(`There is no profile "${name}".`, [
      names.length > 0 ? `Known: ${names.join(', ')}` : 'Make one: orrery profiles add NAME --url URL',
    ]);
  }
  return name;
}

async function credentials(call: Call): Promise<Credentials> {
  const { env } = call.world;
  const tokenFile = call.text('token-file');
  if (tokenFile !== null) return { kind: 'token', token: await secretFrom(call, tokenFile) };
  const passwordFile = call.text('password-file');
  const username = call.globals.username ?? (env.ORRERY_USERNAME || undefined);
  if (passwordFile !== null) {
    return {
      kind: 'password',
      username: username ?? 'admin',
      password: await secretFrom(call, passwordFile),
    };
  }
  if (env.ORRERY_TOKEN) return { kind: 'token', token: env.ORRERY_TOKEN };
  if (env.ORRERY_PASSWORD) {
    return { kind: 'password', username: username ?? 'admin', password: env.ORRERY_PASSWORD };
  }
  const who = username ?? 'admin';
  return { kind: 'password', username: who, password: await askHidden(call.world, `Password of ${who}: `) };
}

async function secretFrom(call: Call, file: string): Promise<string> {
  let text: string;
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of call.world.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    text = Buffer.concat(chunks).toString('utf8');
  } else {
    try {
      text = await readFile(resolve(call.world.cwd, file), 'utf8');
    } catch (error) {
      throw new UsageError(`${file} cannot be read: ${(error as Error).message}`);
    }
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new UsageError(`There is nothing in ${file === '-' ? 'standard input' : file}.`);
  return secret;
}

/** Asks the server whether it accepts the credentials, and for a token in place of a password. */
async function check(connection: Connection): Promise<Credentials> {
  const { Client } = await import('../api/client.js');
  const client = new Client(connection);
  try {
    await client.get('/status', undefined, 15_000);
    if (connection.credentials.kind !== 'password') return connection.credentials;
    const token = await client.post<{ value?: string }>('/tokens', {
      description: `orrery command line on ${hostname()}`,
    });
    return token.value ? { kind: 'token', token: token.value } : connection.credentials;
  } catch (error) {
    if (error instanceof ApiError && error.request.startsWith('POST')) return connection.credentials;
    if (error instanceof CliError) {
      throw new CliError(error.message, error.exitCode, [...error.hints, 'Keep it all the same: --no-check']);
    }
    throw error;
  } finally {
    client.close();
  }
}
