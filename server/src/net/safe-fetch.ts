/**
 * Reads a URL that a user named, without lending the user the server's place in the network.
 *
 * What always holds: only http and https; every address that is connected to is public or on the allowlist; the
 * address connected to is the very one that was checked (the connection gets it, never the name, so a second answer
 * of the name server changes nothing); each redirect is checked like the first URL; bytes and time are bounded; no
 * credentials, cookies or headers of the caller go out. And the answer about a refused address is the same whether
 * something listens there, nothing does, or its name does not exist: nobody can map a private network by asking.
 *
 * Rejected: `fetch` (resolves the name itself, after any check), and a check of the name alone (rebinding).
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { DomainError } from '../errors.js';
import { isPublicAddress } from './address.js';
import type { Allowlist } from './allowlist.js';

export interface SafeFetchOptions {
  readonly maxBytes: number;
  /** For everything, from the first lookup to the last byte. */
  readonly timeoutMs: number;
  readonly allowlist: Allowlist;
  readonly signal?: AbortSignal;
  readonly maxRedirects?: number;
  /** All addresses of a name. Default: the system's resolver. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** Certificates to trust besides the usual ones. */
  readonly ca?: string;
}

export interface Fetched {
  /** Errors with a DomainError when the body is cut short, too long, or too slow. */
  readonly stream: Readable;
  /** As announced; null when the sender did not say. */
  readonly contentLength: number | null;
  /** From `Content-Disposition` or the last part of the path, without folders; null without. */
  readonly filename: string | null;
  /** Where the body came from, after redirects. */
  readonly url: string;
}

/** For what is told to others: an answer to it says little. */
export const WEBHOOK_BOUNDS = { maxBytes: 64 * 1024, timeoutMs: 30_000 } as const;

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * @throws DomainError `invalid` (`url-invalid`, `address-not-allowed`, `fetch-failed`) or `limit` (`download-too-large`)
 */
export async function safeFetch(url: string, options: SafeFetchOptions): Promise<Fetched> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  let target = readUrl(url);
  for (let redirects = 0; ; redirects += 1) {
    const addresses = await allowedAddresses(target, options, signal);
    const answer = await ask(target, addresses, options, signal);
    const status = answer.statusCode ?? 0;
    if (!REDIRECTS.has(status)) return received(target, answer, options, signal);
    answer.destroy();
    if (redirects >= (options.maxRedirects ?? MAX_REDIRECTS)) {
      throw failed(target, `it was redirected more than ${options.maxRedirects ?? MAX_REDIRECTS} times`);
    }
    const next = readUrl(answer.headers.location ?? '', target);
    if (target.protocol === 'https:' && next.protocol === 'http:') {
      throw failed(target, 'it redirects from https to http');
    }
    target = next;
  }
}

export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Answered {
  readonly status: number;
  /** The first `maxBytes` of it. */
  readonly text: string;
}

/**
 * Sends something to a URL that a user named, under the same conditions; redirects are answers like any other. Whatever the status is, it
 * was received.
 *
 * @throws DomainError `invalid` (`url-invalid`, `address-not-allowed`, `fetch-failed`)
 */
export async function safeSend(outgoing: Outgoing, options: SafeFetchOptions): Promise<Answered> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]);
  const target = readUrl(outgoing.url);
  const addresses = await allowedAddresses(target, options, signal);
  const answer = await ask(target, addresses, options, signal, outgoing);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk.subarray(0, options.maxBytes - bytes));
      bytes += chunk.length;
      if (bytes >= options.maxBytes) break;
    }
  } catch (error) {
    throw failed(target, signal.aborted ? 'it took too long' : 'the answer broke off', error);
  }
  return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

