/**
 * A body that says where an archive is, instead of being it: `{"blueprint_archive_url": "https://…"}`. Clients call every
 * body JSON, archives too, so what it holds decides, not its header. No archive is a JSON object.
 */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { readDocument } from '../../json-document.js';
import { badParameters } from './errors.js';

/** Longer objects than this name no URL that anybody would fetch. */
const MOST_BYTES = 65_536;
const BRACE = 0x7b;

/** The members of the object that the body is, or the body, not a byte of it missing. */
export async function fieldsOrStream(
  body: Readable,
): Promise<{ readonly fields: Readonly<Record<string, unknown>> } | { readonly stream: Readable }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for (;;) {
    const chunk = await nextChunk(body);
    if (chunk === null) break;
    chunks.push(chunk);
    size += chunk.length;
    if (chunks[0]![0] !== BRACE || size > MOST_BYTES) {
      body.unshift(Buffer.concat(chunks));
      return { stream: body };
    }
  }
  if (size === 0) return { stream: Readable.from([]) };
  const said = readDocument(Buffer.concat(chunks).toString('utf8'), 'The request body');
  return { fields: said as Readonly<Record<string, unknown>> };
}

/** @throws CloudifyError when the line breaks before the body's end */
async function nextChunk(body: Readable): Promise<Buffer | null> {
  for (;;) {
    const chunk = body.read() as Buffer | null;
    if (chunk !== null) return chunk;
    if (body.readableEnded) return null;
    if (body.destroyed) throw brokenOff();
    const news = new AbortController();
    const any = ['readable', 'end', 'close'].map((event) => once(body, event, { signal: news.signal }));
    try {
      await Promise.race(any);
    } catch {
      throw brokenOff();
    } finally {
      news.abort();
      await Promise.allSettled(any);
    }
  }
}

function brokenOff() {
  return badParameters('The request broke off before the end of its body');
}
