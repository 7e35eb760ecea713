/** `/login/with/PROVIDER`: away to a provider's own page, and back. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Core } from '../core.js';
import { DomainError } from '../errors.js';
import { HOME, returnPath } from './return-to.js';
import { beginSession, errandOf, loginPath } from './sign-in-page.js';
import { cookie, cookieOf } from './visitor.js';

const TICKET = 'orrery_provider';

type Named = { Params: { name: string }; Querystring: Record<string, string | undefined> };

export function providerRoutes(app: FastifyInstance, core: Core): void {
  app.get<Named>('/login/with/:name', async (request, reply) => {
    const { name } = request.params;
    const callback = `${request.protocol}://${request.host}/login/with/${encodeURIComponent(name)}/callback`;
    const errand = { ...errandOf(request.query) } as Record<string, string>;
    const begun = await core.providers.begin(name, callback, errand);
    reply.header('set-cookie', cookie(request, TICKET, begun.ticket, begun.seconds));
    return reply.header('cache-control', 'no-store').redirect(begun.location, 303);
  });

  app.get<Named>('/login/with/:name/callback', async (request, reply) => {
    const ticket = cookieOf(request, TICKET);
    // Once: whoever shows the same address again has nothing to show with it.
    reply.header('set-cookie', cookie(request, TICKET, '', 0));
    if (ticket === null) {
      throw new DomainError(
        'unauthenticated',
        'provider-refused',
        'This sign-in was not begun here, or too long ago',
      );
    }
    const { username, errand } = await core.providers.finish(request.params.name, queryOf(request), ticket);
    const who = await core.credentials.accept(username, request.ip, { home: true }, { elsewhere: true });
    await beginSession(core, request, reply, who);
    const wanted = errandOf(errand);
    const next = wanted.source === undefined ? (returnPath(wanted.ref) ?? HOME) : loginPath(wanted);
    return reply.redirect(next, 303);
  });
}

function queryOf(request: FastifyRequest): string {
  const at = request.url.indexOf('?');
  return at === -1 ? '' : request.url.slice(at + 1);
}
