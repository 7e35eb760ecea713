import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { list } from 'tar';
import { run } from '../src/run.js';
import { aWorld, type HeldWorld } from './support/a-world.js';
import { at, json, PlayedServer, refuse } from './support/played-server.js';

let server: PlayedServer;
let here: HeldWorld;

before(async () => {
  server = await PlayedServer.start();
});
after(() => server.stop());
beforeEach(() => {
  server.asked.length = 0;
  server.routes.clear();
  here = aWorld({ env: { ORRERY_URL: server.url, ORRERY_TOKEN: 't' } });
  server.routes.set('*', (asked, response) =>
    json(response, 201, {
      id: asked.path.split('/')[2],
      state: 'uploaded',
      created_at: at(0),
      plan: { nodes: [{}, {}], inputs: { port: { default: 0 } } },
    }),
  );
});
afterEach(() => here.remove());

function file(path: string, text = ''): void {
  const full = `${here.cwd}/${path}`;
  mkdirSync(full.slice(0, full.lastIndexOf('/')), { recursive: true });
  writeFileSync(full, text);
}

/** The parts of the form that was sent. */
function sent(): { params: Record<string, unknown>; archive: Buffer | null; fileName: string | null } {
  const asked = server.asked.find((each) => each.method === 'PUT');
  assert.ok(asked);
  const boundary = /boundary=(.+)$/.exec(asked.headers['content-type'] ?? '')?.[1] ?? 'none';
  assert.equal(
    asked.headers['content-length'],
    undefined,
    'the size is not known beforehand: it is streamed',
  );
  const text = asked.body.toString('latin1');
  const parts = text.split(`--${boundary}`).slice(1, -1);
  assert.ok(text.endsWith(`--${boundary}--\r\n`));
  const found = parts.map((part) => {
    const at = part.indexOf('\r\n\r\n');
    return { head: part.slice(0, at), body: part.slice(at + 4, -2) };
  });
  const params = found.find(({ head }) => head.includes('name="params"'));
  const archive = found.find(({ head }) => head.includes('name="blueprint_archive"'));
  return {
    params: JSON.parse(params?.body ?? '') as Record<string, unknown>,
    archive: archive === undefined ? null : Buffer.from(archive.body, 'latin1'),
    fileName: /filename="([^"]*)"/.exec(archive?.head ?? '')?.[1] ?? null,
  };
}

async function entries(archive: Buffer | null): Promise<string[]> {
  const names: string[] = [];
  await new Promise<void>((resolve, reject) => {
    const parser = list({ onReadEntry: (entry) => names.push(entry.path) });
    parser.on('end', () => resolve());
    parser.on('error', reject);
    Readable.from([archive ?? Buffer.alloc(0)]).pipe(parser as unknown as NodeJS.WritableStream);
  });
  return names;
}

test('a folder is packed under one top folder, without what does not belong', async () => {
  file('hello/blueprint.yaml', 'x: 1');
  file('hello/scripts/start.sh', 'echo');
  file('hello/@types');
  file('hello/.git/config');
  file('hello/node_modules/x/index.js');
  assert.equal(await run(['blueprints', 'upload', 'hello'], here), 0, here.err());
  const { archive, fileName, params } = sent();
  assert.deepEqual(await entries(archive), [
    'hello/@types',
    'hello/blueprint.yaml',
    'hello/scripts/start.sh',
  ]);
  assert.equal(fileName, 'hello.tar.gz');
  assert.deepEqual(params, {});
  assert.equal(server.asked[0]?.path, '/blueprints/hello');
  assert.equal(here.out(), '✔ Blueprint hello uploaded (2 nodes, 1 input)\n');
});

test('a YAML file stands for its folder, is the main file and gives the name', async () => {
  file('shop/staging.yaml');
  file('shop/other.txt');
  assert.equal(await run(['blueprints', 'upload', 'shop/staging.yaml', '-l', 'a=b'], here), 0);
  const { archive, params } = sent();
  assert.deepEqual(await entries(archive), ['shop/other.txt', 'shop/staging.yaml']);
  assert.deepEqual(params, { application_file_name: 'staging.yaml', labels: [{ a: 'b' }] });
  assert.equal(server.asked[0]?.path, '/blueprints/staging');
});

