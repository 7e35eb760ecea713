/** Speaks to the dialect as its clients do: Basic on every call, JSON named on every body, also on none. */
import { ADMIN, type TestServer } from '../../support/a-server.js';

export interface Asked {
  readonly version?: 'v3' | 'v3.1';
  /** In the place of `/api/VERSION`. */
  readonly root?: string;
  readonly tenant?: string | null;
  readonly username?: string;
  readonly password?: string;
  /** No Basic; another header may say who asks. */
  readonly anonymous?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** A plain object is sent as JSON; anything else as it is. */
  readonly body?: unknown;
}

/** What a client finds in an answer: any member of it may be looked into. */
export interface Found {
  readonly [key: string]: Found;
  readonly [index: number]: Found;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Buffer;
  readonly json: Found;
}

export function clientOf(server: Pick<TestServer, 'url'>) {
  return async (method: string, path: string, asked: Asked = {}): Promise<Answer> => {
    const { version = 'v3.1', tenant = 'default_tenant', body } = asked;
    const username = asked.username ?? ADMIN.username;
    const password = asked.password ?? ADMIN.password;
    const plain =
      body !== null && typeof body === 'object' && Object.getPrototypeOf(body) === Object.prototype;
    const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const root = asked.root ?? `/api/${version}`;
    const response = await fetch(`${server.url}${root}${path}`, {
      method,
      headers: {
        ...(asked.anonymous === true ? {} : { authorization: basic }),
        // A form names its own boundary.
        ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }),
        ...(tenant === null ? {} : { tenant }),
        ...asked.headers,
      },
      ...(body === undefined
        ? {}
        : { body: plain ? JSON.stringify(body) : (body as NonNullable<RequestInit['body']>) }),
      ...(body instanceof ReadableStream ? { duplex: 'half' as const } : {}),
    });
    const bytes = isEndless(response)
      ? await beginningOf(response)
      : Buffer.from(await response.arrayBuffer());
    const text = bytes.toString('utf8');
    return {
      status: response.status,
      headers: response.headers,
      text,
      bytes,
      get json() {
        return JSON.parse(text) as Found;
      },
    };
  };
}

function isEndless(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** The first that arrives of an answer which does not end. */
async function beginningOf(response: Response): Promise<Buffer> {
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from(value ?? []);
}
