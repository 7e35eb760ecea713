/** Teams, and who is in them (specs: layer5.md §6). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import type { TeamField } from '../../membership/teams.js';
import { absent } from './errors.js';
import { type ListingOptions, pageOf, readListing, rowsOf } from './listing.js';
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
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

export const TEAM = entity('Team', {
  id: Id,
  name: Text,
  description: Text,
  owner: MaybeId,
  metadata: Opaque,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
export const TEAMS: ListingOptions<TeamField> = {
  fields: ['id', 'name', 'description', 'owner', 'metadata', 'createdAt', 'updatedAt', 'deletedAt'],
};
const MAPPING = entity('TeamOrganizationMapping', { id: Id, teamId: Id, orgId: Id });
const MAPPINGS = pageSchema('TeamOrganizationMappingPage', 'teamsOrganizationsMapping', MAPPING);

const NewBody = Type.Object({ name: Name, description: MaybeText, metadata: MaybeObject });
const ChangeBody = Type.Object({ name: Type.Optional(Name), description: MaybeText, metadata: MaybeObject });
const ActionBody = Type.Optional(Type.Object({ action: Type.Optional(Type.String()) }));

export function addTeams(mounting: Mounting): void {
  const tag = 'Teams';
  const root = '/api/identity/orgs/:orgId/teams';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'teams_list',
      summary: 'List the teams of an organization',
      query: PAGE,
      answer: pageSchema('TeamPage', 'teams', TEAM),
    },
    async (call) => {
      const listing = readListing(call.query, TEAMS);
      return pageOf('teams', listing, rowsOf(await call.core.teams.list(call.caller, listing.query)));
    },
  );
  route(
    mounting,
    'post',
    root,
    { tag, name: 'teams_create', summary: 'Make a team', body: NewBody, status: 201, answer: TEAM },
    async (call) => {
      const { metadata, ...rest } = call.body;
      const id = await call.core.teams.create(call.caller, {
        ...rest,
        ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
      });
      return find(call, id);
    },
  );
  route(
    mounting,
    'get',
    `${root}/:teamId`,
    { tag, name: 'teams_get', summary: 'Get a team', answer: TEAM },
    async (call) => find(call, call.id('teamId', 'Team')),
  );
  route(
    mounting,
    'put',
    `${root}/:teamId`,
    { tag, name: 'teams_update', summary: 'Change a team', body: ChangeBody, answer: TEAM },
    async (call) => {
      const id = call.id('teamId', 'Team');
      const { metadata, ...rest } = call.body;
      await call.core.teams.update(call.caller, id, {
        ...rest,
        ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
      });
      return find(call, id);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:teamId`,
    { tag, name: 'teams_delete', summary: 'Delete a team' },
    async (call) => {
      await call.core.teams.remove(call.caller, call.id('teamId', 'Team'));
      return undefined;
    },
  );
  route(
    mounting,
    'post',
    `${root}/:teamId`,
    {
      tag,
      name: 'teams_put_in_org',
      summary: 'Take a team up again; with the action `delete`, lay it aside',
      body: ActionBody,
      status: 201,
      answer: MAPPINGS,
    },
    async (call) => mapped(call, (call.body as { action?: string } | undefined)?.action === 'delete'),
  );
  route(
    mounting,
    'post',
    `${root}/:teamId/remove`,
    { tag, name: 'teams_remove_from_org', summary: 'Lay a team aside', answer: MAPPINGS },
    async (call) => mapped(call, true),
  );
  addTeamMembers(mounting);
}

function addTeamMembers(mounting: Mounting): void {
  const tag = 'Teams';
  const root = '/api/identity/orgs/:orgId/teams/:teamId/users';
  for (const [path, name, side, summary] of [
    ['/api/identity/teams/:teamId/users', 'teams_users', 'in', 'List the members of a team'],
    [root, 'teams_users_missing', 'out', 'List the members of the organization who are not in a team'],
  ] as const) {
    route(
      mounting,
      'get',
      path,
      { tag, name, summary, query: { ...PAGE, filter: 'JSON: `{"status":["active"]}`' }, answer: USER_PAGE },
      async (call) => {
        const listing = readListing(call.query, PEOPLE, personFilters(call));
        return usersOf(
          listing,
          await call.core.teams.members(call.caller, call.id('teamId', 'Team'), listing.query, side),
        );
      },
    );
  }
  route(
    mounting,
    'post',
    `${root}/:userId`,
    {
      tag,
      name: 'teams_users_add',
      summary: 'Put a member of the organization into a team',
      status: 201,
      answer: entity('TeamUser', {
        id: Id,
        teamId: Id,
        userId: Id,
        roleId: Type.Union([Id, Type.Null()]),
        createdAt: Time,
        updatedAt: Time,
        deletedAt: MaybeTime,
      }),
    },
    async (call) => {
      const [teamId, userId] = [call.id('teamId', 'Team'), call.id('userId', 'User')];
      const { id, createdAt } = await call.core.teams.addMember(call.caller, teamId, userId);
      return { id, teamId, userId, roleId: null, createdAt, updatedAt: createdAt, deletedAt: null };
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:userId`,
    { tag, name: 'teams_users_remove', summary: 'Take somebody out of a team' },
    async (call) => {
      await call.core.teams.removeMember(call.caller, call.id('teamId', 'Team'), call.id('userId', 'User'));
      return undefined;
    },
  );
}

async function find(call: Call, id: string): Promise<unknown> {
  const listing = readListing({}, TEAMS, [{ field: 'id', anyOf: [id] }]);
  const [row] = rowsOf(await call.core.teams.list(call.caller, listing.query)).rows;
  if (row === undefined) throw absent('Team', id);
  return row;
}

async function mapped(call: Call, aside: boolean): Promise<unknown> {
  const teamId = call.id('teamId', 'Team');
  await call.core.teams.setAside(call.caller, teamId, aside);
  const mapping = { id: teamId, teamId, orgId: call.param('orgId').toLowerCase() };
  return pageOf('teamsOrganizationsMapping', { page: 0, size: 1 }, { rows: [mapping], total: 1 });
}
