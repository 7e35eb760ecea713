import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import type { DomainError } from '../errors.js';
import { parseAllowlist } from './allowlist.js';
import { type SafeFetchOptions, safeFetch, safeSend } from './safe-fetch.js';

const servers: Server[] = [];
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function options(allowed: string, more: Partial<SafeFetchOptions> = {}): SafeFetchOptions {
  return {
    maxBytes: 10_000,
    timeoutMs: 5_000,
    allowlist: parseAllowlist(allowed),
    resolve: async () => {
      throw new Error('no name may be looked up here');
    },
    ...more,
  };
}

async function textOf(url: string, given: SafeFetchOptions): Promise<string> {
  const { stream } = await safeFetch(url, given);
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function refusal(work: Promise<unknown>): Promise<DomainError> {
  const error = await work.then(
    () => assert.fail('should have been refused'),
    (reason: unknown) => reason,
  );
  assert.equal((error as Error).name, 'DomainError', (error as Error).stack);
  return error as DomainError;
}

describe('an address that is not allowed is never contacted', () => {
  const cases = [
    'http://127.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.0.0.1:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://0:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/',
    'http://10.0.0.1/',
    'http://192.168.0.1/',
    'http://100.64.0.1/',
    'http://①②⑦.0.0.1:PORT/',
  ];
  for (const pattern of cases) {
    test(pattern, async () => {
      let asked = 0;
      const port = await serve((_request, response) => {
        asked += 1;
        response.end('secret');
      });
      const error = await refusal(
        safeFetch(pattern.replace('PORT', String(port)), options(`127.0.0.1:${port === 1 ? 2 : 1}`)),
      );
      assert.equal(error.kind, 'invalid');
      assert.equal(error.reason, 'address-not-allowed');
      assert.match(error.message, /CLOUD_ENDPOINT_ALLOWLIST/);
      assert.equal(asked, 0);
    });
  }

  for (const answer of ['127.0.0.1', '10.1.2.3', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'nonsense']) {
    test(`a name that resolves to ${answer}`, async () => {
      const error = await refusal(
        safeFetch('http://innocent.example/', options('', { resolve: async () => [answer] })),
      );
      assert.equal(error.reason, 'address-not-allowed');
    });
  }

  test('the answer does not tell whether something listens, nor whether a name exists', async () => {
    const open = await serve((_request, response) => response.end());
    const at = (url: string, resolve?: SafeFetchOptions['resolve']) =>
      refusal(safeFetch(url, options('', resolve === undefined ? {} : { resolve }))).then((error) => [
        error.kind,
        error.reason,
        error.message.replace(/:\d+/g, ':PORT'),
      ]);
    assert.deepEqual(await at(`http://127.0.0.1:${open}/`), await at('http://127.0.0.1:1/'));
    assert.deepEqual(
      await at('http://db.internal:5432/', async () => ['10.0.0.1']),
      await at('http://db.internal:5432/', async () => {
        throw Object.assign(new Error('getaddrinfo ENOTFOUND db.internal'), { code: 'ENOTFOUND' });
      }),
    );
  });

  test('a redirect to a loopback address', async () => {
    let asked = 0;
    const secret = await serve((_request, response) => {
      asked += 1;
      response.end('secret');
    });
    for (const location of [
      `http://127.0.0.1:${secret}/`,
      `http://localhost:${secret}/`,
      `//[::1]:${secret}/`,
      'http://169.254.169.254/',
    ]) {
      const front = await serve((_request, response) => response.writeHead(302, { location }).end());
      const error = await refusal(
        safeFetch(
          `http://127.0.0.1:${front}/`,
          options(`127.0.0.1:${front}`, { resolve: async () => ['127.0.0.1'] }),
        ),
      );
      assert.equal(error.reason, 'address-not-allowed');
    }
    assert.equal(asked, 0);
  });

  test('a name whose next answer is another address: the first, checked one is used', async () => {
    const port = await serve((request, response) => response.end(`${request.headers.host}`));
    let lookups = 0;
    const resolve = async () => {
      lookups += 1;
      return lookups === 1 ? ['127.0.0.1'] : ['127.0.0.2'];
    };
    const text = await textOf(`http://rebinding.example:${port}/`, options(`127.0.0.1:${port}`, { resolve }));
    assert.equal(text, `rebinding.example:${port}`);
    assert.equal(lookups, 1);
  });

  test('of several answers only the allowed ones are tried', async () => {
    const port = await serve((_request, response) => response.end('fine'));
    const resolve = async () => ['127.0.0.9', '127.0.0.1', '10.0.0.1'];
    assert.equal(
      await textOf(`http://mixed.example:${port}/`, options(`127.0.0.1:${port}`, { resolve })),
      'fine',
    );
  });
});

describe('what can be read', () => {
  test('a body, its announced length and its name', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, {
        'content-length': '5',
        'content-disposition': 'attachment; filename="../../up.zip"',
      });
      response.end('hello');
    });
    const fetched = await safeFetch(`http://127.0.0.1:${port}/x`, options(`127.0.0.1:${port}`));
    assert.equal(fetched.contentLength, 5);
    assert.equal(fetched.filename, 'up.zip');
    assert.equal(Buffer.concat(await fetched.stream.toArray()).toString(), 'hello');
  });

  test('an allowlisted name, and redirects that stay allowed', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/end%20here.zip') response.end('done');
      else response.writeHead(307, { location: request.url === '/a' ? '/b' : '/end%20here.zip' }).end();
    });
    const fetched = await safeFetch(
      `http://build.example:${port}/a`,
      options(`build.example:${port}`, { resolve: async () => ['127.0.0.1'] }),
    );
    assert.equal(fetched.filename, 'end here.zip');
    assert.equal(fetched.url, `http://build.example:${port}/end%20here.zip`);
    assert.equal(Buffer.concat(await fetched.stream.toArray()).toString(), 'done');
  });

  test('nothing of the caller goes out', async () => {
    let headers: Record<string, unknown> = {};
    const port = await serve((request, response) => {
      headers = request.headers;
      response.end();
    });
    await textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`));
    assert.deepEqual(Object.keys(headers).sort(), [
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });

  for (const url of [
    '',
    'nonsense',
    'ftp://example.org/x',
    'file:///etc/passwd',
    'http://user:secret@example.org/',
    'data:,x',
    'gopher://x/',
  ]) {
    test(`"${url}" is no URL that is read`, async () => {
      const error = await refusal(safeFetch(url, options('')));
      assert.equal(error.reason, 'url-invalid');
      assert.doesNotMatch(error.message, /secret/);
    });
  }
});

describe('bounds', () => {
  test('a body announced as too large is not read', async () => {
    const port = await serve((_request, response) =>
      response.writeHead(200, { 'content-length': '10001' }).write('x'),
    );
    const error = await refusal(safeFetch(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`)));
    assert.equal(error.kind, 'limit');
    assert.equal(error.reason, 'download-too-large');
  });

  test('a body that turns out too large breaks off, and so does the connection', async () => {
    let closed: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const port = await serve((_request, response) => {
      response.on('close', closed);
      const more = () => {
        while (response.write(Buffer.alloc(1000)));
        response.once('drain', more);
      };
      more();
    });
    const error = await refusal(textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`)));
    assert.equal(error.reason, 'download-too-large');
    await gone;
  });

  for (const [what, listener] of [
    ['never answers', () => {}],
    ['never ends', (_request, response) => response.writeHead(200).write('x')],
  ] as readonly (readonly [string, RequestListener])[]) {
    test(`a server that ${what} is given up`, async () => {
      const port = await serve(listener);
      const error = await refusal(
        textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`, { timeoutMs: 100 })),
      );
      assert.equal(error.reason, 'fetch-failed');
      assert.match(error.message, /too long/);
    });
  }

  test('a name server that never answers is given up', async () => {
    const error = await refusal(
      textOf('http://slow.example/', options('', { timeoutMs: 50, resolve: () => new Promise(() => {}) })),
    );
    assert.equal(error.reason, 'fetch-failed');
  });

  test('a caller who gives up is obeyed', async () => {
    const port = await serve(() => {});
    const stop = new AbortController();
    const work = textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`, { signal: stop.signal }));
    stop.abort();
    assert.equal((await refusal(work)).reason, 'fetch-failed');
  });

  test('a body that is shorter than announced is not taken for whole', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('short');
      setImmediate(() => response.destroy());
    });
    assert.equal(
      (await refusal(textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`)))).reason,
      'fetch-failed',
    );
  });

  test('redirects without end are given up', async () => {
    const port = await serve((_request, response) => response.writeHead(302, { location: '/again' }).end());
    assert.match(
      (await refusal(textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`)))).message,
      /more than 5 times/,
    );
  });

  test('an error status is told', async () => {
    const port = await serve((_request, response) => response.writeHead(404).end());
    assert.match(
      (await refusal(textOf(`http://127.0.0.1:${port}/`, options(`127.0.0.1:${port}`)))).message,
      /status 404/,
    );
  });

  test('a closed port on an allowed address is told without its cause', async () => {
    const error = await refusal(textOf('http://127.0.0.1:1/', options('127.0.0.1:1')));
    assert.equal(error.reason, 'fetch-failed');
    assert.doesNotMatch(error.message, /ECONN/);
  });
});

