/** The frame of the portal's pages: what is there before any script runs, so that something is seen at once, and read without scripts. */
import { type Html, html, MARK } from '../pages/html.js';
import type { AssetName, AssetPaths } from './assets.js';

/** Nothing from another host, nothing written within the page, and in nobody's frame. */
export const POLICY =
  "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

export interface Family {
  readonly title: string;
  readonly page: string;
  /** The first paths that its operations have. */
  readonly roots: readonly string[];
  readonly about: string;
  /** Where one can look around in it. */
  readonly browser: string | null;
  readonly documents: readonly { readonly path: string; readonly title: string }[];
}

interface Frame {
  readonly title: string;
  readonly script: AssetName;
  readonly kind: 'index' | 'reference' | 'browser';
  readonly here: string;
  readonly body: Html;
}

/** A dot between each two. */
function separated(parts: readonly Html[]): Html[] {
  return parts.map((part, at) => (at === 0 ? part : html` · ${part}`));
}

/** A sentence of a description, what stands between backticks as code. */
function prose(text: string): Html[] {
  return text.split('`').map((part, at) => (at % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));
}

export function indexPage(assets: AssetPaths, families: readonly Family[]): string {
  const cards = families.map(({ title, page, roots, about, documents, browser }) => {
    const look = browser === null ? null : html` · <a href="${browser}">API browser</a>`;
    const files = separated(documents.map((each) => html`<a href="${each.path}">${each.title}</a>`));
    const at = roots.map((root) => html`<code>${root}</code> `);
    return html`<li class="card"><h2><a href="${page}">${title}</a></h2>
<p>${prose(about)}</p><p class="muted">${at}</p><p class="files">OpenAPI: ${files}${look}</p></li>`;
  });
  return framed(assets, families, {
    title: 'API reference',
    script: 'index',
    kind: 'index',
    here: '/docs/',
    body: html`<main id="main" class="narrow-page"><h1>API reference</h1>
<p class="lead">Every operation of every API that this server speaks, made from the schemas that check the requests.</p>
<ul class="cards">${cards}</ul></main>`,
  });
}

export function referencePage(assets: AssetPaths, families: readonly Family[], family: Family): string {
  const links = separated(
    family.documents.map(({ path, title }) => html`<a class="document" href="${path}">${title}</a>`),
  );
  return framed(assets, families, {
    title: family.title,
    script: 'reference',
    kind: 'reference',
    here: family.page,
    body: html`<div class="reference">
<nav id="contents" class="contents" aria-label="Operations"><p class="quiet-line">Reading …</p></nav>
<main id="main" class="middle" tabindex="-1"><h1>${family.title}</h1>
<p class="lead">${prose(family.about)}</p>
<noscript><p class="note warn">This page is drawn by a script. Without it, read the OpenAPI documents.</p></noscript>
<p class="files">OpenAPI: ${links}</p></main>
<aside id="samples" class="samples" aria-label="Samples" hidden></aside>
</div>`,
  });
}

export function browserPage(assets: AssetPaths, families: readonly Family[], family: Family): string {
  return framed(assets, families, {
    title: 'API browser',
    script: 'browser',
    kind: 'browser',
    here: family.browser ?? '',
    body: html`<main id="main" class="browser" data-root="${`${family.roots[0]}/`}" data-reference="${family.page}" data-document="${family.documents[0]?.path ?? ''}">
<h1 class="visually-hidden">API browser</h1>
<noscript><p class="note warn">The API browser is a script. Without it, use curl: <code>GET ${`${family.roots[0]}/`}</code>.</p></noscript>
</main>`,
  });
}

function framed(assets: AssetPaths, families: readonly Family[], frame: Frame): string {
  const links = families.map(({ title, page }) => navLink(page, title, frame.here));
  const browsers = families.flatMap(({ browser }) =>
    browser === null ? [] : [navLink(browser, 'API browser', frame.here)],
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${frame.title} · Orrery</title>
<link rel="icon" href="${assets.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.tokens}">
<link rel="stylesheet" href="${assets.page}">
<script src="${assets.theme}"></script>
<script type="module" src="${assets[frame.script]}"></script>
</head>
<body class="${frame.kind}-page">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/" aria-label="Orrery">${MARK}<span>Orrery</span></a>
<nav class="families" aria-label="APIs">${links}${browsers}</nav>
<div class="tools" id="tools"></div>
</header>
${frame.body}
</body>
</html>
`.text;
}

function navLink(page: string, title: string, here: string): Html {
  const current = page === here ? html` aria-current="page"` : null;
  return html`<a href="${page}"${current}>${title}</a>`;
}
