/** The text behind an http or https import. */
import type { ArchiveTaker } from './take-archive.js';

const IMPORT_TIMEOUT_MS = 30_000;
const IMPORT_BYTES = 8 * 1024 * 1024;

/** Throws DomainError. */
export async function fetchImport(fetch: ArchiveTaker['fetch'], url: string): Promise<string> {
  const { stream } = await fetch(url, { maxBytes: IMPORT_BYTES, timeoutMs: IMPORT_TIMEOUT_MS });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return new TextDecoder('utf-8').decode(Buffer.concat(chunks));
}
