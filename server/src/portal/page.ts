/** The frame of the portal's pages: what is there before any script runs, so that something is seen at once, and read without scripts. */
import { Html, html, MARK } from '../pages/html.js';
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
  readonly documents: readonly { readonly path: string; readonly title: string }[];
}

interface Frame {
  readonly title: string;
  readonly script: AssetName;
  readonly kind: 'index' | 'reference' | 'browser';
  readonly here: string;
  readonly body: string;
}

export function indexPage(assets: AssetPaths, families: readonly Family[]): string {
  const cards = families.map(({ title, page, roots, about, documents }) => {
    const files = documents.map((each) => `<a href="${escaped(each.path)}">${escaped(each.title)}</a>`).join(' ');
    const at = roots.map((root) => `<code>${escaped(root)}</code>`).join(' ');
    return `<li class="card"><h2><a href="${escaped(page)}">${escaped(title)}</a></h2>
<p>${escaped(about)}</p><p class="muted">${at}</p><p class="files">OpenAPI: ${files}</p></li>`;
  });
  return framed(assets, families, {
    title: 'API reference',
    script: 'index',
    kind: 'index',
    here: '/docs/',
    body: `<main id="main" class="narrow-page"><h1>API reference</h1>
<p class="lead">Every operation of every API that this server speaks, made from the schemas that check the requests.</p>
<ul class="cards">${cards.join('\n')}</ul></main>`,
  });
}

export function referencePage(assets: AssetPaths, families: readonly Family[], family: Family): string {
  const links = family.documents
    .map(({ path, title }) => `<a class="document" href="${escaped(path)}">${escaped(title)}</a>`)
    .join(' ');
  return framed(assets, families, {
    title: family.title,
    script: 'reference',
    kind: 'reference',
    here: family.page,
    body: `<div class="reference">
<nav id="contents" class="contents" aria-label="Operations"><p class="quiet-line">Reading …</p></nav>
<main id="main" class="middle" tabindex="-1"><h1>${escaped(family.title)}</h1>
<p class="lead">${escaped(family.about)}</p>
<noscript><p class="note warn">This page is drawn by a script. Without it, read the OpenAPI documents.</p></noscript>
<p class="files">OpenAPI: ${links}</p></main>
<aside id="samples" class="samples" aria-label="Samples" hidden></aside>
</div>`,
  });
}

/** @param root of the API that is looked through, and where its reference is */
export function browserPage(assets: AssetPaths, families: readonly Family[], family: Family): string {
  return framed(assets, families, {
    title: 'API browser',
    script: 'browser',
    kind: 'browser',
    here: `${family.roots[0]}/browser`,
    body: `<main id="main" class="browser" data-root="${escaped(`${family.roots[0]}/`)}" data-reference="${escaped(family.page)}" data-document="${escaped(family.documents[0]?.path ?? '')}">
<h1 class="visually-hidden">API browser</h1>
<noscript><p class="note warn">The API browser is a script. Without it, use curl: <code>GET ${escaped(`${family.roots[0]}/`)}</code>.</p></noscript>
</main>`,
  });
}

const MARK =
  '<svg class="mark" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="13"/><circle cx="32" cy="32" r="21"/><circle cx="32" cy="32" r="29"/><circle class="sun" cx="32" cy="32" r="6"/><circle class="world" cx="45" cy="32" r="2.5"/><circle class="world" cx="21" cy="50" r="3"/><circle class="world" cx="18" cy="6.6" r="2.5"/></svg>';

function framed(assets: AssetPaths, families: readonly Family[], frame: Frame): string {
  const links = families.map(({ title, page }) => {
    const current = page === frame.here ? ' aria-current="page"' : '';
    return `<a href="${escaped(page)}"${current}>${escaped(title)}</a>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(frame.title)} · Orrery</title>
<link rel="stylesheet" href="${assets.tokens}">
<link rel="stylesheet" href="${assets.page}">
<script src="${assets.theme}"></script>
<script type="module" src="${assets[frame.script]}"></script>
</head>
<body class="${frame.kind}-page">
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="/">${MARK}<span>Orrery</span></a>
<nav class="families" aria-label="APIs">${links.join('')}</nav>
<div class="tools" id="tools"></div>
</header>
${frame.body}
</body>
</html>
`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
