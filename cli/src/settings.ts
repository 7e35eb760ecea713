/**
 * Where the server is and who asks.
 *
 * Flags win over the environment, the environment over the profile, the profile over what a server on this machine
 * left for us. Two things always hold: credentials kept for one server are never sent to another (a profile's
 * password goes only to the profile's origin, the local password only to a loopback address), and nothing secret
 * has to stand on the command line.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError, ExitCode, UsageError } from './errors.js';
import { type Profile, Profiles } from './profiles.js';
import type { World } from './world.js';

export const DEFAULT_TENANT = 'default_tenant';

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly username: string; readonly password: string };

export interface Connection {
  /** Without a slash at its end and without `/api/…`. */
  readonly url: string;
  readonly tenant: string;
  readonly credentials: Credentials;
  readonly caFile: string | null;
  /** Where the credentials come from, for people. */
  readonly origin: string;
  readonly urlOrigin: string;
  readonly loopback: boolean;
  readonly profile: string | null;
}

export interface GlobalOptions {
  readonly url?: string | undefined;
  readonly profile?: string | undefined;
  readonly tenant?: string | undefined;
  readonly username?: string | undefined;
}

/** A server on this machine, at the port it would take with the same environment. */
export function defaultUrl(world: World): string {
  const port = world.env.ORRERY_PORT ?? '';
  return `http://127.0.0.1:${/^[1-9]\d{0,4}$/.test(port) ? port : '8080'}`;
}

/** Works out the connection. Throws `UsageError` when what is given does not make sense. */
export function resolveConnection(world: World, given: GlobalOptions): Connection {
  const { env } = world;
  const profiles = new Profiles(world);
  const wanted = given.profile ?? (env.ORRERY_PROFILE || undefined);
  const stored = profiles.read();
  const profileName = wanted ?? stored.current;
  const profile = profileName === null ? null : (stored.profiles[profileName] ?? null);
  if (wanted !== undefined && profile === null) {
    const known = Object.keys(stored.profiles);
    throw new UsageError(`There is no profile "${wanted}".`, [
      known.length === 0 ? 'Make one: orrery profiles add NAME --url URL' : `Known: ${known.join(', ')}`,
    ]);
  }
  const overridden = given.url ?? (env.ORRERY_URL || undefined);
  const url = normalUrl(overridden ?? profile?.url ?? defaultUrl(world));
  const urlOrigin =
    given.url !== undefined
      ? '--url'
      : overridden !== undefined
        ? 'ORRERY_URL'
        : profile !== null
          ? `profile "${profileName}"`
          : 'the default';
  const usable = profile !== null && normalUrl(profile.url) === url ? profile : null;
  const loopback = isLoopback(new URL(url).hostname);
  const { credentials, origin } = credentialsFor(world, given, url, usable, profileName, loopback);
  return {
    url,
    tenant: given.tenant ?? (env.ORRERY_TENANT || undefined) ?? usable?.tenant ?? DEFAULT_TENANT,
    credentials,
    caFile: (env.ORRERY_CA_FILE || undefined) ?? usable?.caFile ?? null,
    origin,
    urlOrigin,
    loopback,
    profile: usable === null ? null : profileName,
  };
}

function credentialsFor(
  world: World,
  given: GlobalOptions,
  url: string,
  profile: Profile | null,
  profileName: string | null,
  loopback: boolean,
): { credentials: Credentials; origin: string } {
  const { env } = world;
  const username = given.username ?? (env.ORRERY_USERNAME || undefined);
  if (env.ORRERY_TOKEN) {
    return { credentials: { kind: 'token', token: env.ORRERY_TOKEN }, origin: 'ORRERY_TOKEN' };
  }
  if (env.ORRERY_PASSWORD) {
    return {
      credentials: {
        kind: 'password',
        username: username ?? profile?.username ?? 'admin',
        password: env.ORRERY_PASSWORD,
      },
      origin: 'ORRERY_PASSWORD',
    };
  }
  const sameUser = username === undefined || username === profile?.username;
  if (profile !== null && sameUser && profile.token) {
    return { credentials: { kind: 'token', token: profile.token }, origin: `profile "${profileName}"` };
  }
  if (profile !== null && sameUser && profile.password && profile.username) {
    return {
      credentials: { kind: 'password', username: profile.username, password: profile.password },
      origin: `profile "${profileName}"`,
    };
  }
  if (loopback && (username === undefined || username === 'admin')) {
    // The names a server of the same environment would read: it has these as its first password, or made the file.
    if (env.ORRERY_ADMIN_PASSWORD) {
      return {
        credentials: { kind: 'password', username: 'admin', password: env.ORRERY_ADMIN_PASSWORD },
        origin: 'ORRERY_ADMIN_PASSWORD',
      };
    }
    const file = join(dataFolder(world), 'admin-password');
    const password = readLocalPassword(file);
    if (password !== null) {
      return { credentials: { kind: 'password', username: 'admin', password }, origin: file };
    }
  }
  if (username !== undefined) {
    throw new UsageError(`There is no password for "${username}" at ${url}.`, [
      'Put it into ORRERY_PASSWORD, or keep it in a profile: orrery profiles add NAME --url URL --username USER',
    ]);
  }
  return { credentials: { kind: 'none' }, origin: 'nowhere' };
}

/** The folder a server on this machine keeps its data in, unless told otherwise. */
export function dataFolder(world: World): string {
  return world.env.ORRERY_DATA_DIR || join(world.home, '.orrery');
}

function readLocalPassword(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return null;
    throw new CliError(`${file} cannot be read: ${(cause as Error).message}`, ExitCode.failed);
  }
}

/** `host:port` gets `http://` or, away from this machine, `https://`; `/api/v3.1` and slashes at the end are dropped. */
export function normalUrl(text: string): string {
  const bare = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${guessScheme(text)}://${text}`;
  let url: URL;
  try {
    url = new URL(bare);
  } catch {
    throw new UsageError(`"${text}" is not a server address.`, ['It looks like http://127.0.0.1:8080']);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new UsageError(`"${text}" is not a server address: only http and https are spoken.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('A server address holds no user name or password.', [
      'Use --username and ORRERY_PASSWORD, or a profile',
    ]);
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/api(\/v3(\.1)?)?$/, '');
  return `${url.protocol}//${url.host}${path}`;
}

function guessScheme(text: string): string {
  const host = text.replace(/[:/].*$/, '');
  return text.startsWith('[') || isLoopback(host) ? 'http' : 'https';
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
  );
}
