/** The cluster as the older document describes it, asked as its examples ask. Real nodes that come and go: `durability/cluster.test.ts`. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Membership } from '../../../src/cluster/membership.js';
import { aServer, type TestServer } from '../../support/a-server.js';
import { clientOf } from './client.js';

// As if the database were one that other machines reach.
const server = await aServer({ DATABASE_URL: 'postgresql://nobody@nowhere/unused' });
const plain = clientOf(server);
const first = server.core.cluster.self!;
const ask = (method: string, path: string, body?: unknown) =>
  plain(method, path, { version: 'v3', ...(body === undefined ? {} : { body }) });

/** Another process on the same database, as far as the cluster sees it. */
async function another({ pool, core }: TestServer, key: string): Promise<Membership> {
  const log = { warn: (details: object) => assert.fail(JSON.stringify(details)) };
  return Membership.enter(
    { pool, signals: core.signals, log },
    { key, name: 'another', hostIp: '10.0.0.9', role: 'all', version: '0', lease: 60 },
  );
}

describe('before there is a cluster', () => {
  test('its state is that it is not initialised, and nothing else', async () => {
    assert.deepEqual((await ask('GET', '/cluster')).json, { initialized: false });
  });

  test('the node of this process is told, online and not joined', async () => {
    const { items, metadata } = (await ask('GET', '/cluster/nodes')).json;
    assert.deepEqual(items, [
      {
        name: 'test-node',
        host_ip: '127.0.0.1',
        master: false,
        online: true,
        initialized: false,
        credentials: null,
      },
    ]);
    assert.equal(metadata?.pagination?.total, 1);
  });

  test('options cannot be set, nodes not added, nothing joined', async () => {
    for (const [answer, status, code] of [
      [await ask('PATCH', '/cluster', { config_key: 'x' }), 400, 'illegal_action_error'],
      [await ask('POST', '/cluster/nodes', { node_name: 'n', host_ip: '10.0.0.1' }), 409, 'conflict_error'],
      [await ask('PUT', '/cluster', { join_addrs: ['127.0.0.1'], credentials: 'x' }), 409, 'conflict_error'],
      [await ask('PUT', '/cluster', { join_addrs: ['127.0.0.1'] }), 400, 'bad_parameters_error'],
    ] as const) {
      assert.deepEqual([answer.status, answer.json.error_code], [status, code], answer.text);
    }
  });

  test('on the embedded database no node can be added', async () => {
    const embedded = clientOf(await aServer());
    assert.equal((await embedded('PUT', '/cluster', { body: { node_name: 'one' } })).status, 200);
    const refused = await embedded('POST', '/cluster/nodes', { body: { node_name: 'two' } });
    assert.equal(refused.status, 409);
    assert.match(refused.text, /DATABASE_URL/);
    assert.equal((await embedded('DELETE', '/cluster/nodes/one')).status, 400);
  });
});

