/** Figures for operators: each is told, means what its page says, and costs no look at what waits. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { clientOf } from './dialects/cloudify-v3/client.js';
import { aServer } from './support/a-server.js';
import { bytesOf } from './support/catalog.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const server = await aServer({}, { worker: true });
const ask = clientOf(server);

interface Told {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

async function read(): Promise<{ values: Told[]; types: Map<string, string> }> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const values: Told[] = [];
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (\S+)/.exec(line);
    if (type !== null) types.set(type[1]!, type[2]!);
    const told = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (told === null) continue;
    const labels = Object.fromEntries(
      [...(told[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]),
    );
    values.push({ name: told[1]!, labels, value: Number(told[3]) });
  }
  return { values, types };
}
const one = (values: readonly Told[], name: string, labels: Record<string, string> = {}) =>
  values.find(
    (told) =>
      told.name === name && Object.entries(labels).every(([key, value]) => told.labels[key] === value),
  )?.value;

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  one: {type: cloudify.nodes.Root, interfaces: {cloudify.interfaces.lifecycle: {create: works.sh, start: works.sh}}}
`;
const archive = bytesOf({ 'blueprint.yaml': BLUEPRINT, 'works.sh': '#!/bin/sh\nexit 0\n' });

test('an install is seen by the figures of the engine', async () => {
  await ask('PUT', '/blueprints/b', { body: new Uint8Array(archive) });
  await ask('PUT', '/deployments/d', { body: { blueprint_id: 'b' } });
  const { json } = await ask('POST', '/executions', { body: { deployment_id: 'd', workflow_id: 'install' } });
  for (;;) {
    const now = await ask('GET', `/executions/${String(json.id)}`);
    const status = String(now.json.status);
    if (status === 'terminated') break;
    assert.notEqual(status, 'failed');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { values } = await read();
  assert.equal(one(values, 'orrery_operations_total', { plugin: 'script', outcome: 'done' }), 2);
  assert.ok((one(values, 'orrery_executions_claimed_total', { kind: 'fresh' }) ?? 0) >= 1);
  for (const name of ['wait', 'begin', 'start']) {
    assert.ok((one(values, `orrery_execution_${name}_seconds_count`) ?? 0) >= 1, name);
    assert.ok((one(values, `orrery_execution_${name}_seconds_sum`) ?? 99) < 30, name);
  }
  const wait = one(values, 'orrery_execution_wait_seconds_sum')!;
  assert.ok(one(values, 'orrery_execution_start_seconds_sum')! >= wait, 'a start includes its wait');
  assert.ok(one(values, 'orrery_batch_seconds_count')! >= 2);
  assert.ok(one(values, 'orrery_batch_operations_sum')! >= 4, 'two starts and two ends');
  assert.ok(one(values, 'orrery_events_written')! > 5);
  assert.ok(one(values, 'orrery_notification_seconds')! < 10);
});

test('what waits is told by tenant without counting it, with the age of the oldest; the tail under one name', async () => {
  const { pool } = server;
  await pool.query(
    `insert into tenants (name, running_limit) select 't' || n, 0 from generate_series(1, 25) n`,
  );
  await pool.query(
    `insert into executions (tenant_id, id, workflow, function, status, parameters, created_by, created_at)
     select t.id, gen_random_uuid(), 'w', 'f', 'pending', '{}', (select min(id) from users), now() - interval '2 hours'
     from tenants t, generate_series(1, 26 - substr(t.name, 2)::integer) where t.name ~ '^t\\d+$'`,
  );
  await pool.query(
    `update executions set worker = 'gone', lease_until = now() - interval '1 minute', status = 'started'
     where uid = (select min(x.uid) from executions x join tenants t on t.id = x.tenant_id where t.name = 't1')`,
  );
  let values: Told[] = [];
  const deadline = Date.now() + 60_000;
  // Figures of the store are kept for some seconds.
  while (one(values, 'orrery_executions_waiting', { tenant: 'others' }) === undefined) {
    assert.ok(Date.now() < deadline);
    ({ values } = await read());
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(one(values, 'orrery_executions_waiting', { tenant: 't1' }), 24);
  assert.equal(one(values, 'orrery_executions_waiting', { tenant: 't20' }), 6);
  assert.equal(one(values, 'orrery_executions_waiting', { tenant: 'others' }), 5 + 4 + 3 + 2 + 1);
  assert.equal(one(values, 'orrery_executions_waiting', { tenant: 't21' }), undefined);
  const oldest = one(values, 'orrery_executions_waiting_oldest_seconds', { tenant: 't20' })!;
  assert.ok(oldest > 7100 && oldest < 7400, String(oldest));
  assert.equal(one(values, 'orrery_leases', { state: 'expired' }), 1);
  assert.equal(one(values, 'orrery_executions_active', { status: 'started' }), 1);
});

test('every figure has a line on its page, with its labels, and every line a figure', async () => {
  const { values, types } = await read();
  const page = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');
  const lines = new Map(
    page
      .split('\n')
      .filter((line) => line.startsWith('| `orrery_'))
      .map((line) => {
        const [, name, labels, type, meaning] = line.split('|').map((cell) => cell.trim());
        assert.ok((meaning ?? '').length > 2, line);
        return [
          name!.replaceAll('`', ''),
          { labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!), type },
        ];
      }),
  );
  assert.deepEqual([...lines.keys()].sort(), [...types.keys()].sort());
  for (const [name, type] of types) {
    assert.equal(lines.get(name)?.type, type, name);
    for (const told of values.filter((value) => value.name.replace(/_(bucket|sum|count)$/, '') === name))
      for (const label of Object.keys(told.labels))
        assert.ok(
          label === 'le' || label === 'quantile' || lines.get(name)!.labels.includes(label),
          `${name}{${label}}`,
        );
  }
});

test('example alerts ask for figures that there are, and each says what to do', async () => {
  const { types } = await read();
  const { groups } = load(readFileSync(join(ROOT, 'deploy/prometheus/alerts.yaml'), 'utf8')) as {
    groups: {
      rules: { alert: string; expr: string; annotations: { summary: string; description: string } }[];
    }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  assert.ok(rules.length >= 8);
  for (const { alert, expr, annotations } of rules) {
    const asked = [...expr.matchAll(/orrery_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
    assert.ok(asked.length > 0, alert);
    for (const name of asked) assert.ok(types.has(name), `${alert} asks for ${name}`);
    assert.ok(annotations.summary.length > 10 && annotations.description.length > 10, alert);
  }
});
