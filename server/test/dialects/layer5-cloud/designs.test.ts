import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { aServer } from '../../support/a-server.js';
import { houseOf } from './client.js';

const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });
const house = await houseOf(server);
const ada = await house.person('ada');
const bob = await house.person('bob');
const cid = await house.person('cid');
await ada.ask('POST', `/api/identity/orgs/${ada.org}/users/${bob.id}`);
const at = { org: ada.org };

async function aDesign(body: object = {}): Promise<string> {
  const { json, text } = await ada.ask('POST', '/api/pattern', {
    body: { name: 'd', pattern_file: '...', ...body },
  });
  assert.ok(Array.isArray(json), text);
  return String(json[0]!.id);
}
const imported = async (text: string | Buffer, fileName = 'a.yaml') => {
  const answer = await ada.ask('POST', '/api/pattern/import', {
    body: { file: Buffer.from(text).toString('base64'), fileName },
  });
  return { ...answer, design: answer.status === 200 ? answer.json[0]! : null };
};

describe('the text of a design', () => {
  for (const text of ['...', '', 'a: [', '{"x": 1}', 'ünï\n\ttext', '<xml/>']) {
    test(`is kept as it is: ${JSON.stringify(text)}`, async () => {
      const { json } = await ada.ask('GET', `/api/content/patterns/${await aDesign({ pattern_file: text })}`);
      assert.equal(json.pattern_file, text);
    });
  }
  test('names the design that has no name', async () => {
    const { json } = await ada.ask('POST', '/api/pattern', { body: { pattern_file: 'name: from-file\n' } });
    assert.equal(json[0]!.name, 'from-file');
    assert.equal((await ada.ask('POST', '/api/pattern', { body: { pattern_file: '...' } })).status, 400);
    assert.equal((await ada.ask('POST', '/api/pattern', { body: { name: 'x' } })).status, 400);
    assert.equal(
      (await ada.ask('POST', '/api/pattern', { body: { name: 'x', pattern_file: 7 } })).status,
      400,
    );
  });
  test('is written as YAML where it came as an object', async () => {
    const { json } = await ada.ask('POST', '/api/pattern', {
      body: { name: 'o', pattern_file: { some_key: { otherKey: 1 } } },
    });
    assert.equal(json[0]!.pattern_file, 'some_key:\n  otherKey: 1\n');
  });
  test('over 16 MiB is refused with 413', async () => {
    const { status } = await ada.ask('POST', '/api/pattern', {
      body: { name: 'x', pattern_file: 'x'.repeat(16 * 1024 * 1024 + 1) },
    });
    assert.equal(status, 413);
  });
  test('is not kept with save: false', async () => {
    const { json } = await ada.ask('POST', '/api/content/patterns', {
      body: { pattern_data: { name: 'unsaved', pattern_file: '...' }, save: false },
    });
    assert.equal(json[0]!.name, 'unsaved');
    assert.equal((await ada.ask('GET', '/api/content/patterns?search=unsaved')).json.total_count, 0);
  });
});

describe('an id in the body', () => {
  test('changes the design that has it, makes one where none has it, and takes nobody else’s', async () => {
    const id = await aDesign();
    const changed = await ada.ask('POST', '/api/content/patterns', {
      body: { patternData: { id, name: 'new', patternFile: 'b' } },
    });
    assert.deepEqual([changed.json[0]!.id, changed.json[0]!.name], [id, 'new']);
    const fresh = '11111111-2222-4333-8444-555555555555';
    assert.equal(
      (await ada.ask('POST', '/api/pattern', { body: { id: fresh, name: 'n', pattern_file: '' } })).json[0]!
        .id,
      fresh,
    );
    assert.equal(
      (await cid.ask('POST', '/api/pattern', { body: { id: fresh, name: 'n', pattern_file: '' } })).status,
      403,
    );
  });
});

