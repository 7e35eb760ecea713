import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { zipOf } from '../../support/archives.js';
import { BLUEPRINT, bytesOf } from '../../support/catalog.js';
import { type Answer, type Asked, clientOf } from './client.js';

const server = await aServer({ CLOUD_ENDPOINT_ALLOWLIST: '127.0.0.1:*' });
const ask = clientOf(server);

const ARCHIVE = bytesOf({ 'blueprint.yaml': BLUEPRINT, 'other.yaml': BLUEPRINT });
const ZIP = zipOf([{ path: 'app/blueprint.yaml', content: BLUEPRINT }]);
const bytes = (content: Buffer) => new Uint8Array(content);
/** As the older client sends it: chunked, without a length. */
const stream = (content: Buffer) =>
  new ReadableStream({
    start(controller) {
      for (let at = 0; at < content.length; at += 100) controller.enqueue(content.subarray(at, at + 100));
      controller.close();
    },
  });

let count = 0;
const newId = () => `bp-${++count}`;

async function upload(id: string, asked: Asked & { query?: string } = {}): Promise<Answer> {
  return ask('PUT', `/blueprints/${id}${asked.query ?? ''}`, { body: bytes(ARCHIVE), ...asked });
}

function form(params: object | null, archive: Buffer | null, fileFirst = false): FormData {
  const data = new FormData();
  const file = () => data.append('blueprint_archive', new Blob([bytes(archive!)]), 'filename');
  if (fileFirst) file();
  if (params !== null) data.append('params', JSON.stringify(params));
  if (archive !== null && !fileFirst) file();
  return data;
}

