/** Invitations and badges (specs: layer5.md §6). */
import Type from 'typebox';
import type { InvitationChange, InvitationField } from '../../membership/invitations.js';
import { uuidOrNull } from './access.js';
import { absent, badRequest } from './errors.js';
import { type ListingOptions, pageOf, readListing, rowsOf } from './listing.js';
import {
  type Call,
  entity,
  Flag,
  Id,
  MaybeId,
  MaybeText,
  MaybeTime,
  type Mounting,
  Name,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';
import { KeyedBy } from './spelling.js';

const Texts = Type.Array(Type.String({ maxLength: 320 }), { maxItems: 1000 });
const FIELDS = {
  name: Name,
  description: MaybeText,
  orgId: Type.Optional(Type.String()),
  emails: Type.Optional(Texts),
  roles: Type.Optional(Texts),
  teams: Type.Optional(Texts),
  status: Type.Optional(Type.Union([Type.Literal('enabled'), Type.Literal('disabled')])),
  quota: Type.Optional(Type.Integer({ minimum: 0, maximum: 2_000_000_000 })),
  expiresAt: Type.Optional(Type.String()),
  isDefault: Type.Optional(Type.Boolean()),
};
const NewBody = Type.Object(FIELDS);
const ChangeBody = Type.Object({ ...FIELDS, name: Type.Optional(Name) });

const INVITATION = entity('Invitation', {
  id: Id,
  orgId: Id,
  name: Text,
  description: Text,
  emails: Type.Array(Text),
  roles: Type.Array(Text),
  teams: Type.Array(Text),
  status: Text,
  quota: Type.Union([Type.Integer(), Type.Null()]),
  expiresAt: MaybeTime,
  isDefault: Flag,
  owner: MaybeId,
  acceptedBy: Type.Array(Id),
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
const LISTING: ListingOptions<InvitationField> = {
  fields: [
    'id',
    'tenant',
    'name',
    'description',
    'emails',
    'roles',
    'teams',
    'enabled',
    'quota',
    'expiresAt',
    'isDefault',
    'owner',
    'acceptedBy',
    'createdAt',
    'updatedAt',
  ],
};

interface Row {
  readonly tenant: string;
  readonly enabled: boolean;
  readonly [key: string]: unknown;
}
const invitationOf = ({ tenant, enabled, ...row }: Row) => ({
  ...row,
  orgId: tenant,
  status: enabled ? 'enabled' : 'disabled',
  deletedAt: null,
});

export function addInvitations(mounting: Mounting): void {
  const tag = 'Invitations and badges';
  const root = '/api/organizations/invitations';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'invitations_list',
      summary: 'List invitations; for admins',
      query: PAGE,
      answer: pageSchema('InvitationPage', 'data', INVITATION),
    },
    async (call) => {
      const listing = readListing(call.query, LISTING);
      const { rows, total } = rowsOf<Row>(await call.core.invitations.list(call.caller, listing.query));
      return pageOf('data', listing, { rows: rows.map(invitationOf), total });
    },
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'invitations_create',
      summary: 'Make an invitation',
      body: NewBody,
      status: 201,
      answer: INVITATION,
    },
    async (call) => {
      const { orgId } = call.body;
      const named = uuidOrNull('orgId', orgId);
      const caller = named === null ? call.caller : await call.within(named);
      const id = await call.core.invitations.create(caller, { ...changeOf(call.body), name: call.body.name });
      return find({ ...call, caller }, id);
    },
  );
  route(
    mounting,
    'get',
    `${root}/:id`,
    { tag, name: 'invitations_get', summary: 'Get an invitation', answer: INVITATION },
    async (call) => find(call, call.id('id', 'Invitation')),
  );
  route(
    mounting,
    'put',
    `${root}/:id`,
    {
      tag,
      name: 'invitations_update',
      summary: 'Change an invitation',
      body: ChangeBody,
      answer: INVITATION,
    },
    async (call) => {
      const id = call.id('id', 'Invitation');
      await call.core.invitations.update(call.caller, id, changeOf(call.body));
      return find(call, id);
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'invitations_delete', summary: 'Delete an invitation' },
    async (call) => {
      await call.core.invitations.remove(call.caller, call.id('id', 'Invitation'));
      return undefined;
    },
  );
  for (const [path, name] of [
    [`${root}/:id/accept`, 'invitations_accept'],
    ['/api/identity/invitations/:id/accept', 'invitations_accept_alias'],
  ] as const) {
    route(
      mounting,
      'post',
      path,
      {
        tag,
        name,
        summary: 'Join by an invitation',
        answer: entity('AcceptedInvitation', { id: Id, orgId: Type.Optional(Id), message: Text }),
      },
      async (call) => {
        const id = call.id('id', 'Invitation');
        const tenant = await call.core.invitations.accept(call.caller, id);
        const caller = await call.core.callers.callerFor(call.person, tenant, call.request.id);
        const told = caller.permissions.has('members.manage')
          ? await find({ ...call, caller }, id)
          : { id, orgId: caller.tenant?.uuid };
        return { ...told, message: 'You are a member now' };
      },
    );
  }
  addBadges(mounting);
}

