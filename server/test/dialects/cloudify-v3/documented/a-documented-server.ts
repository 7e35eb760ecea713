/**
 * A server for the calls of the published document, and tests that say which of them they send.
 *
 *   const { covers, curl } = await aDocumentedServer();
 *   covers('Secrets: get', 'tells a secret with its value', async () => { … await curl('GET /secrets/key') … });
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../../support/a-server.js';
import { clientOf } from '../client.js';
import { type Call, type CallForm, formOf } from './calls.js';
import { type Curl, curlTo, type Exchange } from './curl.js';

export async function aDocumentedServer(
  env: Readonly<Record<string, string>> = {},
  parts: { readonly worker?: boolean } = {},
) {
  const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off', ...env }, parts);
  const send = curlTo(server.url);
  const exchanges: Exchange[] = [];
  const curl: Curl = async (line, options) => {
    const exchange = await send(line, options);
    exchanges.push(exchange);
    return exchange;
  };

  /** A test of one documented call. It fails, too, when no request of that form was answered as documented. */
  function covers(call: Call, sentence: string, run: () => Promise<void>): void {
    test(`${call}: ${sentence}`, async () => {
      exchanges.length = 0;
      await run();
      const form = formOf(call);
      const seen = exchanges.map(({ method, target, status }) => `${method} ${target} ${status}`);
      assert.ok(
        exchanges.some((exchange) => isOf(form, exchange)),
        `no request has the form of "${call}" and its answer; there were:\n${seen.join('\n')}`,
      );
    });
  }
  return { server, ask: clientOf(server), curl, covers };
}

function isOf(form: CallForm, exchange: Exchange): boolean {
  const [path, query = ''] = exchange.target.split('?') as [string, string?];
  const pattern = new RegExp(`^${form.path.replaceAll('ID', '[^/]+')}$`);
  const asked = new URLSearchParams(query);
  return (
    exchange.method === form.method &&
    exchange.status === form.status &&
    pattern.test(path) &&
    form.query.every((word) => asked.has(word)) &&
    form.body.every((word) => word in bodyOf(exchange))
  );
}

function bodyOf(exchange: Exchange): object {
  try {
    return JSON.parse(exchange.sent.toString('utf8')) as object;
  } catch {
    return {};
  }
}
