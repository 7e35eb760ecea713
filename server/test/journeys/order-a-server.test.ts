/**
 * The story that CloudBolt's document tells (seeds: cloudbolt-api-v2.txt, "Sample Use Case"), over HTTP, with its own bodies: a token, the
 * groups and environments one may order in, a server ordered and built, a change of it, and its end. The server is a process.
 * Then a server with a password (specs: cloudbolt.md §6.5), which is searched for in everything that was kept, logged and answered.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf } from '../dialects/cloudify-v3/client.js';
import { ADMIN, aServer } from '../support/a-server.js';
import { assertClean, assertTablesClean } from '../support/canary.js';
import { cloudbolt } from '../support/cloudbolt-client.js';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
type Answer = any;

const server = await aServer({ ORRERY_LOG_LEVEL: 'trace' }, { worker: true, selfService: true });
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

const FIRST = 'canary-one-7f3a91c2d8';
const SECOND = 'canary-two-b40e6655aa';
const USUAL = 'canary-usual-19cd20ee';

const answers: string[] = [];
const person = async (credentials: { readonly username: string; readonly password: string }) => {
  const client = await cloudbolt(server.url, credentials);
  const ask = async (method: string, href: string, body?: object) => {
    const answer = await client.ask(method, href, body);
    answers.push(`${method} ${href} ${JSON.stringify(answer.body)}`);
    return answer;
  };
  const fine = async (method: string, href: string, body?: object): Promise<Answer> => {
    const { status, body: told } = await ask(method, href, body);
    assert.ok(status < 300, `${method} ${href}: ${status} ${JSON.stringify(told)}`);
    return told;
  };
  const refused = async (status: number, reason: RegExp, method: string, href: string, body?: object) => {
    const answer = await ask(method, href, body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.error, reason);
  };
  return { ask, fine, refused, ended: client.ended };
};
const hrefOf = (thing: Answer): string => thing._links.self.href;

const admin = await person(ADMIN);
const groups = (await admin.fine('GET', '/api/v2/groups/'))._embedded;
const open = hrefOf(groups.find((one: Answer) => one.name === 'Default'));
const place = hrefOf((await admin.fine('GET', `${open}/orderable-environments/`))._embedded[0]);
const custom = hrefOf(
  (await admin.fine('GET', '/api/v2/blueprints/?filter=name:Custom Server'))._embedded[0],
);
const held = hrefOf(
  await admin.fine('POST', '/api/v2/groups/', { name: 'Held', type: 'Organization', environments: [place] }),
);
const member = async (username: string, role: string) => {
  const credentials = { username, password: `${username}-password-1` };
  await admin.fine('POST', '/api/v2/users/', { ...credentials, groups: [{ group: held, roles: [role] }] });
  return person(credentials);
};
const rita = await member('rita', 'requestor');
const aaron = await member('aaron', 'approver');

const deploy = (parameters: object, environment = place) => ({
  blueprint: custom,
  'blueprint-items-arguments': { 'build-item-Server': { environment, parameters } },
});
const order = (item: object, list = 'deploy-items', group = held) => ({
  group,
  items: { [list]: [item] },
  'submit-now': 'true',
});
const sealed = async () =>
  (
    await server.pool.query(
      "select place from sealed_values where place ~ '^(passwords|servers)/' order by 1",
    )
  ).rows.length;
const asks = async ({ ip, port }: Answer, password?: string) => {
  const authorization = `Basic ${Buffer.from(`root:${password}`).toString('base64')}`;
  const answer = await fetch(
    `http://${ip}:${port}/`,
    password === undefined ? {} : { headers: { authorization } },
  );
  return answer.status;
};

const approved = async (waiting: Answer) =>
  aaron.ended(await aaron.fine('POST', `${hrefOf(waiting)}/actions/approve/`));

test('a password is refused where it could not be set, or is none, before anything is stored', async () => {
  const at = (body: object) => ['POST', '/api/v2/orders/', body] as const;
  const orders = (await server.pool.query('select from orders')).rowCount;
  await admin.fine('POST', '/api/v2/parameters/', { name: 'db_password', type: 'PWD' });
  await rita.refused(
    400,
    /db-password.* nothing on a server takes/,
    ...at(order(deploy({ 'db-password': FIRST }))),
  );
  for (const wrong of ['******', `${FIRST}\nroot:x`, [FIRST], FIRST.repeat(30)]) {
    await rita.refused(400, /'new-password'/, ...at(order(deploy({ 'new-password': wrong }))));
  }
  // What stands for a password cannot be written.
  await admin.fine('POST', '/api/v2/parameters/', { name: 'sealed', type: 'STR' });
  const named = await rita.fine(
    'POST',
    '/api/v2/orders/?dry-run=1',
    order(deploy({ sealed: 'environment-2-6' })),
  );
  assert.match(JSON.stringify(named.items), /"parameters":\{"sealed":"environment-2-6"\}/);
  for (const forged of [{ password: 'environment-2-6' }, { sealed: { password: 'environment-2-6' } }])
    await rita.refused(400, /'sealed'/, ...at(order(deploy({ sealed: forged }))));
  const settings = { region: 'eu-central-1' };
  const credentials = { access_key_id: 'id', secret_access_key: 'key' };
  const cloud = await server.core.cloudAccounts.create(
    await server.core.callers.actingAs('admin', 'default_tenant', 'test'),
    { name: 'Far', kind: 'aws', settings, secrets: credentials },
  );
  const handler = `/api/v2/resource-handlers/${cloud.uid}/`;
  const far = await admin.fine('POST', '/api/v2/environments/', {
    ...{ name: 'Far', groups: [held], 'resource-handler': handler },
  });
  const there = deploy({ 'new-password': FIRST }, hrefOf(far));
  await rita.refused(400, /'new_password' cannot be set on 'Far': .*user data/, ...at(order(there)));
  await admin.refused(400, /one value/, 'POST', '/api/v2/parameters/', {
    ...{ name: 'several', type: 'PWD', 'allow-multiple': true },
  });
  const shown = await rita.fine(
    'POST',
    '/api/v2/orders/?dry-run=1',
    order(deploy({ 'new-password': FIRST })),
  );
  assert.match(JSON.stringify(shown.items), /"new-password":"\*{6}"/);
  assert.equal((await server.pool.query('select from orders')).rowCount, orders);
  assert.equal(await sealed(), 0);
});

test('a password reaches the server alone, whoever approves, changes, orders again or looks', async () => {
  const wanted = await rita.fine('POST', '/api/v2/orders/', order(deploy({ 'new-password': FIRST })));
  assert.equal(wanted.status, 'PENDING');
  const again = await rita.fine('GET', `${hrefOf(wanted)}/request/`);
  await rita.refused(400, /'new-password' is masked/, 'POST', '/api/v2/orders/', again);
  const built = await approved(wanted);
  assert.equal(built.status, 'SUCCESS', JSON.stringify(built));
  const web = built._links.servers[0].href;
  const about = await rita.fine('GET', web);
  assert.deepEqual(
    [about.credentials.password, about.parameters['new-password']],
    ['******', '******'],
    JSON.stringify(about),
  );
  assert.deepEqual([await asks(about), await asks(about, 'no'), await asks(about, FIRST)], [401, 401, 200]);

  // Of what carries a password, only who wrote it orders the same again, and each order keeps its own.
  await aaron.refused(403, /only its owner/, 'POST', `${hrefOf(wanted)}/actions/duplicate/`);
  const before = await sealed();
  const copy = await rita.fine('POST', `${hrefOf(wanted)}/actions/duplicate/`);
  assert.equal(await sealed(), before + 1);
  await rita.ask('DELETE', hrefOf(copy));
  await rita.fine('POST', `${hrefOf(wanted)}/actions/duplicate/`);
  assert.equal(await server.core.orders.forget(0), 1);
  assert.equal(await sealed(), before);

  const change = { server: web, parameters: { new_password: SECOND, mem_size: '2 GB' } };
  const changing = await admin.fine('POST', '/api/v2/orders/', order(change, 'mod-items'));
  assert.deepEqual(changing.items['mod-items'][0].delta, {
    ...{ 'Mem Size': '1 GB -> 2 GB', 'New Password': '****** -> ******' },
  });
  assert.equal((await approved(changing)).status, 'SUCCESS');
  const changed = await rita.fine('GET', web);
  assert.deepEqual([await asks(changed, FIRST), await asks(changed, SECOND)], [401, 200]);
  assert.equal(changed['mem-size'], '2.0000 GB');

  // What a place gives where nothing is said is as secret, and asked for in every way the same.
  const uses = `${place}/parameters/`;
  const said = await admin.fine('POST', uses, { parameter: 'new_password', default: USUAL, required: true });
  assert.equal(said._embedded.find((one: Answer) => one.name === 'new-password').default, '******');
  const other = await admin.ended(
    await admin.fine('POST', '/api/v2/orders/', order({ environment: place }, 'prov-items', open)),
  );
  assert.equal(other.status, 'SUCCESS', JSON.stringify(other));
  const second = await admin.fine('GET', other._links.servers[0].href);
  assert.deepEqual([await asks(second), await asks(second, USUAL)], [401, 200]);
  const kept = await sealed();
  await admin.ask('DELETE', `${uses}new_password/`);
  assert.equal(await sealed(), kept - 1);

  await lookEverywhere([hrefOf(wanted), hrefOf(changing), hrefOf(other)]);
  const ending = await approved(
    await admin.fine('POST', '/api/v2/orders/', order({ servers: [web] }, 'decom-items')),
  );
  assert.equal(ending.status, 'SUCCESS');
  assert.equal(await sealed(), kept - 2, 'it goes with its server');

  assert.ok(server.lines.length > 50 && answers.length > 50, 'what is searched is there');
  const all = [FIRST, SECOND, USUAL];
  for (const answer of answers) assertClean(all, 'an answer', answer);
  assertClean(all, 'the log', server.lines.join('\n'));
  await assertTablesClean(server, all);
});

/** Whatever could tell it by mistake, in CloudBolt's words and in Cloudify's. */
async function lookEverywhere(orders: readonly string[]): Promise<void> {
  for (const href of orders) {
    const { _links } = await admin.fine('GET', href);
    for (const list of ['deploy-items', 'prov-items', 'mod-items'])
      await admin.ask('GET', `${href}/${list}/`);
    await admin.fine('GET', `${href}/request/`);
    for (const job of _links.jobs) {
      await admin.fine('GET', job.href);
      answers.push(await (await cloudbolt(server.url, ADMIN)).text(`${job.href}/log/`));
    }
  }
  for (const path of ['servers', 'orders', 'jobs', 'parameters']) await admin.fine('GET', `/api/v2/${path}/`);
  await admin.fine('GET', `${place}/parameters/`);
  const plain = clientOf(server);
  for (const path of [
    '/blueprints',
    '/deployments',
    '/nodes?_evaluate_functions=true',
    '/node-instances',
    '/executions',
    '/operations',
    '/events?_size=10000',
    '/audit',
  ]) {
    const { text } = await plain('GET', path);
    answers.push(text);
  }
}
