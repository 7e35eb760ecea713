/** A client of CloudBolt's API as its own are: token, links followed, orders waited for. */
import assert from 'node:assert/strict';

// biome-ignore lint/suspicious/noExplicitAny: a client takes what it is sent
type Answer = any;

export interface CloudBoltClient {
  get(href: string): Promise<Answer>;
  post(href: string, body?: object): Promise<Answer>;
  delete(href: string): Promise<number>;
  text(href: string): Promise<string>;
  bytes(href: string): Promise<Buffer>;
  /** The status and the body, whatever they are. */
  ask(
    method: string,
    href: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: Answer }>;
  /** The order once it has ended, waited for as the server offers it. */
  ended(order: Answer): Promise<Answer>;
}

export async function cloudbolt(
  url: string,
  credentials: { readonly username: string; readonly password: string },
): Promise<CloudBoltClient> {
  const headers = {
    authorization: `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`,
    'content-type': 'application/json',
  };
  const send = (method: string, href: string, body?: object) =>
    fetch(`${url}${href}`, {
      method,
      headers,
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const ask = async (method: string, href: string, body?: object) => {
    const response = await send(method, href, body);
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  };
  const fine = async (method: string, href: string, body?: object) => {
    const answer = await ask(method, href, body);
    assert.ok(answer.status < 300, `${method} ${href}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return {
    ask,
    get: (href) => fine('GET', href),
    post: (href, body = {}) => fine('POST', href, body),
    delete: async (href) => (await send('DELETE', href)).status,
    text: async (href) => (await send('GET', href)).text(),
    bytes: async (href) => Buffer.from(await (await send('GET', href)).arrayBuffer()),
    async ended(order) {
      const over = ['SUCCESS', 'WARNING', 'FAILURE', 'CANCELED', 'DENIED'];
      for (let now = order; ; now = await fine('GET', `${order._links.self.href}?wait=20`)) {
        if (over.includes(now.status)) return now;
      }
    },
  };
}
