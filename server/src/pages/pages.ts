/**
 * The few pages that the server writes itself: signing in, and one's own tokens and keys. They belong to no vendor's dialect,
 * since what they make and end opens all of them. Plain forms, no script, nothing from anywhere else.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from '../core.js';
import { DomainError, type ErrorKind } from '../errors.js';
import { html, STYLE_PATH, sendPage } from './html.js';
import { providerRoutes } from './provider-page.js';
import { signInRoutes } from './sign-in-page.js';
import { STYLE } from './style.js';
import { tokensRoutes } from './tokens-page.js';

/** Longer forms are nobody's. */
const FORM_BYTES = 32 * 1024;

const STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 429,
  unavailable: 503,
};

export function pages(app: FastifyInstance, core: Core): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    (_request, body, done) => done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  app.setErrorHandler(answerWithPage);
  app.get(STYLE_PATH, async (_request, reply) =>
    reply
      .header('content-type', 'text/css; charset=utf-8')
      .header('cache-control', 'public, max-age=31536000, immutable')
      .send(STYLE),
  );
  signInRoutes(app, core);
  providerRoutes(app, core);
  tokensRoutes(app, core);
}

function answerWithPage(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  let status = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
  if (error instanceof DomainError) status = STATUS[error.kind];
  if (status >= 500 && !(error instanceof DomainError)) {
    request.log.error({ err: error, path: request.routeOptions.url }, 'a page met a bug');
  }
  const said = status >= 500 && !(error instanceof DomainError) ? 'Something went wrong here' : error.message;
  sendPage(reply, {
    title: 'That did not work',
    narrow: true,
    status,
    body: html`<section class="pane"><h1>That did not work</h1><p>${said}.</p><p class="muted">Request ${request.id}</p>
<a class="button quiet" href="/login">Back</a></section>`,
  });
}
