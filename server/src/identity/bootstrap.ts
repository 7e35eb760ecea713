/**
 * The first tenant and the first administrator, at a start on an empty store.
 *
 * The administrator's password is the setting, else a random one, kept in a file only its owner may read. The file is
 * written before the transaction ends: a crash between the two leaves a file that the next start replaces, never an
 * administrator whose password nobody knows.
 *
 * A setting given (or changed) later is applied once: the hash of the last applied setting is kept beside the user's own,
 * and a start whose setting matches it changes nothing. So a forgotten password is mended by a new setting and a
 * restart, while an old setting left in place never undoes a password that was chosen since.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomName } from '../ids.js';
import type { Client, Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { record } from './audit.js';
import { lockBootstrap, selectBuiltin, titleTenant, updateAppliedPassword } from './bootstrap.store.js';
import { requirePassword } from './names.js';
import { PasswordHash } from './password-hash.js';
import { DEFAULT_TENANT } from './tenants.js';
import { insertTenant, USERS_OF_TENANT } from './tenants.store.js';
import { deleteSessionTokens } from './tokens.store.js';
import { insertUser } from './users.store.js';

/** What people read of the first tenant. */
const FIRST_TITLE = 'Default Organization';
export const FIRST_USER = 'admin';

export interface BootstrapSettings {
  /** The setting; null where there is none. */
  readonly adminPassword: string | null;
  /** Where a generated password is kept, mode 0600. */
  readonly passwordFile: string;
}

export interface Bootstrapped {
  /** True when the store was empty before. */
  readonly first: boolean;
  /** Set when this start made a password up: show it once. */
  readonly generatedPassword: string | null;
  /** True when this start applied a new setting to an administrator who was there already. */
  readonly passwordApplied: boolean;
}

/** What the server itself does is audited under its own name. */
const SERVER = { userId: null, username: 'orrery', tenant: null, requestId: 'start' } as const;

/** @throws DomainError `invalid` when the setting is no acceptable password */
export async function bootstrap(
  pool: Pool,
  settings: BootstrapSettings,
  hash = new PasswordHash(),
): Promise<Bootstrapped> {
  const { adminPassword } = settings;
  if (adminPassword !== null) requirePassword(adminPassword);
  return inTransaction(pool, async (client) => {
    await lockBootstrap.run(client);
    const builtin = await selectBuiltin.one(client);
    if (builtin === null) return createFirst(client, settings, hash);
    if (adminPassword === null) return { first: false, generatedPassword: null, passwordApplied: false };
    const same = await hash.verify(builtin.appliedPasswordHash, adminPassword);
    if (!same) {
      await updateAppliedPassword.run(client, [builtin.id, await hash.hash(adminPassword)]);
      await deleteSessionTokens.run(client, [builtin.id]);
      await record(client, SERVER, { action: 'set-password', thing: 'user', id: builtin.username });
      // What it holds opens nothing any more.
      await rm(settings.passwordFile, { force: true });
    }
    return { first: false, generatedPassword: null, passwordApplied: !same };
  });
}

async function createFirst(
  client: Client,
  { adminPassword, passwordFile }: BootstrapSettings,
  hash: PasswordHash,
): Promise<Bootstrapped> {
  const generatedPassword = adminPassword === null ? randomName(24) : null;
  const hashed = await hash.hash(adminPassword ?? generatedPassword!);
  const tenant = await insertTenant.one(client, [DEFAULT_TENANT]);
  await titleTenant.run(client, [tenant!.id, FIRST_TITLE]);
  const user = await insertUser.one(client, [
    FIRST_USER,
    hashed,
    'admin',
    true,
    adminPassword === null ? null : hashed,
  ]);
  // Administrators need no membership; clients look for one.
  await USERS_OF_TENANT.insert.run(client, [tenant!.id, user!.id, 'user']);
  await record(client, SERVER, { action: 'create', thing: 'tenant', id: DEFAULT_TENANT });
  await record(client, SERVER, {
    action: 'create',
    thing: 'user',
    id: FIRST_USER,
    details: { role: 'admin' },
  });
  if (generatedPassword !== null) await writeForOwner(passwordFile, `${generatedPassword}\n`);
  return { first: true, generatedPassword, passwordApplied: false };
}

/** Whole or not at all, and never readable by others, not even for a moment. */
async function writeForOwner(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomUUID()}`;
  try {
    await writeFile(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}
