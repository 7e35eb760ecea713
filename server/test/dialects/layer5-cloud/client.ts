/** Speaks to the dialect as its clients do: a bearer token, JSON without a name. */
import { ADMIN, type TestServer } from '../../support/a-server.js';
import type { Found } from '../cloudify-v3/client.js';

export interface Asked {
  /** Null: none. */
  readonly token?: string | null;
  /** UUID for `layer5-current-orgid`. */
  readonly org?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, but for texts and bytes, which are sent as they are. */
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Found;
}

export type Ask = (method: string, path: string, asked?: Asked) => Promise<Answer>;

export interface Person {
  readonly token: string;
  /** UUID of the user. */
  readonly id: string;
  readonly email: string;
  /** UUID of the organisation that came with the account. */
  readonly org: string;
  readonly ask: Ask;
}

export interface House {
  readonly admin: Person;
  /** A new user, with an organisation of their own. */
  person(name: string): Promise<Person>;
}

export async function houseOf(server: Pick<TestServer, 'url'>): Promise<House> {
  const admin = await signedIn(server, ADMIN.username, ADMIN.password);
  return {
    admin,
    async person(name) {
      const email = `${name}@example.com`;
      const password = `${name} password`;
      const made = await admin.ask('POST', '/api/identity/users', {
        body: { email, password, first_name: name, last_name: 'Test' },
      });
      if (made.status !== 201) throw new Error(made.text);
      return signedIn(server, email, password);
    },
  };
}

async function signedIn(
  server: Pick<TestServer, 'url'>,
  identifier: string,
  password: string,
): Promise<Person> {
  const open = askerOf(server, null);
  const { status, json, text } = await open('POST', '/api/auth/login', { body: { identifier, password } });
  if (status !== 200) throw new Error(text);
  const token = String(json.token);
  const ask = askerOf(server, token);
  const user = json.user!;
  return {
    token,
    id: String(user.id),
    email: identifier,
    org: String(user.organizations!.organizations_with_roles![0]?.id ?? ''),
    ask,
  };
}

export function askerOf(server: Pick<TestServer, 'url'>, own: string | null): Ask {
  return async (method, path, { token = own, org, headers = {}, body } = {}) => {
    const raw = typeof body === 'string' || Buffer.isBuffer(body) || body === undefined;
    const response = await fetch(`${server.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(org === undefined ? {} : { 'layer5-current-orgid': org }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : {
            body: raw
              ? new Uint8Array(Buffer.from(body as string))
              : new TextEncoder().encode(JSON.stringify(body)),
          }),
    });
    const text = await response.text();
    let json: unknown = {};
    try {
      json = JSON.parse(text);
    } catch {
      // No JSON: a file, or nothing.
    }
    return { status: response.status, headers: response.headers, text, json: json as Found };
  };
}
