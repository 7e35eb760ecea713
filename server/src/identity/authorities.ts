/**
 * Directories (LDAP) and providers (OpenID Connect) that vouch for users: what is known of each, and users as they come from
 * them. Passwords and client secrets are in the safe, told to nobody.
 */
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Caller, requirePermission } from '../caller.js';
import { DomainError, notFound } from '../errors.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import {
  type AuthorityKind,
  type AuthorityRow,
  deleteAuthority,
  insertFirstMembership,
  replaceMappedGroups,
  selectAuthorities,
  selectAuthority,
  selectProvisioned,
  updateProvisioned,
  upsertAuthority,
} from './authorities.store.js';
import type { KeptValues } from './kept-values.js';
import { requireName } from './names.js';
import { requireManager } from './permission.js';
import { insertProfile } from './profiles.store.js';

export type { AuthorityKind } from './authorities.store.js';

const Tenants = Type.Optional(
  Type.Array(
    Type.Object({
      tenant: Type.String({ minLength: 1, maxLength: 256 }),
      role: Type.Enum(['manager', 'user', 'operations', 'viewer']),
    }),
    { maxItems: 100, description: 'What a user is when they come for the first time' },
  ),
);
const Dn = Type.String({ maxLength: 1024 });

/** Where a directory is, and how people and groups are found in it. */
export const LdapSettings = Type.Object(
  {
    url: Type.String({
      pattern: '^ldaps?://[^\\s/?#]+/?$',
      maxLength: 512,
      description: 'ldap://host or ldaps://host, with a port where it is unusual',
    }),
    startTls: Type.Optional(
      Type.Boolean({ description: 'Encrypts an ldap:// connection before anything is said' }),
    ),
    certificates: Type.Optional(
      Type.String({
        maxLength: 65_536,
        description: 'PEM: who signs the directory’s certificate; absent: as usual',
      }),
    ),
    timeoutSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 60 })),
    bindDn: Type.Optional(Dn),
    userBase: Dn,
    userFilter: Type.Optional(
      Type.String({ maxLength: 2048, description: 'With {login} where the name goes; it is escaped' }),
    ),
    groupBase: Type.Optional(Dn),
    groupFilter: Type.Optional(
      Type.String({ maxLength: 2048, description: 'With {dn} where the member goes; it is escaped' }),
    ),
    attributes: Type.Optional(
      Type.Object({
        username: Type.Optional(Type.String({ maxLength: 128 })),
        email: Type.Optional(Type.String({ maxLength: 128 })),
        firstName: Type.Optional(Type.String({ maxLength: 128 })),
        lastName: Type.Optional(Type.String({ maxLength: 128 })),
        displayName: Type.Optional(Type.String({ maxLength: 128 })),
        id: Type.Optional(Type.String({ maxLength: 128 })),
      }),
    ),
    tenants: Tenants,
  },
  { additionalProperties: false, title: 'LdapSettings' },
);

/** A provider, and this server as its client. */
export const OidcSettings = Type.Object(
  {
    issuer: Type.String({ pattern: '^https?://[^\\s?#]+$', maxLength: 512 }),
    clientId: Type.String({ minLength: 1, maxLength: 512 }),
    scopes: Type.Optional(Type.String({ maxLength: 512, description: 'Default: openid profile email' })),
    title: Type.Optional(Type.String({ maxLength: 128, description: 'On the button of the sign-in page' })),
    tenants: Tenants,
  },
  { additionalProperties: false, title: 'OidcSettings' },
);

export type LdapSettings = Static<typeof LdapSettings>;
export type OidcSettings = Static<typeof OidcSettings>;

const SCHEMAS: Readonly<Record<AuthorityKind, TSchema>> = { ldap: LdapSettings, oidc: OidcSettings };

export interface Authority extends Omit<AuthorityRow, 'settings'> {
  readonly settings: LdapSettings | OidcSettings;
}

/** Somebody as another system knows them. */
export interface ExternalPerson {
  /** What never changes about them there. */
  readonly id: string;
  readonly username: string;
  readonly email: string | null;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly displayName: string | null;
  /** Distinguished names of the groups they are in; null: the system has none to tell. */
  readonly groups: readonly string[] | null;
}

export class Authorities {
  readonly #pool: Pool;
  readonly #safe: KeptValues;

  constructor({ pool, safe }: { pool: Pool; safe: KeptValues }) {
    this.#pool = pool;
    this.#safe = safe;
  }

