/** `POST /api-token-auth/`: a token for a while, for name and password (seed: "Token Based Access to Resources"; specs: cloudbolt.md §4.1). */
import { Type } from 'typebox';
import { DomainError } from '../../errors.js';
import { bodyOf } from './body.js';
import { CloudBoltError } from './errors.js';
import type { Mounting } from './resource.js';
import { required, textMember } from './values.js';

/** Whatever was wrong: neither text nor status tells which it was. */
const REFUSED = 'Unable to log in with provided credentials.';

const SignIn = Type.Object(
  {
    username: Type.String(),
    password: Type.String(),
    token: Type.Optional(Type.String({ description: 'Of the second factor, where the user has one' })),
    domain: Type.Optional(Type.String({ description: 'Directory; absent: a user of this server' })),
  },
  { title: 'SignIn' },
);

export function addTokenAuth({ scope, core }: Mounting): void {
  scope.post(
    '/api-token-auth',
    {
      config: { cloudboltOpen: true, cloudboltBody: 'form' },
      schema: {
        tags: ['Start'],
        operationId: 'api_token_auth',
        summary: 'Get a token for name and password',
        open: true,
        body: SignIn,
        response: { 200: Type.Object({ token: Type.String() }, { title: 'Token' }) },
      },
    },
    async (request, reply) => {
      const body = bodyOf(request);
      const username = required('username', textMember(body, 'username'));
      const password = required('password', textMember(body, 'password'));
      try {
        const who = await core.signIn.withPassword({
          identifier: username,
          password,
          code: textMember(body, 'token') ?? null,
          directory: textMember(body, 'domain') ?? null,
          address: request.ip,
        });
        const { value } = await core.signedTokens.issue(who);
        // One key and nothing else: shell clients count words.
        return reply.type('application/json').send(JSON.stringify({ token: value }));
      } catch (error) {
        if (error instanceof DomainError && error.kind === 'unauthenticated') {
          throw new CloudBoltError(400, REFUSED);
        }
        throw error;
      }
    },
  );
}
