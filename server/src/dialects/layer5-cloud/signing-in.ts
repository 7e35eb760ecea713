/** Signing in for programs, and what Meshery asks about tokens it was given (specs: layer5.md §3). */

import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { WireError } from './errors.js';
import { authenticate, COOKIE, credentialOf } from './org-context.js';
import { ownProfile } from './people.js';
import { USER } from './person-form.js';
import type { Call } from './routes.js';
import { entity, type Mounting, openRoute, Text, Time } from './routes.js';

const LoginBody = Type.Object({
  email: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  identifier: Type.Optional(Type.String()),
  password: Type.String(),
  code: Type.Optional(
    Type.String({ maxLength: 20, description: 'Of the second factor, where the user has one. Also `otp`' }),
  ),
  otp: Type.Optional(Type.String({ maxLength: 20 })),
  directory: Type.Optional(
    Type.String({
      maxLength: 256,
      description: "That checks the password; the user's own where none is named",
    }),
  ),
});
const TokenBody = Type.Optional(Type.Object({ token: Type.Optional(Type.String()) }));

export function addSigningIn(mounting: Mounting): void {
  const { core } = mounting;
  const tag = 'Tokens';
  openRoute(
    mounting,
    'post',
    '/api/auth/login',
    {
      tag,
      name: 'auth_login',
      summary: 'Sign in with a password',
      description: 'The token is good for a day, as a bearer token and as the cookie that comes with it.',
      body: LoginBody,
      answer: entity('SignedIn', { token: Text, expiresAt: Time, user: USER }),
    },
    async (request, reply) => {
      const { email, username, identifier, ...shown } = request.body as Type.Static<typeof LoginBody>;
      const who = await core.signIn.withPassword({
        identifier: identifier ?? username ?? email ?? '',
        password: shown.password,
        code: shown.code ?? shown.otp ?? null,
        directory: shown.directory ?? null,
        address: request.ip,
      });
      const session = await core.sessions.begin(who, 'browser', request.id);
      const caller = await core.callers.callerFor(who, null, request.id);
      const user = await ownProfile({ core, caller, person: who } as Call);
      reply.header(
        'set-cookie',
        `${COOKIE}=${session.value}; HttpOnly; SameSite=Lax; Path=/${secure(request)}`,
      );
      return { token: session.value, expiresAt: session.expiresAt, user };
    },
  );
  const Valid = entity('Introspection', { active: Type.Boolean(), userId: Text });
  openRoute(
    mounting,
    'post',
    '/introspect',
    {
      tag,
      name: 'token_introspect',
      summary: 'Tell whether a token is good',
      body: TokenBody,
      answer: Valid,
    },
    async (request) => {
      const person = await authenticate(core, tokenIn(request));
      return { active: true, userId: person.userUuid };
    },
  );
  openRoute(
    mounting,
    'get',
    '/keys',
    {
      tag,
      name: 'token_keys',
      summary: 'Keys to verify tokens with: none, since tokens are looked up',
      answer: entity('KeySet', { keys: Type.Array(Type.Object({})) }),
    },
    async () => ({ keys: [] }),
  );
  openRoute(
    mounting,
    'post',
    '/refresh',
    {
      tag,
      name: 'token_refresh',
      summary: 'Give the token that goes on from here: the same one',
      body: TokenBody,
      answer: entity('Refreshed', { token: Text }),
    },
    async (request) => {
      const token = tokenIn(request);
      await authenticate(core, token);
      return { token };
    },
  );
  openRoute(
    mounting,
    'post',
    '/revoke',
    {
      tag,
      name: 'token_revoke',
      summary: 'End the token that is shown',
      body: TokenBody,
      answer: entity('Revoked', { message: Text }),
    },
    async (request, reply) => {
      const person = await authenticate(core, tokenIn(request));
      await endShown(mounting, person, request, reply);
      return { message: 'The token is revoked' };
    },
  );
}

async function endShown(
  { core }: Mounting,
  person: Awaited<ReturnType<typeof authenticate>>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (await core.sessions.end(person, request.id)) {
    reply.header('set-cookie', `${COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0`);
    return;
  }
  const caller = await core.callers.callerFor(person, null, request.id);
  const query = {
    shape: { uuid: 'uuid' as const },
    filters: [{ field: 'id' as const, anyOf: [person.tokenId ?? ''] }],
    sort: [],
    offset: 0,
    size: 1,
  };
  const [row] = JSON.parse((await core.securityTokens.list(caller, query)).items) as { uuid: string }[];
  if (row === undefined) throw new WireError(401, 'The token is not good');
  await core.securityTokens.revoke(caller, row.uuid);
}

/** In the body, or else the credential of the request itself. */
function tokenIn(request: FastifyRequest): string {
  const { token } = (request.body ?? {}) as { readonly token?: string };
  return token !== undefined && token !== '' ? token : credentialOf(request);
}

/** Cookies of an encrypted connection are sent over no other one. */
function secure(request: FastifyRequest): string {
  return request.protocol === 'https' ? '; Secure' : '';
}