describe('who sees a design', () => {
  const sees = async (person: typeof ada, id: string, org?: string) =>
    (await person.ask('GET', `/api/content/patterns/${id}`, org === undefined ? {} : { org })).status === 200;
  test('private: its owner; public: members too; published: everybody', async () => {
    const id = await aDesign();
    assert.deepEqual(
      [await sees(ada, id), await sees(bob, id, ada.org), await sees(cid, id)],
      [true, false, false],
    );
    await ada.ask('POST', '/api/pattern', {
      body: { id, name: 'd', pattern_file: '...', visibility: 'public' },
    });
    assert.deepEqual(
      [await sees(bob, id, ada.org), await sees(bob, id), await sees(cid, id)],
      [true, true, false],
    );
    const asked = await ada.ask('POST', '/api/catalog/content/pattern', {
      body: { id, catalog_data: { type: 'Deployment', snapshotURL: ['s'] } },
    });
    assert.equal((await ada.ask('POST', '/api/catalog/content/pattern', { body: { id } })).status, 409);
    assert.equal(
      (await bob.ask('POST', '/api/catalog/requests/approve', { ...at, body: { id: asked.json.id } })).status,
      403,
    );
    assert.equal(
      (await ada.ask('POST', '/api/catalog/requests/approve', { body: { id: asked.json.id } })).status,
      200,
    );
    assert.equal(
      (await ada.ask('POST', '/api/catalog/requests/approve', { body: { id: asked.json.id } })).status,
      409,
    );
    assert.equal(await sees(cid, id), true);
    const catalog = await cid.ask('GET', '/api/catalog/content/pattern?type=deployment', { token: null });
    assert.deepEqual(
      [catalog.json.total_count, catalog.json.patterns![0]!.catalog_data!.snapshotURL],
      [1, ['s']],
    );
    assert.equal((await cid.ask('GET', `/api/content/patterns/download/${id}`, { token: null })).text, '...');
    assert.equal((await ada.ask('DELETE', '/api/catalog/content/pattern', { body: { id } })).status, 200);
    assert.equal(await sees(cid, id), false);
    assert.equal((await cid.ask('GET', `/api/content/patterns/download/${id}`, { token: null })).status, 401);
  });
  test('whom it is shared with, to look or to edit, until it is taken back', async () => {
    const id = await aDesign();
    const share = (roles: string[]) =>
      ada.ask('POST', `/api/resource/pattern/share/${id}`, {
        body: { grant: [{ actor_id: cid.id, actor_type: 'user', roles }] },
      });
    assert.equal((await share(['viewer'])).status, 200);
    assert.equal(await sees(cid, id), true);
    assert.equal((await cid.ask('DELETE', `/api/content/patterns/${id}`)).status, 403);
    assert.equal((await cid.ask('GET', '/api/content/patterns?shared=true')).json.total_count, 1);
    assert.equal((await cid.ask('GET', '/api/content/patterns')).json.total_count, 0);
    await share(['editor']);
    assert.equal(
      (await cid.ask('POST', '/api/pattern', { body: { id, name: 'edited', pattern_file: 'x' } })).status,
      200,
    );
    assert.equal(
      (
        await cid.ask('POST', '/api/content/design/share', {
          body: { content_id: id, emails: ['x@example.com'], share: true },
        })
      ).status,
      403,
    );
    const gone = await ada.ask('POST', '/api/content/design/share', {
      body: { content_id: id, content_type: 'pattern', emails: [cid.email], share: false },
    });
    assert.equal(gone.status, 200);
    assert.equal(await sees(cid, id), false);
  });
  test('a team of its workspace', async () => {
    const id = await aDesign();
    const team = await ada.ask('POST', `/api/identity/orgs/${ada.org}/teams`, { body: { name: 't' } });
    await ada.ask('POST', `/api/identity/orgs/${ada.org}/teams/${team.json.id}/users/${bob.id}`);
    const workspace = await ada.ask('POST', '/api/workspaces', { body: { name: 'w' } });
    await ada.ask('POST', `/api/workspaces/${workspace.json.id}/designs/${id}`);
    assert.equal(await sees(bob, id, ada.org), false);
    await ada.ask('POST', `/api/workspaces/${workspace.json.id}/teams/${team.json.id}`);
    assert.equal(await sees(bob, id, ada.org), true);
    await ada.ask('DELETE', `/api/workspaces/${workspace.json.id}`);
    assert.equal(await sees(bob, id, ada.org), false);
    const { json } = await ada.ask('GET', `/api/content/patterns/${id}`);
    assert.notEqual(json.workspace_id, workspace.json.id);
  });
  test('publishing without review is for reviewers', async () => {
    const { status } = await bob.ask('POST', '/api/pattern', {
      ...at,
      body: { name: 'x', pattern_file: '', visibility: 'published' },
    });
    assert.equal(status, 403);
  });
});

