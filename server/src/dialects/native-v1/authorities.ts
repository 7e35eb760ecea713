/** Directories and providers that vouch for users. Administrators alone change them; no answer ever holds a secret. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import { type Authority, LdapSettings, OidcSettings } from '../../identity/authorities.js';

const Kind = Type.Union([Type.Literal('ldap'), Type.Literal('oidc')]);
const Settings = Type.Union([LdapSettings, OidcSettings]);
const Shown = Type.Object(
  {
    name: Type.String(),
    kind: Kind,
    enabled: Type.Boolean(),
    settings: Settings,
    createdAt: Type.String({ format: 'date-time' }),
    updatedAt: Type.String({ format: 'date-time' }),
  },
  { title: 'Authority' },
);
const List = Type.Object({ items: Type.Array(Shown) }, { title: 'AuthorityList' });
const Put = Type.Object(
  {
    kind: Kind,
    enabled: Type.Optional(Type.Boolean()),
    settings: Type.Unknown({ description: 'As its kind wants them: LdapSettings or OidcSettings' }),
    secret: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 4096 }), Type.Null()], {
        description:
          'The password of the directory’s own user, or of this server at the provider. Absent: the one before stays; null: none',
      }),
    ),
  },
  { additionalProperties: false, title: 'PutAuthority' },
);
const Params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 256 }) });
const Nothing = Type.Null({ description: 'Nothing' });

const about = (operationId: string, summary: string) => ({
  tags: ['Authorities'] as [string],
  operationId,
  summary,
});

export function authorityRoutes(
  app: FastifyInstance,
  { authorities }: Core,
  callerOf: (request: FastifyRequest) => Promise<Caller>,
): void {
  app.get(
    '/authorities',
    {
      schema: {
        ...about('authorities_list', 'List directories and providers'),
        response: { 200: List },
      },
    },
    async (request) => ({ items: (await authorities.list(await callerOf(request))).map(shown) }),
  );
  app.get(
    '/authorities/:name',
    {
      schema: {
        ...about('authorities_get', 'Get a directory or provider'),
        params: Params,
        response: { 200: Shown },
      },
    },
    async (request) => {
      const { name } = request.params as Static<typeof Params>;
      return shown(await authorities.get(await callerOf(request), name));
    },
  );
  app.put(
    '/authorities/:name',
    {
      schema: {
        ...about('authorities_put', 'Make or change a directory or provider'),
        params: Params,
        body: Put,
        response: { 200: Shown },
      },
    },
    async (request) => {
      const { name } = request.params as Static<typeof Params>;
      const { kind, enabled, settings, secret } = request.body as Static<typeof Put>;
      return shown(
        await authorities.put(await callerOf(request), name, {
          kind,
          settings,
          ...(enabled === undefined ? {} : { enabled }),
          ...(secret === undefined ? {} : { secret }),
        }),
      );
    },
  );
  app.delete(
    '/authorities/:name',
    {
      schema: {
        ...about('authorities_remove', 'Remove a directory or provider; its users stay'),
        params: Params,
        response: { 204: Nothing },
      },
    },
    async (request, reply) => {
      const { name } = request.params as Static<typeof Params>;
      await authorities.remove(await callerOf(request), name);
      return reply.code(204).send();
    },
  );
}

function shown({ name, kind, enabled, settings, createdAt, updatedAt }: Authority) {
  return { name, kind, enabled, settings, createdAt, updatedAt };
}
