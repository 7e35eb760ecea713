/** `/login`, `/logout`: signing in with a name and a password, in a browser, and going on from there. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core.js';
import { DomainError } from '../errors.js';
import type { Authenticated } from '../identity/callers.js';
import { type Html, html, sendPage } from './html.js';
import { HOME, OVERVIEW, returnPath, sourceServer, tokenReceiver } from './return-to.js';
import {
  dropSession,
  requireFormOf,
  requireOwnForm,
  setSession,
  type Visitor,
  visitorOf,
} from './visitor.js';

/** What the page was asked with, and gives back with its form. */
export interface Errand {
  readonly ref?: string;
  readonly source?: string;
}

type Form = Readonly<Record<string, string | undefined>>;

export function signInRoutes(app: FastifyInstance, core: Core): void {
  app.get('/login', async (request, reply) => {
    const errand = errandOf(request.query as Form);
    const visitor = await visitorOf(core, request);
    if (visitor !== null) return goOn(core, request, reply, visitor, errand);
    return signInPage(core, reply, errand);
  });

  app.post('/login', async (request, reply) => {
    requireOwnForm(request);
    const form = (request.body ?? {}) as Form;
    const errand = errandOf({ ...(request.query as Form), ...form });
    const { identifier = '', password = '', code, directory } = form;
    let who: Authenticated;
    try {
      who = await core.signIn.withPassword({
        identifier,
        password,
        code: code === undefined || code === '' ? null : code,
        directory: directory ?? null,
        address: request.ip,
        tenant: { home: true },
      });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return signInPage(core, reply, errand, { error, identifier, directory: directory ?? '' });
    }
    await beginSession(core, request, reply, who);
    const server = sourceServer(errand.source);
    if (server !== null) return reply.redirect(loginPath(errand), 303);
    return reply.redirect(returnPath(errand.ref) ?? HOME, 303);
  });

  app.post('/login/allow', async (request, reply) => {
    const visitor = await visitorOf(core, request);
    const form = (request.body ?? {}) as Form;
    const errand = errandOf(form);
    if (visitor === null) return reply.redirect(loginPath(errand), 303);
    requireFormOf(visitor, request, form.form_key);
    const server = sourceServer(errand.source);
    if (server === null) return reply.redirect(HOME, 303);
    return handOver(core, reply, visitor, server, errand);
  });

  app.get(HOME, async (_request, reply) => reply.redirect(OVERVIEW, 302));

  app.get('/logout', async (request, reply) => {
    const visitor = await visitorOf(core, request);
    if (visitor !== null) await core.sessions.end(visitor.who, request.id);
    dropSession(request, reply);
    if (/\bapplication\/json\b/.test(request.headers.accept ?? '')) {
      return reply.header('cache-control', 'no-store').send({ message: 'signed out' });
    }
    return reply.redirect('/login', 302);
  });
}

/** The cookie, for somebody who has just shown who they are. */
export async function beginSession(
  core: Core,
  request: FastifyRequest,
  reply: FastifyReply,
  who: Authenticated,
): Promise<void> {
  setSession(request, reply, await core.sessions.begin(who, 'browser', request.id));
}

export function errandOf(form: Form): Errand {
  const { ref, source } = form;
  return {
    ...(typeof ref === 'string' && ref !== '' ? { ref } : {}),
    ...(typeof source === 'string' && source !== '' ? { source } : {}),
  };
}

export function loginPath(errand: Errand): string {
  const query = new URLSearchParams(Object.entries(errand)).toString();
  return query === '' ? '/login' : `/login?${query}`;
}

/** Where a visitor who is signed in wanted to go. */
async function goOn(
  core: Core,
  _request: FastifyRequest,
  reply: FastifyReply,
  visitor: Visitor,
  errand: Errand,
): Promise<FastifyReply> {
  if (errand.source === undefined) return reply.redirect(returnPath(errand.ref) ?? HOME, 303);
  const server = sourceServer(errand.source);
  if (server === null) {
    throw new DomainError('invalid', 'source-invalid', '`source` is no address of a server', {
      details: { field: 'source' },
    });
  }
  if (core.settings.signInSources.includes(server.origin))
    return handOver(core, reply, visitor, server, errand);
  return allowPage(reply, visitor, server, errand);
}

