/** Organizations: tenants as the people in them see them, and their members (specs: layer5.md §6). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import type { OwnedTenantField } from '../../membership/owned-tenants.js';
import { absent, badRequest } from './errors.js';
import { flag, hybrid, type ListingOptions, one, pageOf, readListing, rowsOf } from './listing.js';
import { searched } from './people.js';
import { PEOPLE, personFilters, USER_PAGE, usersOf } from './person-form.js';
import {
  type Call,
  entity,
  Id,
  MaybeId,
  MaybeObject,
  MaybeText,
  MaybeTime,
  type Mounting,
  Name,
  Opaque,
  openRoute,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const ORG_FIELDS = {
  id: Id,
  name: Text,
  description: Text,
  country: Opaque,
  region: Opaque,
  domain: Type.Union([Text, Type.Null()]),
  owner: MaybeId,
  metadata: Opaque,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
};
export const ORGANIZATION = entity('Organization', ORG_FIELDS);
const ORG_PAGE = pageSchema('OrganizationPage', 'organizations', ORGANIZATION);
const ORG_HYBRID = entity('OrganizationAndPage', {
  ...ORG_FIELDS,
  page: Type.Integer(),
  pageSize: Type.Integer(),
  totalCount: Type.Integer(),
  organizations: Type.Array(ORGANIZATION),
});

const LISTING: ListingOptions<OwnedTenantField> = {
  fields: [
    'id',
    'name',
    'description',
    'country',
    'region',
    'domain',
    'owner',
    'preferences',
    'createdAt',
    'updatedAt',
  ],
};

const Change = {
  description: MaybeText,
  country: MaybeObject,
  region: MaybeObject,
  preferences: MaybeObject,
  notifyOrgUpdate: Type.Optional(Type.Boolean()),
};
const NewBody = Type.Object({ name: Name, ...Change });
const ChangeBody = Type.Object({ name: Type.Optional(Name), ...Change });
const InviteBody = Type.Object({
  email: Type.String({ minLength: 3, maxLength: 320 }),
  firstName: Type.Optional(Type.String()),
  lastName: Type.Optional(Type.String()),
  roleNames: Type.Optional(Type.Array(Type.String(), { maxItems: 20 })),
});

interface OrganizationRow {
  readonly preferences: JsonObject;
  readonly [key: string]: unknown;
}
const organizationOf = ({ preferences, ...row }: OrganizationRow) => ({
  ...row,
  metadata: { preferences },
  deletedAt: null,
});

async function own(call: Call, id: string): Promise<OrganizationRow> {
  const listing = readListing({}, LISTING, [{ field: 'id', anyOf: [id.toLowerCase()] }]);
  const [row] = rowsOf<OrganizationRow>(await call.core.ownedTenants.list(call.caller, listing.query)).rows;
  if (row === undefined) throw absent('Organization', id);
  return row;
}

const told = async (call: Call) =>
  hybrid('organizations', organizationOf(await own(call, call.param('orgId'))));

export function addOrganizations(mounting: Mounting): void {
  const tag = 'Organizations';
  const root = '/api/identity/orgs';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'orgs_list',
      summary: 'List your organizations',
      query: { ...PAGE, all: 'true: every organization, for provider admins' },
      answer: ORG_PAGE,
    },
    async (call) => {
      const listing = readListing(call.query, LISTING);
      const all = flag(call.query, 'all') === true || call.everywhere;
      const page = await call.core.ownedTenants.list(call.caller, listing.query, all);
      const { rows, total } = rowsOf<OrganizationRow>(page);
      return pageOf('organizations', listing, { rows: rows.map(organizationOf), total });
    },
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'orgs_create',
      summary: 'Make an organization that you own',
      body: NewBody,
      status: 201,
      answer: ORG_HYBRID,
    },
    async (call) => {
      const { name: title, ...rest } = call.body;
      const id = await call.core.ownedTenants.create(call.caller, { title, ...changeOf(rest) });
      return hybrid('organizations', organizationOf(await own(call, id)));
    },
  );
  openRoute(
    mounting,
    'get',
    `${root}/by-domain`,
    {
      tag,
      name: 'orgs_by_domain',
      summary: 'Find the organization of a domain',
      query: { domain: 'Host name' },
      answer: entity('OrganizationOfDomain', {
        id: Id,
        name: Text,
        description: Text,
        domain: Text,
        metadata: Opaque,
      }),
    },
    async (request) => {
      const domain = one(request.query as never, 'domain')?.trim() ?? '';
      if (domain === '') throw badRequest('domain is missing');
      const fields: readonly OwnedTenantField[] = ['id', 'name', 'description', 'domain', 'preferences'];
      const [row] = rowsOf<OrganizationRow>(
        await mounting.core.ownedTenants.byDomain(domain, readListing({}, { fields }).query),
      ).rows;
      if (row === undefined) throw absent('Organization of domain', domain);
      const { preferences, ...rest } = row;
      return { ...rest, metadata: { preferences } };
    },
  );
  route(
    mounting,
    'get',
    `${root}/:orgId`,
    { tag, name: 'orgs_get', summary: 'Get an organization', answer: ORG_HYBRID },
    told,
  );
  route(
    mounting,
    'put',
    `${root}/:orgId`,
    {
      tag,
      name: 'orgs_update',
      summary: 'Change an organization; for its admins',
      body: ChangeBody,
      answer: ORG_HYBRID,
    },
    async (call) => {
      const { name: title, ...rest } = call.body;
      await call.core.ownedTenants.update(call.caller, {
        ...(title === undefined ? {} : { title }),
        ...changeOf(rest),
      });
      return told(call);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:orgId`,
    { tag, name: 'orgs_delete', summary: 'Delete an organization; for its owner and provider admins' },
    async (call) => {
      await call.core.ownedTenants.remove(call.caller);
      return undefined;
    },
  );
  route(
    mounting,
    'get',
    `${root}/:orgId/preferences`,
    {
      tag,
      name: 'orgs_preferences',
      summary: 'Get the preferences of an organization',
      answer: entity('OrganizationPreferences', {
        preferences: entity('OrganizationLook', { theme: Opaque, dashboard: Opaque }),
      }),
    },
    async (call) => {
      const { preferences } = await own(call, call.param('orgId'));
      return {
        preferences: {
          ...preferences,
          theme: preferences.theme ?? { id: '', logo: {}, vars: {} },
          dashboard: preferences.dashboard ?? {},
        },
      };
    },
  );
  addMembers(mounting);
}

function addMembers(mounting: Mounting): void {
  const tag = 'Organizations';
  const root = '/api/identity/orgs/:orgId/users';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'orgs_users_list',
      summary: 'List the members of an organization',
      query: { ...PAGE, filter: 'JSON: `{"status":["active"]}`', teamId: 'Only those in this team' },
      answer: USER_PAGE,
    },
    async (call) => {
      const team = one(call.query, 'teamId')?.trim() ?? '';
      const filters = [
        ...personFilters(call),
        ...(isTeam(team) ? [{ selection: 'team', values: [team] }] : []),
      ];
      const listing = readListing(call.query, PEOPLE, filters);
      return usersOf(listing, await call.core.members.members(call.caller, listing.query));
    },
  );
  route(
    mounting,
    'get',
    `${root}/search`,
    {
      tag,
      name: 'orgs_users_search',
      summary: 'Find users for an organization',
      query: PAGE,
      answer: pageSchema(
        'PublicUserPage',
        'data',
        entity('PublicUser', {
          id: Id,
          userId: Text,
          username: Text,
          firstName: Text,
          lastName: Text,
          avatarUrl: Text,
        }),
      ),
    },
    searched,
  );
  route(
    mounting,
    'post',
    `${root}/invite`,
    {
      tag,
      name: 'orgs_users_invite',
      summary: 'Invite somebody by e-mail',
      body: InviteBody,
      answer: entity('Invited', { message: Text, invitationId: Id }),
    },
    async (call) => {
      const { email, roleNames: roles = [] } = call.body;
      if (!email.includes('@')) throw badRequest('email must be an e-mail address');
      const invitationId = await call.core.invitations.create(call.caller, {
        name: `Invitation of ${email}`.slice(0, 256),
        emails: [email],
        roles,
        quota: 1,
      });
      return { message: `${email} may join with this invitation`, invitationId };
    },
  );
  route(
    mounting,
    'post',
    `${root}/:userId`,
    {
      tag,
      name: 'orgs_users_add',
      summary: 'Make somebody a member',
      status: 201,
      answer: entity('OrganizationUser', { organizationId: Id, userId: Id, roleNames: Type.Array(Text) }),
    },
    async (call) => {
      const userId = call.id('userId', 'User');
      await call.core.members.add(call.caller, userId);
      return { organizationId: call.param('orgId').toLowerCase(), userId, roleNames: ['user'] };
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:userId`,
    { tag, name: 'orgs_users_remove', summary: 'Remove a member; to leave, yourself' },
    async (call) => {
      await call.core.members.remove(call.caller, call.id('userId', 'User'));
      return undefined;
    },
  );
}

function isTeam(text: string): boolean {
  if (text === '') return false;
  if (!/^[0-9a-f-]{36}$/i.test(text)) throw badRequest('teamId must be a UUID');
  return true;
}

type Given = {
  readonly description?: string;
  readonly country?: object;
  readonly region?: object;
  readonly preferences?: object;
};

function changeOf({ description, country, region, preferences }: Given) {
  return {
    ...(description === undefined ? {} : { description }),
    ...(country === undefined ? {} : { country: country as JsonObject }),
    ...(region === undefined ? {} : { region: region as JsonObject }),
    ...(preferences === undefined ? {} : { preferences: preferences as JsonObject }),
  };
}
