/** One request with the rights of who looks around, and what came back. */
import type { Json } from './hal.js';
import type { Session } from './session.js';

export interface Sent {
  readonly method: string;
  readonly href: string;
  /** JSON as it was written; empty: none. */
  readonly body: string;
}

export interface Came {
  readonly sent: Sent;
  /** 0: nothing came. */
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly ms: number;
  readonly bytes: number;
  readonly json: Json | undefined;
  /** What is no JSON. */
  readonly text: string;
  readonly blob: Blob | null;
  /** Why nothing came. */
  readonly trouble: string;
}

/** Texts that are shown as such; longer ones and other types are offered as files. */
const SHOWN_TEXT = 200_000;

export async function send(sent: Sent, session: Session, signal: AbortSignal): Promise<Came> {
  const began = performance.now();
  const nothing = { sent, status: 0, headers: [], bytes: 0, json: undefined, text: '', blob: null } as const;
  try {
    const token = await session.token();
    const answer = await fetch(sent.href, {
      method: sent.method,
      signal,
      redirect: 'error',
      cache: 'no-store',
      credentials: 'omit',
      headers: {
        accept: 'application/hal+json, application/json;q=0.9, */*;q=0.5',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(sent.body === '' ? {} : { 'content-type': 'application/json' }),
      },
      ...(sent.body === '' ? {} : { body: sent.body }),
    });
    const blob = await answer.blob();
    const type = answer.headers.get('content-type') ?? '';
    const came = {
      ...nothing,
      status: answer.status,
      headers: [...answer.headers],
      ms: performance.now() - began,
      bytes: blob.size,
      trouble: '',
    };
    if (/[/+]json\b/.test(type)) {
      const text = await blob.text();
      try {
        return { ...came, json: text === '' ? undefined : (JSON.parse(text) as Json) };
      } catch {
        return { ...came, text };
      }
    }
    if (type.startsWith('text/') && blob.size <= SHOWN_TEXT) return { ...came, text: await blob.text() };
    return { ...came, blob: blob.size === 0 ? null : blob };
  } catch (error) {
    const trouble = signal.aborted
      ? 'Cancelled.'
      : 'The server did not answer. Is it up, and is this page still of the same address?';
    return {
      ...nothing,
      ms: performance.now() - began,
      trouble: error instanceof Error ? trouble : String(error),
    };
  }
}