function readUrl(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : null;
  if (url === null || text === '')
    throw new DomainError('invalid', 'url-invalid', 'That is not a complete URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new DomainError(
      'invalid',
      'url-invalid',
      `Only http and https URLs can be read, not ${url.protocol}`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new DomainError(
      'invalid',
      'url-invalid',
      'A URL with a user name or password in it is not accepted',
    );
  }
  return url;
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

async function allowedAddresses(url: URL, options: SafeFetchOptions, signal: AbortSignal): Promise<string[]> {
  const host = hostOf(url);
  const port = portOf(url);
  const resolve = options.resolve ?? resolveByHost;
  let addresses: readonly string[] = [];
  let cause: unknown;
  try {
    addresses = isIP(host) !== 0 ? [host] : await untilAborted(resolve(host), signal);
  } catch (error) {
    if (signal.aborted) throw failed(url, 'it took too long', error);
    cause = error;
  }
  const byName = options.allowlist.allows(host, port);
  const allowed = addresses.filter(
    (address) =>
      isIP(address) !== 0 && (byName || isPublicAddress(address) || options.allowlist.allows(address, port)),
  );
  if (allowed.length > 0) return allowed;
  throw new DomainError(
    'invalid',
    'address-not-allowed',
    `${url.host} cannot be contacted: it is private, local or reserved, or its name is not known. ` +
      `An administrator can allow it in the setting CLOUD_ENDPOINT_ALLOWLIST (as ${host.includes(':') ? `[${host}]` : host}:${port})`,
    { details: { host, port }, cause },
  );
}

async function resolveByHost(name: string): Promise<string[]> {
  return (await systemLookup(name, { all: true, verbatim: true })).map((entry) => entry.address);
}

function ask(
  url: URL,
  addresses: readonly string[],
  options: SafeFetchOptions,
  signal: AbortSignal,
  outgoing?: Outgoing,
): Promise<IncomingMessage> {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asking = request(url, {
      method: outgoing?.method ?? 'GET',
      agent: false,
      signal,
      // The checked addresses, whatever the name says by now. Node skips this for literal addresses, checked above.
      lookup: (_name, wanted, callback) => {
        if (wanted.all === true) callback(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      },
      headers: {
        accept: '*/*',
        ...outgoing?.headers,
        'accept-encoding': 'identity',
        'user-agent': 'orrery',
      },
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
    asking.on('response', resolve);
    asking.on('error', (error) => {
      reject(failed(url, signal.aborted ? 'it took too long' : 'nothing usable answered', error));
    });
    asking.end(outgoing?.body);
  });
}

function received(
  url: URL,
  answer: IncomingMessage,
  options: SafeFetchOptions,
  signal: AbortSignal,
): Fetched {
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw failed(url, `the answer was status ${answer.statusCode}`);
  }
  const announced = answer.headers['content-length'];
  const contentLength = announced === undefined ? null : Number(announced);
  if (contentLength !== null && contentLength > options.maxBytes) {
    answer.destroy();
    throw tooLarge(url, options.maxBytes);
  }
  const stream = new PassThrough();
  // Whoever reads it meets the error; one that comes before anybody reads must not end the process.
  stream.on('error', () => {});
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > options.maxBytes) {
      stream.destroy(tooLarge(url, options.maxBytes));
    } else if (!stream.write(chunk)) {
      answer.pause();
    }
  });
  stream.on('drain', () => answer.resume());
  answer.on('end', () => stream.end());
  const slow = () => stream.destroy(failed(url, 'it took too long', signal.reason));
  signal.addEventListener('abort', slow, { once: true });
  // Node reports a body that is shorter than announced, or cut in the middle of a chunk, as an error here.
  answer.on('error', (error) => stream.destroy(failed(url, 'the answer broke off', error)));
  stream.on('close', () => {
    signal.removeEventListener('abort', slow);
    answer.destroy();
  });
  return {
    stream,
    contentLength,
    filename: filenameOf(url, answer.headers['content-disposition']),
    url: url.href,
  };
}

function filenameOf(url: URL, disposition: string | undefined): string | null {
  const given = /filename="?([^";]+)"?/i.exec(disposition ?? '')?.[1];
  const name = (given ?? decoded(url.pathname)).split(/[\\/]/).pop() ?? '';
  const clean = name
    .replace(/\p{Cc}/gu, '')
    .trim()
    .slice(0, 255);
  return clean === '' || clean === '.' || clean === '..' ? null : clean;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** One voice for all that can go wrong outside; the cause is for the log. */
function failed(url: URL, why: string, cause?: unknown): DomainError {
  return new DomainError(
    'invalid',
    'fetch-failed',
    `${url.origin}${url.pathname} could not be read: ${why}`,
    {
      cause,
    },
  );
}

function tooLarge(url: URL, maxBytes: number): DomainError {
  return new DomainError(
    'limit',
    'download-too-large',
    `${url.origin}${url.pathname} holds more than the ${maxBytes} bytes that are accepted`,
  );
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
