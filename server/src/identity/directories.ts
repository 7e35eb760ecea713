/**
 * Directories (LDAP, Active Directory): who has this name and this password, and in which groups they are.
 *
 * The directory's own user looks for exactly one entry, which then binds with the password that was given: a password is
 * asked of the directory each time, and neither kept nor remembered here. Whatever people type is escaped before it is part of
 * a filter. Groups are followed upwards, group in group, to their end.
 */
import { Client, type Entry, Filter, InvalidCredentialsError, NoSuchObjectError } from 'ldapts';
import { DomainError } from '../errors.js';
import type { Authorities, ExternalPerson, LdapSettings } from './authorities.js';

const USER_FILTER =
  '(&(|(objectClass=person)(objectClass=user))(|(uid={login})(sAMAccountName={login})(userPrincipalName={login})(mail={login})))';
const GROUP_FILTER = '(|(member={dn})(uniqueMember={dn}))';
const ATTRIBUTES = {
  username: 'uid',
  email: 'mail',
  firstName: 'givenName',
  lastName: 'sn',
  displayName: 'cn',
  id: 'entryUUID',
} as const;
/** Groups that somebody may be in; a directory that tells more has gone in circles or is not ours to follow. */
const MOST_GROUPS = 2000;

export class Directories {
  readonly #authorities: Authorities;

  constructor({ authorities }: { authorities: Authorities }) {
    this.#authorities = authorities;
  }

  /**
   * @param password not empty
   * @returns the name of the user here; null: unknown there, or a wrong password, or no such directory
   * @throws DomainError `unavailable` (`directory-unavailable`)
   */
  async authenticate(directory: string, login: string, password: string): Promise<string | null> {
    const usable = await this.#authorities.usable(directory, 'ldap');
    if (usable === null) return null;
    const { authority, secret } = usable;
    const settings = authority.settings as LdapSettings;
    const person = await this.#ask(directory, settings, (client) =>
      findPerson(client, settings, secret, login, password),
    );
    return person === null ? null : this.#authorities.provision(authority, person);
  }

  async #ask<T>(name: string, settings: LdapSettings, work: (client: Client) => Promise<T>): Promise<T> {
    const milliseconds = (settings.timeoutSeconds ?? 5) * 1000;
    const tlsOptions = settings.certificates === undefined ? {} : { ca: settings.certificates };
    const client = new Client({
      url: settings.url,
      timeout: milliseconds,
      connectTimeout: milliseconds,
      strictDN: false,
      ...(settings.url.startsWith('ldaps:') ? { tlsOptions } : {}),
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('the directory took too long')), 3 * milliseconds);
    });
    try {
      const asked = (async () => {
        if (settings.startTls === true) await client.startTLS(tlsOptions);
        return work(client);
      })();
      return await Promise.race([asked, late]);
    } catch (cause) {
      if (cause instanceof DomainError) throw cause;
      throw new DomainError(
        'unavailable',
        'directory-unavailable',
        `The directory \`${name}\` cannot be asked now`,
        {
          cause,
        },
      );
    } finally {
      clearTimeout(timer);
      await client.unbind().catch(() => {});
    }
  }
}

async function findPerson(
  client: Client,
  settings: LdapSettings,
  secret: string | null,
  login: string,
  password: string,
): Promise<ExternalPerson | null> {
  const bindAsServer = async () => {
    if (settings.bindDn !== undefined && settings.bindDn !== '')
      await client.bind(settings.bindDn, secret ?? '');
  };
  await bindAsServer();
  const names = { ...ATTRIBUTES, ...settings.attributes };
  const binary = ['objectGUID', 'objectSid', 'GUID'].includes(names.id) ? [names.id] : [];
  const { searchEntries } = await client.search(settings.userBase, {
    scope: 'sub',
    filter: filled(settings.userFilter ?? USER_FILTER, { login }),
    attributes: [...new Set(Object.values(names))],
    explicitBufferAttributes: binary,
    sizeLimit: 2,
  });
  // Two of that name: nobody can say whose password it is.
  if (searchEntries.length !== 1) return null;
  const entry = searchEntries[0]!;
  try {
    await client.bind(entry.dn, password);
  } catch (error) {
    if (error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError) return null;
    throw error;
  }
  // The person may not be allowed to look at groups.
  if (settings.bindDn !== undefined && settings.bindDn !== '') await bindAsServer();
  const groups = settings.groupBase === undefined ? null : await groupsAbove(client, settings, entry.dn);
  return {
    id: text(entry, names.id) ?? entry.dn.toLowerCase(),
    username: text(entry, names.username) ?? login,
    email: text(entry, names.email),
    firstName: text(entry, names.firstName),
    lastName: text(entry, names.lastName),
    displayName: text(entry, names.displayName),
    groups,
  };
}

/** Every group that holds `dn`, or a group that does, and so on; each is asked for once, so circles end. */
async function groupsAbove(client: Client, settings: LdapSettings, dn: string): Promise<string[]> {
  const found = new Map<string, string>();
  const waiting = [dn];
  for (let member = waiting.shift(); member !== undefined; member = waiting.shift()) {
    const { searchEntries } = await client.search(settings.groupBase!, {
      scope: 'sub',
      filter: filled(settings.groupFilter ?? GROUP_FILTER, { dn: member }),
      attributes: ['1.1'],
      paged: true,
    });
    for (const group of searchEntries) {
      const key = group.dn.toLowerCase();
      if (found.has(key) || found.size >= MOST_GROUPS) continue;
      found.set(key, group.dn);
      waiting.push(group.dn);
    }
  }
  return [...found.values()];
}

/** The filter with what people typed in it, as text and nothing else. */
function filled(filter: string, values: Readonly<Record<string, string>>): string {
  return filter.replace(/\{(\w+)\}/g, (hole, name: string) => {
    const value = values[name];
    return value === undefined ? hole : Filter.escape(value);
  });
}

function text(entry: Entry, attribute: string): string | null {
  const key = Object.keys(entry).find((name) => name.toLowerCase() === attribute.toLowerCase());
  const value = key === undefined ? undefined : entry[key];
  const first = Array.isArray(value) ? value[0] : value;
  if (first === undefined) return null;
  const said = Buffer.isBuffer(first) ? first.toString('hex') : String(first);
  return said === '' || said.includes('\0') ? null : said.slice(0, 256);
}
