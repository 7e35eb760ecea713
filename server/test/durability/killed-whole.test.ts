/**
 * The whole server as one process, killed with SIGKILL at random moments of an install and started again on what is on the
 * disk. Scripts tell an outside witness (a file that no part of the server writes) when they begin and when they end.
 *
 *   ORRERY_TEST_WHOLE_KILLS=50   how often
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { aFolder, aRealServer, Witness, witnessedBlueprint } from '../support/a-real-server.js';

const KILLS = Number(process.env.ORRERY_TEST_WHOLE_KILLS ?? 50);
/** Milliseconds that the server lives between two kills, at most. */
const LIFE = 500;
const INSTANCES = 34;
const OPERATIONS = ['create', 'configure', 'start'].map((name) => `cloudify.interfaces.lifecycle.${name}`);
const MESSAGES = ['Creating node instance', 'Node instance created', 'Node instance started'];
const NODES = `
  db: {type: test.Told, instances: {deploy: 4}}
  app:
    type: test.Told
    instances: {deploy: 15}
    relationships: [{type: cloudify.relationships.connected_to, target: db}]
  web:
    type: test.Told
    instances: {deploy: 15}
    relationships: [{type: cloudify.relationships.connected_to, target: app}]`;

interface Page<T> {
  readonly items: T[];
}
interface Told {
  readonly event_type: string;
  readonly message: string;
  readonly node_instance_id: string | null;
  readonly operation: string | null;
}

describe('a server that is killed as a whole, again and again', { timeout: 15 * 60_000 }, () => {
  it(`goes on where it stood, repeats nothing that was done, and ends installed (${KILLS} kills)`, async () => {
    const folder = aFolder();
    const witness = new Witness(folder);
    const env = { ORRERY_PORT: String(await freePort()), ORRERY_WORKER_CONCURRENCY: '8' };
    const start = () => aRealServer(join(folder, 'data'), env);
    let server = await start();
    const archive = await witnessedBlueprint(aFolder(), NODES, 'sleep 0.$(( $$ % 2 ))5');
    await server.call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', archive);

    const acknowledged = new Map<string, string>();
    let kills = 0;
    while (kills < KILLS) {
      const deployment = `round-${acknowledged.size + 1}`;
      await server.call('PUT', `/deployments/${deployment}`, {
        blueprint_id: 'told',
        inputs: { witness: witness.file },
      });
      const { id } = await server.call<{ id: string }>('POST', '/executions', {
        deployment_id: deployment,
        workflow_id: 'install',
      });
      acknowledged.set(id, deployment);
      for (;;) {
        await delay(Math.random() * LIFE);
        const { status } = await server.call<{ status: string }>('GET', `/executions/${id}`);
        if (status === 'terminated') break;
        assert.notEqual(status, 'failed', deployment);
        if (kills === KILLS) continue;
        kills += 1;
        await server.end('SIGKILL');
        server = await start();
      }
    }

    let again = 0;
    for (const [execution, deployment] of acknowledged) {
      const found = await server.call<{ status: string; finished_operations: number }>(
        'GET',
        `/executions/${execution}`,
      );
      assert.deepEqual([found.status, found.finished_operations], ['terminated', INSTANCES * 3]);
      const instances = await server.call<Page<{ id: string; state: string }>>(
        'GET',
        `/node-instances?deployment_id=${deployment}&_include=id,state`,
      );
      assert.deepEqual(
        instances.items.map(({ state }) => state),
        Array(INSTANCES).fill('started'),
      );
      again += repetitions(witness, execution);
      const path = `/events?execution_id=${execution}&type=cloudify_event&_size=10000`;
      const { items } = await server.call<Page<Told>>('GET', path);
      eachToldOnce(
        items,
        instances.items.map(({ id }) => id),
      );
    }
    console.log(
      `${kills} kills over ${acknowledged.size} installs of ${INSTANCES} instances, ` +
        `${acknowledged.size * INSTANCES * 3} operations, ${again} interrupted ones ran again under a new attempt`,
    );
  });
});

/** Fails when an attempt began twice, or one began after another had ended; how many attempts beyond the first there were. */
function repetitions(witness: Witness, execution: string): number {
  const of = (what: 'begin' | 'end') =>
    witness.lines(what).filter(({ operation }) => operation.startsWith(`${execution}:`));
  const begun = new Map<string, number>();
  let again = 0;
  for (const { operation, attempt } of of('begin')) {
    assert.ok((begun.get(operation) ?? 0) < attempt, `${operation} began attempt ${attempt} twice`);
    begun.set(operation, attempt);
    if (attempt > 1) again += 1;
  }
  assert.equal(begun.size, INSTANCES * 3, 'every operation ran');
  const ended = new Map(of('end').map(({ operation, attempt }) => [operation, attempt]));
  for (const [operation, attempt] of begun) {
    assert.equal(ended.get(operation), attempt, `the last attempt of ${operation} is the one that ended`);
  }
  return again;
}

function eachToldOnce(events: readonly Told[], instances: readonly string[]): void {
  const times = (wanted: Partial<Told>) =>
    events.filter((event) =>
      Object.entries(wanted).every(([key, value]) => event[key as keyof Told] === value),
    ).length;
  for (const node_instance_id of instances) {
    for (const operation of OPERATIONS) {
      const success = { event_type: 'task_succeeded', node_instance_id, operation };
      assert.equal(times(success), 1, `${operation} of ${node_instance_id}`);
    }
    for (const message of MESSAGES) {
      assert.equal(times({ message, node_instance_id }), 1, `"${message}" of ${node_instance_id}`);
    }
  }
  assert.equal(times({ event_type: 'workflow_succeeded' }), 1);
  assert.equal(events.filter(({ message }) => message.startsWith("Starting 'install'")).length, 1);
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
