/**
 * What pages load: scripts and styles, read once, at addresses that change with their contents.
 *
 * A request names an asset by its whole address, which is looked up: no part of a path ever becomes the name of a file. So they may be
 * kept for ever by everybody, and a new version of the server is a new address.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { TOKENS } from '../pages/tokens.js';

/** Built from `server/web`; beside the sources' folder when they are built. */
const FOLDER = new URL('../../assets/', import.meta.url);

export const ASSETS = {
  tokens: 'tokens.css',
  page: 'page.css',
  icon: 'icon.svg',
  theme: 'theme.js',
  index: 'index.js',
  reference: 'reference.js',
  browser: 'browser.js',
} as const;

export type AssetName = keyof typeof ASSETS;

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};

/** A text that is served as it is, and what it is when compressed. Compressed when first asked for so. */
export class Served {
  readonly text: string;
  readonly etag: string;
  readonly #made = new Map<string, Buffer>();

  constructor(text: string) {
    this.text = text;
    this.etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  }

  /** Answers with as much as the asker does not have yet. `cache-control` is the caller's. */
  send(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    reply.header('etag', this.etag).header('vary', 'accept-encoding');
    if (request.headers['if-none-match']?.includes(this.etag)) return reply.code(304).send();
    const encoding = encodingFor(request.headers['accept-encoding']);
    if (encoding === null) return reply.send(this.text);
    let made = this.#made.get(encoding);
    if (made === undefined) {
      made = ENCODERS[encoding](this.text);
      this.#made.set(encoding, made);
    }
    return reply.header('content-encoding', encoding).send(made);
  }
}

const ENCODERS = {
  br: (text: string) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (text: string) => gzipSync(text),
};

function encodingFor(accepted: string | string[] | undefined): keyof typeof ENCODERS | null {
  const text = [accepted ?? ''].flat().join(',').toLowerCase();
  const takes = (name: string) =>
    text.split(',').some((each) => {
      const [coding, ...options] = each.split(';').map((word) => word.trim());
      return coding === name && !options.some((option) => /^q=0(\.0*)?$/.test(option));
    });
  return takes('br') ? 'br' : takes('gzip') ? 'gzip' : null;
}

/** Where each asset is. */
export type AssetPaths = Readonly<Record<AssetName, string>>;

/** @throws Error where the server was not built whole */
export function addAssets(app: FastifyInstance): AssetPaths {
  const paths = Object.entries(ASSETS).map(([name, file]) => {
    const served = new Served(file === ASSETS.tokens ? TOKENS : readFileSync(new URL(file, FOLDER), 'utf8'));
    const [stem, ending] = file.split('.') as [string, string];
    const path = `/assets/${stem}-${served.etag.slice(1, 13)}.${ending}`;
    app.get(path, async (request, reply) => {
      reply
        .header('content-type', TYPES[ending])
        .header('cache-control', 'public, max-age=31536000, immutable');
      return served.send(request, reply);
    });
    return [name, path] as const;
  });
  return Object.fromEntries(paths) as AssetPaths;
}
