import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aServer } from '../../../support/a-server.js';
import { aSnapshot } from '../../../support/a-snapshot.js';
import { aDocumentedServer } from './a-documented-server.js';
import { aHostOf } from './a-host.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const bytes = await aSnapshot(await aServer());
const host = await aHostOf(bytes);
const { covers, curl } = await aDocumentedServer(
  { CLOUD_ENDPOINT_ALLOWLIST: new URL(host).host },
  { worker: true },
);

const ATTRIBUTES: Attributes = {
  status: 'text',
  tenant_name: 'text',
  created_at: 'time',
  created_by: 'text',
  private_resource: 'flag',
  error: 'text',
  id: 'text',
};
const EXECUTION: Attributes = {
  status: 'text',
  parameters: 'dict',
  is_system_workflow: 'flag',
  blueprint_id: 'text?',
  tenant_name: 'text',
  created_at: 'time',
  created_by: 'text',
  private_resource: 'flag',
  workflow_id: 'text',
  deployment_id: 'text?',
  id: 'text',
};

const upload = (id: string) => curl(`PUT /snapshots/${id}/archive`, { file: bytes });

/** Waits for the end of an execution of the system; gives its status. */
async function ended(id: unknown): Promise<string> {
  for (;;) {
    const { status, json } = await curl(`GET /executions/${String(id)}`);
    if (status === 200 && ['terminated', 'failed', 'cancelled'].includes(String(json.status)))
      return String(json.status);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('snapshots', () => {
  covers('Snapshots: create', 'answers with the execution that makes it', async () => {
    const { json } = await curl('PUT /snapshots/snapshot4');
    assertTold(json, EXECUTION);
    assert.deepEqual(
      [json.workflow_id, json.is_system_workflow, json.deployment_id, json.parameters?.snapshot_id],
      ['create_snapshot', true, null, 'snapshot4'],
    );
    assert.equal(await ended(json.id), 'terminated');
    assert.equal((await curl('GET /snapshots/snapshot4')).json.status, 'created');
  });

  covers('Snapshots: create with its options', 'tells the options in its parameters', async () => {
    const { json } = await curl('PUT /snapshots/chosen', {
      json: { include_metrics: false, include_credentials: false },
    });
    assertTold(json, EXECUTION);
    assert.deepEqual(
      [json.parameters?.include_metrics, json.parameters?.include_credentials],
      [false, false],
    );
    assert.equal(await ended(json.id), 'terminated');
  });

  covers('Snapshots: upload an archive', 'keeps it byte for byte', async () => {
    const { json } = await upload('snapshot5');
    assertTold(json, ATTRIBUTES);
    assert.deepEqual([json.status, json.id], ['uploaded', 'snapshot5']);
    assert.deepEqual((await curl('GET /snapshots/snapshot5/archive')).bytes, bytes);
  });

  covers('Snapshots: upload from a URL', 'fetches and keeps it', async () => {
    const { json } = await curl(
      `PUT /snapshots/fetched/archive?snapshot_archive_url=${encodeURIComponent(host)}archive.zip`,
    );
    assertTold(json, ATTRIBUTES);
    assert.deepEqual((await curl('GET /snapshots/fetched/archive')).bytes, bytes);
  });

  covers('Snapshots: upload from a URL', 'takes the URL in the body too', async () => {
    const words = { snapshot_archive_url: `${host}archive.zip` };
    const { status, text } = await curl('PUT /snapshots/from-body/archive', { json: words });
    assert.equal(status, 201, text);
    assert.deepEqual((await curl('GET /snapshots/from-body/archive')).bytes, bytes);
    await curl(`PUT /snapshots/from-query/archive?${new URLSearchParams(words)}`);
  });

  covers('Snapshots: download, as its example', 'sends the zip', async () => {
    await upload('down');
    const answer = await curl('GET /snapshot/down/archive');
    assert.deepEqual(answer.bytes, bytes);
    assert.equal(answer.headers['content-type'], 'application/octet-stream');
  });

  covers('Snapshots: download, as its heading', 'sends the same zip', async () => {
    await upload('again');
    assert.deepEqual((await curl('GET /snapshots/again/archive')).bytes, bytes);
  });

  covers('Snapshots: list', 'tells the fields that were asked for', async () => {
    await upload('listed');
    const items = itemsOf(await curl('GET /snapshots?_include=id'));
    assert.ok(items.some((item) => JSON.stringify(item) === '{"id":"listed"}'));
  });

  covers('Snapshots: delete', 'answers with the snapshot, and it is gone', async () => {
    await upload('gone');
    const { json } = await curl('DELETE /snapshots/gone');
    assertTold(json, ATTRIBUTES);
    assert.equal((await curl('GET /snapshots/gone')).status, 404);
  });

  covers('Snapshots: restore', 'answers with the execution that restores it, and it ends well', async () => {
    // Of a server whose master key is another, but without a single secret.
    await upload('restored');
    const { json } = await curl('POST /snapshots/restored/restore', {
      json: {
        recreate_deployments_envs: true,
        force: false,
        restore_certificates: false,
        no_reboot: false,
      },
    });
    assertTold(json, ATTRIBUTES);
    assert.match(String(json.status), /^(pending|started)$/);
    assert.equal(await ended(json.id), 'terminated');
    assert.equal((await curl('GET /snapshots/restored')).status, 200);
  });
});
