/**
 * waiting --executions 100000 --starts 30: so many executions wait in one tenant; what they cost the processes, and how long an
 * execution of another tenant takes from its acknowledgement to its first operation meanwhile.
 *
 * API and worker are processes of their own. The waiting are made by SQL, in a tenant of which nothing may run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bytesOf } from '../test/support/catalog.js';
import { aStand, middleOf, numbers, PASSWORD, report, type Stand } from './stand.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const IDLE_MS = 4000;
const { executions, starts } = numbers({ executions: '100000', starts: '30' });
const stand = await aStand();
const children: ChildProcess[] = [];
try {
  const api = await aProcess(stand, 'api');
  const worker = await aProcess(stand, 'worker');
  await deploy(api.url);
  const rows = [];
  rows.push(await measure('nothing waits', api, worker));
  const made = performance.now();
  await makeWaiting(executions[0]!);
  const seconds = (performance.now() - made) / 1000;
  rows.push(await measure(`${executions[0]!.toLocaleString('en')} wait`, api, worker));
  report('waiting', rows, [
    `made by SQL in ${seconds.toFixed(1)} s, triggers included; starts: ${starts[0]} one after the other, middle`,
    'start: from the acknowledged POST to the first operation, on the database’s clock',
  ]);
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(
    children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))),
  );
  await stand.close();
}

interface Process {
  readonly url: string;
  readonly pid: number;
}

async function aProcess({ databaseUrl, settings, dataDir }: Stand, role: 'api' | 'worker'): Promise<Process> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH ?? '',
      HOME: dataDir,
      DATABASE_URL: databaseUrl,
      ORRERY_DATA_DIR: join(dataDir, role),
      ORRERY_MASTER_KEY: settings.masterKey,
      ORRERY_ROLE: role,
      ORRERY_PORT: '0',
      ORRERY_DEMO: '0',
      ORRERY_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.stdout!.on('data', (data) => {
      said += data;
      const found = /ready at (\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`the ${role} ended with ${code}`)));
  });
  return { url, pid: child.pid! };
}

async function ask(url: string, method: string, path: string, body?: object | Uint8Array) {
  const answer = await fetch(`${url}/api/v3.1${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`,
      tenant: 'default_tenant',
      ...(body === undefined || body instanceof Uint8Array ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: body instanceof Uint8Array ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as { id: string; status: string };
}

async function deploy(url: string): Promise<void> {
  const blueprint = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins: {simulated: {executor: central_deployment_agent, install: false}}
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: work.sh}}
`;
  await ask(
    url,
    'PUT',
    '/blueprints/b',
    new Uint8Array(bytesOf({ 'blueprint.yaml': blueprint, 'work.sh': '#!/bin/sh\nexit 0\n' })),
  );
  await ask(url, 'PUT', '/deployments/d', { blueprint_id: 'b' });
}

async function makeWaiting(count: number): Promise<void> {
  await stand.pool.query(`insert into tenants (name, running_limit) values ('crowd', 0)`);
  await stand.pool.query(
    `insert into deployments overriding system value
     select made.* from deployments d, tenants t, jsonb_populate_record(d, jsonb_build_object('uid', 1000000, 'tenant_id', t.id,
       'latest_execution_uid', null, 'create_execution_uid', null)) made
     where d.id = 'd' and t.name = 'crowd'`,
  );
  await stand.pool.query(
    `insert into executions (tenant_id, id, deployment_uid, workflow, function, status, parameters, created_by)
     select t.id, gen_random_uuid(), 1000000, 'install', 'f', 'pending', '{}', (select min(id) from users)
     from tenants t, generate_series(1, $1::integer) where t.name = 'crowd'`,
    [count],
  );
  await stand.pool.query('analyze executions');
}

async function measure(what: string, api: Process, worker: Process) {
  const waits: number[] = [];
  for (let start = 0; start < starts[0]!; start += 1) {
    const { id } = await ask(api.url, 'POST', '/executions', {
      deployment_id: 'd',
      workflow_id: 'execute_operation',
      parameters: { operation: 'cloudify.interfaces.lifecycle.create' },
    });
    for (;;) {
      const { status } = await ask(api.url, 'GET', `/executions/${id}`);
      if (['terminated', 'failed'].includes(status)) break;
      await sleep(5);
    }
    const { rows } = await stand.pool.query<{ ms: number }>(
      `select extract(epoch from min(o.started_at) - x.created_at)::float8 * 1000 as ms
       from executions x join operations o on o.execution_uid = x.uid where x.id = $1 group by x.created_at`,
      [id],
    );
    waits.push(rows[0]!.ms);
  }
  await sleep(IDLE_MS);
  const claims: number[] = [];
  for (let look = 0; look < 20; look += 1) {
    const from = performance.now();
    await stand.pool.query(`select uid from engine_take('nobody', 8, 16, '{}', 0, 0, 16, '{}')`);
    claims.push(performance.now() - from);
  }
  return {
    '': what,
    'start ms': middleOf(waits),
    'slowest ms': Math.max(...waits),
    'claim that finds nothing, ms': middleOf(claims),
    'API MB': memoryOf(api),
    'worker MB': memoryOf(worker),
  };
}

function memoryOf({ pid }: Process): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024);
}
