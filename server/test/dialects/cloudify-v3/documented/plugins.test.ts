import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { type Wagon, wagonOf, wheelOf } from '../../../support/plugin-archives.js';
import { aDocumentedServer } from './a-documented-server.js';
import { aHostOf } from './a-host.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl } = await aDocumentedServer({ CLOUD_ENDPOINT_ALLOWLIST: '127.0.0.1:*' });

const ATTRIBUTES: Attributes = {
  archive_name: 'text',
  distribution_release: 'text?',
  distribution_version: 'text?',
  distribution: 'text?',
  excluded_wheels: 'list',
  id: 'text',
  package_name: 'text',
  package_source: 'text',
  package_version: 'text',
  supported_platform: 'text',
  supported_py_versions: 'list',
  tenant_name: 'text',
  uploaded_at: 'time',
  wheels: 'list',
};

const WHEEL = wheelOf({ name: 'told', version: '1.0', files: { 'told.py': 'x = 1\n' } });

function aWagon(name: string): Wagon {
  return wagonOf({ name, version: '1.0', wheels: [WHEEL] });
}

async function upload(name: string): Promise<string> {
  const { status, text, json } = await curl('POST /plugins', { file: aWagon(name).bytes });
  assert.equal(status, 201, text);
  return String(json.id);
}

describe('plugins', () => {
  covers('Plugins: upload from a URL', 'fetches the wagon and tells what was asked for', async () => {
    const url = `${await aHostOf(aWagon('fetched').bytes)}to/archive.wgn`;
    const { json } = await curl(`POST /plugins?plugin_archive_url=${url}&_include=id`);
    assert.deepEqual(Object.keys(json), ['id']);
    const whole = await curl(`GET /plugins/${json.id}`);
    assert.equal(whole.json.package_name, 'fetched');
  });

  covers('Plugins: upload from a URL', 'takes the URL in the body too', async () => {
    const words = { plugin_archive_url: `${await aHostOf(aWagon('said').bytes)}archive.wgn` };
    const { status, text } = await curl('POST /plugins', { json: words });
    assert.equal(status, 201, text);
    const query = { plugin_archive_url: `${await aHostOf(aWagon('asked').bytes)}a.wgn`, _include: 'id' };
    await curl(`POST /plugins?${new URLSearchParams(query)}`);
  });

  covers('Plugins: upload an archive', 'tells what the wagon says of itself', async () => {
    const { json } = await curl('POST /plugins', { file: aWagon('sent').bytes });
    assertTold(json, ATTRIBUTES);
    assert.deepEqual(
      [json.package_name, json.package_version, json.archive_name, json.supported_platform, json.wheels],
      ['sent', '1.0', 'sent-1.0-py3-none-any.wgn', 'any', [WHEEL.filename]],
    );
    assert.deepEqual([json.distribution, json.tenant_name], [null, 'default_tenant']);
  });

  covers('Plugins: list', 'tells the ids of all plugins', async () => {
    const ids = [await upload('listed-1'), await upload('listed-2')];
    const items = itemsOf(await curl('GET /plugins?_include=id'));
    for (const item of items) assert.deepEqual(Object.keys(item), ['id']);
    assert.ok(ids.every((id) => items.some((item) => item.id === id)));
    for (const item of itemsOf(await curl('GET /plugins'))) assertTold(item, ATTRIBUTES);
  });

  covers('Plugins: get', 'tells one plugin', async () => {
    const id = await upload('told');
    assert.deepEqual((await curl(`GET /plugins/${id}?_include=id`)).json, { id });
    assertTold((await curl(`GET /plugins/${id}`)).json, ATTRIBUTES);
  });

  covers('Plugins: delete', 'tells the plugin, and it is gone', async () => {
    const id = await upload('deleted');
    const { json } = await curl(`DELETE /plugins/${id}?_include=id`, { json: { force: false } });
    assert.deepEqual(json, { id });
    const after = await curl(`GET /plugins/${id}`);
    assert.deepEqual([after.status, after.json.error_code], [404, 'not_found_error']);
  });

  covers('Plugins: download', 'gives the wagon, byte for byte', async () => {
    const id = await upload('downloaded');
    const { bytes } = await curl(`GET /plugins/${id}/archive`);
    assert.ok(bytes.equals(aWagon('downloaded').bytes));
  });
});
