/** Users: the caller's own pages, and whom they may see (specs: layer5.md §5). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { PersonField } from '../../membership/members.js';
import type { ListFilter } from '../../store/list.js';
import { KEY, smallPage } from './access.js';
import { absent, badRequest, WireError } from './errors.js';
import { flag, one, pageOf, readListing, rowsOf } from './listing.js';
import {
  PEOPLE,
  type PersonRow,
  PUBLIC_FIELDS,
  personFilters,
  STRANGER,
  strangerOf,
  USER,
  USER_PAGE,
  userOf,
  usersOf,
} from './person-form.js';
import { preferencesOf } from './preferences.js';
import {
  type Call,
  Count,
  entity,
  MaybeText,
  type Mounting,
  Opaque,
  PAGE,
  pageSchema,
  route,
} from './routes.js';

/** The caller as a user, with preferences. */
export async function ownProfile(call: Call): Promise<Record<string, unknown>> {
  const listing = readListing({}, PEOPLE, [{ field: 'id', anyOf: [call.person.userUuid] }]);
  const [row] = rowsOf<PersonRow>(await call.core.members.list(call.caller, listing.query)).rows;
  if (row === undefined) throw new WireError(401, 'The user has gone');
  return { ...userOf(row), preferences: preferencesOf(await call.core.preferences.get(call.caller)) };
}

const ProfileBody = Type.Object({
  firstName: Type.Optional(Type.String({ maxLength: 256 })),
  lastName: Type.Optional(Type.String({ maxLength: 256 })),
  bio: MaybeText,
  avatarUrl: Type.Optional(Type.String({ maxLength: 2048 })),
  country: Type.Optional(Opaque),
  region: Type.Optional(Opaque),
  socials: Type.Optional(Type.Array(Opaque, { maxItems: 100 })),
});
const NewUserBody = Type.Object({
  email: Type.String({ minLength: 3, maxLength: 256 }),
  password: Type.String(),
  firstName: Type.Optional(Type.String({ maxLength: 256 })),
  lastName: Type.Optional(Type.String({ maxLength: 256 })),
});

