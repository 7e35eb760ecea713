/**
 * Roles that every tenant has, and which keys of the catalogue each holds. Pure but for the catalogue.
 *
 * Three of them follow from what somebody is already (identity/roles.ts): `admin` from the system role, `organization admin`
 * from the tenant role `manager`, `user` from any other. The rest are given to members beside their tenant role, and give keys
 * only: they widen nothing that tenant roles decide.
 */
import { type AccessKey, CATALOGUE_KEYS, KEYS } from './access-keys.js';

export interface BuiltInRole {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** Id of the keychain that holds its keys. */
  readonly keychain: string;
  readonly holds: (key: AccessKey) => boolean;
}

const role = (
  number: number,
  name: string,
  description: string,
  holds: (key: AccessKey) => boolean,
): BuiltInRole => ({
  id: `0a11e500-0000-4000-8000-00000000000${number}`,
  keychain: `0a11e500-0000-4000-8000-00000000010${number}`,
  name,
  description,
  holds,
});

/** Of the installation, not of a tenant. */
const OF_THE_INSTALLATION =
  /^(View all users|View all organizations|Reset database|Create user|Delete user)$/;
const REVIEWING: readonly string[] = [KEYS.approveCatalogueRequest, KEYS.denyCatalogueRequest];
const OF_MANAGERS: ReadonlySet<string> = new Set([...REVIEWING, KEYS.viewPrivateDesigns]);
/** Categories that change who is what, or what is paid. */
const ADMINISTRATION = new Set(['Identity Access Management', 'Account Management', 'Financial Management']);

const ofUser = ({ id, category, function: name }: AccessKey) =>
  !OF_MANAGERS.has(id) &&
  !OF_THE_INSTALLATION.test(name) &&
  (!ADMINISTRATION.has(category) || /^(View|Edit account|Leave|Update user profile)/.test(name)) &&
  !(category === 'Security Management' && /key/i.test(name));
const within = (category: string, pattern: RegExp) => (key: AccessKey) =>
  ofUser(key) || (key.category === category && pattern.test(key.function));

export const BUILT_IN_ROLES: readonly BuiltInRole[] = [
  role(1, 'admin', 'Administers the installation', () => true),
  role(
    2,
    'organization admin',
    'Administers the organization',
    (key) => !OF_THE_INSTALLATION.test(key.function),
  ),
  role(
    3,
    'organization billing manager',
    'Looks after what the organization pays',
    (key) => ofUser(key) || /subcription|plans|Showback|Chargeback/i.test(key.function),
  ),
  role(4, 'team admin', 'Looks after teams', within('Identity Access Management', /team/i)),
  role(5, 'workspace admin', 'Looks after workspaces', within('Workspace Management', /./)),
  role(
    6,
    'workspace manager',
    'Puts things into workspaces',
    within('Workspace Management', /^(View|Edit|Assign|Remove)/),
  ),
  role(7, 'curator', 'Reviews what is to be published', (key) => ofUser(key) || REVIEWING.includes(key.id)),
  role(8, 'user', 'Works with designs', ofUser),
];

/** Those that follow from the system role and the tenant role. */
export const FOLLOWING = { admin: 'admin', manager: 'organization admin', member: 'user' } as const;

export function builtInRole(idOrName: string): BuiltInRole | undefined {
  const word = idOrName.toLowerCase();
  return BUILT_IN_ROLES.find(({ id, name }) => id === word || name === word);
}

const held = new Map<string, readonly AccessKey[]>();

/** The keys of a role, in the order of the catalogue. */
export function keysOf(found: BuiltInRole): readonly AccessKey[] {
  let keys = held.get(found.id);
  if (keys === undefined) {
    keys = CATALOGUE_KEYS.filter(found.holds);
    held.set(found.id, keys);
  }
  return keys;
}
