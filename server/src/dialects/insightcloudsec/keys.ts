/** API keys, and users who have nothing else (specs: insightcloudsec.md §6.1). */
import { Type } from 'typebox';
import type { CredentialField } from '../../identity/api-keys.js';
import { ADMINS_AND_VIEWER, add, type UserType, WRITERS } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Flag, Id, Int, ListBody, Ok, RecordTime, Text } from './fields.js';
import { parseListOptions, type WireFields } from './listing.js';
import type { Mounting } from './mounting.js';
import { maybeTime, recordTime } from './times.js';
import { userNamed } from './user-record.js';
import { identityOf } from './users.js';

const NewApiUser = Type.Object(
  {
    name: Type.String({ maxLength: 512 }),
    username: Type.String({ maxLength: 256 }),
    email: Type.String({ maxLength: 320 }),
    authentication_type: Type.Optional(Type.String({ description: 'internal', maxLength: 20 })),
    access_level: Type.Optional(Text),
  },
  { title: 'NewApiOnlyUser' },
);
const OfUser = Type.Object({ user_id: Id }, { title: 'OfUser' });
const NewKey = Type.Object(
  {
    user_id: Id,
    key_length: Type.Optional(
      Type.Union([Type.Integer(), Type.String()], { description: 'Characters, 51 at least', default: 51 }),
    ),
  },
  { title: 'NewKey' },
);

/** Basic users too, where it was allowed to them. */
const MAY_HOLD: readonly UserType[] = ['basic', ...WRITERS];

const KEY_FIELDS: WireFields<CredentialField> = {
  user_id: { field: 'userId', as: 'integer' },
  username: { field: 'username' },
  created: { field: 'createdAt', as: 'time' },
  last_used: { field: 'lastUsedAt', as: 'time' },
  suffix: { field: 'suffix' },
};

interface KeyFacts {
  readonly userId: number;
  readonly username: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly suffix: string | null;
}

export function addKeys(mounting: Mounting): void {
  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/create_api_only_user',
    name: 'keys_create_user',
    tag: 'Users',
    summary: 'Create a user who has a key and no password',
    may: WRITERS,
    body: NewApiUser,
    answer: Type.Object(
      {
        user_id: Int,
        organization_id: Type.Optional(Int),
        username: Text,
        name: Text,
        api_key: Type.String({ description: 'Told once' }),
      },
      { title: 'MadeApiOnlyUser' },
    ),
    async handle({ core, caller, body }) {
      const { authentication_type: way = 'internal' } = body;
      if (way !== '' && way !== 'internal') {
        throw invalidInput('authentication_type', 'The authentication_type of an API-only user is internal');
      }
      const { profile, key } = await core.people.create(caller, {
        ...identityOf(caller, body),
        authentication: 'api-only',
      });
      return {
        user_id: profile.id,
        ...(caller.tenant === null ? {} : { organization_id: caller.tenant.id }),
        username: profile.username,
        name: profile.displayName ?? profile.username,
        api_key: key,
      };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/update_to_api_only_user',
    name: 'keys_convert_user',
    tag: 'Users',
    summary: 'Take the password from a user, and give a key',
    description: 'Ends the sessions of the user.',
    may: WRITERS,
    body: OfUser,
    answer: Type.Object({ user_id: Text, api_key: Text }, { title: 'ConvertedUser' }),
    async handle(call) {
      const { id } = await userNamed(call, call.body.user_id);
      const { key } = await call.core.people.makeApiOnly(call.caller, { id });
      return { user_id: String(id), api_key: key };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/apikey/create',
    name: 'keys_create',
    tag: 'Keys',
    summary: 'Create a key for a user, in place of the one before',
    description: 'A bare text, told once.',
    may: MAY_HOLD,
    body: NewKey,
    answer: Type.String(),
    async handle(call) {
      const { core, caller, body } = call;
      const { id } = await userNamed(call, body.user_id);
      const length = Number(body.key_length ?? 51);
      if (!Number.isSafeInteger(length) || length < 0) {
        throw invalidInput('key_length', 'key_length is a number of characters');
      }
      return (await core.apiKeys.create(caller, { id }, length)).value;
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/apikey/deactivate',
    name: 'keys_deactivate',
    tag: 'Keys',
    summary: 'End the key of a user',
    may: MAY_HOLD,
    body: OfUser,
    answer: Ok,
    async handle(call) {
      const { id } = await userNamed(call, call.body.user_id);
      await call.core.apiKeys.deactivate(call.caller, { id });
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/apikeys/list',
    name: 'keys_list',
    tag: 'Keys',
    summary: 'List who has a key',
    description: 'Never the key itself.',
    may: ADMINS_AND_VIEWER,
    body: ListBody,
    answer: Type.Object({
      api_keys: Type.Array(
        Type.Object(
          {
            user_id: Int,
            username: Text,
            active: Flag,
            created: RecordTime,
            last_used: Type.Optional(RecordTime),
            suffix: Type.String({ description: 'The last characters' }),
          },
          { title: 'ApiKey' },
        ),
      ),
      total_count: Int,
    }),
    async handle({ core, caller, body }) {
      const shape = {
        userId: 'userId',
        username: 'username',
        createdAt: 'createdAt',
        lastUsedAt: 'lastUsedAt',
        suffix: 'suffix',
      } as const;
      const page = await core.apiKeys.list(caller, { shape, ...parseListOptions(body, KEY_FIELDS) });
      const keys = JSON.parse(page.items) as KeyFacts[];
      return {
        api_keys: keys.map((key) => ({
          user_id: key.userId,
          username: key.username,
          active: true,
          created: recordTime(key.createdAt),
          ...maybeTime('last_used', key.lastUsedAt),
          suffix: key.suffix ?? '',
        })),
        total_count: page.total,
      };
    },
  });
}
