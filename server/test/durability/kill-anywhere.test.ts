/**
 * The promise of docs/executions.md, kept under fire: the real server, as a process of its own, is killed with SIGKILL at
 * random moments of an install and started again, until it has died at least `KILLS` times. Scripts tell an outside
 * witness (a file that no part of the server writes) when they begin and when they end.
 *
 *   ORRERY_KILLS=50   how often (npm run test:durability)
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';

const KILLS = Number(process.env.ORRERY_KILLS ?? 50);
const PASSWORD = 'a password for the fault test';
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const INSTANCES = 34;

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  witness: {type: string}
node_types:
  test.Told:
    derived_from: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: tell.sh, inputs: {WITNESS: {default: {get_input: witness}}}, max_retries: 0}
        configure: {implementation: tell.sh, inputs: {WITNESS: {default: {get_input: witness}}}, max_retries: 0}
        start: {implementation: tell.sh, inputs: {WITNESS: {default: {get_input: witness}}}, max_retries: 0}
node_templates:
  db: {type: test.Told, instances: {deploy: 4}}
  app:
    type: test.Told
    instances: {deploy: 15}
    relationships: [{type: cloudify.relationships.connected_to, target: db}]
  web:
    type: test.Told
    instances: {deploy: 15}
    relationships: [{type: cloudify.relationships.connected_to, target: app}]
`;

const SCRIPT = `#!/bin/sh
printf 'begin %s %s\\n' "$ORRERY_OPERATION_ID" "$ORRERY_OPERATION_ATTEMPT" >> "$WITNESS"
sleep 0.0$((RANDOM % 9 + 1)) 2>/dev/null || sleep 0.05
printf 'end %s %s\\n' "$ORRERY_OPERATION_ID" "$ORRERY_OPERATION_ATTEMPT" >> "$WITNESS"
`;

interface Page<T> {
  readonly items: T[];
  readonly metadata: { readonly pagination: { readonly total: number } };
}

describe('a server that is killed again and again', { timeout: 15 * 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-kill-'));
  let child: ChildProcess | null = null;
  let base = '';
  after(async () => {
    if (child !== null) {
      child.kill('SIGTERM');
      await new Promise((resolve) => child!.once('exit', resolve));
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(port: number): Promise<void> {
    const process_ = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: folder,
        ORRERY_DATA_DIR: join(folder, 'data'),
        ORRERY_PORT: String(port),
        ORRERY_DEMO: '0',
        ORRERY_ADMIN_PASSWORD: PASSWORD,
        ORRERY_LOG_TO: join(folder, 'log'),
        ORRERY_WORKER_CONCURRENCY: '8',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child = process_;
    let said = '';
    process_.stderr!.on('data', (data) => {
      said += data;
    });
    base = await new Promise<string>((resolve, reject) => {
      let out = '';
      process_.stdout!.on('data', (data) => {
        out += data;
        const url = /Orrery is ready at (\S+)/.exec(out)?.[1];
        if (url !== undefined) resolve(url);
      });
      process_.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
  }

  async function kill(): Promise<void> {
    const dying = child!;
    child = null;
    const gone = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill('SIGKILL');
    await gone;
  }

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const raw = body instanceof Buffer;
    const response = await fetch(`${base}/api/v3.1${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
        tenant: 'default_tenant',
        ...(body === undefined
          ? {}
          : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: raw ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  it('loses nothing it has acknowledged, repeats nothing that was done, and ends installed', async () => {
    const witness = join(folder, 'witness');
    writeFileSync(witness, '');
    const port = await freePort();
    await start(port);
    await call('PUT', '/blueprints/told?application_file_name=blueprint.yaml', await archive(folder));

    let kills = 0;
    let round = 0;
    const acknowledged: { deployment: string; execution: string }[] = [];
    while (kills < KILLS) {
      round += 1;
      const deployment = `round-${round}`;
      await call('PUT', `/deployments/${deployment}`, { blueprint_id: 'told', inputs: { witness } });
      const { id } = await call<{ id: string }>('POST', '/executions', {
        deployment_id: deployment,
        workflow_id: 'install',
      });
      acknowledged.push({ deployment, execution: id });
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 500));
        const { status } = await call<{ status: string }>('GET', `/executions/${id}`);
        if (status === 'terminated') break;
        assert.notEqual(status, 'failed', `round ${round}`);
        if (kills >= KILLS) continue;
        kills += 1;
        await kill();
        appendFileSync(witness, `kill ${kills} -\n`);
        await start(port);
      }
    }

    const lines = readFileSync(witness, 'utf8').trim().split('\n');
    let operations = 0;
    let again = 0;
    for (const { deployment, execution } of acknowledged) {
      const found = await call<{ status: string; total_operations: number; finished_operations: number }>(
        'GET',
        `/executions/${execution}`,
      );
      assert.deepEqual(
        [found.status, found.total_operations, found.finished_operations],
        ['terminated', INSTANCES * 3, INSTANCES * 3],
      );
      const instances = await call<Page<{ id: string; state: string }>>(
        'GET',
        `/node-instances?deployment_id=${deployment}&_include=id,state`,
      );
      assert.equal(instances.items.length, INSTANCES);
      assert.deepEqual(
        instances.items.filter((instance) => instance.state !== 'started'),
        [],
      );
      const events = await call<
        Page<{
          event_type: string;
          message: string;
          node_instance_id: string | null;
          operation: string | null;
        }>
      >('GET', `/events?execution_id=${execution}&type=cloudify_event&_size=10000`);
      again += checkWitness(lines, execution);
      checkEvents(
        events.items,
        instances.items.map((instance) => instance.id),
      );
      operations += found.total_operations;
    }
    console.log(
      `${kills} kills over ${acknowledged.length} installs, ${operations} operations, ${again} interrupted ones ran again under a new attempt`,
    );
    assert.ok(kills >= KILLS);
  });
});

/** @returns how many attempts beyond the first there were */
function checkWitness(lines: readonly string[], execution: string): number {
  const ended = new Map<string, number>();
  const begun = new Map<string, number>();
  let again = 0;
  for (const line of lines) {
    const [what, id, number] = line.split(' ') as [string, string, string];
    if (!id.startsWith(`${execution}:`)) continue;
    const attempt = Number(number);
    if (what === 'begin') {
      assert.ok((begun.get(id) ?? 0) < attempt, `${id} began attempt ${attempt} twice`);
      begun.set(id, attempt);
      if (attempt > 1) again += 1;
    } else {
      ended.set(id, attempt);
    }
  }
  assert.equal(begun.size, INSTANCES * 3, 'every operation ran');
  for (const id of begun.keys())
    assert.equal(ended.get(id), begun.get(id), `the last attempt of ${id} is the one that ended`);
  return again;
}