describe('files of other tools become designs', () => {
  test('Kubernetes manifests, lists unrolled', async () => {
    const { design } = await imported(
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2}, status: {x: 1}}\n',
    );
    assert.equal(design!.design_type, 'Kubernetes Manifest');
    const text = String(design!.pattern_file);
    assert.match(text, /kind: Deployment/);
    assert.doesNotMatch(text, /status:/);
    assert.match(String(design!.source_content), /^YXBp/);
  });
  test('a Compose file, with what was not converted named', async () => {
    const { design } = await imported(
      'services:\n  web: {image: nginx, ports: ["8080:80"], volumes: ["a:/b"]}\n',
      'docker-compose.yaml',
    );
    assert.equal(design!.design_type, 'Docker Compose');
    assert.match(String(design!.pattern_file), /kind: Service[\s\S]*targetPort: 80/);
    assert.match(String(design!.pattern_file), /notConverted:\s+- volumes/);
  });
  test('the older form', async () => {
    const { design } = await imported(
      'name: web\nservices:\n  cache: {name: cache, type: Deployment, apiVersion: apps/v1, namespace: shop, settings: {spec: {replicas: 1}}}\n',
    );
    assert.deepEqual([design!.name, design!.design_type], ['web', 'Design']);
    assert.match(String(design!.pattern_file), /displayName: cache/);
  });
  test('a design stays as it is', async () => {
    const text = 'name: mine\nschemaVersion: designs.meshery.io/v1beta1\ncomponents: []\n';
    assert.equal((await imported(text)).design!.pattern_file, text);
  });
  test('a packed chart is kept, and told from what only looks like one', async () => {
    const chart = gzipSync(Buffer.from(`shop/Chart.yaml\0${'\0'.repeat(500)}name: shop`));
    assert.equal((await imported(chart, 'shop-1.0.tgz')).design!.design_type, 'Helm Chart');
    assert.equal((await imported(gzipSync(Buffer.from('nothing')), 'x.tgz')).status, 400);
  });
  for (const [what, text] of [
    ['what is nothing known', 'hello: world'],
    ['what is no YAML', 'a: [1'],
    ['what is empty', '---\n'],
    [
      'what means too much',
      [
        'a: &a [x,x,x,x,x,x,x,x,x]',
        ...'bcdefgh'
          .split('')
          .map((letter, at) => `${letter}: &${letter} [${Array(9).fill(`*${'abcdefgh'[at]}`)}]`),
        'kind: X',
        'apiVersion: v1',
      ].join('\n'),
    ],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00])],
  ] as const) {
    test(`${what} is refused with a reason`, async () => {
      const { status, json } = await imported(text as string);
      assert.equal(status, 400);
      assert.match(String(json.error), /file|archive/i);
    });
  }
  test('a URL of the server’s own network is refused, and so are both and neither', async () => {
    for (const url of [
      'http://127.0.0.1:1/x.yaml',
      'http://169.254.169.254/',
      'file:///etc/passwd',
      'nonsense',
    ]) {
      const { status } = await ada.ask('POST', '/api/pattern/import', { body: { url } });
      assert.ok([400, 403].includes(status), `${url}: ${status}`);
    }
    assert.equal((await ada.ask('POST', '/api/pattern/import', { body: {} })).status, 400);
    assert.equal(
      (await ada.ask('POST', '/api/pattern/import', { body: { url: 'http://a', file: 'YQ==' } })).status,
      400,
    );
    assert.equal((await ada.ask('POST', '/api/pattern/import', { body: { file: '%%%' } })).status, 400);
  });
});

describe('the academy', () => {
  test('counts learners who have not withdrawn, as an integer, once each', async () => {
    const { json } = await ada.ask('POST', '/api/academy/cirricula', {
      body: { type: 'learning-path', title: 'Counting', metadata: { some_key: 1 } },
    });
    const count = async () =>
      (await bob.ask('GET', '/api/academy/cirricula?search=counting')).json.data![0]!.registration_count;
    assert.equal(await count(), 0);
    const first = await bob.ask('POST', '/api/academy/register', { body: { contentId: json.id } });
    assert.equal(first.status, 201);
    const again = await bob.ask('POST', '/api/academy/register', { body: { contentId: json.id } });
    assert.deepEqual([again.status, again.json.id], [200, first.json.id]);
    await cid.ask('POST', '/api/academy/register', { body: { contentId: json.id } });
    assert.equal(await count(), 2);
    await bob.ask('POST', `/api/academy/curricula/registrations/${first.json.id}/withdraw`);
    assert.equal(await count(), 1);
    const back = await bob.ask('POST', '/api/academy/register', { body: { contentId: json.id } });
    assert.deepEqual([back.json.id, back.json.status], [first.json.id, 'registered']);
    assert.equal(await count(), 2);
    await house.admin.ask('DELETE', `/api/identity/users/${cid.id}`);
    assert.equal(await count(), 1);
  });
  test('shows private content to members alone, and lets nobody register others', async () => {
    const { json } = await ada.ask('POST', '/api/academy/curricula', {
      body: { type: 'challenge', title: 'Hidden', visibility: 'private' },
    });
    const eve = await house.person('eve');
    assert.equal((await eve.ask('GET', `/api/academy/curricula/${json.id}`)).status, 404);
    assert.equal(
      (await eve.ask('POST', '/api/academy/register', { body: { contentId: json.id } })).status,
      404,
    );
    assert.equal((await bob.ask('GET', `/api/academy/curricula/${json.id}`)).status, 200);
    assert.equal(
      (
        await bob.ask('POST', '/api/academy/register', {
          ...at,
          body: { contentId: json.id, userId: ada.id },
        })
      ).status,
      403,
    );
    assert.equal(
      (await ada.ask('POST', '/api/academy/curricula', { body: { type: 'course', title: 'x' } })).status,
      400,
    );
  });
});