  async list(caller: Caller): Promise<Authority[]> {
    requirePermission(caller, 'users.read');
    return (await selectAuthorities.all(this.#pool)) as Authority[];
  }

  /** @throws DomainError `not-found` */
  async get(caller: Caller, name: string): Promise<Authority> {
    requirePermission(caller, 'users.read');
    const found = name.includes('\0') ? null : await selectAuthority.one(this.#pool, [name]);
    if (found === null) throw notFound('Authority', name);
    return found as Authority;
  }

  /**
   * Makes it, or puts other settings in place of the ones that are there.
   *
   * @param secret of the directory's bind user, or of this client at the provider; absent: the one before stays, null: none
   * @throws DomainError `invalid` (`authority-invalid`), naming the field
   */
  async put(
    caller: Caller,
    name: string,
    authority: {
      readonly kind: AuthorityKind;
      readonly enabled?: boolean;
      readonly settings: unknown;
      readonly secret?: string | null;
    },
  ): Promise<Authority> {
    requireManager(caller, 'users.manage');
    requireName('authority', name);
    requireSettings(authority.kind, authority.settings);
    await inTransaction(this.#pool, async (client) => {
      const values = [name, authority.kind, authority.enabled ?? true, JSON.stringify(authority.settings)];
      const { id } = (await upsertAuthority.one(client, values))!;
      if (authority.secret === null) await this.#safe.forget(client, placeOf(id));
      else if (authority.secret !== undefined) await this.#safe.keep(client, placeOf(id), authority.secret);
      await record(client, caller, { action: 'put', thing: 'authority', id: name });
    });
    return this.get(caller, name);
  }

  /** Its users stay, and cannot sign in with a password any more. @throws DomainError `not-found` */
  async remove(caller: Caller, name: string): Promise<void> {
    requireManager(caller, 'users.manage');
    await inTransaction(this.#pool, async (client) => {
      const gone = name.includes('\0') ? null : await deleteAuthority.one(client, [name]);
      if (gone === null) throw notFound('Authority', name);
      await this.#safe.forget(client, placeOf(gone.id));
      await record(client, caller, { action: 'delete', thing: 'authority', id: name });
    });
  }

  /** For signing in: null where there is no such one, or it is switched off. */
  async usable(
    name: string,
    kind: AuthorityKind,
  ): Promise<{ authority: Authority; secret: string | null } | null> {
    const found = name.includes('\0') ? null : await selectAuthority.one(this.#pool, [name]);
    if (found === null || !found.enabled || found.kind !== kind) return null;
    return { authority: found as Authority, secret: await this.#safe.open(this.#pool, placeOf(found.id)) };
  }

  /** What the sign-in page may tell everybody. */
  async offered(): Promise<
    { readonly name: string; readonly kind: AuthorityKind; readonly title: string }[]
  > {
    const all = (await selectAuthorities.all(this.#pool)) as Authority[];
    return all
      .filter(({ enabled }) => enabled)
      .map(({ name, kind, settings }) => ({
        name,
        kind,
        title: 'title' in settings && settings.title !== undefined ? settings.title : name,
      }));
  }

  /**
   * The user here of somebody who was vouched for, made when they come for the first time: without a password, with the
   * tenants of the settings, and with the groups that bear the names of theirs.
   *
   * @returns the user's name
   */
  async provision(authority: Authority, person: ExternalPerson): Promise<string> {
    return inTransaction(this.#pool, async (client) => {
      const known = await selectProvisioned.one(client, [authority.name, person.id]);
      const user = known ?? (await this.#insert(client, authority, person));
      const { email, firstName, lastName, displayName } = person;
      if (known !== null)
        await updateProvisioned.run(client, [user.id, email, firstName, lastName, displayName]);
      if (person.groups !== null) {
        await replaceMappedGroups.run(client, [user.id, person.groups.map((dn) => dn.toLowerCase())]);
      }
      return user.username;
    });
  }

  async #insert(client: Client, authority: Authority, person: ExternalPerson) {
    const plain = person.username.replace(/[^A-Za-z0-9_.~@+-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
    const base = (plain === '' ? 'user' : plain).slice(0, 180);
    // A name that somebody else has here is not theirs: who shares it is told apart by where they come from.
    const names = [
      base,
      `${base}@${authority.name}`,
      ...[2, 3, 4, 5].map((n) => `${base}@${authority.name}-${n}`),
    ];
    for (const username of names) {
      const values = [
        username,
        null,
        'member',
        person.email,
        person.firstName,
        person.lastName,
        person.displayName,
        authority.kind,
        authority.name,
        person.id,
        true,
        false,
        false,
        false,
        null,
      ];
      const row = await insertProfile.one(client, values);
      if (row === null) continue;
      for (const { tenant, role } of authority.settings.tenants ?? []) {
        await insertFirstMembership.run(client, [row.id, tenant, role]);
      }
      await record(
        client,
        { userId: null, username: 'sign-in', tenant: null, requestId: '-' },
        { action: 'provision', thing: 'user', id: username, details: { authority: authority.name } },
      );
      return { id: row.id, username };
    }
    throw new DomainError('conflict', 'user-exists', `User \`${base}\` already exists`);
  }
}

function placeOf(id: number): string {
  return `authorities/${id}/secret`;
}

/** Of this machine: the only places that may be asked without encryption. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function requireSettings(kind: AuthorityKind, settings: unknown): void {
  const check = Compile(SCHEMAS[kind]);
  if (check.Check(settings)) {
    if (kind === 'oidc') requireSafeIssuer((settings as OidcSettings).issuer);
    return;
  }
  const [first] = check.Errors(settings);
  const path = first?.instancePath.replace(/^\//, '').replaceAll('/', '.') ?? '';
  const field = path === '' ? 'settings' : `settings.${path}`;
  throw new DomainError('invalid', 'authority-invalid', `\`${field}\` ${first?.message ?? 'is not right'}`, {
    details: { field },
  });
}

function requireSafeIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : null;
  if (url?.protocol === 'https:' || (url !== null && isLoopback(url.hostname))) return;
  throw new DomainError('invalid', 'authority-invalid', '`settings.issuer` must be an https:// address', {
    details: { field: 'settings.issuer' },
  });
}
