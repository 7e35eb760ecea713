/** What an account of kind `ssh` says: a pool of hosts that are there already. Without the SSH library. */
import type { Json, JsonObject } from '../../../dsl/plan.js';
import { DomainError } from '../../../errors.js';
import type { Allowlist } from '../../../net/allowlist.js';
import type { CloudAccess } from '../handler.js';

export interface SshHost {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** `SHA256:…`, as ssh-keygen -l prints it: whoever shows another key is not spoken to. */
  readonly hostKey: string;
  /** Where the lease is kept: relative to the user's home, or absolute. */
  readonly folder: string;
}

export interface SshPool {
  readonly hosts: readonly SshHost[];
  /** Shell script that makes a leased host ready; may run twice. */
  readonly prepare: string;
  /** Shell script that makes it clean before it is given back; may run twice. */
  readonly clean: string;
  readonly privateKey: string | null;
  readonly passphrase: string | null;
  readonly password: string | null;
  readonly allowlist: Allowlist;
}

const MOST_HOSTS = 200;
const LONGEST_SCRIPT = 20_000;
const FOLDER = '.orrery-lease';

/** @throws DomainError `invalid` naming what is missing or wrong */
export function readSshPool({ settings, secrets }: CloudAccess, allowlist: Allowlist): SshPool {
  const hosts = settings.hosts;
  if (!Array.isArray(hosts) || hosts.length === 0 || hosts.length > MOST_HOSTS) {
    throw invalid(`"hosts" must be a list of 1 to ${MOST_HOSTS} hosts`);
  }
  const read = hosts.map((host, at) => readHost(host, at, settings));
  const names = read.map(nameOf);
  if (new Set(names).size !== names.length) throw invalid('"hosts" names a host twice');
  const { private_key: privateKey = '', password = '', passphrase = '' } = secrets;
  if (privateKey === '' && password === '') throw invalid('the secret "private_key" or "password" is needed');
  return {
    hosts: read,
    prepare: script(settings, 'prepare'),
    clean: script(settings, 'clean'),
    privateKey: privateKey || null,
    passphrase: passphrase || null,
    password: password || null,
    allowlist,
  };
}

/** Why accounts on the hosts cannot be given a password; null: they can. */
export function passwordProblemOf({ hosts, privateKey }: SshPool): string | null {
  if (privateKey === null) {
    return 'Orrery itself signs in on the hosts of the pool by password; with a private key in the cloud account it would not be locked out';
  }
  const strange = hosts.find(({ user }) => !/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/.test(user));
  return strange === undefined
    ? null
    : `the user of ${nameOf(strange)} has a name that chpasswd does not take`;
}

/** What the pool calls a host. */
export function nameOf({ host, port, folder }: SshHost): string {
  return folder === FOLDER ? `${host}:${port}` : `${host}:${port}/${folder.replace(/^\//, '')}`;
}

function readHost(value: Json, at: number, settings: JsonObject): SshHost {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`"hosts[${at}]" must be {host, port, user, host_key}`);
  }
  const { host, port = 22, user = settings.user ?? '', host_key: hostKey, folder = FOLDER } = value;
  if (typeof host !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/.test(host)) {
    throw invalid(`"hosts[${at}].host" must be a name or an address`);
  }
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw invalid(`"hosts[${at}].port" must be a number from 1 to 65535`);
  }
  if (typeof user !== 'string' || user === '') throw invalid(`"hosts[${at}].user" is missing`);
  if (typeof hostKey !== 'string' || !/^SHA256:[A-Za-z0-9+/]{43}$/.test(hostKey)) {
    throw invalid(
      `"hosts[${at}].host_key" must be the fingerprint of the host's key, as "SHA256:…" that ssh-keygen -l prints`,
    );
  }
  if (typeof folder !== 'string' || !/^[A-Za-z0-9._/-]{1,200}$/.test(folder) || folder.includes('..')) {
    throw invalid(`"hosts[${at}].folder" must be a path of letters, digits and . _ - /`);
  }
  return { host, port, user, hostKey, folder };
}

function script(settings: JsonObject, name: string): string {
  const value = settings[name] ?? '';
  if (typeof value === 'string' && value.length <= LONGEST_SCRIPT) return value;
  throw invalid(`"${name}" must be a shell script of at most ${LONGEST_SCRIPT} characters`);
}

function invalid(what: string): DomainError {
  return new DomainError('invalid', 'cloud-account-invalid', `The cloud account for SSH: ${what}`);
}