test('an archive is sent byte for byte', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
  writeFileSync(`${here.cwd}/shop-1.2.tar.gz`, bytes);
  assert.equal(await run(['blueprints', 'upload', 'shop-1.2.tar.gz', '-n', 'a b.yaml'], here), 0);
  const { archive, params } = sent();
  assert.ok(archive?.equals(bytes));
  assert.deepEqual(params, { application_file_name: 'a%20b.yaml' });
  assert.equal(server.asked[0]?.path, '/blueprints/shop-1.2');
});

test('a URL is left to the server to fetch, and needs an id', async () => {
  assert.equal(await run(['blueprints', 'upload', 'https://example.org/shop.zip', '-b', 'shop'], here), 0);
  assert.deepEqual(sent(), {
    params: { blueprint_archive_url: 'https://example.org/shop.zip' },
    archive: null,
    fileName: null,
  });
  assert.equal(await run(['blueprints', 'upload', 'https://example.org/shop.zip'], here), 2);
});

test('validate goes to its own address', async () => {
  file('hello/blueprint.yaml');
  server.answer('PUT /blueprints/hello/validate', 204, undefined);
  assert.equal(await run(['blueprints', 'validate', 'hello'], here), 0);
  assert.equal(here.out(), '✔ hello is a valid blueprint\n');
});

test('links, foreign files and folders without a blueprint are refused before anything is sent', async () => {
  file('linked/blueprint.yaml');
  symlinkSync('/etc/hostname', `${here.cwd}/linked/secret`);
  file('empty/staging.yaml');
  file('photo.jpg');
  const table: [string, RegExp][] = [
    ['linked', /is a link, and a blueprint may hold none/],
    ['empty', /There is no blueprint\.yaml in .*\n.*staging\.yaml/],
    ['photo.jpg', /neither a folder, a YAML file nor an archive/],
    ['nowhere', /There is no file or folder/],
  ];
  for (const [path, expected] of table) {
    const before = here.err().length;
    assert.equal(await run(['blueprints', 'upload', path], here), 2, path);
    assert.match(here.err().slice(before), expected);
  }
  assert.equal(server.asked.length, 0);
});

test('findings of the compiler stand under each other', async () => {
  file('hello/blueprint.yaml');
  server.routes.set('PUT /blueprints/hello', (_asked, response) =>
    refuse(
      response,
      400,
      'invalid_blueprint_error',
      'The blueprint has 2 errors\nblueprint.yaml:4:9: unknown type "web"\nblueprint.yaml:9:3: unknown target "db"',
    ),
  );
  assert.equal(await run(['blueprints', 'upload', 'hello'], here), 1);
  assert.match(
    here.err(),
    /^error: The blueprint has 2 errors\n {2}blueprint\.yaml:4:9: .*\n {2}blueprint\.yaml:9:3/,
  );
});

test('a server that answers before it has read everything is heard', async () => {
  const { createServer } = await import('node:http');
  const early = createServer((_request, response) => {
    response.writeHead(413, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify({ message: 'larger than 1 MB', error_code: 'bad_parameters_error' }));
  });
  await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve));
  const { port } = early.address() as { port: number };
  writeFileSync(`${here.cwd}/big.zip`, Buffer.alloc(20 * 1024 * 1024, 1));
  try {
    const code = await run(['blueprints', 'upload', 'big.zip', '--url', `http://127.0.0.1:${port}`], here);
    assert.equal(code, 1, here.err());
    assert.match(here.err(), /larger than 1 MB/);
  } finally {
    early.closeAllConnections();
    await new Promise((resolve) => early.close(resolve));
  }
});

test('a download is stored under the name the server gives, without its folders, and never over a file', async () => {
  server.routes.set('GET /blueprints/hello/archive', (_asked, response) => {
    response.writeHead(200, { 'content-disposition': 'attachment; filename="../../evil.tar.gz"' });
    response.end('bytes');
  });
  assert.equal(await run(['blueprints', 'download', 'hello', '-q'], here), 0, here.err());
  assert.equal(here.out().trim(), `${here.cwd}/evil.tar.gz`);
  assert.equal(readFileSync(`${here.cwd}/evil.tar.gz`, 'utf8'), 'bytes');
  assert.equal(await run(['blueprints', 'download', 'hello'], here), 1);
  assert.match(here.err(), /is already there/);
  assert.equal(await run(['blueprints', 'download', 'hello', '-f', 'evil.tar.gz'], here), 0);
});
