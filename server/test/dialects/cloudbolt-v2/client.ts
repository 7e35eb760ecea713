/** CloudBolt's wire, spoken as its clients do: a token or name and password on every call, paths from the root of the API. */
import assert from 'node:assert/strict';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed, where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
  readonly body: any;
}

export interface Person {
  readonly username: string;
  readonly password: string;
}

export interface Speaking {
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  get(path: string): Promise<Answer>;
  post(path: string, body?: unknown): Promise<Answer>;
  delete(path: string): Promise<Answer>;
  /** Fails the test unless it is answered with `status`. */
  expect(status: number, method: string, path: string, body?: unknown): Promise<Answer>;
}

/** @param person null: without credentials */
export function speaking(url: string, person: Person | null): Speaking {
  const credentials: Record<string, string> =
    person === null
      ? {}
      : { authorization: `Basic ${Buffer.from(`${person.username}:${person.password}`).toString('base64')}` };
  const call: Speaking['call'] = async (method, path, body, headers = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${url}${path.startsWith('/') ? path : `/api/v2/${path}`}`, {
      method,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...credentials, ...headers },
      ...(body === undefined ? {} : { body: text }),
    });
    const answer = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      text: answer,
      body: isJson ? JSON.parse(answer) : undefined,
    };
  };
  return {
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    delete: (path) => call('DELETE', path),
    async expect(status, method, path, body) {
      const answer = await call(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`);
      return answer;
    },
  };
}
