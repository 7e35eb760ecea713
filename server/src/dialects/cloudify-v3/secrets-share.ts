/** Secrets carried from one installation to another, as the clients do it (specs: cloudify-rest.md A2.5). */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { type Caller, scopeFor } from '../../caller.js';
import type { Json, JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { SecretRecord, SecretWithValue } from '../../secrets/secrets.js';
import { sendJson } from './answer.js';
import { callerOf, identityOf } from './auth.js';
import { describe, listQuery, Switch, Word } from './described.js';
import { badParameters } from './errors.js';
import { Anything, Dict, Flag, MaybeText, Text, VisibilityWord } from './fields.js';
import { booleanOf, booleanParam, LenientBoolean, type Params, single } from './lenient.js';
import { parseInclude, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { type ExportKey, exportKeyOf, openExported, sealExported } from './sealed-export.js';
import { LISTING, secretResource } from './secrets.js';
import type { Visibility } from './visibility.js';

const Exported = Type.Partial(
  Type.Object({
    key: Text,
    value: Anything,
    visibility: VisibilityWord,
    tenant_name: Text,
    is_hidden_value: Flag,
    encrypted: Flag,
    provider: MaybeText,
    provider_options: MaybeText,
    schema: Dict,
    creator: Text,
    created_at: Text,
    updated_at: Text,
  }),
  { title: 'ExportedSecret' },
);
const Import = Type.Object(
  {
    secrets_list: Type.Array(Dict, { description: 'As they were exported' }),
    override_collisions: Type.Optional(LenientBoolean),
    tenant_map: Type.Optional(Type.Record(Type.String(), Type.String())),
    tenant_map_dict: Type.Optional(Type.Record(Type.String(), Type.String())),
    passphrase: Type.Optional(Type.String()),
  },
  { title: 'SecretsImport' },
);
const Imported = Type.Object(
  {
    colliding_secrets: Type.Record(Type.String(), Type.Array(Text), { description: 'Keys by tenant' }),
    secrets_errors: Type.Record(Type.String(), Dict, { description: 'What is wrong, by place in the list' }),
  },
  { title: 'SecretsImported' },
);
/** What import asks of each. */
const REQUIRED = ['key', 'is_hidden_value', 'visibility', 'tenant_name', 'value', 'encrypted'];
const VISIBILITIES: readonly Visibility[] = ['private', 'tenant', 'global'];

type Errors = Record<string, string | readonly string[]>;

export function addSecretsShare({ scope, core, version }: Mounting): void {
  scope.get(
    '/secrets/share/export',
    {
      schema: describe('Secrets', 'export', 'Export secrets with their values', {
        description: 'A list without an envelope. Hidden values that the caller may not know are left out.',
        querystring: listQuery(secretResource(version), LISTING, {
          _passphrase: Word('Values are encrypted under it; without it they are told as they are'),
          _include_metadata: Switch('Tell creator and times too'),
        }),
        response: { 200: Type.Array(Exported) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const { query } = request;
      const { _include, ...selecting } = query;
      const listing = parseListing(secretResource(version), selecting, LISTING);
      const include = parseInclude(query);
      const secrets = await core.secrets.export(callerOf(request), listing.query);
      const passphrase = single(query, '_passphrase');
      const wantsValue = include === null || include.includes('value');
      const key =
        passphrase === undefined || passphrase === '' || !wantsValue ? null : await exportKeyOf(passphrase);
      const withRecord = booleanParam(query, '_include_metadata', false);
      return sendJson(
        reply,
        200,
        secrets.map((secret) => chosen(exported(secret, key, withRecord), include)),
      );
    },
  );

  scope.post<{ Body: Static<typeof Import> }>(
    '/secrets/share/import',
    {
      schema: describe('Secrets', 'import', 'Import secrets that were exported', {
        description: 'Each is imported or not by itself; the answer says which were not, and why.',
        body: Import,
        response: { 200: Imported },
      }),
    },
    async (request, reply) => {
      scopeFor(callerOf(request), 'secrets.write');
      const {
        secrets_list: list,
        passphrase,
        tenant_map,
        tenant_map_dict,
        override_collisions,
      } = request.body;
      const importing = new Importing(
        (tenant) => core.callers.callerFor(identityOf(request), tenant, request.id),
        core.secrets,
        tenant_map ?? tenant_map_dict ?? {},
        passphrase === undefined || passphrase === '' ? null : await exportKeyOf(passphrase),
        booleanOf('override_collisions', override_collisions, false),
      );
      await importing.checkMap();
      for (const [index, secret] of list.entries()) await importing.take(index, secret);
      return sendJson(reply, 200, {
        colliding_secrets: importing.colliding,
        secrets_errors: importing.errors,
      });
    },
  );
}

function exported(
  secret: SecretWithValue,
  key: ExportKey | null,
  withRecord: boolean,
): Record<string, unknown> {
  const { plain } = secret.value!;
  const text = typeof plain === 'string' ? plain : JSON.stringify(plain);
  return {
    key: secret.key,
    value: key === null ? plain : sealExported(text, key),
    visibility: secret.visibility,
    tenant_name: secret.tenantName,
    is_hidden_value: secret.hidden,
    encrypted: key !== null,
    provider: null,
    provider_options: null,
    ...(secret.schema === null ? {} : { schema: secret.schema }),
    ...(withRecord
      ? { creator: secret.createdBy, created_at: secret.createdAt, updated_at: secret.updatedAt }
      : {}),
  };
}

function chosen(item: Record<string, unknown>, include: readonly string[] | null): Record<string, unknown> {
  if (include === null) return item;
  return Object.fromEntries(Object.entries(item).filter(([name]) => include.includes(name)));
}

class Importing {
  readonly colliding: Record<string, string[]> = {};
  readonly errors: Record<string, Errors> = {};
  readonly #callers = new Map<string, Promise<Caller | string>>();

  constructor(
    private readonly callerIn: (tenant: string) => Promise<Caller>,
    private readonly secrets: Mounting['core']['secrets'],
    private readonly map: Readonly<Record<string, string>>,
    private readonly key: ExportKey | null,
    private readonly override: boolean,
  ) {}

  /** @throws CloudifyError `bad_parameters_error` when secrets are to go where the caller cannot */
  async checkMap(): Promise<void> {
    const absent: string[] = [];
    for (const tenant of new Set(Object.values(this.map))) {
      if (typeof (await this.#callerFor(tenant)) === 'string') absent.push(tenant);
    }
    if (absent.length > 0) {
      throw badParameters(
        `The following destination tenants do not exist on the Manager: ${absent.join(', ')}`,
      );
    }
  }

  async take(index: number, secret: Record<string, unknown>): Promise<void> {
    const errors: Errors = {};
    const missing = REQUIRED.filter((name) => isAbsent(secret[name]));
    if (missing.length > 0) errors['missing secret fields'] = missing;
    const has = (name: string) => !missing.includes(name);
    const hidden = has('is_hidden_value') ? flagOf(secret, 'is_hidden_value', errors) : false;
    const visibility = VISIBILITIES.find((word) => word === secret.visibility);
    if (has('visibility') && visibility === undefined) errors.visibility = 'Not a valid visibility';
    const tenant = has('tenant_name') ? this.#destination(String(secret.tenant_name)) : null;
    const caller = tenant === null ? null : await this.#callerFor(tenant);
    if (typeof caller === 'string') errors.tenant_name = caller;
    if (!isAbsent(secret.provider)) errors.provider = 'Secrets providers are not supported';
    const value = has('value') && has('encrypted') ? this.#valueOf(secret, errors) : null;
    const record = recordOf(secret, errors);
    if (Object.keys(errors).length > 0) {
      this.errors[index] = errors;
      return;
    }
    await this.#put(index, caller as Caller, tenant!, {
      key: String(secret.key),
      value: value as Json,
      hidden,
      visibility: visibility!,
      ...(isObject(secret.schema) ? { schema: secret.schema as JsonObject } : {}),
      ...(record === undefined ? {} : { record }),
    });
  }

  async #put(
    index: number,
    caller: Caller,
    tenant: string,
    secret: Parameters<Mounting['core']['secrets']['create']>[1],
  ): Promise<void> {
    try {
      await this.secrets.create(caller, secret);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      if (error.reason !== 'secret-exists') {
        this.errors[index] = { [error.reason]: error.message };
        return;
      }
      if (this.override && !(await this.#overwrite(index, caller, secret))) return;
      this.colliding[tenant] = [...(this.colliding[tenant] ?? []), secret.key];
    }
  }

  /** @returns whether it could be done; what stood in the way is told */
  async #overwrite(
    index: number,
    caller: Caller,
    { key, value, hidden = false, schema }: Parameters<Mounting['core']['secrets']['create']>[1],
  ): Promise<boolean> {
    try {
      await this.secrets.update(caller, key, { value, hidden, schema: schema ?? null });
      return true;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      this.errors[index] = { [error.reason]: error.message };
      return false;
    }
  }

  #destination(tenant: string): string {
    return Object.hasOwn(this.map, tenant) ? this.map[tenant]! : tenant;
  }

  #callerFor(tenant: string): Promise<Caller | string> {
    let known = this.#callers.get(tenant);
    if (known === undefined) {
      known = this.callerIn(tenant).catch((error: unknown) => {
        if (error instanceof DomainError) return `The tenant \`${tenant}\` was not found`;
        throw error;
      });
      this.#callers.set(tenant, known);
    }
    return known;
  }

  #valueOf(secret: Record<string, unknown>, errors: Errors): unknown {
    const encrypted = flagOf(secret, 'encrypted', errors);
    if (!encrypted) return secret.value;
    if (this.key === null) {
      errors['No passphrase'] = 'The secret is encrypted but no passphrase was given';
      return null;
    }
    const opened = openExported(String(secret.value), this.key);
    if (opened === null) {
      errors.value = 'The value cannot be decrypted with this passphrase';
      return null;
    }
    if (!isObject(secret.schema)) return opened;
    try {
      return JSON.parse(opened);
    } catch {
      // A text that obeys its schema.
      return opened;
    }
  }
}

function flagOf(secret: Record<string, unknown>, name: string, errors: Errors): boolean {
  try {
    return booleanOf(name, secret[name], false);
  } catch {
    errors[name] = 'Not boolean';
    return false;
  }
}

function recordOf(secret: Record<string, unknown>, errors: Errors): SecretRecord | undefined {
  const { creator, created_at, updated_at } = secret;
  if ([creator, created_at, updated_at].every(isAbsent)) return undefined;
  const timeOf = (name: string, value: unknown): Date | undefined => {
    if (isAbsent(value)) return undefined;
    const time = new Date(String(value));
    if (Number.isNaN(time.getTime())) errors[name] = 'Not a time';
    return time;
  };
  const [createdAt, updatedAt] = [timeOf('created_at', created_at), timeOf('updated_at', updated_at)];
  return {
    ...(isAbsent(creator) ? {} : { createdBy: String(creator) }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(updatedAt === undefined ? {} : { updatedAt }),
  };
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
