/** Security tokens: long-lived, their user's alone, shown once (specs: layer5.md §3.2). */
import Type from 'typebox';
import type { Credential, CredentialField } from '../../identity/security-tokens.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { ListFilter } from '../../store/list.js';
import { absent, badRequest } from './errors.js';
import { flag, type ListingOptions, one, pageOf, readListing, rowsOf } from './listing.js';
import {
  type Call,
  entity,
  Flag,
  Id,
  MaybeTime,
  type Mounting,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const TOKEN = entity('UserToken', {
  id: Id,
  owner: Id,
  userId: Id,
  name: Text,
  purpose: Text,
  provider: Text,
  accessToken: Type.String({ description: 'The value, in the answer that creates it alone' }),
  refreshToken: Text,
  isOauth: Flag,
  createdAt: Time,
  updatedAt: Time,
  lastUsedAt: MaybeTime,
});
const TOKEN_PAGE = pageSchema('TokenPage', 'tokens', TOKEN);
const LISTING: ListingOptions<CredentialField> = {
  fields: ['uuid', 'kind', 'name', 'purpose', 'userUuid', 'createdAt', 'lastUsedAt'],
  orders: { updatedAt: 'createdAt', id: 'uuid' },
};
const NewBody = Type.Optional(
  Type.Object({ name: Type.Optional(Type.String()), purpose: Type.Optional(Type.String()) }),
);
const GoneBody = Type.Optional(Type.Object({ tokenId: Type.Optional(Type.String()) }));
const SESSIONS = ['browser', 'session', 'login'];

type Row = Pick<Credential, 'uuid' | 'kind' | 'name' | 'purpose' | 'userUuid'> & {
  readonly createdAt: Date | string;
  readonly lastUsedAt: Date | string | null;
};
const tokenOf = ({ uuid, kind, name, purpose, userUuid, createdAt, lastUsedAt }: Row, value = '') => ({
  id: uuid,
  owner: userUuid,
  userId: userUuid,
  name: name ?? '',
  purpose: purpose ?? '',
  provider: 'local',
  accessToken: value,
  refreshToken: '',
  isOauth: SESSIONS.includes(kind),
  createdAt,
  updatedAt: createdAt,
  lastUsedAt,
});

export function addTokens(mounting: Mounting): void {
  const tag = 'Tokens';
  for (const [root, alias] of [
    ['/api/identity/tokens', ''],
    ['/system/user/tokens', '_legacy'],
  ] as const) {
    route(
      mounting,
      'get',
      root,
      {
        tag,
        name: `tokens_list${alias}`,
        summary: 'List your tokens, without their values',
        query: { ...PAGE, isOauth: 'true: with sign-ins too' },
        answer: TOKEN_PAGE,
      },
      async (call) => list(call, flag(call.query, 'isOauth') === true),
    );
    route(
      mounting,
      'post',
      root,
      {
        tag,
        name: `tokens_create${alias}`,
        summary: 'Make a token',
        description: 'The answer alone tells the value: it is not kept.',
        query: { name: 'What to call it', purpose: 'What it is for' },
        body: NewBody,
        status: 201,
        answer: TOKEN_PAGE,
      },
      async (call) => {
        const body = (call.body ?? {}) as { readonly name?: string; readonly purpose?: string };
        const name = one(call.query, 'name') ?? body.name ?? '';
        if (name.trim() === '') throw badRequest('name is missing', 'Send it in the query: ?name=ci');
        const purpose = one(call.query, 'purpose') ?? body.purpose ?? null;
        const { credential, value } = await call.core.securityTokens.create(call.caller, { name, purpose });
        return pageOf('tokens', { page: 0, size: 1 }, { rows: [tokenOf(credential, value)], total: 1 });
      },
    );
    route(
      mounting,
      'delete',
      root,
      {
        tag,
        name: `tokens_revoke${alias}`,
        summary: 'Revoke a token; answers what is left',
        query: { tokenId: 'Which one' },
        body: GoneBody,
        answer: TOKEN_PAGE,
      },
      async (call) => {
        const body = (call.body ?? {}) as { readonly tokenId?: string };
        const id = one(call.query, 'tokenId') ?? body.tokenId ?? '';
        if (id === '') throw badRequest('tokenId is missing');
        await requireOwn(call, id);
        await call.core.securityTokens.revoke(call.caller, id);
        return list({ ...call, query: {} }, false);
      },
    );
  }
  route(
    mounting,
    'get',
    '/api/identity/tokens/infinite',
    {
      tag,
      name: 'tokens_infinite',
      summary: 'Make a token for another user; for provider admins',
      query: { userId: 'Whose', provider: 'Accepted; users of this server are meant' },
      answer: TOKEN_PAGE,
    },
    async (call) => {
      const userId = one(call.query, 'userId') ?? '';
      if (!isUuid(userId)) throw badRequest('userId must be a UUID');
      const { credential, value } = await call.core.securityTokens.create(call.caller, {
        name: 'issued by an administrator',
        for: { uuid: userId },
      });
      return pageOf('tokens', { page: 0, size: 1 }, { rows: [tokenOf(credential, value)], total: 1 });
    },
  );
  route(
    mounting,
    'get',
    '/api/identity/tokens/:tokenId',
    { tag, name: 'tokens_get', summary: 'Get a token of yours, without its value', answer: TOKEN },
    async (call) => {
      const id = call.id('tokenId', 'Token');
      await requireOwn(call, id);
      return tokenOf(await call.core.securityTokens.get(call.caller, id));
    },
  );
}

/** This API looks after one's own tokens alone, also for those who manage everybody's. */
async function requireOwn(call: Call, id: string): Promise<void> {
  const found = isUuid(id) ? await call.core.securityTokens.get(call.caller, id.toLowerCase()) : null;
  if (found === null || found.userId !== call.caller.userId) throw absent('Token', id);
}

async function list(call: Call, sessions: boolean): Promise<unknown> {
  const filters: ListFilter<CredentialField>[] = [
    { field: 'kind', anyOf: ['security', ...(sessions ? SESSIONS : [])] },
    { field: 'userUuid', anyOf: [call.person.userUuid] },
  ];
  const listing = readListing(call.query, LISTING, filters);
  const { rows, total } = rowsOf<Row>(await call.core.securityTokens.list(call.caller, listing.query));
  return pageOf('tokens', listing, { rows: rows.map((row) => tokenOf(row)), total });
}
