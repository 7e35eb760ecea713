import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { bytesOf } from '../../../support/catalog.js';
import { aWebBlueprint } from '../a-web-blueprint.js';
import { aDocumentedServer } from './a-documented-server.js';
import { type Attributes, assertTold, itemsOf } from './told.js';

const { covers, curl, ask } = await aDocumentedServer({ ORRERY_TASK_RETRIES: '0' }, { worker: true });
const web = await aWebBlueprint(ask);
const SCRIPTS = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  vm:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: say.sh
        start: fail.sh
`;
const uploaded = await curl('PUT /blueprints/linuxbp1', {
  file: bytesOf({
    'blueprint.yaml': SCRIPTS,
    'say.sh': '#!/bin/bash\nctx logger info configured\n',
    'fail.sh': '#!/bin/sh\necho ERROR_MESSAGE >&2\nexit 1\n',
  }),
});
assert.equal(uploaded.status, 201, uploaded.text);
await curl('PUT /deployments/linuxdp1', { json: { blueprint_id: 'linuxbp1' } });
const { id: failed } = await web.finish('linuxdp1', 'install');

const COMMON: Attributes = {
  blueprint_id: 'text?',
  deployment_id: 'text?',
  execution_id: 'text',
  message: 'text',
  node_instance_id: 'text?',
  node_name: 'text?',
  operation: 'text?',
  reported_timestamp: 'time',
  timestamp: 'time',
  type: 'text',
  workflow_id: 'text',
};

describe('events', () => {
  covers('Events: list', 'tells events and logs with all their attributes', async () => {
    const items = itemsOf(await curl('GET /events'));
    for (const item of items) assertTold(item, COMMON);
    for (const item of items.filter(({ workflow_id: workflow }) => workflow === 'install'))
      assertTold(item, { blueprint_id: 'text', deployment_id: 'text' });
    const events = items.filter(({ type }) => type === 'cloudify_event');
    const logs = items.filter(({ type }) => type === 'cloudify_log');
    assert.equal(events.length + logs.length, items.length);
    for (const event of events) assertTold(event, { event_type: 'text', error_causes: 'list?' });
    for (const log of logs) assertTold(log, { level: 'text', logger: 'text' });
    assert.ok(logs.some(({ message, level }) => message === 'configured' && level === 'info'));
  });

  covers('Events: list', 'a failed task says what caused it', async () => {
    const items = itemsOf(await curl('GET /events'));
    const failure = items.find(({ event_type: type }) => type === 'task_failed');
    assertTold(failure, { ...COMMON, node_instance_id: 'text', node_name: 'text', operation: 'text' });
    assert.deepEqual(
      [failure!.node_name, failure!.operation, failure!.execution_id, failure!.workflow_id],
      ['vm', 'cloudify.interfaces.lifecycle.start', failed, 'install'],
    );
    const causes = failure!.error_causes as object[];
    assert.ok(causes.length > 0);
    for (const cause of causes) assertTold(cause, { message: 'text', traceback: 'text', type: 'text' });
  });

  const timesOf = async (query = '') =>
    itemsOf(await curl(`GET /events?_include=timestamp${query}`)).map(({ timestamp }) => String(timestamp));

  covers('Events: list within a range', 'from the first time on, and before the second', async () => {
    const times = await timesOf();
    const [from, to] = [times[1]!, times.at(-1)!];
    const within = await timesOf(`&_range=timestamp,${from},${to}`);
    assert.deepEqual(
      within,
      times.filter((time) => time >= from && time < to),
    );
    assert.ok(within.length > 0);
  });

  covers('Events: list since a time', 'the end may be left out', async () => {
    const times = await timesOf();
    const since = await timesOf(`&_range=timestamp,${times.at(-1)},`);
    assert.deepEqual(
      since,
      times.filter((time) => time >= times.at(-1)!),
    );
  });

  covers('Events: list until a time', 'the beginning may be left out', async () => {
    const times = await timesOf();
    const until = await timesOf(`&_range=timestamp,,${times.at(-1)}`);
    assert.deepEqual(
      until,
      times.filter((time) => time < times.at(-1)!),
    );
    const none = await curl('GET /events?_range=timestamp,,');
    assert.deepEqual([none.status, none.json.error_code], [400, 'bad_parameters_error']);
  });

  covers('Events: list with filters', 'several of them narrow the list together', async () => {
    const both = itemsOf(
      await curl(
        `GET /events?execution_id=${failed}&node_id=vm&event_type=task_failed&event_type=task_succeeded`,
      ),
    );
    assert.deepEqual(
      both.map(({ event_type: type }) => type),
      ['task_succeeded', 'task_failed'],
    );
    for (const [filter, value] of [
      ['blueprint_id', 'linuxbp1'],
      ['deployment_id', 'linuxdp1'],
      ['execution_id', String(failed)],
      ['event_type', 'workflow_failed'],
      ['level', 'info'],
      ['type', 'cloudify_log'],
      ['node_name', 'vm'],
      ['workflow_id', 'install'],
      ['operation', 'cloudify.interfaces.lifecycle.create'],
    ] as const) {
      const items = itemsOf(await curl(`GET /events?${filter}=${value}`));
      assert.ok(items.length > 0, filter);
      assert.ok(
        items.every((item) => item[filter] === value),
        filter,
      );
      assert.equal(itemsOf(await curl(`GET /events?${filter}=nothing-of-the-kind`)).length, 0, filter);
    }
    const said = itemsOf(await curl('GET /events?message=%25CONFIGURED'));
    assert.deepEqual(
      said.map(({ message }) => message),
      ['configured'],
    );
  });
});
