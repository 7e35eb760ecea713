/** People, where they order, and what: groups, environments, building blocks, blueprints, users (specs: cloudbolt.md §5). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADMIN, aServer } from '../../support/a-server.js';
import { speaking } from './client.js';

const { url, core, pool } = await aServer({}, { selfService: true });
const admin = speaking(url, ADMIN);

async function aPerson(username: string, groups: readonly object[] = [], more: object = {}) {
  const password = `${username}-password`;
  const { body } = await admin.expect(201, 'POST', 'users/', { username, password, groups, ...more });
  return { speak: speaking(url, { username, password }), id: body.id as string, body };
}
const inGroup = (group: string | number, ...roles: string[]) => ({ group: `/api/v2/groups/${group}`, roles });

describe('a fresh server', () => {
  test('has the groups, environments and offers that the documents count on', async () => {
    const { body: groups } = await admin.expect(200, 'GET', 'groups/');
    assert.deepEqual(
      groups._embedded.map(({ id, name }: { id: string; name: string }) => `${id} ${name}`),
      ['1 Unassigned', '2 Default'],
    );
    const { body: group } = await admin.expect(200, 'GET', 'groups/2/');
    assert.deepEqual([group.type, group['auto-approval'], group.rate], ['Organization', true, '0.00/month']);
    assert.deepEqual(group._links.parent, {});
    const { body: unassigned } = await admin.expect(200, 'GET', 'environments/1');
    assert.deepEqual([unassigned.name, unassigned._links['resource-handler']], ['Unassigned', {}]);
    const { body: environment } = await admin.expect(200, 'GET', 'environments/2');
    assert.deepEqual([environment['auto-approval'], environment.rate], [false, '0.00/month']);
    assert.equal(environment._links['os-builds'].length, 2);
    assert.equal(environment.networks.length, 2);
    const { body: custom } = await admin.expect(200, 'GET', 'blueprints/1');
    assert.deepEqual(
      [custom.name, custom['is-orderable'], custom['any-group-can-deploy'], custom['resource-type']],
      ['Custom Server', true, true, {}],
    );
    assert.deepEqual(
      custom['build-items'].map(({ name, type }: { name: string; type: string }) => [name, type]),
      [['Server', 'provserver']],
    );
    const { body: service } = await admin.expect(200, 'GET', 'blueprints/2');
    assert.equal(service['resource-type'].name, 'service');
    assert.equal(service.parameters[0].name, 'page-title-a2');
    const { body: actions } = await admin.expect(200, 'GET', 'service-actions/');
    assert.deepEqual(
      actions._embedded.map(({ name }: { name: string }) => name),
      ['Delete', 'Scale'],
    );
    assert.equal((await admin.expect(200, 'GET', 'server-actions/1')).body.label, 'Say Hello');
  });

  test('has the parameters and preconfigurations of the documented order, in its environment', async () => {
    const { rows } = await pool.query<{ name: string }>(
      `select p.name from parameter_uses u join parameters p on p.uid = u.parameter_uid
       join ordering_environments e on e.uid = u.environment_uid where e.number = 2 order by p.number`,
    );
    const names = [
      'cpu_cnt',
      'mem_size',
      'disk_size',
      'new_disk_size',
      'expiration_date',
      'new_password',
      'sc_nic_0',
    ];
    assert.deepEqual(
      rows.map(({ name }) => name),
      names,
    );
    const { rows: bundles } = await pool.query<{ name: string; choices: string[] }>(
      `select p.name, array_agg(c.name order by c.position) as choices from preconfigurations p
       join preconfiguration_choices c on c.preconfiguration_uid = p.uid group by p.name order by p.name desc`,
    );
    assert.deepEqual(bundles, [
      { name: 'vm_size', choices: ['small', 'medium', 'large'] },
      { name: 'sw_stack', choices: ['Dev', 'Prod'] },
    ]);
  });
});

describe('groups', () => {
  test('are made below others, seen from above, and told with what belongs to them', async () => {
    const { body: made } = await admin.expect(201, 'POST', 'groups/', {
      name: 'Development',
      type: 'Department',
      parent: '/api/v2/groups/2/',
      environments: ['/api/v2/environments/2'],
      'auto-approval': true,
    });
    assert.deepEqual([made.type, made['auto-approval']], ['Department', true]);
    assert.equal(made._links.environments[0].title, 'Local');
    assert.equal(made._links['orderable-environments'].title, `Orderable Environments For 'Development'`);
    const { body: parent } = await admin.expect(200, 'GET', 'groups/2');
    assert.deepEqual(parent._links.subgroups, [{ href: made._links.self.href, title: 'Development' }]);
    const { speak } = await aPerson('above', [inGroup(2, 'viewer')]);
    assert.equal((await speak.get(made._links.self.href)).status, 200);
    const { speak: below } = await aPerson('below', [inGroup(made.id, 'viewer')]);
    assert.equal((await below.get('groups/2')).status, 404);
    assert.equal((await below.expect(200, 'GET', 'groups/')).body.total, 1);
  });

  test('have a name that none of their siblings has', async () => {
    await admin.expect(201, 'POST', 'groups/', { name: 'Twins', type: 'Organization' });
    const again = await admin.post('groups/', { name: 'twins', type: 'Organization' });
    assert.equal(again.status, 409);
    await admin.expect(201, 'POST', 'groups/', {
      name: 'Twins',
      type: 'Organization',
      parent: '/api/v2/groups/2',
    });
  });

  test('are deleted only when nothing is left of them', async () => {
    const { body } = await admin.expect(201, 'POST', 'groups/', {
      name: 'Short-lived',
      type: 'Organization',
    });
    await admin.expect(201, 'POST', 'groups/', {
      name: 'Child',
      type: 'Organization',
      parent: body._links.self.href,
    });
    const refused = await admin.delete(`groups/${body.id}/`);
    assert.equal(refused.status, 409);
    assert.match(refused.body.error, /1 subgroups/);
    const { body: found } = await admin.get('groups/?filter=name:Child');
    await admin.expect(204, 'DELETE', `groups/${found._embedded[0].id}`);
    await admin.expect(204, 'DELETE', `groups/${body.id}`);
    assert.equal((await admin.get(`groups/${body.id}`)).status, 404);
  });

  test('a name that is taken by two requests at once is given to one', async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => admin.post('groups', { name: 'Race', type: 'Organization' })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409, 409]);
  });
});

describe('what may be ordered where', () => {
  test('orderable groups are told in both spellings, to a requestor and not to a viewer', async () => {
    const { speak, id } = await aPerson('ada', [inGroup(2, 'requestor')], {
      'first-name': 'Ada',
      'last-name': 'Lovelace',
    });
    const { body } = await speak.expect(200, 'GET', `users/${id}/orderable-groups`);
    const self = {
      href: `/api/v2/users/${id}/orderable-groups/`,
      title: `Orderable Groups Where 'Ada Lovelace' Is A Requestor`,
    };
    const item = { self: { href: '/api/v2/groups/2', title: 'Default' } };
    assert.deepEqual(body, {
      _links: { self },
      links: { self },
      total: 1,
      count: 1,
      _embedded: [{ _links: item, link: item, name: 'Default', id: '2' }],
    });
    const { speak: viewer, id: other } = await aPerson('onlooker', [inGroup(2, 'viewer')]);
    assert.equal((await viewer.expect(200, 'GET', `users/${other}/orderable-groups/`)).body.total, 0);
  });

  test('orderable environments leave out the one that collects, orderable blueprints what is not offered', async () => {
    const { body } = await admin.expect(200, 'GET', 'groups/2/orderable-environments/');
    assert.deepEqual(
      body._embedded.map(({ name }: { name: string }) => name),
      ['Local'],
    );
    assert.equal(body.links.self.title, `Orderable Environments For 'Default'`);
    await admin.expect(201, 'POST', 'blueprints/', {
      name: 'Hidden',
      'is-orderable': 'false',
      'any-group-can-deploy': true,
    });
    const { body: offers } = await admin.expect(200, 'GET', 'groups/2/orderable-blueprints/');
    assert.deepEqual(
      offers._embedded.map(({ name }: { name: string }) => name),
      ['Custom Server', 'Web Service'],
    );
  });
});

describe('environments, OS builds and applications', () => {
  test('are made of each other, told with their links, and deleted', async () => {
    const { body: build } = await admin.expect(201, 'POST', 'os-builds/', {
      name: 'CentOS 7',
      description: 'Old',
      'os-family': 'Linux -> CentOS',
    });
    assert.equal(build['os-family'], 'Linux -> CentOS');
    const { body: app } = await admin.expect(201, 'POST', 'applications/', { name: 'nginx' });
    const { body: environment } = await admin.expect(201, 'POST', 'environments/', {
      name: 'Second',
      groups: ['/api/v2/groups/2'],
      'os-builds': [build._links.self.href],
      applications: [app._links.self.href],
      networks: ['blue'],
      auto_approval: 1,
    });
    assert.equal(environment['auto-approval'], true);
    assert.equal(environment.auto_approval, true);
    assert.deepEqual(environment._links['os-builds'], [{ href: build._links.self.href, title: 'CentOS 7' }]);
    const { body: again } = await admin.expect(200, 'GET', build._links.self.href);
    assert.deepEqual(again._links.environments, [{ href: environment._links.self.href, title: 'Second' }]);
    assert.equal((await admin.post('environments', { name: 'second' })).status, 409);
    assert.equal((await admin.post('os-builds', { name: 'centos 7' })).status, 409);
    await admin.expect(204, 'DELETE', environment._links.self.href);
    await admin.expect(204, 'DELETE', build._links.self.href);
    await admin.expect(204, 'DELETE', app._links.self.href);
    assert.equal((await admin.get(environment._links.self.href)).status, 404);
  });

  test('the environment that collects stays', async () => {
    assert.equal((await admin.delete('environments/1')).status, 409);
  });

  test('people see environments of their groups alone', async () => {
    await admin.expect(201, 'POST', 'environments/', { name: 'Nobody’s' });
    const { speak } = await aPerson('resident', [inGroup(2, 'requestor')]);
    const { body } = await speak.expect(200, 'GET', 'environments/');
    assert.deepEqual(
      body._embedded.map(({ name }: { name: string }) => name),
      ['Local'],
    );
  });
});

describe('blueprints', () => {
  test('are offered with items of servers and actions, to groups and to those below them', async () => {
    const { body: parent } = await admin.expect(201, 'POST', 'groups/', {
      name: 'Shop',
      type: 'Organization',
    });
    const { body: child } = await admin.expect(201, 'POST', 'groups/', {
      name: 'Tills',
      type: 'Organization',
      parent: parent._links.self.href,
    });
    const { body } = await admin.expect(201, 'POST', 'blueprints/', {
      name: 'Till',
      groups: [parent._links.self.href],
      'resource-type': 'till',
      'build-items': [
        { name: 'Machine', type: 'provserver', 'hostname-template': 'till0X' },
        { name: 'Greet', type: 'script', 'action-name': 'say hello', 'deploy-seq': 5 },
      ],
    });
    assert.deepEqual(
      body['build-items'].map((item: Record<string, unknown>) => [item.name, item.type, item['deploy-seq']]),
      [
        ['Machine', 'provserver', 1],
        ['Greet', 'script', 5],
      ],
    );
    assert.match(body['build-items'][0]['global-id'], /^BDI-[a-z0-9]{8}$/);
    const { body: orderable } = await admin.expect(200, 'GET', `groups/${child.id}/orderable-blueprints`);
    assert.ok(orderable._embedded.some(({ name }: { name: string }) => name === 'Till'));
    const { speak } = await aPerson('stranger-to-tills', [inGroup(2, 'requestor')]);
    assert.equal((await speak.get(body._links.self.href)).status, 404);
    const wrong = await admin.post('blueprints', {
      name: 'Wrong',
      'build-items': [{ name: 'A', type: 'loadbalancer' }],
    });
    assert.equal(wrong.status, 400);
    assert.equal((await admin.get('blueprints/?filter=name:Wrong')).body.total, 0);
    await admin.expect(204, 'DELETE', body._links.self.href);
  });

  test('wrap a blueprint that was uploaded: its inputs are the parameters', async () => {
    const yaml = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  port: {type: integer, default: 80, description: Where it listens, constraints: [{in_range: [1, 65535]}]}
  stage: {type: string, constraints: [{valid_values: [dev, prod]}]}
node_templates:
  thing: {type: cloudify.nodes.Root}
`;
    const caller = await core.callers.actingAs('admin', 'default_tenant', 'test');
    const { create } = await import('tar');
    const { mkdtempSync, writeFileSync, mkdirSync } = await import('node:fs');
    const { join } = await import('node:path');
    const { tmpdir } = await import('node:os');
    const folder = mkdtempSync(join(tmpdir(), 'orrery-offer-'));
    mkdirSync(join(folder, 'b'));
    writeFileSync(join(folder, 'b', 'blueprint.yaml'), yaml);
    const chunks: Buffer[] = [];
    for await (const chunk of create({ cwd: folder, gzip: true }, ['b'])) chunks.push(chunk as Buffer);
    const uploaded = await fetch(`${url}/api/v3.1/blueprints/uploaded`, {
      method: 'PUT',
      headers: {
        tenant: 'default_tenant',
        authorization: `Basic ${Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')}`,
        'content-type': 'application/octet-stream',
      },
      body: new Uint8Array(Buffer.concat(chunks)),
    });
    assert.ok(uploaded.ok, await uploaded.text());
    await core.blueprintUploads.settled();
    assert.ok(caller);
    const { body } = await admin.expect(201, 'POST', 'blueprints/', {
      name: 'From elsewhere',
      'uploaded-blueprint': 'uploaded',
    });
    assert.equal(body['uploaded-blueprint'], 'uploaded');
    assert.deepEqual(
      body.parameters.map((each: Record<string, unknown>) => [
        each.name,
        each.type,
        each.required,
        each.options,
        each.constraints,
      ]),
      [
        ['port', 'INT', false, [], { minimum: 1, maximum: 65535 }],
        ['stage', 'STR', true, ['dev', 'prod'], { minimum: null, maximum: null }],
      ],
    );
    assert.equal(
      (await admin.post('blueprints', { name: 'Nothing there', 'uploaded-blueprint': 'no' })).status,
      404,
    );
  });
});

describe('users', () => {
  test('are told with dotted keys, and made with their roles or not at all', async () => {
    const { body } = await aPerson('grace', [inGroup(2, 'requestor', 'approver')], {
      'first-name': 'Grace',
      email: 'g@example.com',
    });
    assert.deepEqual(
      [
        body['user.username'],
        body['user.first-name'],
        body['user.email'],
        body['user.is-superuser'],
        body['user.is-active'],
      ],
      ['grace', 'Grace', 'g@example.com', false, true],
    );
    assert.deepEqual(body._links.groups, [{ href: '/api/v2/groups/2', title: 'Default' }]);
    const wrong = { username: 'half', password: 'half-password', groups: [inGroup(2, 'emperor')] };
    assert.equal((await admin.post('users/', wrong)).status, 400);
    assert.equal((await admin.get('users/?filter=user.username:half')).body.total, 0);
    assert.equal((await admin.post('users/', { username: 'grace', password: 'other-password' })).status, 409);
  });

  test('a user without roles sees nothing, and may order nowhere', async () => {
    const { speak, id } = await aPerson('nobody');
    for (const list of [
      'groups',
      'environments',
      'blueprints',
      'os-builds',
      'applications',
      'resource-types',
      'actions',
      'rules',
    ]) {
      assert.equal((await speak.expect(200, 'GET', `${list}/`)).body.total, 0, list);
    }
    assert.equal((await speak.expect(200, 'GET', `users/${id}/orderable-groups`)).body.total, 0);
    assert.equal((await speak.expect(200, 'GET', 'users/')).body.total, 1);
  });

  test('the one who asks is a singleton, with the same link as the item', async () => {
    const { speak, id } = await aPerson('myself');
    const { body } = await speak.expect(200, 'GET', 'user/?attributes=user.date-joined');
    assert.equal(body._links.self.href, `/api/v2/users/${id}`);
    assert.match(body['user.date-joined'], /^\d{4}-\d\d-\d\dT/);
  });

  test('leave with what they had', async () => {
    const { id } = await aPerson('leaving', [inGroup(2, 'viewer')]);
    await admin.expect(204, 'DELETE', `users/${id}/`);
    assert.equal((await admin.get(`users/${id}`)).status, 404);
  });

  test('kinds of users are those of the installation', async () => {
    const { body: manager } = await aPerson('manager', [], { 'devops-admin': true });
    assert.equal(manager['devops-admin'], true);
    const { body: viewer, speak } = await aPerson('reader', [], { 'global-viewer': 'TRUE' });
    assert.equal(viewer['global-viewer'], true);
    assert.ok((await speak.expect(200, 'GET', 'groups/')).body.total >= 2);
    assert.equal((await speak.post('groups/', { name: 'No', type: 'Organization' })).status, 403);
  });
});
