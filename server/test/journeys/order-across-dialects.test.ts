/**
 * One core under two vendors' words: a blueprint that came by Cloudify's API is put into CloudBolt's catalogue, ordered by one person,
 * approved by another, watched through Cloudify, and taken away by an order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../support/a-server.js';
import { gzip, tarOf } from '../support/archives.js';
import { cloudbolt } from '../support/cloudbolt-client.js';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Answer = any;

const server = await aServer({}, { worker: true, selfService: true });
const admin = await cloudbolt(server.url, ADMIN);

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
inputs:
  greeting: {type: string, default: hello}
node_templates:
  place:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create:
          implementation: greet.sh
          executor: central_deployment_agent
          inputs: {greeting: {get_input: greeting}}
outputs:
  said: {value: {get_attribute: [place, said]}}
`;

async function cloudify(method: string, path: string, body?: Buffer | object): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v3.1/${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`,
      tenant: 'default_tenant',
      ...(body === undefined || Buffer.isBuffer(body) ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined
      ? {}
      : { body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, ...(text === '' ? {} : JSON.parse(text)) };
}

async function person(username: string, group: string, roles: readonly string[]) {
  const password = `${username}-password-1`;
  await admin.post('/api/v2/users/', { username, password, groups: [{ group, roles }] });
  return cloudbolt(server.url, { username, password });
}

test('a blueprint of one API is ordered through the other, and both see the same until it is gone from both', async () => {
  const archive = gzip(
    tarOf([
      { path: 'app/blueprint.yaml', content: BLUEPRINT },
      {
        path: 'app/greet.sh',
        content:
          '#!/bin/sh\necho "$greeting from the script"\nctx instance runtime-properties said "$greeting"\n',
        mode: 0o755,
      },
    ]),
  );
  const uploaded = await cloudify('PUT', 'blueprints/greeter?application_file_name=blueprint.yaml', archive);
  assert.equal(uploaded.status, 201, JSON.stringify(uploaded));
  const group = (await admin.post('/api/v2/groups/', { name: 'Greeters', type: 'Organization' }))._links.self
    .href;
  const offer = await admin.post('/api/v2/blueprints/', {
    name: 'A greeting',
    'uploaded-blueprint': 'greeter',
    'resource-type': 'service',
    groups: [group],
    'is-orderable': true,
  });
  const rita = await person('rita', group, ['requestor']);
  const aaron = await person('aaron', group, ['approver']);

  const order = await rita.post('/api/v2/orders/', {
    group,
    'submit-now': 'true',
    items: {
      'deploy-items': [
        {
          blueprint: offer._links.self.href,
          'resource-name': 'Good morning',
          'resource-parameters': { greeting: 'good morning' },
        },
      ],
    },
  });
  assert.equal(order.status, 'PENDING');
  assert.deepEqual((await cloudify('GET', 'deployments')).items, []);
  const active = await aaron.post(`${order._links.self.href}/actions/approve`);
  assert.equal(active.status, 'ACTIVE');
  const done = await rita.ended(active);
  assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));

  // What Cloudify's client sees of it.
  const [deployment] = (await cloudify('GET', 'deployments')).items;
  assert.deepEqual(
    [deployment.blueprint_id, deployment.display_name, deployment.created_by, deployment.inputs],
    ['greeter', 'Good morning', 'rita', { greeting: 'good morning' }],
  );
  const executions = (await cloudify('GET', `executions?deployment_id=${deployment.id}`)).items;
  const install = executions.find((one: Answer) => one.workflow_id === 'install');
  assert.equal(install.status, 'terminated');
  const events = (await cloudify('GET', `events?execution_id=${install.id}&_size=1000`)).items;
  assert.ok(events.some((one: Answer) => one.message.includes('good morning from the script')));
  const outputs = await cloudify('GET', `deployments/${deployment.id}/outputs`);
  assert.deepEqual(outputs.outputs, { said: 'good morning' });

  // The job tells the same.
  const job = await rita.get(done._links.jobs[0].href);
  assert.deepEqual([job.type, job.status], ['Deploy Blueprint', 'SUCCESS']);
  assert.match(await rita.text(job._links.log_urls['raw-log']), /good morning from the script/);
  const zip = await rita.bytes(job._links.log_urls['zip-log']);
  assert.equal(zip.subarray(0, 2).toString(), 'PK');
  assert.equal(job._links.resource.title, 'Good morning');

  // An order takes it away, in both.
  const [resource] = done._links.resources;
  const removal = await rita.post('/api/v2/orders/', {
    group,
    'submit-now': 'true',
    items: { 'decom-items': [{ services: [resource.href] }] },
  });
  assert.equal(removal.status, 'PENDING');
  const gone = await rita.ended(await aaron.post(`${removal._links.self.href}/actions/approve`));
  assert.equal(gone.status, 'SUCCESS', JSON.stringify(gone.failures));
  assert.deepEqual((await cloudify('GET', 'deployments')).items, []);
  assert.equal((await cloudify('GET', `executions/${install.id}`)).status, 404);
  assert.equal((await cloudify('GET', 'blueprints/greeter')).status, 200);
  const deletion = await rita.get(gone._links.jobs[0].href);
  assert.deepEqual([deletion.type, deletion.status], ['Delete Resource', 'SUCCESS']);
  assert.match(await rita.text(deletion._links.log_urls['raw-log']), /uninstall/);
  // What the first job told is told by it still, though its execution is gone.
  const told = await rita.get(done._links.jobs[0].href);
  assert.deepEqual(told.progress, job.progress);
});
