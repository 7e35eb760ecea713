import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { Membership } from '../../../../src/cluster/membership.js';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

// As if the database were one that other machines reach.
const { server, covers, curl } = await aDocumentedServer({
  DATABASE_URL: 'postgresql://nobody@nowhere/unused',
});
const manager = server.core.cluster.self!;
const NODE: Attributes = {
  name: 'text',
  host_ip: 'text',
  master: 'flag',
  online: 'flag',
  initialized: 'flag',
  credentials: 'text',
};
const ADDED = { initialized: false, online: false, master: false };
const { core, pool } = server;

/** Another process, and that the requests meant for it reach it. */
async function onAnotherManager<T>(work: (process: Membership) => Promise<T>): Promise<T> {
  const log = { warn: (details: object) => assert.fail(JSON.stringify(details)) };
  const facts = {
    key: 'another',
    name: 'another',
    hostIp: '10.0.0.9',
    role: 'all',
    version: '0',
    lease: 60,
  } as const;
  const process = await Membership.enter({ pool, signals: core.signals, log }, facts);
  core.cluster.self = process;
  try {
    return await work(process);
  } finally {
    core.cluster.self = manager;
    await process.leave();
  }
}

describe('the cluster', { concurrency: false }, () => {
  covers('Cluster: get state', 'is not initialised at first', async () => {
    assert.deepEqual((await curl('GET /cluster')).json, { initialized: false });
  });

  covers('Cluster: start', 'makes a cluster of the node that is asked', async () => {
    const { json } = await curl('PUT /cluster', { json: { host_ip: '172.20.0.2', node_name: 'manager' } });
    assertTold(json, { initialized: 'flag', consul: 'dict' });
    assert.equal((await curl('GET /cluster')).json.initialized, true);
  });

  covers('Cluster: get state with what is hidden', 'tells logs and errors when they are named', async () => {
    assert.deepEqual(Object.keys((await curl('GET /cluster')).json), ['initialized', 'consul']);
    const { json } = await curl('GET /cluster?_include=initialized,consul,error,logs');
    assertTold(json, { initialized: 'flag', consul: 'dict', error: 'text?', logs: 'list' });
    const [line] = json.logs as unknown as object[];
    assertTold(line, { message: 'text', timestamp: 'whole', cursor: 'text' });
  });

  covers('Cluster: change settings', 'keeps what is written', async () => {
    const { json } = await curl('PATCH /cluster', { json: { config_key: 'config_value' } });
    assertTold(json, { initialized: 'flag', error: 'text?' });
    const kept = await curl('GET /cluster?_include=options');
    assert.deepEqual(kept.json, { options: { config_key: 'config_value' } });
  });

  covers('Cluster: list nodes', 'tells each node', async () => {
    const [node] = itemsOf(await curl('GET /cluster/nodes'));
    assertTold(node, NODE);
    assert.deepEqual([node?.name, node?.online, node?.initialized], ['manager', true, true]);
  });

  covers('Cluster: get node', 'tells one by its name', async () => {
    assertTold((await curl('GET /cluster/nodes/manager')).json, NODE);
    assert.equal((await curl('GET /cluster/nodes/nobody')).status, 404);
  });

  covers('Cluster: add node, as its example', 'gives credentials; curl calls this body a form', async () => {
    const data = '{"host_ip": "172.20.0.3", "node_name": "second-manager"}';
    const { json } = await curl('POST /cluster/nodes', { data });
    const { credentials, ...rest } = json;
    assert.deepEqual(rest, { ...ADDED, host_ip: '172.20.0.3', name: 'second-manager' });
    assert.match(String(credentials), /^join-/);
  });

  covers('Cluster: add node, as its heading', 'gives credentials to the node of that name', async () => {
    const body = { host_ip: '172.20.0.4', node_name: 'third' };
    const { json } = await curl('PUT /cluster/nodes/third', { json: body });
    assertTold(json, NODE);
    assert.equal(json.name, 'third');
  });

  covers('Cluster: join', 'is done by the manager that is asked, with credentials it was given', async () => {
    const added = await curl('POST /cluster/nodes', { json: { host_ip: '172.20.0.5', node_name: 'fourth' } });
    const credentials = String(added.json.credentials);
    await onAnotherManager(async (process) => {
      assert.equal(process.standing.works, false);
      const body = { host_ip: '172.20.0.5', node_name: 'fourth', credentials, join_addrs: ['172.20.0.2'] };
      const joined = await curl('PUT /cluster', { json: body });
      assert.equal(joined.status, 200, joined.text);
      assert.equal(process.standing.works, true);
      const { json } = await curl('GET /cluster/nodes/fourth');
      assert.deepEqual([json.initialized, json.online], [true, true]);
    });
  });

  covers('Cluster: delete node', 'tells the node without credentials, and it is gone', async () => {
    const { json } = await curl('DELETE /cluster/nodes/fourth');
    assert.deepEqual(json, {
      name: 'fourth',
      host_ip: '172.20.0.5',
      master: false,
      online: false,
      initialized: true,
    });
    assert.equal((await curl('GET /cluster/nodes/fourth')).status, 404);
  });
});
