/**
 * Where people read about the APIs: a page over the OpenAPI documents of every dialect, the documents themselves, and a
 * browser of the one API that is made of links.
 *
 * Everything here is public and tells nothing but what the code says of itself; the browser asks the API with the rights of whoever uses
 * it, and has none. Documents are made when somebody first asks.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Dialect, ReferenceDocument } from '../dialects/dialect.js';
import { documentText, openApiDocument } from '../openapi/document.js';
import type { Route } from '../openapi/routes.js';
import { addAssets, Served } from './assets.js';
import { browserPage, type Family, indexPage, POLICY, referencePage } from './page.js';

export interface SpokenDialect {
  readonly dialect: Dialect;
  readonly routes: readonly Route[];
}

/** The dialect whose answers are links. */
const BROWSED = 'cloudbolt-v2';

/** Where the server tells what a dialect understands, in one document. */
export function documentPath(dialect: Pick<Dialect, 'name'>): string {
  return `/openapi/${dialect.name}.json`;
}

/** Where people read about a dialect. */
export function referencePath(dialect: Pick<Dialect, 'name' | 'reference'>): string {
  return dialect.reference?.page ?? `/docs/${dialect.name}/`;
}

export function addPortal(app: FastifyInstance, spoken: readonly SpokenDialect[], version: string): void {
  for (const each of spoken) addDocuments(app, each, version);
  if (spoken.length === 0) return;
  const assets = addAssets(app);
  const families = spoken.map(({ dialect }) => familyOf(dialect));
  addPage(app, '/docs', () => indexPage(assets, families));
  for (const family of families) {
    addPage(app, family.page, () => referencePage(assets, families, family));
    if (family.browser !== null) addPage(app, family.browser, () => browserPage(assets, families, family));
  }
}

function familyOf(dialect: Dialect): Family {
  const documents = dialect.reference?.documents ?? [{ path: documentPath(dialect), title: dialect.title }];
  const [first = ''] = dialect.api.description.replace(/\s+/g, ' ').split(/(?<=\.) /);
  return {
    title: dialect.title,
    page: referencePath(dialect),
    roots: dialect.roots,
    about: first,
    documents,
    browser: dialect.name === BROWSED ? `${dialect.roots[0]}/browser` : null,
  };
}

function addDocuments(app: FastifyInstance, { dialect, routes }: SpokenDialect, version: string): void {
  const add = (path: string, part?: ReferenceDocument) => {
    let made: Served | undefined;
    app.get(path, async (request, reply) => {
      made ??= new Served(documentText(openApiDocument(dialect, routes, version, part)));
      reply.type('application/json').header('cache-control', 'no-cache');
      return made.send(request, reply);
    });
  };
  add(documentPath(dialect));
  for (const part of dialect.reference?.documents ?? [])
    if (part.path !== documentPath(dialect)) add(part.path, part);
}

function addPage(app: FastifyInstance, path: string, write: () => string): void {
  let made: Served | undefined;
  app.get(path, async (request, reply: FastifyReply) => {
    made ??= new Served(write());
    reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', POLICY)
      .header('referrer-policy', 'same-origin')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cache-control', 'no-cache');
    return made.send(request, reply);
  });
}