/** A named token for the other server, so that its owner finds and revokes it among their own. */
async function handOver(
  core: Core,
  reply: FastifyReply,
  visitor: Visitor,
  server: URL,
  errand: Errand,
): Promise<FastifyReply> {
  const { value, credential } = await core.securityTokens.create(visitor.caller, {
    name: server.host.slice(0, 255),
    purpose: 'Asked for by this server at a sign-in',
  });
  const address = tokenReceiver(server, { token: value, session: credential.uuid, ref: errand.ref ?? '' });
  return reply
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'no-referrer')
    .redirect(address, 302);
}

function allowPage(reply: FastifyReply, visitor: Visitor, server: URL, errand: Errand): FastifyReply {
  return sendPage(reply, {
    title: 'Allow another server',
    narrow: true,
    formTargets: [server.origin],
    body: html`<section class="pane">
<h1>Allow ${server.host}?</h1>
<p>The server at <strong>${server.origin}</strong> asks for a token to act as <strong>${visitor.who.username}</strong>, in every tenant that
you are in. It stays good until you revoke it.</p>
<p class="muted">Allow it only if you came from there just now.</p>
<form method="post" action="/login/allow" class="stack">
${hidden({ ...errand, form_key: visitor.formKey })}
<button type="submit">Allow</button>
</form>
<p></p>
<a class="button quiet" href="${HOME}">Do not allow</a>
</section>`,
  });
}

async function signInPage(
  core: Core,
  reply: FastifyReply,
  errand: Errand,
  failed?: { readonly error: DomainError; readonly identifier: string; readonly directory: string },
): Promise<FastifyReply> {
  const offered = await core.authorities.offered();
  const directories = offered.filter(({ kind }) => kind === 'ldap');
  const providers = offered.filter(({ kind }) => kind === 'oidc');
  const wantsCode = failed?.error.reason === 'second-factor-missing';
  const message = failed === undefined ? null : saidOf(failed.error);
  if (failed?.error.kind === 'limit') {
    reply.header('retry-after', String(failed.error.details.retryAfterSeconds ?? 60));
  }
  return sendPage(reply, {
    title: 'Sign in',
    narrow: true,
    status: failed === undefined ? 200 : statusOf(failed.error),
    body: html`<section class="pane">
<h1>Sign in</h1>
${message === null ? null : html`<div class="note ${wantsCode ? 'warn' : 'bad'}" role="alert" id="problem"><p>${message}</p></div>`}
<form method="post" action="/login">
${hidden({ ...errand })}
<label for="identifier">User name or e-mail address</label>
<input id="identifier" name="identifier" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="320" value="${failed?.identifier ?? ''}"${failed === undefined ? html` autofocus` : null}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="1024"${failed === undefined ? null : html` autofocus aria-describedby="problem"`}>
<label for="code">One-time code <span class="hint">if you have set one up</span></label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="9">
${directories.length === 0 ? null : directoryField(directories, failed?.directory ?? '')}
<button type="submit">Sign in</button>
</form>
${
  providers.length === 0
    ? null
    : html`<div class="or">or</div><div class="stack">${providers.map(
        ({ name, title }) =>
          html`<a class="button quiet" href="/login/with/${encodeURIComponent(name)}?${new URLSearchParams(Object.entries(errand)).toString()}">Sign in with ${title}</a>`,
      )}</div>`
}
</section>`,
  });
}

function directoryField(directories: readonly { readonly name: string }[], chosen: string): Html {
  const option = (value: string, label: string) =>
    html`<option value="${value}"${value === chosen ? html` selected` : null}>${label}</option>`;
  return html`<label for="directory">Directory</label>
<select id="directory" name="directory">${[option('', 'This server'), ...directories.map(({ name }) => option(name, name))]}</select>`;
}

export function hidden(values: Readonly<Record<string, string | undefined>>): Html[] {
  return Object.entries(values).map(([name, value]) =>
    value === undefined ? html`` : html`<input type="hidden" name="${name}" value="${value}">`,
  );
}

/** One sentence for every way in which signing in fails, but for what a person can do something about. */
function saidOf(error: DomainError): string {
  if (error.reason === 'second-factor-missing')
    return 'Type the one-time code of the moment too, and your password again.';
  if (error.kind === 'unauthenticated')
    return 'This did not work: check the name, the password and the code.';
  return `${error.message}.`;
}

function statusOf(error: DomainError): number {
  return { unauthenticated: 401, limit: 429, unavailable: 503, forbidden: 403 }[error.kind as string] ?? 400;
}
