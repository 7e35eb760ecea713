/** Several real processes on one database: killed, drained, joined. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import {
  aFolder,
  aRealServer,
  eventually,
  type RealServer,
  Witness,
  witnessedBlueprint,
} from '../support/a-real-server.js';
import { testDatabase } from '../support/test-database.js';

interface Node {
  readonly name: string;
  readonly online: boolean;
  readonly master: boolean;
  readonly initialized: boolean;
  readonly credentials: string | null;
}

const { databaseUrl, close } = await testDatabase({ after: () => {} });
const LEASE = 3;
const folders = ['one', 'two', 'three'].map((name) => ({ name, folder: aFolder() }));
const start = (place: number, env: Readonly<Record<string, string>> = {}) =>
  aRealServer(folders[place]!.folder, {
    DATABASE_URL: databaseUrl,
    ORRERY_NODE_NAME: folders[place]!.name,
    ORRERY_LEASE_SECONDS: String(LEASE),
    ...env,
  });

async function nodesOf(server: RealServer): Promise<Map<string, Node>> {
  const { items } = await server.call<{ items: Node[] }>('GET', '/cluster/nodes');
  return new Map(items.map((node) => [node.name, node]));
}

const masters = (nodes: ReadonlyMap<string, Node>) =>
  [...nodes.values()].filter(({ master }) => master).map(({ name }) => name);

// What is started inside of a test ends with it.
const one = await start(0);
const two = await start(1);
// After the processes, which are told to end first.
after(close);

describe('a cluster of processes', { concurrency: false }, () => {
  test('nodes that work when it is initialised belong to it, and one of them is master', async () => {
    const before = await nodesOf(two);
    assert.deepEqual([...before.keys()], ['one', 'two']);
    assert.deepEqual(masters(before), ['one']);
    await one.call('PUT', '/cluster', { node_name: 'one', host_ip: '127.0.0.1' });
    const after = await nodesOf(two);
    assert.ok([...after.values()].every(({ initialized, online }) => initialized && online));
  });

  test('a node that comes later works only when it has joined with its credentials', async () => {
    let three = await start(2);
    assert.equal((await nodesOf(one)).get('three')?.initialized, false);
    await three.end('SIGTERM');
    const { credentials } = await two.call<Node>('POST', '/cluster/nodes', { node_name: 'late' });
    three = await start(2, { ORRERY_JOIN_CREDENTIALS: credentials! });
    const nodes = await nodesOf(one);
    assert.deepEqual([...nodes.keys()].sort(), ['late', 'one', 'two']);
    assert.ok(nodes.get('late')?.initialized && nodes.get('late')?.online);
    await three.end('SIGTERM');
    assert.equal((await nodesOf(one)).get('late')?.online, false, 'a stop is told at once');
    three = await start(2, { ORRERY_JOIN_CREDENTIALS: credentials! });
    assert.ok(
      (await nodesOf(one)).get('late')?.initialized,
      'it stays joined, and used credentials do no harm',
    );
  });

  test('the master is killed: it is offline after the lease, and another one is master', async () => {
    await one.end('SIGKILL');
    const killed = Date.now();
    await eventually('master has moved', async () => {
      const nodes = await nodesOf(two);
      return (
        nodes.get('one')?.online === false && masters(nodes).length === 1 && !masters(nodes).includes('one')
      );
    });
    const seconds = (Date.now() - killed) / 1000;
    assert.ok(seconds < LEASE * 3 + 15, `it took ${seconds} s`);
    await start(0);
    const nodes = await nodesOf(two);
    assert.ok(nodes.get('one')?.online, 'it is back under its name');
    assert.ok(!masters(nodes).includes('one'), 'and the master stays who it is');
  });

  test('maintenance mode is obeyed by every process soon, and by one that starts later', async () => {
    const statusOf = async (server: RealServer) =>
      (await fetch(`${server.url}/api/v3.1/deployments`, { headers: two.headers })).status;
    const again = await start(0);
    assert.deepEqual([await statusOf(again), await statusOf(two)], [200, 200]);
    await again.call('POST', '/maintenance/activate');
    const began = Date.now();
    await eventually('the other process obeys', async () => (await statusOf(two)) === 503);
    // A second, where the machine has time for it.
    assert.ok(Date.now() - began < 15_000);
    await again.end('SIGKILL');
    const later = await start(0);
    assert.equal(await statusOf(later), 503);
    await later.call('POST', '/maintenance/deactivate');
    await eventually('the other process works again', async () => (await statusOf(two)) === 200);
  });

  test('a node is drained while its execution runs: nothing fails, and another one goes on', async () => {
    const again = await start(0);
    const folder = aFolder();
    const witness = new Witness(folder);
    const gate = `${folder}/gate`;
    const nodes = `  first: {type: test.Told}
  second: {type: test.Told, relationships: [{type: cloudify.relationships.depends_on, target: first}]}
`;
    const work = `while [ ! -e ${gate} ]; do sleep 0.05; done`;
    const archive = await witnessedBlueprint(folder, nodes, work);
    await two.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);
    await two.call('PUT', '/deployments/told', { blueprint_id: 'told', inputs: { witness: witness.file } });
    const { id } = await two.call<{ id: string }>('POST', '/executions', {
      deployment_id: 'told',
      workflow_id: 'install',
    });
    await eventually('an operation has begun', async () => witness.lines('begin').length > 0);
    const worker = workerOf(witness, { one: again, two });
    await (worker.server === two ? again : two).call('DELETE', `/cluster/nodes/${worker.name}`);
    const other = worker.server === two ? again : two;
    writeFileSync(gate, '');
    let status = '';
    await eventually('the execution has ended', async () => {
      ({ status } = await other.call<{ status: string }>('GET', `/executions/${id}`));
      return ['terminated', 'failed', 'cancelled'].includes(status);
    });
    assert.equal(status, 'terminated');
    assert.equal(witness.lines('end').length, 6);
    assert.equal(witness.lines('begin').length, 6, 'nothing ran twice');
    await eventually('the node is gone', async () => !(await nodesOf(other)).has(worker.name));
    const removed = await fetch(`${worker.server.url}/health/ready`);
    assert.deepEqual([removed.status, /removed from the cluster/.test(await removed.text())], [503, true]);
  });
});

/** The node whose process started the script that has begun. */
function workerOf(witness: Witness, servers: Readonly<Record<string, RealServer>>) {
  let pid = witness.lines('begin')[0]!.pid;
  for (;;) {
    const found = Object.entries(servers).find(([, server]) => server.pid === pid);
    if (found !== undefined) return { name: found[0], server: found[1] };
    pid = Number(/\nPPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
    assert.notEqual(pid, 0, 'the script is the child of neither');
  }
}
