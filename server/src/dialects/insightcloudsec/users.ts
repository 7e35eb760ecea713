/** Users (specs: insightcloudsec.md §6.1). */
import { type Static, Type } from 'typebox';
import type { NewUser } from '../../identity/people.js';
import type { ProfileField } from '../../identity/profiles.js';
import type { ListFilter, ListPage } from '../../store/list.js';
import { ADMINS_AND_VIEWER, add, type Call, DOMAIN, WRITERS } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Flag, Id, Int, ListBody, Ok, Text } from './fields.js';
import { groupResourceId } from './ids.js';
import { parseListOptions, type Selection } from './listing.js';
import type { Mounting } from './mounting.js';
import {
  accessLevelOf,
  levelNamed,
  lookingAt,
  renderUser,
  toldUser,
  USER_FIELDS,
  USER_SHAPE,
  User,
  type UserFacts,
  userAt,
  userNamed,
} from './user-record.js';

const UserList = Type.Object({ users: Type.Array(User), total_count: Int }, { title: 'UserList' });

const NewUserBody = Type.Object(
  {
    name: Type.String({ maxLength: 512 }),
    username: Type.String({ maxLength: 256 }),
    email: Type.String({ maxLength: 320 }),
    access_level: Text,
    password: Type.Optional(
      Type.String({ description: 'Absent or empty: a temporary one is made', maxLength: 1024 }),
    ),
    confirm_password: Type.Optional(Type.String({ maxLength: 1024 })),
    two_factor_required: Type.Optional(Flag),
    authentication_type: Type.Optional(Type.String({ description: 'internal, saml or ldap', maxLength: 20 })),
    authentication_server_id: Type.Optional(Id),
    group_ids: Type.Optional(Type.Array(Id, { maxItems: 100 })),
  },
  { title: 'NewUser' },
);

const Made = Type.Object(
  {
    ...User.properties,
    temporary_pw: Type.Optional(Type.String({ description: 'Told once' })),
    temp_pw_expiration: Type.Optional(Text),
  },
  { title: 'MadeUser' },
);

const UserChange = Type.Object(
  {
    username: Type.Optional(Type.String({ maxLength: 256 })),
    name: Type.Optional(Type.String({ maxLength: 512 })),
    email: Type.Optional(Type.String({ maxLength: 320 })),
    access_level: Type.Optional(Text),
    api_key_generation_allowed: Type.Optional(Flag),
  },
  { title: 'UserChange' },
);

const LevelChange = Type.Object(
  { current_access_level: Text, new_access_level: Text },
  { title: 'AccessLevelChange' },
);
const ConsoleChange = Type.Object({ user_id: Id, console_access_denied: Flag }, { title: 'ConsoleAccess' });

const params = { user: 'divvyuser:7:' };

