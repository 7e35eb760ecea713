/** Who learns what (specs: layer5.md §11). */
import Type from 'typebox';
import { CURRICULUM_TYPES } from '../../academy/curricula.js';
import type { RegistrationField } from '../../academy/registrations.js';
import type { ListFilter } from '../../store/list.js';
import { uuidOrNull } from './access.js';
import { absent } from './errors.js';
import { type ListingOptions, pageOf, readListing, rowsOf, several } from './listing.js';
import {
  type Call,
  Count,
  entity,
  Id,
  MaybeTime,
  type Mounting,
  Opaque,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const tag = 'Academy';
const words = (all: readonly string[]) => Type.Union(all.map((word) => Type.Literal(word)));
const Word = Type.Optional(Type.String({ maxLength: 512 }));
const REGISTRATION_FIELDS = {
  id: Id,
  orgId: Id,
  contentId: Id,
  userId: Id,
  status: words(['registered', 'completed', 'failed', 'withdrawn']),
  certificate: Type.Union([Opaque, Type.Null()]),
  metadata: Opaque,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
};
const REGISTRATION = entity('Registration', REGISTRATION_FIELDS);
const REGISTRATIONS: ListingOptions<RegistrationField> = {
  fields: [
    'id',
    'tenant',
    'curriculum',
    'user',
    'status',
    'certificate',
    'metadata',
    'createdAt',
    'updatedAt',
    'curriculumTitle',
    'curriculumType',
    'curriculumPermalink',
    'firstName',
    'lastName',
    'email',
    'avatarUrl',
  ],
};

const RegisterBody = Type.Object({ contentId: Type.String(), userId: Word, contentType: Word });

type RegistrationRow = Readonly<Record<string, unknown>>;
const registrationOf = ({
  id,
  tenant,
  curriculum,
  user,
  status,
  certificate,
  metadata,
  createdAt,
  updatedAt,
}: RegistrationRow) => ({
  id,
  orgId: tenant,
  contentId: curriculum,
  userId: user,
  status,
  certificate,
  metadata,
  createdAt,
  updatedAt,
  deletedAt: null,
});

export function addLearners(mounting: Mounting): void {
  route(
    mounting,
    'post',
    '/api/academy/register',
    {
      tag,
      name: 'academy_register',
      summary: 'Register as a learner, or take up what was withdrawn',
      body: RegisterBody,
      status: 201,
      answer: REGISTRATION,
    },
    async (call) => {
      const { contentId, userId } = call.body;
      const { id, made } = await call.core.registrations.register(
        call.caller,
        contentId.toLowerCase(),
        uuidOrNull('userId', userId),
      );
      const filters: ListFilter<RegistrationField>[] = [{ field: 'id', anyOf: [id] }];
      const [own] = await ownRegistrations(call, filters);
      const row =
        own ??
        rowsOf<RegistrationRow>(
          await call.core.registrations.list(call.caller, readListing({}, REGISTRATIONS, filters).query),
        ).rows[0];
      return call.reply.code(made ? 201 : 200).send(registrationOf(row ?? { id }));
    },
  );
  route(
    mounting,
    'get',
    '/api/academy/registrations/:contentId',
    {
      tag,
      name: 'academy_registration',
      summary: 'Get your registration',
      query: { status: 'Only with one of these statuses' },
      answer: REGISTRATION,
    },
    async (call) => {
      const statuses = several(call.query, 'status');
      const [row] = await ownRegistrations(call, [
        { field: 'curriculum', anyOf: [call.id('contentId', 'Registration for')] },
        ...(statuses.length === 0 ? [] : [{ field: 'status' as const, anyOf: statuses }]),
      ]);
      if (row === undefined) throw absent('Registration for', call.param('contentId'));
      return registrationOf(row);
    },
  );
  route(
    mounting,
    'post',
    '/api/academy/curricula/registrations/:registrationId/withdraw',
    { tag, name: 'academy_withdraw', summary: 'Withdraw your registration', answer: REGISTRATION },
    async (call) => {
      const id = call.id('registrationId', 'Registration');
      await call.core.registrations.withdraw(call.caller, id);
      const [row] = await ownRegistrations(call, [{ field: 'id', anyOf: [id] }]);
      return registrationOf(row!);
    },
  );
  route(
    mounting,
    'get',
    '/api/academy/admin/summary',
    {
      tag,
      name: 'academy_summary',
      summary: 'Count contents and registrations; for organization admins',
      answer: entity('AcademySummary', {
        totalCurricula: Count,
        totalRegistrations: Count,
        byType: Type.Array(
          entity('AcademyTypeCount', {
            type: Text,
            curricula: Count,
            registered: Count,
            completed: Count,
            failed: Count,
            withdrawn: Count,
          }),
        ),
      }),
    },
    async (call) => {
      const { registrations, curricula } = await call.core.registrations.summary(call.caller);
      const countOf = (type: string, status: string) =>
        registrations.find((row) => row.type === type && row.status === status)?.count ?? 0;
      return {
        totalCurricula: curricula.reduce((total, { count }) => total + count, 0),
        totalRegistrations: registrations
          .filter(({ status }) => status !== 'withdrawn')
          .reduce((total, { count }) => total + count, 0),
        byType: CURRICULUM_TYPES.map((type) => ({
          type,
          curricula: curricula.find((row) => row.type === type)?.count ?? 0,
          registered: countOf(type, 'registered'),
          completed: countOf(type, 'completed'),
          failed: countOf(type, 'failed'),
          withdrawn: countOf(type, 'withdrawn'),
        })),
      };
    },
  );
  const USER_REGISTRATION = entity('UserRegistration', {
    registrationId: Id,
    status: Text,
    curriculaTitle: Text,
    curriculaType: Text,
    curriculaPermalink: Text,
    userId: Id,
    userFirstName: Text,
    userLastName: Text,
    userEmail: Text,
    userAvatarUrl: Text,
    createdAt: Time,
    totalCount: Count,
  });
  route(
    mounting,
    'get',
    '/api/academy/admin/registrations',
    {
      tag,
      name: 'academy_registrations',
      summary: 'List registrations; for organization admins',
      query: { ...PAGE, contentType: 'Only for these types', status: 'Only with one of these statuses' },
      answer: pageSchema('UserRegistrationPage', 'data', USER_REGISTRATION),
    },
    async (call) => {
      const [types, statuses] = [several(call.query, 'contentType'), several(call.query, 'status')];
      const listing = readListing(call.query, REGISTRATIONS, [
        ...(types.length === 0 ? [] : [{ field: 'curriculumType' as const, anyOf: types }]),
        ...(statuses.length === 0 ? [] : [{ field: 'status' as const, anyOf: statuses }]),
      ]);
      const { rows, total } = rowsOf<RegistrationRow>(
        await call.core.registrations.list(call.caller, listing.query),
      );
      const told = rows.map((row) => ({
        registrationId: row.id,
        status: row.status,
        curriculaTitle: row.curriculumTitle,
        curriculaType: row.curriculumType,
        curriculaPermalink: row.curriculumPermalink,
        userId: row.user,
        userFirstName: row.firstName,
        userLastName: row.lastName,
        userEmail: row.email,
        userAvatarUrl: row.avatarUrl,
        createdAt: row.createdAt,
        totalCount: total,
      }));
      return pageOf('data', listing, { rows: told, total });
    },
  );
}

async function ownRegistrations(
  call: Call,
  filters: readonly ListFilter<RegistrationField>[],
): Promise<readonly RegistrationRow[]> {
  return rowsOf<RegistrationRow>(
    await call.core.registrations.own(call.caller, readListing({}, REGISTRATIONS, filters).query),
  ).rows;
}
