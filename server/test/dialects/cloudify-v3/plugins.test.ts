import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { gzip, tarOf, zipOf } from '../../support/archives.js';
import { bytesOf } from '../../support/catalog.js';
import { bundleOf, pluginYaml, wagonOf } from '../../support/plugin-archives.js';
import { body, newName, pluginsOn, WHEEL } from './a-plugin.js';
import { clientOf } from './client.js';

const server = await aServer({ CLOUD_ENDPOINT_ALLOWLIST: '127.0.0.1:*' });
const ask = clientOf(server);
const { upload, uploaded } = pluginsOn(ask);

const afar = wagonOf({ name: 'from-afar', version: '1.0' });
const web = createServer((_, response) => response.end(afar.bytes)).listen(0, '127.0.0.1');
after(() => web.close());
await once(web, 'listening');
const afarUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}/archive.wgn`;

describe('uploading a plugin', () => {
  test('answers 201 with the document’s attributes, read from the wagon', async () => {
    const name = newName();
    const wagon = wagonOf({ name, version: '1.2', wheels: [WHEEL], platform: 'linux_x86_64' });
    const { status, json } = await upload(wagon.bytes, '?title=Cool');
    assert.equal(status, 201);
    const { id, uploaded_at, ...rest } = json;
    assert.match(String(id), /^[0-9a-f-]{36}$/);
    assert.match(String(uploaded_at), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(rest, {
      title: 'Cool',
      package_name: name,
      package_version: '1.2',
      package_source: `${name}==1.2`,
      archive_name: wagon.archiveName,
      supported_platform: 'linux_x86_64',
      supported_py_versions: ['py3'],
      distribution: 'centos',
      distribution_version: '7.9',
      distribution_release: 'core',
      wheels: [WHEEL.filename],
      excluded_wheels: [],
      labels: {},
      blueprint_labels: {},
      resource_tags: {},
      installation_state: [],
      visibility: 'tenant',
      resource_availability: 'tenant',
      private_resource: false,
      tenant_name: 'default_tenant',
      created_by: 'admin',
      yaml_url_path: '',
      yaml_files_paths: [],
      file_server_path: '',
    });
  });

  test('takes a wagon as zip, a wagon with its YAML beside, a bundle, and a form', async () => {
    const words = () => ({ name: newName(), version: '1.0' });
    await uploaded(wagonOf({ ...words(), format: 'zip' }).bytes);
    const beside = words();
    const yaml = pluginYaml({ plugin: 'cool', packageName: beside.name, version: '1.0' });
    const json = JSON.stringify({
      package_name: beside.name,
      package_version: '1.0',
      archive_name: 'beside.wgn',
    });
    const id = await uploaded(
      gzip(
        tarOf([
          { path: 'beside/package.json', content: json },
          { path: 'beside/plugin.yaml', content: yaml },
          { path: 'beside/files/plugin.yaml', content: 'not: [read' },
        ]),
      ),
    );
    assert.equal((await ask('GET', `/plugins/${id}/yaml`)).text, yaml);

    const form = new FormData();
    form.append('params', JSON.stringify({ title: 'By form' }));
    form.append('plugin_archive', new Blob([body(bundleOf(wagonOf(words())))]), 'x.zip');
    const answer = await ask('POST', '/plugins', { body: form });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(answer.json.title, 'By form');
  });

  test('chooses what `_include` names', async () => {
    const { json } = await upload(
      wagonOf({ name: newName(), version: '1' }).bytes,
      '?_include=id,package_version',
    );
    assert.deepEqual(Object.keys(json), ['id', 'package_version']);
    assert.equal(json.package_version, '1');
  });

  test('takes a caravan as several plugins, and answers with a list', async () => {
    const [one, two] = [newName(), newName()];
    const caravan = tarOf([
      {
        path: 'caravan/METADATA',
        content: JSON.stringify({ 'a/one.wgn': 'a/one.yaml', 'two.wgn': 'two.yaml' }),
      },
    ]);
    assert.equal((await upload(gzip(caravan))).json.error_code, 'invalid_plugin_error');
    const good = gzip(
      tarOf([
        {
          path: 'caravan/METADATA',
          content: JSON.stringify({ 'one/one.wgn': 'one/plugin.yaml', 'two.wgn': 'two.yaml' }),
        },
        { path: 'caravan/one/one.wgn', content: wagonOf({ name: one, version: '1' }).bytes },
        { path: 'caravan/two.wgn', content: wagonOf({ name: two, version: '2' }).bytes },
        {
          path: 'caravan/one/plugin.yaml',
          content: pluginYaml({ plugin: 'one', packageName: one, version: '1' }),
        },
        { path: 'caravan/two.yaml', content: pluginYaml({ plugin: 'two', packageName: two, version: '2' }) },
      ]),
    );
    const { status, json } = await upload(good);
    assert.equal(status, 201);
    const items = json.items as unknown as { package_name: string; yaml_files_paths: string[]; id: string }[];
    assert.deepEqual(items.map((item) => item.package_name).sort(), [one, two].sort());
    for (const item of items) assert.equal(item.yaml_files_paths.length, 1);
    assert.equal((await upload(good)).status, 409);
  });

  describe('by URL', () => {
    test('fetches it, as the document’s request asks', async () => {
      const { status, json } = await ask('POST', `/plugins?plugin_archive_url=${afarUrl}&_include=id`, {
        version: 'v3',
      });
      assert.equal(status, 201);
      assert.deepEqual(Object.keys(json), ['id']);
      const download = await ask('GET', `/plugins/${json.id}/archive`);
      assert.ok(download.bytes.equals(afar.bytes));
    });

    test('reads the URL from a JSON body too, and refuses a second such archive', async () => {
      const { status, json } = await ask('POST', '/plugins', { body: { plugin_archive_url: afarUrl } });
      assert.equal(status, 409);
      assert.equal(json.error_code, 'conflict_error');
      assert.match(
        String(json.message),
        /from_afar-1\.0-py3-none-any\.wgn already exists .* from-afar .* 1\.0/,
      );
    });

    test('asks no address of the server’s own network', async () => {
      const { status, json } = await ask('POST', '/plugins?plugin_archive_url=http://169.254.169.254/x.wgn');
      assert.equal(status, 400);
      assert.equal(json.error_code, 'bad_parameters_error');
      assert.match(String(json.message), /169\.254\.169\.254/);
    });

    test('and body at once is refused, and neither', async () => {
      const both = await ask('POST', `/plugins?plugin_archive_url=${afarUrl}`, { body: body(afar.bytes) });
      assert.equal(both.json.error_code, 'bad_parameters_error');
      const neither = await ask('POST', '/plugins');
      assert.equal(neither.status, 400);
    });
  });

  const good = wagonOf({ name: 'good-plugin', version: '1.0' });
  for (const [what, bytes, message] of [
    ['bytes that are no archive', Buffer.from('no archive at all'), /not an archive/],
    ['an archive without package.json', bytesOf({ 'blueprint.yaml': 'a: 1' }), /package\.json/],
    ['a package.json that is no JSON', zipOf([{ path: 'x/package.json', content: '{' }]), /not JSON/],
    ['a package.json that is a list', zipOf([{ path: 'x/package.json', content: '[]' }]), /object/],
    ...(['package_name', 'package_version', 'archive_name'] as const).map(
      (field) =>
        [
          `a wagon without ${field}`,
          wagonOf({ name: 'x', version: '1', says: { [field]: undefined } }).bytes,
          new RegExp(field),
        ] as const,
    ),
    [
      'a package that leads out of its folder',
      wagonOf({ name: 'x', version: '1', says: { package_name: '../../etc' } }).bytes,
      /package_name/,
    ],
    [
      'a wheel that leads out of its folder',
      wagonOf({ name: 'x', version: '1', says: { wheels: ['../x.whl'] } }).bytes,
      /wheels/,
    ],
    [
      'two wagons in a bundle',
      zipOf([
        { path: 'a.wgn', content: good.bytes },
        { path: 'b.wgn', content: good.bytes },
      ]),
      /one \.wgn file/,
    ],
    ['a bundle whose wagon is none', zipOf([{ path: 'a.wgn', content: 'no' }]), /not an archive/],
    [
      'a wagon in a wagon in a bundle',
      bundleOf({ archiveName: 'a.wgn', bytes: bundleOf(good) }),
      /package\.json/,
    ],
    ['a YAML that cannot be read', bundleOf(good, { 'plugin.yaml': 'a: [' }), /plugin\.yaml:1/],
    [
      'a YAML of another package',
      bundleOf(good, { 'plugin.yaml': pluginYaml({ plugin: 'p', packageName: 'other', version: '1' }) }),
      /package other/,
    ],
    ['a link', gzip(tarOf([{ path: 'x/package.json', type: '2', link: '/etc/passwd' }])), /link/],
    ['a path that leads out', zipOf([{ path: '../package.json', content: '{}' }]), /relative path/],
  ] as const) {
    test(`refuses ${what}, and keeps nothing`, async () => {
      const before = (await ask('GET', '/plugins?_size=1')).json.metadata?.pagination?.total;
      const { status, json } = await upload(bytes);
      assert.equal(status, 400, JSON.stringify(json));
      assert.equal(json.error_code, 'invalid_plugin_error');
      assert.match(String(json.message), message);
      assert.deepEqual((await ask('GET', '/plugins?_size=1')).json.metadata?.pagination?.total, before);
    });
  }

  test('refuses the same archive of the same package, and takes another of it', async () => {
    const name = newName();
    await uploaded(wagonOf({ name, version: '1' }).bytes);
    const again = await upload(bundleOf(wagonOf({ name, version: '1', wheels: [WHEEL] })));
    assert.equal(again.status, 409);
    assert.equal(again.json.error_code, 'conflict_error');
    await uploaded(wagonOf({ name, version: '1', platform: 'linux_x86_64' }).bytes);
    await uploaded(wagonOf({ name, version: '2' }).bytes);
  });

  test('of several at once that are the same keeps one', async () => {
    const { bytes } = wagonOf({ name: newName(), version: '1' });
    const answers = await Promise.all([1, 2, 3, 4].map(() => upload(bytes)));
    assert.deepEqual(answers.map((answer) => answer.status).sort(), [201, 409, 409, 409]);
  });

  test('takes what a restored record had', async () => {
    const query = '?id=6f0fbb0e-restored&uploaded_at=2020-01-02T03:04:05.678Z&created_by=admin';
    const { status, json } = await upload(wagonOf({ name: newName(), version: '1' }).bytes, query);
    assert.equal(status, 201, JSON.stringify(json));
    assert.equal(json.id, '6f0fbb0e-restored');
    assert.equal(json.uploaded_at, '2020-01-02T03:04:05.678Z');
    const again = await upload(wagonOf({ name: newName(), version: '1' }).bytes, '?id=6f0fbb0e-restored');
    assert.equal(again.status, 409);
    for (const [wrong, status] of [
      ['?uploaded_at=yesterday', 400],
      ['?id=a/b', 400],
      ['?created_by=nobody', 404],
      [`?title=${'x'.repeat(257)}`, 400],
      ['?visibility=secret', 400],
    ] as const) {
      assert.equal(
        (await upload(wagonOf({ name: newName(), version: '1' }).bytes, wrong)).status,
        status,
        wrong,
      );
    }
  });
});