export function addUsers(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET', 'POST'],
    path: '/v2/public/users/list',
    name: 'users_list',
    tag: 'Users',
    summary: 'List the users of the organisation',
    description: 'Without domain users.',
    may: ADMINS_AND_VIEWER,
    body: ListBody,
    answer: UserList,
    handle: (call) =>
      list(call, [{ field: 'systemRole', anyOf: ['member'] }], (query) =>
        call.core.profiles.listMembers(call.caller, query),
      ),
  });

  add(mounting, {
    methods: ['GET', 'POST'],
    path: '/v2/prototype/domains/admins/list',
    name: 'users_list_domain',
    tag: 'Users',
    summary: 'List domain admins and domain viewers',
    may: DOMAIN,
    body: ListBody,
    answer: UserList,
    handle: (call) =>
      list(call, [{ field: 'systemRole', anyOf: ['admin', 'auditor'] }], (query) =>
        call.core.profiles.list(call.caller, query),
      ),
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/create',
    name: 'users_create',
    tag: 'Users',
    summary: 'Create a user',
    description: 'In the organisation of the call, unless it is a domain user.',
    may: WRITERS,
    body: NewUserBody,
    answer: Made,
    async handle(call) {
      const { core, caller, body } = call;
      const groups = await groupNames(call, body.group_ids ?? []);
      const made = await core.people.create(caller, newUser(call));
      for (const group of groups) await core.userGroups.addUser(caller, group, made.profile.username);
      const profile =
        groups.length === 0 ? made.profile : await core.profiles.get(caller, { id: made.profile.id });
      const { temporaryPassword } = made;
      return {
        ...(await toldUser(call, profile)),
        ...(temporaryPassword === null
          ? {}
          : {
              temporary_pw: temporaryPassword.value,
              temp_pw_expiration: `${temporaryPassword.expiresAt.toISOString().slice(0, 19)}Z`,
            }),
      };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/user/:user/update',
    name: 'users_update',
    tag: 'Users',
    summary: 'Change a user',
    may: WRITERS,
    params,
    body: UserChange,
    answer: User,
    async handle(call) {
      const { core, caller, body } = call;
      const user = await userAt(call, call.params.user);
      if (body.access_level !== undefined && body.access_level !== '') {
        await setLevel(call, user, body.access_level, 'access_level');
      }
      const { username, name, email, api_key_generation_allowed: keysAllowed } = body;
      const profile = await core.profiles.update(
        caller,
        { id: user.id },
        {
          ...(username === undefined || username === '' ? {} : { username: username.toLowerCase() }),
          ...(name === undefined || name === '' ? {} : { displayName: name }),
          ...(email === undefined || email === '' ? {} : { email }),
          ...(keysAllowed === undefined ? {} : { keysAllowed }),
        },
      );
      return toldUser(call, profile);
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/:user/edit-access-level',
    name: 'users_set_level',
    tag: 'Users',
    summary: 'Change the access level of a user',
    may: WRITERS,
    params,
    body: LevelChange,
    answer: User,
    async handle(call) {
      const { core, caller, body } = call;
      const user = await userAt(call, call.params.user);
      const current = levelNamed('current_access_level', body.current_access_level).type;
      const is = accessLevelOf(user, caller.tenant?.id ?? null);
      if (current !== is) {
        throw invalidInput('current_access_level', `User "${user.username}" is ${is}, not ${current}`);
      }
      await setLevel(call, user, body.new_access_level, 'new_access_level');
      return toldUser(call, await core.profiles.get(caller, { id: user.id }));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/update_console_access',
    name: 'users_set_console',
    tag: 'Users',
    summary: 'Let a user log in, or not',
    description: 'Keys work in any case.',
    may: WRITERS,
    body: ConsoleChange,
    answer: Ok,
    async handle(call) {
      const { id } = await userNamed(call, call.body.user_id);
      await call.core.profiles.update(
        call.caller,
        { id },
        { consoleDenied: call.body.console_access_denied },
      );
    },
  });

  add(mounting, {
    methods: ['DELETE'],
    path: '/v2/prototype/user/:user/delete',
    name: 'users_delete',
    tag: 'Users',
    summary: 'Delete a user',
    may: WRITERS,
    params,
    answer: Ok,
    async handle(call) {
      const { id } = await userAt(call, call.params.user);
      await call.core.profiles.remove(call.caller, { id });
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/user/:user/groups/list',
    name: 'users_list_groups',
    tag: 'Users',
    summary: 'List the groups of a user',
    description: 'Roles of groups are not served: their list is empty.',
    may: ADMINS_AND_VIEWER,
    params,
    answer: Type.Object({
      groups: Type.Array(
        Type.Object(
          { resource_id: Text, group_id: Int, name: Text, roles: Type.Array(Type.Unknown()) },
          { title: 'UserGroup' },
        ),
      ),
    }),
    async handle(call) {
      const { groups } = await userAt(call, call.params.user);
      return {
        groups: groups.map(({ id, name }) => ({
          resource_id: groupResourceId(id),
          group_id: id,
          name,
          roles: [],
        })),
      };
    },
  });
}

async function list(
  call: Call<Static<typeof ListBody>>,
  own: readonly ListFilter<ProfileField>[],
  ask: (query: Selection<ProfileField> & { shape: typeof USER_SHAPE }) => Promise<ListPage>,
): Promise<Static<typeof UserList>> {
  const selection = parseListOptions(call.body, USER_FIELDS);
  const sort = selection.sort.length > 0 ? selection.sort : [{ field: 'id' } as const];
  const page = await ask({ ...selection, sort, filters: [...own, ...selection.filters], shape: USER_SHAPE });
  const users = JSON.parse(page.items) as UserFacts[];
  const looking = await lookingAt(call, users);
  return { users: users.map((user) => renderUser(user, looking)), total_count: page.total };
}

const AUTHENTICATIONS: Readonly<Record<string, 'internal' | 'saml' | 'ldap'>> = {
  internal: 'internal',
  saml: 'saml',
  ldap: 'ldap',
};

function newUser({ caller, body }: Call<Static<typeof NewUserBody>>): NewUser {
  const { password = '', confirm_password: confirmed = '', authentication_type: way = '' } = body;
  if (confirmed !== '' && confirmed !== password) {
    throw invalidInput('confirm_password', 'password and confirm_password are not the same');
  }
  const named = way === '' ? 'internal' : way;
  if (!Object.hasOwn(AUTHENTICATIONS, named)) {
    throw invalidInput(
      'authentication_type',
      `"${named}" is no authentication_type: internal, saml, ldap are`,
    );
  }
  return {
    ...identityOf(caller, body),
    authentication: AUTHENTICATIONS[named]!,
    secondFactorRequired: body.two_factor_required ?? false,
    ...(password === '' || named !== 'internal' ? {} : { password }),
  };
}

/** Name, address and level, which every kind of user is made with. */
export function identityOf(
  caller: Call<unknown>['caller'],
  body: {
    readonly name: string;
    readonly username: string;
    readonly email: string;
    readonly access_level?: string;
  },
): Pick<NewUser, 'username' | 'displayName' | 'email' | 'systemRole' | 'tenants'> {
  for (const field of ['name', 'username', 'email'] as const) {
    if (body[field].trim() === '') throw invalidInput(field, `Missing ${field}`);
  }
  const level = levelNamed('access_level', body.access_level || 'BASIC_USER');
  const { tenant } = caller;
  return {
    username: body.username.trim().toLowerCase(),
    displayName: body.name.trim(),
    email: body.email.trim(),
    systemRole: level.systemRole,
    tenants: level.tenantRole === null || tenant === null ? [] : [{ id: tenant.id, role: level.tenantRole }],
  };
}

async function groupNames(
  { core, caller }: Call<unknown>,
  ids: readonly (number | string)[],
): Promise<string[]> {
  if (ids.length === 0) return [];
  const wanted = ids.map(String);
  const filters = [{ field: 'id', anyOf: wanted }] as const;
  const query = { shape: { id: 'id', name: 'name' }, filters, sort: [], offset: 0, size: null } as const;
  const groups = JSON.parse((await core.userGroups.list(caller, query)).items) as {
    id: number;
    name: string;
  }[];
  const missing = wanted.find((id) => !groups.some((group) => String(group.id) === id));
  if (missing !== undefined) throw invalidInput('group_ids', `There is no group ${missing.slice(0, 50)}`);
  return groups.map(({ name }) => name);
}

/** Domain users belong to no organisation; others to the one of the call. */
async function setLevel(
  { core, caller }: Call<unknown>,
  user: UserFacts,
  word: string,
  field: string,
): Promise<void> {
  const level = levelNamed(field, word);
  const { tenant } = caller;
  if (level.tenantRole !== null && tenant === null)
    throw invalidInput(field, 'Switch to an organisation first');
  const others = user.memberships.map(({ id }) => ({ id, role: null }));
  const tenants = level.tenantRole === null ? others : [{ id: tenant!.id, role: level.tenantRole }];
  await core.profiles.setRoles(caller, { id: user.id }, { systemRole: level.systemRole, tenants });
}