async function find(call: Call, id: string): Promise<Record<string, unknown>> {
  const listing = readListing({}, LISTING, [{ field: 'id', anyOf: [id] }]);
  const [row] = rowsOf<Row>(await call.core.invitations.list(call.caller, listing.query)).rows;
  if (row === undefined) throw absent('Invitation', id);
  return invitationOf(row);
}

function changeOf(body: Type.Static<typeof ChangeBody>): InvitationChange {
  const { status, expiresAt, orgId: _, ...rest } = body;
  return {
    ...rest,
    ...(status === undefined ? {} : { enabled: status === 'enabled' }),
    ...(expiresAt === undefined || expiresAt === '' ? {} : { expiresAt: timeOf('expires_at', expiresAt) }),
  };
}

/** @throws WireError 400 */
export function timeOf(name: string, text: string): Date {
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(time.getTime()) || time.getUTCFullYear() > 9999)
    throw badRequest(`${name} must be a time as RFC 3339 has it, such as 2025-01-02T03:04:05Z`);
  return time;
}

const BADGE = entity('Badge', {
  id: Id,
  orgId: Id,
  label: Text,
  name: Text,
  description: Text,
  imageUrl: Text,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
const BadgeBody = Type.Object({
  id: Type.Optional(Type.String()),
  orgId: Type.Optional(Type.String()),
  label: Name,
  name: Name,
  description: MaybeText,
  imageUrl: Type.Optional(Type.String({ maxLength: 2048 })),
});
const AssignBody = Type.Object({
  badges: Type.Array(Type.String(), { minItems: 1, maxItems: 100 }),
  userId: Type.String(),
});
const badgeOf = ({ tenant, ...award }: { readonly tenant: string; readonly [key: string]: unknown }) => ({
  ...award,
  orgId: tenant,
  deletedAt: null,
});

function addBadges(mounting: Mounting): void {
  const tag = 'Invitations and badges';
  const badges = entity('Badges', { badges: Type.Object({}, { additionalProperties: BADGE }) });
  route(
    mounting,
    'get',
    '/api/identity/badges',
    {
      tag,
      name: 'badges_list',
      summary: 'List the badges of the organization, by label',
      query: { orgId: 'Another organization' },
      answer: badges,
    },
    async (call) => {
      const all = await call.core.awards.list(call.caller);
      return {
        badges: new KeyedBy(Object.fromEntries(all.map((award) => [award.label, badgeOf({ ...award })]))),
      };
    },
  );
  route(
    mounting,
    'get',
    '/api/organizations/badges/:id',
    { tag, name: 'badges_get', summary: 'Get a badge', answer: BADGE },
    async (call) => badgeOf({ ...(await call.core.awards.get(call.caller, call.id('id', 'Badge'))) }),
  );
  route(
    mounting,
    'delete',
    '/api/organizations/badges/:id',
    { tag, name: 'badges_delete', summary: 'Delete a badge' },
    async (call) => {
      await call.core.awards.remove(call.caller, call.id('id', 'Badge'));
      return undefined;
    },
  );
  route(
    mounting,
    'post',
    '/api/organizations/badges',
    {
      tag,
      name: 'badges_put',
      summary: 'Make a badge; with its id, change it',
      body: BadgeBody,
      answer: BADGE,
    },
    async (call) => {
      const { id, orgId, label, name, description = '', imageUrl = '' } = call.body;
      const named = uuidOrNull('orgId', orgId);
      const caller = named === null ? call.caller : await call.within(named);
      return badgeOf({
        ...(await call.core.awards.put(caller, uuidOrNull('id', id), { label, name, description, imageUrl })),
      });
    },
  );
  route(
    mounting,
    'put',
    '/api/identity/users/badges',
    {
      tag,
      name: 'badges_assign',
      summary: 'Give badges to a member',
      body: AssignBody,
      answer: entity('BadgesGiven', { userId: Id, badges: Type.Array(Text) }),
    },
    async (call) => {
      const { badges: labels, userId } = call.body;
      await call.core.awards.give(call.caller, userId, labels);
      return { userId, badges: labels };
    },
  );
}