function checkEvents(
  events: readonly {
    event_type: string;
    message: string;
    node_instance_id: string | null;
    operation: string | null;
  }[],
  instances: readonly string[],
): void {
  const seen = new Map<string, number>();
  for (const event of events) {
    const key = `${event.event_type} ${event.message} ${event.node_instance_id} ${event.operation}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  for (const id of instances) {
    for (const operation of ['create', 'configure', 'start']) {
      const name = `cloudify.interfaces.lifecycle.${operation}`;
      const succeeded = [...seen].filter(
        ([key]) => key.startsWith('task_succeeded') && key.endsWith(`${id} ${name}`),
      );
      assert.deepEqual(
        succeeded.map(([, count]) => count),
        [1],
        `${name} of ${id} succeeded once in the events`,
      );
    }
    for (const message of ['Creating node instance', 'Node instance created', 'Node instance started']) {
      assert.equal(seen.get(`workflow_node_event ${message} ${id} null`), 1, `"${message}" of ${id}`);
    }
  }
  assert.equal(events.filter((event) => event.event_type === 'workflow_succeeded').length, 1);
  assert.equal(events.filter((event) => event.message.startsWith("Starting 'install'")).length, 1);
}

async function archive(folder: string): Promise<Buffer> {
  const top = join(folder, 'told');
  mkdirSync(top, { recursive: true });
  writeFileSync(join(top, 'blueprint.yaml'), BLUEPRINT);
  writeFileSync(join(top, 'tell.sh'), SCRIPT, { mode: 0o755 });
  const chunks: Buffer[] = [];
  for await (const chunk of create({ cwd: folder, gzip: true }, ['told'])) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
