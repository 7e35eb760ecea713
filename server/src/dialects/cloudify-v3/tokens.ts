/** Tokens. `/api/v3` hands out one token to whoever asks; `/api/v3.1` manages them as things with ids. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { TokenField, TokenRecord } from '../../identity/tokens.js';
import { sendJson, sendText } from './answer.js';
import { callerOf, identityOf } from './auth.js';
import { Done, describe, itemQuery, listQuery } from './described.js';
import { badParameters } from './errors.js';
import { IdParams, ListOf, MaybeText, MaybeTime, Text } from './fields.js';
import type { Params } from './lenient.js';
import { type ListingOptions, listBody, parseInclude, parseListing, timeOf } from './listing.js';
import type { Mounting } from './mounting.js';
import { type Resource, renderRecord, schemaOf } from './resource.js';
import { tokenRoleWord } from './roles.js';

const TOKEN: Resource<TokenField> = {
  name: 'Token',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    username: { from: 'username', schema: Text },
    value: { from: 'maskedValue', schema: Text },
    role: {
      from: { field: 'role', words: { admin: 'sys_admin', auditor: 'auditor', member: 'default' } },
      schema: Text,
    },
    description: { from: 'description', schema: MaybeText },
    expiration_date: { from: 'expiresAt', schema: MaybeTime },
    last_used: { from: 'lastUsedAt', schema: MaybeTime },
  },
};

const NewToken = Type.Object(
  {
    description: Type.Optional(Type.String()),
    expiration_date: Type.Optional(
      Type.String({ description: 'ISO 8601, or from now: +10 minutes, +2h, +30 days, +1w; absent: never' }),
    ),
  },
  { title: 'NewToken' },
);
const SessionToken = Type.Object({ role: Text, value: Text }, { title: 'SessionToken' });
const LISTING: ListingOptions<TokenField> = { searches: { _search: 'id' } };

export function addTokens({ scope, core, version }: Mounting): void {
  if (version === 'v3') {
    const schema = describe('Tokens', 'get', 'Get a token for this session', {
      response: { 200: SessionToken },
    });
    scope.get('/tokens', { schema }, async (request, reply) => {
      const { value } = await core.tokens.sessionToken(callerOf(request));
      return sendJson(reply, 200, { role: tokenRoleWord(identityOf(request).systemRole, version), value });
    });
    return;
  }

  scope.get(
    '/tokens',
    {
      schema: describe('Tokens', 'list', 'List tokens, with their values masked', {
        querystring: listQuery(TOKEN, LISTING),
        response: { 200: ListOf(schemaOf(TOKEN)) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const listing = parseListing(TOKEN, request.query, LISTING);
      return sendText(
        reply,
        200,
        await listBody(listing, await core.tokens.list(callerOf(request), listing.query)),
      );
    },
  );

  scope.post<{ Body: Static<typeof NewToken>; Querystring: Params }>(
    '/tokens',
    {
      schema: describe('Tokens', 'create', 'Create a token', {
        description: 'The answer alone tells the value: it is not kept.',
        querystring: itemQuery(),
        body: NewToken,
        response: { 200: schemaOf(TOKEN) },
      }),
    },
    async (request, reply) => {
      const { description, expiration_date } = request.body;
      const { token, value } = await core.tokens.issue(callerOf(request), {
        description: description ?? null,
        expiresAt: expiration_date === undefined ? null : expiry(expiration_date),
      });
      return sendText(reply, 200, await rendered(request.query, token, value));
    },
  );

  scope.get<{ Params: Static<typeof IdParams>; Querystring: Params }>(
    '/tokens/:id',
    {
      schema: describe('Tokens', 'get', 'Get a token, with its value masked', {
        params: IdParams,
        querystring: itemQuery(),
        response: { 200: schemaOf(TOKEN) },
      }),
    },
    async (request, reply) => {
      const token = await core.tokens.get(callerOf(request), request.params.id);
      return sendText(reply, 200, await rendered(request.query, token, `ctok-${token.id}-********`));
    },
  );

  scope.delete<{ Params: Static<typeof IdParams> }>(
    '/tokens/:id',
    {
      schema: describe('Tokens', 'revoke', 'Revoke a token', {
        params: IdParams,
        response: { 204: Done },
      }),
    },
    async (request, reply) => {
      await core.tokens.revoke(callerOf(request), request.params.id);
      return reply.code(204).send();
    },
  );
}

function rendered(params: Params, token: TokenRecord, value: string): Promise<string> {
  return renderRecord(TOKEN, parseInclude(params), { ...token, maskedValue: value });
}

/** A time, or `+N` minutes, hours, days or weeks from now as the command line writes it. */
function expiry(text: string): Date {
  const relative = /^\+(\d{1,6}) ?(min(?:ute)?|h(?:our)?|d(?:ay)?|w(?:eek)?)s?$/i.exec(text.trim());
  if (relative === null) return new Date(timeOf(text));
  const minutes = { m: 1, h: 60, d: 1440, w: 10_080 }[relative[2]!.charAt(0).toLowerCase()];
  if (minutes === undefined) throw badParameters(`"${text}" is not a time`);
  return new Date(Date.now() + Number(relative[1]) * minutes * 60_000);
}
