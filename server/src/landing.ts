/** The page at `/`: is it up, and where the APIs are. For a person who follows the link that `npm start` prints. */
import type { Dialect } from './dialects/dialect.js';
import { documentPath, referencePath } from './portal/portal.js';

/** Sent with the page: it needs its own style and nothing from anywhere. */
export const LANDING_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

export function landingPage(page: {
  readonly ready: boolean;
  readonly version: string;
  readonly role: string;
  readonly dialects: readonly Dialect[];
}): string {
  const rows = page.dialects
    .map((dialect) => {
      const roots = dialect.roots.map((root) => `<code>${escaped(root)}</code>`).join(' ');
      const document = `<a href="${escaped(referencePath(dialect))}">Reference</a> <a href="${escaped(documentPath(dialect))}">OpenAPI</a>`;
      return `<li><b>${escaped(dialect.title)}</b><span class="roots">${roots} ${document}</span></li>`;
    })
    .join('\n');
  const state = page.ready ? 'Ready' : 'Not ready';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Orrery</title>
<style>
:root { --ink: #1c2230; --soft: #596277; --paper: #f7f5f0; --line: #ddd8cc; --good: #1d7a4f; --bad: #b3392b; --ring: #c9a24b }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e9e6dd; --soft: #a2a9b8; --paper: #11141c; --line: #2a2f3d; --good: #58c08c; --bad: #ef7f6f; --ring: #d9b765 }
}
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 2rem 1.25rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { width: 100%; max-width: 36rem }
header { display: flex; gap: 1.1rem; align-items: center; margin-bottom: 1.5rem }
h1 { font-size: 1.9rem; letter-spacing: -.02em; line-height: 1.1; margin: 0 }
p { margin: .25rem 0 0; color: var(--soft) }
svg { width: 4rem; height: 4rem; flex: none }
circle { fill: none; stroke: var(--line); stroke-width: 1.5 }
.sun { fill: var(--ring); stroke: none }
.world { fill: var(--ink); stroke: none }
h2 { font-size: .9rem; font-weight: 600; color: var(--soft); margin: 2rem 0 .25rem }
ul { list-style: none; margin: 0; padding: 0 }
li { display: flex; flex-wrap: wrap; gap: .25rem 1rem; justify-content: space-between; align-items: baseline; padding: .65rem 0; border-bottom: 1px solid var(--line) }
li b { font-weight: 550 }
.roots { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem }
.whole { white-space: nowrap }
code { font: .9em ui-monospace, monospace }
a { color: inherit; text-underline-offset: .2em }
.state { font-weight: 600; color: var(${page.ready ? '--good' : '--bad'}) }
</style>
<main>
<header>
<svg viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="13"/><circle cx="32" cy="32" r="21"/>
<circle cx="32" cy="32" r="29"/><circle class="sun" cx="32" cy="32" r="6"/><circle class="world" cx="45" cy="32" r="2.5"/>
<circle class="world" cx="21" cy="50" r="3"/><circle class="world" cx="18" cy="6.6" r="2.5"/></svg>
<div><h1>Orrery</h1><p><span class="state">${state}</span> · <span class="whole">version ${escaped(page.version)}</span> · <span class="whole">${escaped(page.role)}</span></p></div>
</header>
${rows === '' ? '' : '<p>There is no console here yet: use the command line, <code>orrery</code>, or a client of one of these APIs.</p>'}
<h2>APIs</h2>
<ul>
${rows === '' ? '<li>None in this process</li>' : rows}
</ul>
<h2>For machines</h2>
<ul>
<li><b>Is it alive?</b><a href="/health/live"><code>/health/live</code></a></li>
<li><b>Does it accept work?</b><a href="/health/ready"><code>/health/ready</code></a></li>
<li><b>Prometheus</b><a href="/metrics"><code>/metrics</code></a></li>
</ul>
</main>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