describe('a cluster', { concurrency: false }, () => {
  test('is initialised once, by the node that is asked, under the name and address given', async () => {
    const body = { host_ip: '172.20.0.2', node_name: 'manager', credentials: '<REDACTED>' };
    const made = await ask('PUT', '/cluster', body);
    assert.equal(made.status, 200, made.text);
    assert.equal(made.json.initialized, true);
    assert.equal((await ask('PUT', '/cluster', { node_name: 'again' })).status, 409);
    const node = (await ask('GET', '/cluster/nodes/manager')).json;
    assert.deepEqual([node.host_ip, node.initialized, node.online], ['172.20.0.2', true, true]);
  });

  test('tells logs and errors only to those who name them', async () => {
    assert.deepEqual(Object.keys((await ask('GET', '/cluster')).json), ['initialized', 'consul']);
    const { logs, error } = (await ask('GET', '/cluster?_include=logs,error')).json;
    assert.match(String(logs?.[0]?.message), /^Cluster initialised by node manager/);
    assert.ok(Number(logs?.[0]?.timestamp) > 1_700_000_000_000_000, 'microseconds');
    assert.match(String(error), /No node that works/, 'an API alone is no master');
    assert.equal(
      (await ask('GET', '/cluster?_include=nothing')).json.error_code,
      'no_such_include_field_error',
    );
  });

  test('keeps options, merged name by name', async () => {
    assert.deepEqual(Object.keys((await ask('PATCH', '/cluster', { a: 1, b: { c: 2 } })).json), [
      'initialized',
      'error',
    ]);
    const { options } = (await ask('PATCH', '/cluster?_include=options', { a: 'x' })).json;
    assert.deepEqual(options, { a: 'x', b: { c: 2 } });
  });

  test('a node that comes uninvited does not work, and joins with credentials that are good once', async () => {
    const process = await another(server, 'the key of a second data folder');
    assert.equal(process.standing.works, false);
    const added = await ask('POST', '/cluster/nodes', { host_ip: '172.20.0.3', node_name: 'second' });
    assert.equal(added.status, 200, added.text);
    const { credentials, ...rest } = added.json;
    assert.deepEqual(rest, {
      name: 'second',
      host_ip: '172.20.0.3',
      master: false,
      online: false,
      initialized: false,
    });
    assert.match(String(credentials), /^join-[a-z0-9]{40}$/);
    assert.equal((await ask('PUT', '/cluster/nodes/second', { host_ip: '1.2.3.4' })).status, 409);
    const { rows } = await server.pool.query('select * from cluster_nodes');
    assert.ok(!JSON.stringify(rows).includes(String(credentials)), 'they are kept as a hash alone');

    // `PUT /cluster` is about the process that is asked: here that of the test.
    server.core.cluster.self = process;
    const join = (name: string, given: string) =>
      ask('PUT', '/cluster', { host_ip: '172.20.0.3', node_name: name, credentials: given });
    assert.equal((await join('second', 'join-x')).status, 403);
    assert.equal((await join('other', String(credentials))).status, 403, 'made for another name');
    assert.equal((await join('second', String(credentials))).status, 200);
    assert.equal(process.standing.works, true);
    assert.equal(process.standing.master, true);
    const { consul } = (await ask('GET', '/cluster')).json;
    assert.equal(consul?.leader, '172.20.0.3');
    assert.equal((await join('second', String(credentials))).status, 409, 'it belongs to it already');
    const third = await another(server, 'the key of a third data folder');
    server.core.cluster.self = third;
    assert.equal((await join('second', String(credentials))).status, 403, 'used up');
    await third.leave();
    const names = (await ask('GET', '/cluster/nodes?_include=name,initialized,online&_sort=name')).json.items;
    assert.deepEqual(names, [
      { name: 'another', initialized: false, online: false },
      { name: 'manager', initialized: true, online: true },
      { name: 'second', initialized: true, online: true },
    ]);
    server.core.cluster.self = process;
  });

  test('a deleted node is told to go, is gone when it has gone, and its key joins no more', async () => {
    const { self } = server.core.cluster;
    const removed = await ask('DELETE', '/cluster/nodes/second');
    assert.equal(removed.status, 200);
    assert.deepEqual(removed.json, {
      name: 'second',
      host_ip: '172.20.0.3',
      master: true,
      online: true,
      initialized: true,
    });
    assert.deepEqual([self?.standing.draining, self?.standing.works], [true, false]);
    assert.equal((await ask('GET', '/cluster/nodes/second')).status, 200, 'still draining');
    await self?.leave();
    const refused = await ask('GET', '/cluster/nodes');
    assert.deepEqual([refused.status, refused.json.error_code], [400, 'removed_from_cluster']);
    assert.equal((await ask('GET', '/version')).status, 200);
    const back = await another(server, 'the key of a second data folder');
    assert.equal(back.standing.removed, true);
    await back.leave();
    server.core.cluster.self = first;
    assert.equal((await ask('GET', '/cluster/nodes/second')).status, 404);
  });
});
