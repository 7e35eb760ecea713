/** The academy: what can be learnt, and who learns it (specs: layer5.md §11). The wire spells it `cirricula`, too. */
import Type from 'typebox';
import {
  CURRICULUM_STATUSES,
  CURRICULUM_TYPES,
  type CurriculumChange,
  type CurriculumField,
  LEVELS,
} from '../../academy/curricula.js';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { ListFilter } from '../../store/list.js';
import { uuidOrNull } from './access.js';
import { absent, badRequest } from './errors.js';
import { timeOf } from './invitations.js';
import {
  type Listing,
  type ListingOptions,
  one,
  pageOf,
  type Query,
  readListing,
  rowsOf,
  several,
} from './listing.js';
import {
  type Call,
  Count,
  entity,
  Id,
  MaybeId,
  MaybeTime,
  type Mounting,
  Opaque,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const words = (all: readonly string[]) => Type.Union(all.map((word) => Type.Literal(word)));
const CURRICULUM = entity('Curricula', {
  id: Id,
  orgId: Id,
  type: words(CURRICULUM_TYPES),
  visibility: words(['public', 'private']),
  status: words(CURRICULUM_STATUSES),
  slug: Text,
  level: words(LEVELS),
  title: Text,
  badgeId: MaybeId,
  inviteId: MaybeId,
  workspaceId: MaybeId,
  teamId: MaybeId,
  accessStatus: Text,
  accessExpiresAt: MaybeTime,
  metadata: Opaque,
  registrationCount: Type.Integer({ minimum: 0, description: 'Registrations that were not withdrawn' }),
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
const CURRICULUM_PAGE = pageSchema('CurriculaPage', 'data', CURRICULUM, { total: Count });
const CURRICULA: ListingOptions<CurriculumField> = {
  fields: [
    'id',
    'tenant',
    'type',
    'visibility',
    'status',
    'slug',
    'level',
    'title',
    'award',
    'invitation',
    'workspace',
    'team',
    'accessStatus',
    'accessExpiresAt',
    'metadata',
    'registrationCount',
    'createdAt',
    'updatedAt',
  ],
};
const Word = Type.Optional(Type.String({ maxLength: 512 }));
const FIELDS = {
  type: Word,
  title: Word,
  orgId: Word,
  workspaceId: Word,
  teamId: Word,
  badgeId: Word,
  inviteId: Word,
  accessExpiresAt: Word,
  accessStatus: Type.Optional(Type.String({ maxLength: 64 })),
  metadata: Type.Optional(Opaque),
  visibility: Word,
  level: Word,
  slug: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,199}$' })),
  status: Word,
};
const NewBody = Type.Object({
  ...FIELDS,
  type: Type.String(),
  title: Type.String({ minLength: 1, maxLength: 512, pattern: '\\S' }),
});
const ChangeBody = Type.Object(FIELDS);

interface Row {
  readonly tenant: string;
  readonly award: string | null;
  readonly invitation: string | null;
  readonly workspace: string | null;
  readonly team: string | null;
  readonly [key: string]: unknown;
}
const curriculumOf = ({
  tenant,
  award,
  invitation,
  workspace,
  team,
  ...row
}: Row): Record<string, unknown> => ({
  ...row,
  orgId: tenant,
  badgeId: award,
  inviteId: invitation,
  workspaceId: workspace,
  teamId: team,
  deletedAt: null,
});
const tag = 'Academy';

export function addAcademy(mounting: Mounting): void {
  // `registered` before the others: it is no id.
  for (const [word, alias] of [
    ['cirricula', ''],
    ['curricula', '_curricula'],
    ['Curricula', '_capital'],
  ] as const) {
    const root = `/api/academy/${word}`;
    const query = {
      ...PAGE,
      contentType: 'Only of these types',
      visibility: 'public, private',
      level: 'Only of these levels',
      orgId: 'Only of this organization',
      category: 'Only of these categories',
      status: 'Only with these statuses',
      sort: 'Field to order by; with `order` asc or desc',
    };
    route(
      mounting,
      'get',
      root,
      {
        tag,
        name: `curricula_list${alias}`,
        summary: 'List what can be learnt, with the numbers of learners',
        query,
        answer: CURRICULUM_PAGE,
      },
      (call) => list(call, []),
    );
    route(
      mounting,
      'get',
      `${root}/registered`,
      {
        tag,
        name: `curricula_registered${alias}`,
        summary: 'List what you are registered for',
        query,
        answer: CURRICULUM_PAGE,
      },
      (call) => list(call, [{ selection: 'registered', values: [String(call.caller.userId)] }]),
    );
    if (alias === '_capital') continue;
    route(
      mounting,
      'post',
      root,
      {
        tag,
        name: `curricula_create${alias}`,
        summary: 'Make something to learn; for organization admins',
        body: NewBody,
        status: 201,
        answer: CURRICULUM,
      },
      create,
    );
  }
  const one = '/api/academy/curricula/:id';
  route(
    mounting,
    'get',
    one,
    {
      tag,
      name: 'curricula_get',
      summary: 'Get something to learn',
      answer: entity('CurriculaWithInvitation', {
        ...CURRICULUM.properties,
        invitation: Type.Union([Opaque, Type.Null()]),
      }),
    },
    async (call) => ({
      ...(await find(call, [{ field: 'id', anyOf: [call.id('id', 'Content')] }], call.param('id'))),
      invitation: null,
    }),
  );
  route(
    mounting,
    'put',
    one,
    {
      tag,
      name: 'curricula_update',
      summary: 'Change it; for organization admins',
      body: ChangeBody,
      answer: CURRICULUM,
    },
    async (call) => {
      const id = call.id('id', 'Content');
      await call.core.curricula.update(call.caller, id, changeOf(call.body));
      return find(call, [{ field: 'id', anyOf: [id] }], id);
    },
  );
  route(
    mounting,
    'delete',
    one,
    { tag, name: 'curricula_delete', summary: 'Delete it; for organization admins' },
    async (call) => {
      await call.core.curricula.remove(call.caller, call.id('id', 'Content'));
      return undefined;
    },
  );
  route(
    mounting,
    'get',
    '/api/academy/:type/:orgId/:slug',
    {
      tag,
      name: 'curricula_by_slug',
      summary: 'Get something to learn by type, organization and slug',
      answer: CURRICULUM,
    },
    async (call) => {
      const type = typeOf(call.param('type').replace(/s$/, ''));
      const organization = call.id('orgId', 'Content of organization');
      const slug = call.param('slug');
      return find(
        call,
        [
          { field: 'type', anyOf: [type ?? ''] },
          { field: 'tenant', anyOf: [organization] },
          { field: 'slug', anyOf: [slug] },
        ],
        slug,
      );
    },
  );
}

async function list(call: Call, more: readonly ListFilter<CurriculumField>[]): Promise<unknown> {
  const listing = readCurricula(call.query, more);
  const { rows, total } = rowsOf<Row>(
    await call.core.curricula.list(call.caller, { ...listing.query, allTenants: call.everywhere }),
  );
  return { total, ...pageOf('data', listing, { rows: rows.map(curriculumOf), total }) };
}

function readCurricula(query: Query, more: readonly ListFilter<CurriculumField>[]): Listing<CurriculumField> {
  const among = (name: string, field: CurriculumField): ListFilter<CurriculumField>[] => {
    const values = several(query, name);
    return values.length === 0 ? [] : [{ field, anyOf: values }];
  };
  const organizations = several(query, 'orgId')
    .filter(isUuid)
    .map((id) => id.toLowerCase());
  const categories = several(query, 'category');
  const [sort, order] = [one(query, 'sort')?.trim() ?? '', one(query, 'order')?.trim() ?? ''];
  const ordered =
    sort !== '' && /^(asc|desc)$/i.test(order) ? { ...query, order: `${sort} ${order}` } : query;
  return readListing(ordered, CURRICULA, [
    ...among('contentType', 'type'),
    ...among('visibility', 'visibility'),
    ...among('level', 'level'),
    ...among('status', 'status'),
    ...(organizations.length === 0 ? [] : [{ field: 'tenant' as const, anyOf: organizations }]),
    ...(categories.length === 0 ? [] : [{ selection: 'category', values: categories }]),
    ...more,
  ]);
}

async function create(call: Call<Type.Static<typeof NewBody>>): Promise<unknown> {
  const named = uuidOrNull('orgId', call.body.orgId);
  const caller = named === null ? call.caller : await call.within(named);
  const change = changeOf(call.body);
  const type = typeOf(call.body.type);
  if (type === undefined) throw badRequest(`type must be one of ${CURRICULUM_TYPES.join(', ')}`);
  const id = await call.core.curricula.create(caller, { ...change, type, title: call.body.title });
  return find({ ...call, caller }, [{ field: 'id', anyOf: [id] }], id);
}

async function find(
  call: Call,
  filters: readonly ListFilter<CurriculumField>[],
  asked: string,
): Promise<Record<string, unknown>> {
  const [row] = rowsOf<Row>(
    await call.core.curricula.list(call.caller, readListing({}, CURRICULA, filters).query),
  ).rows;
  if (row === undefined) throw absent('Content', asked);
  return curriculumOf(row);
}

function typeOf(word: string | undefined) {
  return CURRICULUM_TYPES.find((type) => type === word);
}

function changeOf(body: Type.Static<typeof ChangeBody>): CurriculumChange {
  const { type, title, slug, visibility, status, level, accessStatus, accessExpiresAt, metadata } = body;
  const id = (name: 'badgeId' | 'inviteId' | 'workspaceId' | 'teamId') => uuidOrNull(name, body[name]);
  const [award, invitation, workspace, team] = [
    id('badgeId'),
    id('inviteId'),
    id('workspaceId'),
    id('teamId'),
  ];
  const chosenType = type === undefined ? undefined : among('type', type, CURRICULUM_TYPES);
  return {
    ...(chosenType === undefined ? {} : { type: chosenType }),
    ...(title === undefined ? {} : { title }),
    ...(slug === undefined ? {} : { slug }),
    ...(visibility === undefined
      ? {}
      : { visibility: among('visibility', visibility, ['public', 'private'] as const) }),
    ...(status === undefined ? {} : { status: among('status', status, CURRICULUM_STATUSES) }),
    ...(level === undefined ? {} : { level: among('level', level, LEVELS) }),
    ...(award === null ? {} : { award }),
    ...(invitation === null ? {} : { invitation }),
    ...(workspace === null ? {} : { workspace }),
    ...(team === null ? {} : { team }),
    ...(accessStatus === undefined ? {} : { accessStatus }),
    ...(accessExpiresAt === undefined || accessExpiresAt === ''
      ? {}
      : { accessExpiresAt: timeOf('access_expires_at', accessExpiresAt) }),
    ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
  };
}

/** @throws WireError 400 */
function among<Word extends string>(name: string, word: string, known: readonly Word[]): Word {
  const found = known.find((each) => each === word);
  if (found === undefined)
    throw badRequest(`${name} must be one of ${known.join(', ')}, not ${word.slice(0, 50)}`);
  return found;
}