describe('what is sent', () => {
  const hook = (port: number, more = {}) => ({
    ...{
      method: 'POST',
      url: `http://127.0.0.1:${port}/hook`,
      headers: { 'x-room': 'ops' },
      body: '{"a": 1}',
    },
    ...more,
  });

  test('arrives as it is, and any status is an answer, cut where it is too long', async () => {
    let seen = '';
    const port = await serve(async (request, response) => {
      for await (const chunk of request) seen += chunk;
      seen += ` ${request.method} ${request.url} ${request.headers['x-room']}`;
      response.writeHead(500).end('x'.repeat(50_000));
    });
    const answer = await safeSend(hook(port), options(`127.0.0.1:${port}`));
    assert.equal(seen, '{"a": 1} POST /hook ops');
    assert.deepEqual([answer.status, answer.text.length], [500, 10_000]);
  });

  test('goes nowhere that is not allowed, nor where a redirect points', async () => {
    let asked = 0;
    const inward = await serve((_request, response) => {
      asked += 1;
      response.end();
    });
    const port = await serve((_request, response) => {
      response.writeHead(307, { location: `http://127.0.0.1:${inward}/` }).end();
    });
    assert.equal((await safeSend(hook(port), options(`127.0.0.1:${port}`))).status, 307);
    const error = await refusal(safeSend(hook(inward), options(`127.0.0.1:${port}`)));
    assert.equal(error.reason, 'address-not-allowed');
    assert.equal(asked, 0);
  });

  test('is given up when no answer comes in time', async () => {
    const port = await serve(() => {});
    const error = await refusal(safeSend(hook(port), options(`127.0.0.1:${port}`, { timeoutMs: 50 })));
    assert.match(error.message, /took too long/);
  });
});