describe('uploading a blueprint', () => {
  test('v3 answers 201 with the document’s attributes and the parsed plan', async () => {
    const id = newId();
    const { status, json } = await upload(id, { version: 'v3' });
    assert.equal(status, 201);
    const attributes = [
      'created_at',
      'created_by',
      'description',
      'id',
      'main_file_name',
      'plan',
      'private_resource',
      'tenant_name',
      'updated_at',
    ];
    assert.deepEqual(
      attributes.filter((name) => !(name in json)),
      [],
    );
    assert.equal(json.description, 'one node that does nothing');
    assert.equal(json.main_file_name, 'blueprint.yaml');
    assert.equal(json.private_resource, false);
    assert.equal(json.plan?.nodes?.[0]?.name, 'one');
    assert.equal(json.plan?.nodes?.[0]?.properties?.size, 1);
  });

  for (const [what, asked] of [
    ['a raw body of the type it is', { headers: { 'content-type': 'application/octet-stream' } }],
    ['a chunked body called JSON', { body: stream(ARCHIVE) }],
    ['a zip', { body: bytes(ZIP) }],
    ['a form', { body: form({ visibility: 'tenant', async_upload: false }, ARCHIVE) }],
    [
      'a form that sends the file first',
      { body: form({ application_file_name: 'other.yaml' }, ARCHIVE, true) },
    ],
    ['another main file, quoted once more', { query: '?application_file_name=other%252Eyaml' }],
  ] as const) {
    test(`is possible as ${what}`, async () => {
      const answer = await upload(newId(), asked as Asked);
      assert.equal(answer.status, 201, answer.text);
      assert.equal(answer.json.state, 'uploaded');
    });
  }

  test('from a URL, given in the query or in a form', async () => {
    const web = createServer((_, response) => response.end(ARCHIVE)).listen(0, '127.0.0.1');
    after(() => web.close());
    await new Promise((resolve) => web.once('listening', resolve));
    const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/a.tar.gz`;
    const query = `?blueprint_archive_url=${encodeURIComponent(url)}`;
    assert.equal((await ask('PUT', `/blueprints/${newId()}${query}`, { version: 'v3' })).status, 201);
    assert.equal((await upload(newId(), { body: form({ blueprint_archive_url: url }, null) })).status, 201);
    const both = await upload(newId(), { query });
    assert.deepEqual([both.status, both.json.error_code], [400, 'bad_parameters_error']);
  });

  test('labels and visibility are taken from the form', async () => {
    const id = newId();
    const params = { visibility: 'private', labels: [{ key: 'Env', value: ['a', 'b'] }] };
    const { json } = await upload(id, { body: form(params, ARCHIVE) });
    assert.equal(json.visibility, 'private');
    assert.equal(json.private_resource, true);
    assert.deepEqual(
      Object.values(json.labels!).map((label) => [label.key, label.value, label.created_by]),
      [
        ['env', 'a', 'admin'],
        ['env', 'b', 'admin'],
      ],
    );
    const widened = await ask('PATCH', `/blueprints/${id}/set-visibility`, {
      body: { visibility: 'tenant' },
    });
    assert.deepEqual([widened.status, widened.json.visibility], [200, 'tenant']);
    const again = await ask('PATCH', `/blueprints/${id}/set-visibility`, { body: { visibility: 'tenant' } });
    assert.deepEqual([again.status, again.json.error_code], [400, 'illegal_action_error']);
    const relabelled = await ask('PATCH', `/blueprints/${id}`, { body: { labels: [{ env: 'c' }] } });
    assert.equal(relabelled.json.labels?.[0]?.value, 'c');
  });

  test('without waiting it answers at once and tells its state until it is there', async () => {
    const id = newId();
    const { status, json } = await upload(id, { body: form({ async_upload: true }, ARCHIVE) });
    assert.equal(status, 201);
    assert.ok(['uploading', 'extracting', 'parsing', 'uploaded'].includes(String(json.state)));
    for (;;) {
      const { json: now } = await ask('GET', `/blueprints/${id}?_include=state`);
      if (String(now.state) === 'uploaded') break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });

  test('a form that breaks off in its file, before it said anything else, is its sender’s mistake', async () => {
    const head = '--edge\r\nContent-Disposition: form-data; name="blueprint_archive"; filename="f"\r\n\r\n';
    const { status, json } = await ask('PUT', `/blueprints/${newId()}`, {
      headers: { 'content-type': 'multipart/form-data; boundary=edge' },
      body: bytes(Buffer.concat([Buffer.from(head), ARCHIVE])),
    });
    assert.deepEqual([status, json.error_code], [400, 'bad_parameters_error']);
    assert.match(String(json.message), /^The form cannot be read/);
  });

  test('validation answers 204 or the error, and keeps nothing', async () => {
    const id = newId();
    const path = `/blueprints/${id}/validate`;
    assert.equal((await ask('PUT', path, { body: bytes(ARCHIVE) })).status, 204);
    const broken = bytesOf({ 'blueprint.yaml': 'node_templates: 1\n' });
    const refused = await ask('PUT', path, { body: bytes(broken) });
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'invalid_blueprint_error']);
    assert.equal((await ask('GET', `/blueprints/${id}`)).status, 404);
  });

  for (const [what, asked, status, code] of [
    ['nothing at all', { body: undefined }, 400, 'bad_parameters_error'],
    ['a text', { body: 'hello' }, 400, 'bad_parameters_error'],
    ['a form without an archive', { body: form({}, null) }, 400, 'bad_parameters_error'],
    [
      'a main file that is not there',
      { query: '?application_file_name=no.yaml' },
      400,
      'bad_parameters_error',
    ],
    ['a main file outside', { query: '?application_file_name=../x.yaml' }, 400, 'bad_parameters_error'],
    [
      'two ways to say private',
      { query: '?private_resource=true&visibility=tenant' },
      400,
      'bad_parameters_error',
    ],
    ['an unknown visibility', { query: '?visibility=everybody' }, 400, 'bad_parameters_error'],
    [
      'a broken blueprint',
      { body: bytes(bytesOf({ 'blueprint.yaml': 'a: [' })) },
      400,
      'invalid_blueprint_error',
    ],
  ] as const) {
    test(`${what} is refused`, async () => {
      const answer = await upload(newId(), asked as Asked);
      assert.deepEqual([answer.status, answer.json.error_code], [status, code], answer.text);
    });
  }

  test('ids that are none, and one that is taken, are refused', async () => {
    assert.equal((await upload('1-starts-with-a-digit')).json.error_code, 'bad_parameters_error');
    assert.equal((await upload('a%20b')).json.error_code, 'bad_parameters_error');
    const id = newId();
    assert.equal((await upload(id)).status, 201);
    const taken = await upload(id);
    assert.deepEqual([taken.status, taken.json.error_code], [409, 'conflict_error']);
    assert.match(String(taken.json.message), /already exists/);
  });

  test('a failed upload stays, says why, and may be repeated under its id', async () => {
    const id = newId();
    const broken = bytesOf({ 'blueprint.yaml': `${BLUEPRINT}nonsense: 1\n` });
    const failed = await upload(id, { body: bytes(broken) });
    assert.equal(failed.json.error_code, 'invalid_blueprint_error');
    const stored = (await ask('GET', `/blueprints/${id}`)).json;
    assert.equal(stored.state, 'invalid');
    assert.match(String(stored.error), /nonsense/);
    assert.equal(stored.plan, null);
    assert.equal((await upload(id)).status, 201);
  });
});

describe('a large upload that is refused', () => {
  /** Sends everything before it reads anything, as Python's client does; gives the status line. */
  async function sendWhole(
    path: string,
    headers: Record<string, string>,
    parts: readonly Buffer[],
  ): Promise<string> {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const lines = Object.entries({
      host: 'x',
      tenant: 'default_tenant',
      'content-length': String(length),
      ...headers,
    });
    const head = `PUT /api/v3.1${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    for (const part of [Buffer.from(head), ...parts]) {
      if (!socket.write(part)) await once(socket, 'drain');
    }
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return chunk.toString('latin1').split('\r\n')[0]!;
  }

  const LARGE = Array.from({ length: 32 }, () => Buffer.alloc(1024 * 1024));
  const SIGNED = { authorization: `Basic ${Buffer.from('admin:first-password').toString('base64')}` };
  const FORM = { ...SIGNED, 'content-type': 'multipart/form-data; boundary=xyz' };
  const field = (name: string, more = '') =>
    `--xyz\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const PARAMS = Buffer.from(`${field('params')}{}\r\n`);
  const FILE = Buffer.from(field('blueprint_archive', '; filename="f"'));

  test('is taken to its end, so that the client comes to read why', async () => {
    const id = newId();
    await upload(id);
    const form = [PARAMS, FILE, ...LARGE, Buffer.from('\r\n--xyz--\r\n')];
    assert.match(await sendWhole(`/blueprints/${id}`, FORM, form), / 409 /);
    assert.match(await sendWhole(`/blueprints/${id}`, SIGNED, LARGE), / 409 /);
    assert.match(await sendWhole(`/blueprints/${newId()}`, FORM, form), / 400 /);
    assert.match(await sendWhole(`/blueprints/${newId()}`, {}, LARGE), / 401 /);
  });
});

describe('stored blueprints', () => {
  test('the archive comes back byte for byte, with its length and name', async () => {
    const id = newId();
    await upload(id);
    const { status, bytes: received, headers } = await ask('GET', `/blueprints/${id}/archive`);
    assert.equal(status, 200);
    assert.deepEqual(received, ARCHIVE);
    assert.equal(headers.get('content-length'), String(ARCHIVE.length));
    assert.equal(headers.get('content-disposition'), `attachment; filename="${id}.tar.gz"`);
  });

  test('lists tell the plan where it is named or one blueprint is asked for, and leave it out elsewhere', async () => {
    const id = newId();
    await upload(id);
    const first = async (query: string) => (await ask('GET', `/blueprints?${query}`)).json.items?.[0];
    assert.ok((await first(`id=${id}`))?.plan?.nodes);
    assert.ok((await first(`_search=${id}&_include=id,plan`))?.plan?.nodes);
    assert.equal('plan' in ((await first(`_search=${id}`)) ?? {}), false);
    assert.deepEqual(await first(`id=${id}&_include=id`), { id });
  });

  test('deletion answers with the blueprint under v3 and with nothing under v3.1', async () => {
    const [older, newer] = [newId(), newId()];
    await upload(older);
    await upload(newer);
    const before = await ask('DELETE', `/blueprints/${older}`, { version: 'v3' });
    assert.deepEqual([before.status, before.json.id], [200, older]);
    assert.ok(before.json.plan?.nodes);
    const after204 = await ask('DELETE', `/blueprints/${newer}?force=False`);
    assert.deepEqual([after204.status, after204.text], [204, '']);
    assert.equal((await ask('DELETE', `/blueprints/${newer}`)).status, 404);
  });

  test('private ones of others are neither listed nor found', async () => {
    const id = newId();
    await upload(id, { query: '?private_resource=true' });
    await ask('PUT', '/users', { body: { username: 'eve', password: 'secret1' } });
    await ask('PUT', '/tenants/users', {
      body: { username: 'eve', tenant_name: 'default_tenant', role: 'user' },
    });
    const eve = { username: 'eve', password: 'secret1' };
    assert.equal((await ask('GET', `/blueprints/${id}`, eve)).status, 404);
    assert.equal((await ask('GET', `/blueprints?id=${id}`, eve)).json.metadata?.pagination?.total, 0);
    assert.equal((await ask('GET', `/blueprints?id=${id}`)).json.metadata?.pagination?.total, 1);
  });
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});

describe('the files of a blueprint', () => {
  const files = (path: string, asked: Asked = {}) =>
    ask('GET', `/resources/blueprints/default_tenant${path}`, { root: '', ...asked });

  test('are told one by one or as a folder, beside the API', async () => {
    const id = newId();
    const archive = bytesOf({
      'blueprint.yaml': BLUEPRINT,
      'scripts/a b.sh': 'echo a',
      'scripts/deep/c': '',
    });
    assert.equal((await ask('PUT', `/blueprints/${id}`, { body: bytes(archive) })).status, 201);
    const one = await files(`/${id}/scripts/a%20b.sh`);
    assert.deepEqual([one.status, one.text], [200, 'echo a']);
    assert.equal(one.headers.get('content-disposition'), 'attachment');
    assert.equal((await files(`/${id}/scripts/deep/c`)).text, '');
    for (const folder of ['scripts', 'scripts/']) {
      const { json, text } = await files(`/${id}/${folder}`);
      assert.ok(json.files, text);
      assert.deepEqual(Object.keys(json.files!).sort(), ['a b.sh', 'deep/c'], folder);
    }
    assert.equal(Object.keys((await files(`/${id}/`)).json.files!).length, 3);
  });

  test('are not there where nothing is, and not for another tenant', async () => {
    const id = newId();
    await upload(id);
    for (const path of [`/${id}/absent`, `/${id}/..%2f..%2fetc/passwd`, '/absent/blueprint.yaml']) {
      const { status, json } = await files(path);
      assert.deepEqual([status, json.error_code], [404, 'not_found_error'], path);
    }
    const elsewhere = await ask('GET', `/resources/blueprints/other/${id}/blueprint.yaml`, { root: '' });
    assert.equal(elsewhere.status, 404);
    assert.equal((await files(`/${id}/blueprint.yaml`, { anonymous: true })).status, 401);
    const written = await ask('PUT', `/resources/blueprints/default_tenant/${id}/x`, { root: '' });
    assert.deepEqual([written.status, written.headers.get('allow')], [405, 'GET, HEAD']);
  });

  test('have the icon among them that the blueprint was given, until it is taken away', async () => {
    const id = newId();
    const archive = bytesOf({ 'blueprint.yaml': BLUEPRINT, 'icon.png': 'of the archive' });
    assert.equal((await ask('PUT', `/blueprints/${id}`, { body: bytes(archive) })).status, 201);
    const icon = (size: number) => {
      const image = new Uint8Array(size);
      image.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
      return image;
    };
    const set = (body?: unknown) => ask('PATCH', `/blueprints/${id}/icon`, { body });
    const given = await set(icon(70_000));
    assert.deepEqual([given.status, given.json.id], [200, id], given.text);
    assert.deepEqual(new Uint8Array((await files(`/${id}/icon.png`)).bytes), icon(70_000));
    assert.equal((await ask('GET', `/blueprints/${id}/archive`)).bytes.equals(archive), true);
    for (const [wrong, status] of [
      [new Uint8Array([0x89, 0x50]), 400],
      [bytes(Buffer.from('<svg onload="x()"/>')), 400],
      [icon(2_000_000), 413],
    ] as const) {
      const refused = await set(wrong);
      assert.deepEqual([refused.status, refused.json.error_code], [status, 'bad_parameters_error']);
    }
    assert.equal((await files(`/${id}/icon.png`)).bytes.length, 70_000);
    assert.equal((await set(icon(9))).status, 200);
    assert.equal((await files(`/${id}/icon.png`)).bytes.length, 9);
    for (let time = 0; time < 2; time += 1) {
      assert.equal((await set()).status, 200);
      assert.equal((await files(`/${id}/icon.png`)).status, 404);
    }
    assert.equal((await files(`/${id}/blueprint.yaml`)).text, BLUEPRINT);
    assert.equal((await ask('PATCH', '/blueprints/absent/icon', { body: icon(9) })).status, 404);
  });
});