export function addPeople(mounting: Mounting): void {
  const tag = 'Users';
  route(
    mounting,
    'get',
    '/api/identity/users/profile',
    { tag, name: 'users_profile', summary: 'Get your own profile', answer: USER },
    ownProfile,
  );

  route(
    mounting,
    'put',
    '/api/identity/users/profile',
    {
      tag,
      name: 'users_profile_update',
      summary: 'Change your own profile',
      body: ProfileBody,
      answer: USER,
    },
    async (call) => {
      const { country, region, ...rest } = call.body;
      await call.core.members.update(call.caller, {
        ...rest,
        ...(country === undefined ? {} : { country: country as JsonObject }),
        ...(region === undefined ? {} : { region: region as JsonObject }),
      });
      return ownProfile(call);
    },
  );

  route(
    mounting,
    'get',
    '/api/identity/users/profile/details',
    {
      tag,
      name: 'users_profile_details',
      summary: 'Tell how many designs and Kubernetes connections you have',
      answer: entity('ProfileDetails', { k8sCount: Count, patternCount: Count }),
    },
    async ({ core, caller, person }) => {
      const one = { shape: { id: 'id' as const }, sort: [], offset: 0, size: 1 };
      if (caller.tenant === null) return { k8sCount: 0, patternCount: 0 };
      const designs = await core.designs.list(caller, 'design', {
        ...one,
        filters: [{ selection: 'owner', values: [person.userUuid] }],
      });
      const clusters = await core.accountEnvironments.connections(caller, {
        ...one,
        filters: [{ field: 'kind', anyOf: ['kubernetes'] }],
      });
      return { k8sCount: clusters.total, patternCount: designs.total };
    },
  );

  route(
    mounting,
    'get',
    '/api/identity/users/profile/:id',
    {
      tag,
      name: 'users_profile_by_id',
      summary: 'Get the profile of a user',
      description: 'Of somebody in none of your organizations: what is public.',
      answer: USER,
    },
    async (call) => {
      const filters: ListFilter<PersonField>[] = [{ field: 'id', anyOf: [call.id('id', 'User')] }];
      const known = await call.core.members.list(call.caller, readListing({}, PEOPLE, filters).query);
      const [row] = rowsOf<PersonRow>(known).rows;
      if (row !== undefined) return userOf(row);
      const strangers = await call.core.members.strangers(
        call.caller,
        readListing({}, { fields: PUBLIC_FIELDS }, filters).query,
      );
      const [stranger] = rowsOf<Record<string, unknown>>(strangers).rows;
      if (stranger === undefined) throw absent('User', call.param('id'));
      return strangerOf(stranger);
    },
  );

  route(
    mounting,
    'get',
    '/api/identity/users',
    {
      tag,
      name: 'users_list',
      summary: 'List the members of the organization; every user, for provider admins',
      query: { ...PAGE, filter: 'JSON: `{"status":["active"]}`' },
      answer: USER_PAGE,
    },
    async (call) => {
      const listing = readListing(call.query, PEOPLE, personFilters(call));
      const all = call.caller.permissions.has('users.manage');
      const page = all
        ? await call.core.members.list(call.caller, listing.query)
        : await call.core.members.members(call.caller, listing.query);
      return usersOf(listing, page);
    },
  );

  for (const [path, name] of [
    ['/api/users', 'people_list'],
    ['/api/identity/users/search', 'people_search'],
  ] as const) {
    route(
      mounting,
      'get',
      path,
      {
        tag,
        name,
        summary: 'Find users',
        description: 'With e-mail addresses of those only who share an organization with you.',
        query: { ...PAGE, filter: 'JSON: `{"status":["active"]}`' },
        answer: pageSchema('PublicUserPage', 'data', STRANGER),
      },
      searched,
    );
  }

  route(
    mounting,
    'post',
    '/api/identity/users',
    {
      tag,
      name: 'users_create',
      summary: 'Make a user, with an organization of their own; for provider admins',
      body: NewUserBody,
      status: 201,
      answer: USER,
    },
    async (call) => {
      const { email, password, firstName, lastName } = call.body;
      const { profile } = await call.core.people.create(call.caller, {
        username: email,
        ...(email.includes('@') ? { email } : {}),
        password,
        ...(firstName === undefined ? {} : { firstName }),
        ...(lastName === undefined ? {} : { lastName }),
      });
      const title =
        [firstName, lastName].filter((word) => word !== undefined && word.trim() !== '').join(' ') ||
        email.split('@')[0]!;
      await call.core.ownedTenants.createFor(call.caller, profile.id, `${title}'s organization`);
      return call.reply.code(201).send(await personById(call, profile.uuid));
    },
  );

  route(
    mounting,
    'delete',
    '/api/identity/users/self',
    { tag, name: 'users_leave', summary: 'Delete your own account', query: LEAVING },
    async (call) => {
      const alone = await call.core.members.holdsAlone(call.caller);
      const body = (call.body ?? {}) as Readonly<Record<string, unknown>>;
      const organization = one(call.query, 'organizationId') ?? String(body.organizationId ?? '');
      if (flag(call.query, 'deleteOrganization') === true || body.deleteOrganization === true) {
        if (!isUuid(organization)) throw badRequest('deleteOrganization needs organizationId, a UUID');
        const caller = await call.within(organization);
        const confirmation =
          one(call.query, 'organizationNameConfirmation') ?? String(body.organizationNameConfirmation ?? '');
        await call.core.ownedTenants.removeWithOwner(caller, confirmation);
      } else if (alone !== null) {
        throw new DomainError(
          'conflict',
          'last-manager',
          `You are the last administrator of ${alone}, which has other members`,
        );
      }
      await call.core.members.removeSelf(call.caller);
      return undefined;
    },
  );

  route(
    mounting,
    'delete',
    '/api/identity/users/:id',
    { tag, name: 'users_delete', summary: 'Delete a user; for provider admins', answer: USER },
    async (call) => {
      const user = await personById(call, call.id('id', 'User'));
      await call.core.users.remove(call.caller, String(user.username));
      return { ...user, deletedAt: new Date().toISOString() };
    },
  );

  for (const path of ['/api/identity/users/keys', '/api/identity/orgs/:orgId/users/keys']) {
    route(
      mounting,
      'get',
      path,
      {
        tag,
        name: path.includes('orgs') ? 'orgs_users_keys' : 'users_keys',
        summary: 'List the permission keys that you hold in the organization',
        query: PAGE,
        answer: pageSchema('KeyPage', 'keys', KEY),
      },
      async (call) =>
        smallPage(call, 'keys', await call.core.access.heldKeys(call.caller), ({ function: name }) => name),
    );
  }
}

const LEAVING = {
  deleteOrganization: 'true: your organization goes too',
  organizationId: 'Which one',
  organizationNameConfirmation: 'Its name, to be sure',
};

export async function searched(call: Call): Promise<unknown> {
  const fields: readonly PersonField[] = [...PUBLIC_FIELDS, 'email'];
  const listing = readListing(
    call.query,
    { fields, defaultOrder: [{ field: 'username' }] },
    personFilters(call),
  );
  const { rows, total } = rowsOf<Record<string, unknown>>(
    await call.core.members.list(call.caller, listing.query),
  );
  return pageOf('data', listing, { rows: rows.map(strangerOf), total });
}

async function personById(call: Call, uuid: string): Promise<Record<string, unknown>> {
  const listing = readListing({}, PEOPLE, [{ field: 'id', anyOf: [uuid] }]);
  const [row] = rowsOf<PersonRow>(await call.core.members.list(call.caller, listing.query)).rows;
  if (row === undefined) throw absent('User', uuid);
  return userOf(row);
}
