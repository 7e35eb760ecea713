import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { run } from '../src/run.js';
import { aWorld, type HeldWorld } from './support/a-world.js';
import { at, PlayedServer, page, refuse } from './support/played-server.js';

let server: PlayedServer;
let worlds: HeldWorld[] = [];

before(async () => {
  server = await PlayedServer.start();
});
after(() => server.stop());
beforeEach(() => {
  server.asked.length = 0;
  server.routes.clear();
  server.events.length = 0;
  server.executions.clear();
  server.steps.length = 0;
});
afterEach(() => {
  for (const world of worlds) world.remove();
  worlds = [];
});

function world(options: Parameters<typeof aWorld>[0] = {}): HeldWorld {
  const made = aWorld({
    ...options,
    env: { ORRERY_URL: server.url, ORRERY_PASSWORD: 'secret-word', ...options.env },
  });
  worlds.push(made);
  return made;
}

const DEPLOYMENT = {
  id: 'hello',
  display_name: 'hello',
  blueprint_id: 'hello-world',
  inputs: { port: 0 },
  workflows: [{ name: 'install' }, { name: 'uninstall' }],
  labels: [],
  installation_status: 'active',
  deployment_status: 'good',
  latest_execution: 'e1',
  latest_execution_status: 'completed',
  latest_execution_workflow_id: 'install',
  created_at: at(0),
  created_by: 'admin',
  visibility: 'tenant',
  tenant_name: 'default_tenant',
};

test('requests carry Basic credentials and the tenant', async () => {
  const here = world();
  assert.equal(await run(['status', '--tenant', 'blue', '-u', 'ada'], here), 0);
  const { headers } = server.askedFor('GET', '/status')[0] ?? {};
  assert.equal(headers?.tenant, 'blue');
  assert.equal(headers?.authorization, `Basic ${Buffer.from('ada:secret-word').toString('base64')}`);
  assert.match(here.out(), /status +OK/);
  assert.doesNotMatch(here.out() + here.err(), /secret-word/);
});

test('a token goes into its own header, and no password beside it', async () => {
  const here = world({ env: { ORRERY_TOKEN: 'ctok-1-x' } });
  assert.equal(await run(['status'], here), 0);
  const { headers } = server.askedFor('GET', '/status')[0] ?? {};
  assert.equal(headers?.['authentication-token'], 'ctok-1-x');
  assert.equal(headers?.authorization, undefined);
});

