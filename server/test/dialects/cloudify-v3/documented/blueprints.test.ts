import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { zipOf } from '../../../support/archives.js';
import { BLUEPRINT, bytesOf } from '../../../support/catalog.js';
import { aDocumentedServer } from './a-documented-server.js';
import { aHostOf } from './a-host.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl } = await aDocumentedServer({ CLOUD_ENDPOINT_ALLOWLIST: '127.0.0.1:*' });

const ATTRIBUTES: Attributes = {
  created_at: 'time',
  description: 'text?',
  id: 'text',
  main_file_name: 'text',
  plan: 'dict',
  updated_at: 'time',
  tenant_name: 'text',
  created_by: 'text',
  private_resource: 'flag',
};

async function upload(id: string): Promise<void> {
  const { status, text } = await curl(`PUT /blueprints/${id}`, {
    file: bytesOf({ 'blueprint.yaml': BLUEPRINT }),
  });
  assert.equal(status, 201, text);
}

describe('blueprints', () => {
  covers('Blueprints: upload from a URL', 'fetches the archive and tells the parsed blueprint', async () => {
    const zip = zipOf([{ path: 'master/hello.yaml', content: BLUEPRINT }]);
    const url = `${await aHostOf(zip)}to/archive/master.zip`;
    const { json } = await curl(
      `PUT /blueprints/hello?application_file_name=hello.yaml&blueprint_archive_url=${url}`,
    );
    assertTold(json, ATTRIBUTES);
    assert.deepEqual(
      [
        json.id,
        json.main_file_name,
        json.description,
        json.tenant_name,
        json.created_by,
        json.private_resource,
      ],
      ['hello', 'hello.yaml', 'one node that does nothing', 'default_tenant', 'admin', false],
    );
    assert.equal(json.plan!.nodes![0]!.name, 'one');
  });

  covers('Blueprints: upload from a URL', 'takes the URL in the body too', async () => {
    const url = `${await aHostOf(bytesOf({ 'b.yaml': BLUEPRINT }))}archive.tar.gz`;
    const words = { application_file_name: 'b.yaml', blueprint_archive_url: url };
    const inBody = await curl('PUT /blueprints/from-body', { json: words });
    assert.equal(inBody.status, 201, inBody.text);
    assert.equal(inBody.json.main_file_name, 'b.yaml');
    const query = new URLSearchParams(words);
    await curl(`PUT /blueprints/from-query?${query}`);
  });

  for (const [kind, file] of [
    ['tar.gz', bytesOf({ 'blueprint.yaml': BLUEPRINT })],
    ['tar', gunzipSync(bytesOf({ 'blueprint.yaml': BLUEPRINT }))],
    ['zip', zipOf([{ path: 'app/blueprint.yaml', content: BLUEPRINT }])],
  ] as const) {
    const id = `sent-as-${kind.replace('.', '-')}`;
    covers('Blueprints: upload an archive', 'takes the archive as the body', async () => {
      const { json } = await curl(`PUT /blueprints/${id}`, { file });
      assertTold(json, ATTRIBUTES);
      assert.deepEqual([json.id, json.main_file_name], [id, 'blueprint.yaml']);
    });
  }

  covers('Blueprints: get', 'tells the one with this id, as a list of one', async () => {
    await upload('one');
    const chosen = itemsOf(await curl('GET /blueprints?id=one&_include=id'));
    assert.deepEqual(chosen, [{ id: 'one' }]);
    const [whole] = itemsOf(await curl('GET /blueprints?id=one'));
    assertTold(whole, ATTRIBUTES);
    assert.deepEqual(itemsOf(await curl('GET /blueprints?id=nowhere')), []);
  });

  covers('Blueprints: list', 'tells all of the tenant', async () => {
    await upload('listed-1');
    await upload('listed-2');
    const ids = itemsOf(await curl('GET /blueprints?_include=id')).map(({ id }) => id);
    assert.ok(ids.includes('listed-1') && ids.includes('listed-2'), String(ids));
  });

  covers('Blueprints: delete', 'answers with what was deleted, and it is gone', async () => {
    await upload('gone');
    const { json } = await curl('DELETE /blueprints/gone');
    assertTold(json, ATTRIBUTES);
    assert.equal(json.id, 'gone');
    assert.deepEqual(itemsOf(await curl('GET /blueprints?id=gone')), []);
    const again = await curl('DELETE /blueprints/gone');
    assert.deepEqual([again.status, again.json.error_code], [404, 'not_found_error']);
  });

  covers('Blueprints: download', 'gives an archive with the files in one folder', async () => {
    const sent = bytesOf({ 'blueprint.yaml': BLUEPRINT });
    await curl('PUT /blueprints/down', { file: sent });
    const { headers, bytes } = await curl('GET /blueprints/down/archive');
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(headers['content-length'], String(bytes.length));
    assert.match(String(headers['content-disposition']), /^attachment; filename=/);
    assert.ok(gunzipSync(bytes).includes('one node that does nothing'));
  });
});
