/**
 * Pages of the server's own, written by the server: what they all share. No script, no outside host, one small stylesheet.
 * `html` escapes whatever is put into it, unless it is `Html` already.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { STYLE } from './style.js';

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | null | readonly Html[];

/** A piece of a page: texts are escaped, nulls are nothing. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, piece, at) => text + rendered(parts[at - 1] ?? null) + piece));
}

function rendered(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(({ text }) => text).join('');
  return String(part).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const FINGERPRINT = createHash('sha256').update(STYLE).digest('base64url').slice(0, 12);
export const STYLE_PATH = `/assets/pages-${FINGERPRINT}.css`;

/** @param formTargets origins beside our own that a form of this page may end at */
export function policy(formTargets: readonly string[] = []): string {
  const targets = ["'self'", ...formTargets].join(' ');
  return `default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action ${targets}`;
}

export interface Page {
  readonly title: string;
  readonly body: Html;
  readonly status?: number;
  readonly formTargets?: readonly string[];
  /** A page of one small form, in the middle. */
  readonly narrow?: boolean;
}

/** Never kept by anybody on the way: pages tell of people, and some tell a secret once. */
export function sendPage(reply: FastifyReply, page: Page): FastifyReply {
  return reply
    .code(page.status ?? 200)
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', policy(page.formTargets))
    .header('cache-control', 'no-store')
    .header('referrer-policy', 'same-origin')
    .header('cross-origin-opener-policy', 'same-origin')
    .send(document(page));
}

/** The sign of the house. */
export const MARK = html`<svg class="mark" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="13"/><circle cx="32" cy="32" r="21"/><circle cx="32" cy="32" r="29"/><circle class="sun" cx="32" cy="32" r="6"/><circle class="world" cx="45" cy="32" r="2.5"/><circle class="world" cx="21" cy="50" r="3"/></svg>`;

function document({ title, body, narrow }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Orrery</title>
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<header class="top"><a href="/" class="brand">${MARK}<span>Orrery</span></a></header>
<main class="${narrow === true ? 'narrow' : 'wide'}">
${body}
</main>
</body>
</html>
`.text;
}