test('a list is a plain table without a terminal, JSON and YAML on demand, ids with -q', async () => {
  server.answer('GET /deployments', 200, page([DEPLOYMENT]));
  const table: [string[], RegExp][] = [
    [
      [],
      /^ID +BLUEPRINT +INSTALLED +STATUS +LATEST +CREATED +BY\nhello +hello-world +active +good +install completed +2026-11-22T08:00:00\.000Z +admin\n$/,
    ],
    [['-q'], /^hello\n$/],
    [['-o', 'json'], /^\[\n {2}\{\n {4}"id": "hello"/],
    [['-o', 'yaml'], /^- id: hello\n/],
  ];
  for (const [options, expected] of table) {
    const here = world();
    assert.equal(await run(['deployments', 'list', ...options], here), 0);
    assert.match(here.out(), expected);
    assert.equal(here.err(), '');
  }
});

test('a list says on standard error how many more there are', async () => {
  server.answer('GET /deployments', 200, {
    items: [DEPLOYMENT],
    metadata: { pagination: { total: 12, offset: 0, size: 1 } },
  });
  const here = world();
  await run(['deployments', 'list', '--size', '1'], here);
  assert.match(here.err(), /deployments 1 to 1 of 12\. More: --offset 1, or --all/);
});

test('--all asks page by page until everything is there', async () => {
  server.routes.set('GET /deployments', (asked, response) => {
    const offset = Number(asked.query.get('_offset'));
    const items = Array.from({ length: Math.min(2, 5 - offset) }, (_, index) => ({
      ...DEPLOYMENT,
      id: `d${offset + index}`,
    }));
    response.end(JSON.stringify({ items, metadata: { pagination: { total: 5, offset, size: 2 } } }));
  });
  const here = world();
  assert.equal(await run(['deployments', 'list', '--all', '-q'], here), 0);
  assert.equal(here.out(), 'd0\nd1\nd2\nd3\nd4\n');
});

test('the order, the page and the search reach the server in its own words', async () => {
  server.answer('GET /deployments', 200, page([]));
  const here = world();
  await run(['deployments', 'list', '--sort', '-id', '--search', 'he', '--offset', '5', '-b', 'shop'], here);
  const query = server.askedFor('GET', '/deployments')[0]?.query;
  assert.equal(query?.get('_sort'), '-id');
  assert.equal(query?.get('_search'), 'he');
  assert.equal(query?.get('_offset'), '5');
  assert.equal(query?.get('blueprint_id'), 'shop');
});

test('a deployment is created with inputs from words and files', async () => {
  server.answer('PUT /deployments/shop', 201, { ...DEPLOYMENT, id: 'shop' });
  const here = world();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${here.cwd}/more.yaml`, 'port: 1\nnames: [a, b]\n');
  const code = await run(
    [
      'deployments',
      'create',
      'shop',
      '-b',
      'hello-world',
      '-i',
      'more.yaml',
      '-i',
      'port=8080',
      '-l',
      'team=red',
    ],
    here,
  );
  assert.equal(code, 0, here.err());
  const body: unknown = JSON.parse(server.askedFor('PUT', '/deployments/shop')[0]?.body.toString() ?? '');
  assert.deepEqual(body, {
    blueprint_id: 'hello-world',
    inputs: { port: 8080, names: ['a', 'b'] },
    labels: [{ team: 'red' }],
  });
  assert.equal(here.out(), '✔ Deployment shop created from hello-world\n');
});

test('a refused request tells the message, the code, the request and the way out; exit code 1', async () => {
  server.routes.set('PUT /deployments/x', (_asked, response) =>
    refuse(
      response,
      400,
      'missing_required_deployment_input_error',
      'Required inputs port were not specified\nexpected: port',
    ),
  );
  const here = world();
  assert.equal(await run(['deployments', 'create', 'x', '-b', 'y'], here), 1);
  assert.equal(
    here.err(),
    [
      'error: Required inputs port were not specified',
      '  expected: port',
      '  (400 missing_required_deployment_input_error, PUT /api/v3.1/deployments/x)',
      '  → Give it with -i NAME=VALUE, or many with -i inputs.yaml',
      '',
    ].join('\n'),
  );
});

test('with -o json a trouble is one JSON line on standard error', async () => {
  const here = world();
  assert.equal(await run(['executions', 'get', 'nope', '-o', 'json'], here), 1);
  const told = JSON.parse(here.err()) as { error: { message: string; status: number; error_code: string } };
  assert.equal(told.error.status, 404);
  assert.equal(told.error.error_code, 'not_found_error');
  assert.equal(here.out(), '');
});

test('wrong credentials end with 5 and say where they come from', async () => {
  server.routes.set('*', (_asked, response) =>
    refuse(response, 401, 'unauthorized_error', 'User unauthorized: bad password'),
  );
  const here = world();
  assert.equal(await run(['deployments', 'list'], here), 5);
  assert.match(here.err(), /The credentials come from ORRERY_PASSWORD/);
});

test('a server that does not answer ends with 4 and says how to start one', async () => {
  const gone = await PlayedServer.start();
  await gone.stop();
  const here = world({ env: { ORRERY_URL: gone.url } });
  assert.equal(await run(['deployments', 'list'], here), 4);
  assert.match(here.err(), /No server answers at http:\/\/127\.0\.0\.1:\d+ \(connection refused\)\./);
  assert.match(here.err(), /npm start/);
});

test('an answer that is not JSON is told as such', async () => {
  server.routes.set('*', (_asked, response) => {
    response.writeHead(502, { 'content-type': 'text/html' });
    response.end('<html><h1>Bad   gateway</h1></html>');
  });
  const here = world();
  assert.equal(await run(['deployments', 'list'], here), 1);
  assert.match(here.err(), /error: The server answered 502: Bad gateway/);
});

test('bad usage sends nothing, ends with 2 and names what was probably meant', async () => {
  const table: [string[], RegExp][] = [
    [['deploymets', 'list'], /Did you mean: orrery deployments/],
    [['deployments', 'lst'], /Did you mean: orrery deployments list/],
    [['deployments', 'frobnicate'], /Verbs of deployments: create, list/],
    [['install'], /orrery executions start install -d DEPLOYMENT/],
    [['upload'], /orrery blueprints upload/],
    [['deployments', 'list', '--blueprnt', 'x'], /Did you mean: --blueprint/],
    [['deployments', 'list', '-o', 'jsn'], /Did you mean: --output json/],
    [['deployments', 'list', '--size', 'many'], /--size needs a whole number/],
    [['deployments', 'list', '--size'], /--size needs a value/],
    [['deployments', 'list', '--all=yes'], /--all takes no value/],
    [['deployments', 'get'], /DEPLOYMENT is missing/],
    [['deployments', 'get', 'a', 'b'], /"b" is one word too many/],
    [['deployments', 'create', 'x'], /--blueprint is missing/],
    [['deployments', 'create', 'x', '-b', 'y', '-i', 'nofile'], /neither NAME=VALUE nor a file/],
    [['executions', 'follow'], /Name the execution/],
    [['blueprints', 'upload', '/nowhere'], /There is no file or folder/],
    [['events', 'list', '--since', 'soon'], /--since cannot be "soon"/],
    [['status', '--profile', 'none'], /There is no profile "none"/],
    [['status', '--url', 'ftp://x'], /only http and https/],
    [['completion', 'tcsh'], /not a shell we know/],
  ];
  for (const [words, expected] of table) {
    const here = world();
    assert.equal(await run(words, here), 2, words.join(' '));
    assert.match(here.err(), expected, words.join(' '));
    assert.equal(here.out(), '');
  }
  assert.equal(server.asked.length, 0);
});

test('help works on every level, and a noun alone shows its verbs', async () => {
  const table: [string[], number, RegExp][] = [
    [['--help'], 0, /orrery NOUN VERB/],
    [['help', 'events', 'list'], 0, /orrery events list/],
    [['deployments', '--help'], 0, /create +Make a deployment/],
    [['deployments', 'create', '--help'], 0, /-i, --input NAME=VALUE\|FILE/],
    [['status', '-h'], 0, /orrery status/],
    [['deployments'], 2, /create +Make a deployment/],
    [[], 2, /orrery NOUN VERB/],
  ];
  for (const [words, code, expected] of table) {
    const here = world();
    assert.equal(await run(words, here), code, words.join(' '));
    assert.match(code === 0 ? here.out() : here.err(), expected, words.join(' '));
  }
});

test('deleting a deployment waits until it is gone', async () => {
  let looks = 0;
  server.answer('DELETE /deployments/hello', 204, undefined);
  server.routes.set('GET /deployments/hello', (_asked, response) => {
    looks++;
    if (looks < 3) response.end(JSON.stringify({ id: 'hello' }));
    else refuse(response, 404, 'not_found_error', 'gone');
  });
  const here = world();
  assert.equal(await run(['deployments', 'delete', 'hello', '--force'], here), 0);
  assert.equal(looks, 3);
  assert.equal(server.askedFor('DELETE', '/deployments/hello')[0]?.query.get('force'), 'true');
  assert.equal(here.out(), '✔ Deployment hello deleted\n');
});

test('outputs and capabilities show evaluated values', async () => {
  server.answer('GET /deployments/hello/capabilities', 200, {
    deployment_id: 'hello',
    capabilities: { url: 'http://127.0.0.1:4711', ports: [1, 2], nothing: null },
  });
  const here = world();
  assert.equal(await run(['deployments', 'capabilities', 'hello'], here), 0);
  assert.equal(here.out(), 'url      http://127.0.0.1:4711\nports    [1,2]\nnothing  -\n');
});

test('executions are started with what was asked, and the way to watch is told', async () => {
  server.answer('POST /executions', 201, server.execution());
  const here = world();
  assert.equal(
    await run(
      ['executions', 'start', 'install', '-d', 'hello', '-p', 'a={b: 1}', '--dry-run', '--queue'],
      here,
    ),
    0,
  );
  assert.deepEqual(JSON.parse(server.askedFor('POST', '/executions')[0]?.body.toString() ?? ''), {
    deployment_id: 'hello',
    workflow_id: 'install',
    parameters: { a: { b: 1 } },
    allow_custom_parameters: false,
    force: false,
    queue: true,
    dry_run: true,
  });
  assert.equal(here.out(), '✔ install of hello started: e1\n');
  assert.equal(here.err(), 'Watch it: orrery executions follow e1\n');
});

test('cancel, force and kill are different actions, and exclude each other', async () => {
  server.answer('POST /executions/e1', 200, server.execution({ status: 'cancelling' }));
  const table: [string[], string][] = [
    [[], 'cancel'],
    [['--force'], 'force-cancel'],
    [['--kill'], 'kill'],
  ];
  for (const [options, action] of table) {
    server.asked.length = 0;
    assert.equal(await run(['executions', 'cancel', 'e1', ...options], world()), 0);
    assert.deepEqual(JSON.parse(server.askedFor('POST', '/executions/e1')[0]?.body.toString() ?? ''), {
      action,
    });
  }
  assert.equal(await run(['executions', 'cancel', 'e1', '--force', '--kill'], world()), 2);
});

test('people say completed, the wire says terminated', async () => {
  server.answer(
    'GET /executions',
    200,
    page([server.execution({ status: 'terminated', ended_at: at(9), started_at: at(1) })]),
  );
  const here = world();
  await run(['executions', 'list', '--status', 'completed'], here);
  assert.equal(server.askedFor('GET', '/executions')[0]?.query.get('status'), 'terminated');
  assert.match(here.out(), /e1 +install +hello +completed/);
});

test('events list shows the last ones, oldest first, filtered by the server', async () => {
  for (let index = 1; index <= 5; index++) server.event({ message: `number ${index}` });
  const here = world();
  assert.equal(await run(['events', 'list', '-e', 'e1', '-n', '2', '-m', '50%'], here), 0);
  const query = server.askedFor('GET', '/events')[0]?.query;
  assert.equal(query?.get('message'), '%50\\%%');
  assert.equal(query?.get('execution_id'), 'e1');
  assert.deepEqual(
    here
      .out()
      .trim()
      .split('\n')
      .map((line) => line.split(' ').slice(-2).join(' ')),
    ['number 4', 'number 5'],
  );
});
