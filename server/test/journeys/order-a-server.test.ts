/**
 * The story that CloudBolt's document tells (seeds: cloudbolt-api-v2.txt, "Sample Use Case"), over HTTP, with its own bodies: a token, the
 * groups and environments one may order in, a server ordered and built, a change of it, and its end. The server is a process.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN, aServer } from '../support/a-server.js';
import { cloudbolt } from '../support/cloudbolt-client.js';

const server = await aServer({}, { worker: true, selfService: true });
const client = await cloudbolt(server.url, ADMIN);

test('a server is ordered, built, changed and taken away as the document tells it', async () => {
  const me = await client.get('/api/v2/user/');
  const groups = await client.get(`${me._links.self.href}/orderable-groups`);
  const group = groups._embedded.find((one: { name: string }) => one.name === 'Default')._links.self.href;
  const environments = await client.get(`${group}/orderable-environments`);
  const environment = environments._embedded[0]._links.self.href;
  const blueprints = await client.get('/api/v2/blueprints/?filter=name:Custom+Server');
  const blueprint = blueprints._embedded[0]._links.self.href;
  const builds = await client.get('/api/v2/os-builds/');

  // The group approves by itself, so the order is active at once.
  const order = await client.post('/api/v2/orders/', {
    group,
    'submit-now': 'true',
    items: {
      'deploy-items': [
        {
          blueprint,
          'blueprint-items-arguments': {
            'build-item-Server': {
              attributes: { quantity: 1 },
              environment,
              parameters: {
                'expiration-date': '2037-12-19',
                os_build: builds._embedded[0]._links.self.href,
                'vm-size': 'small',
              },
            },
          },
          'service-name': '',
        },
      ],
    },
  });
  assert.equal(order.status, 'ACTIVE');
  assert.match(order.summary, /^Provisioning of /);
  assert.equal(order.rate, '0.00/month');
  assert.deepEqual(order.items['deploy-items'][0]['blueprint-items-arguments'], {
    'build-item-Server': {
      attributes: { quantity: 1 },
      environment,
      'os-build': builds._embedded[0]._links.self.href,
      parameters: { 'expiration-date': '2037-12-19', 'vm-size': 'small' },
    },
  });
  assert.equal(order.items['deploy-items'][0]['service-name'], 'Custom Server');
  assert.ok(order._links['approved-by'].href && order._links.approved_by.href);

  const done = await client.ended(order);
  assert.equal(done.status, 'SUCCESS', JSON.stringify(done.failures));
  const [deploy, provision] = await Promise.all(
    done._links.jobs.map((job: { href: string }) => client.get(job.href)),
  );
  assert.deepEqual([deploy.type, deploy.status], ['Deploy Blueprint', 'SUCCESS']);
  assert.deepEqual([provision.type, provision.status], ['Provision Server', 'SUCCESS']);
  assert.equal(provision._links.parent.href, deploy._links.self.href);
  assert.match(provision.output, /\(ID (\d+)\)/);
  assert.ok(provision.progress.messages.length > 0);
  assert.equal(provision.progress.completed, provision.progress['total-tasks']);
  assert.match(await client.text(deploy._links.log_urls['raw-log']), /Provision|server|Starting/);

  const link = provision._links.servers[0];
  assert.deepEqual(done._links.servers, [link]);
  const { rows } = await server.pool.query(
    'select number, status, power, memory_mb, facts, deployment_uid from servers where number = $1',
    [Number(/\(ID (\d+)\)/.exec(provision.output)![1])],
  );
  assert.equal(rows[0].status, 'active');
  assert.equal(rows[0].power, 'on');
  assert.equal(rows[0].memory_mb, 1024);

  // A change: an item put into a cart, which is submitted then.
  const cart = await client.post('/api/v2/orders/', { group });
  assert.equal(cart.status, 'CART');
  const changed = await client.post(`${cart._links.self.href}/mod-items/`, {
    environment,
    server: link.href,
    parameters: { mem_size: '2 GB' },
  });
  assert.equal(changed.status, 'CART');
  assert.equal(changed.summary, `Modification of ${link.title}`);
  const [item] = changed.items['mod-items'];
  assert.deepEqual(
    { environment: item.environment, server: item.server, delta: item.delta },
    { environment, server: link.href, delta: { 'Mem Size': '1 GB -> 2 GB' } },
  );
  const submitted = await client.post(changed._links.actions[0].submit.href);
  assert.equal(submitted.status, 'ACTIVE');
  assert.equal((await client.ended(submitted)).status, 'SUCCESS');
  const bigger = await server.pool.query('select memory_mb from servers where number = $1', [rows[0].number]);
  assert.equal(bigger.rows[0].memory_mb, 2048);

  // Its end.
  const removal = await client.post('/api/v2/orders/', {
    group,
    items: { 'decom-items': [{ environment, servers: [link.href] }] },
  });
  assert.equal(removal.status, 'CART');
  assert.equal(removal.summary, `Deletion of ${link.title}`);
  assert.deepEqual(removal.items, { 'decom-items': [{ environment, servers: [link] }] });
  const going = await client.post(`${removal._links.self.href}/actions/submit/`);
  assert.equal(going.status, 'ACTIVE');
  const gone = await client.ended(going);
  assert.equal(gone.status, 'SUCCESS', JSON.stringify(gone.failures));
  const deletion = await client.get(gone._links.jobs[0].href);
  assert.deepEqual([deletion.type, deletion.status], ['Delete Server', 'SUCCESS']);
  assert.match(await client.text(deletion._links.log_urls['raw-log']), /./);
  const after = await server.pool.query('select status, power from servers where number = $1', [
    rows[0].number,
  ]);
  assert.deepEqual(after.rows, [{ status: 'historical', power: 'off' }]);
  const left = await server.pool.query('select id from deployments');
  assert.deepEqual(left.rows, []);
});
