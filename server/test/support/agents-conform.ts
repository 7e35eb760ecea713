/** What holds of agents on hosts, whatever speaks SSH there: put there, working, replaced, taken away, refused. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { clientOf, type Found } from '../dialects/cloudify-v3/client.js';
import type { Host } from './a-host.js';
import { aServer } from './a-server.js';
import { bytesOf } from './catalog.js';

const WHERE = `#!/bin/sh
ctx instance runtime_properties home "$HOME"
ctx instance runtime_properties word "$WORD"
ctx returns ran
`;

/** Makes a host whose user data is the agent's script; asking twice, as an interrupted one does, gives the same. */
const MAKE = `#!/bin/bash
set -e
script=$(ctx agent init-script)
[ "$script" = "$(ctx agent init-script)" ]
printf '%s\\n' "$script" | HOME="$AT" sh -s
ctx instance runtime_properties ip 127.0.0.1
`;

function blueprint(config: string, made = ''): string {
  return `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties:
      ip: 127.0.0.1
      agent_config: ${config}${made}
  app:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
    interfaces:
      cloudify.interfaces.lifecycle:
        create: where.sh
  other:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.contained_in, target: host}]
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: where.sh, executor: central_deployment_agent}
`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function agentsConform(name: string, start: () => Promise<Host>): Promise<void> {
  const host = await start();
  const port = await freePort();
  const server = await aServer(
    {
      ORRERY_AGENT_URL: `http://127.0.0.1:${port}`,
      ORRERY_REMOTE_LEASE_SECONDS: '5',
      ORRERY_TASK_RETRIES: '0',
      CLOUD_ENDPOINT_ALLOWLIST: '127.0.0.1:*',
    },
    { worker: true, port },
  );
  const ask = clientOf(server);
  const native = (method: string, path: string) => ask(method, path, { root: '/orrery/v1' });
  after(async () => {
    for (const folder of foldersOf(host)) spawnSync('sh', [join(folder, 'stop.sh')], { stdio: 'ignore' });
    await host.close();
  });
  assert.equal((await ask('PUT', '/secrets/door', { body: { value: host.privateKey } })).status, 200);

  let count = 0;
  async function deploy(config: string, more = ''): Promise<string> {
    count += 1;
    const archive = bytesOf({
      'blueprint.yaml': blueprint(config, more),
      'where.sh': WHERE,
      'make.sh': MAKE,
    });
    const uploaded = await ask('PUT', `/blueprints/b${count}`, { body: new Uint8Array(archive) });
    assert.equal(uploaded.status, 201, uploaded.text);
    const made = await ask('PUT', `/deployments/d${count}`, { body: { blueprint_id: `b${count}` } });
    assert.equal(made.status, 201, made.text);
    return `d${count}`;
  }
  async function run(deployment: string, workflow: string, parameters: object = {}): Promise<Found> {
    const body = { deployment_id: deployment, workflow_id: workflow, parameters };
    const started = await ask('POST', '/executions', { body });
    assert.equal(started.status, 201, started.text);
    for (;;) {
      const { json } = await ask('GET', `/executions/${started.json.id}`);
      if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  async function instance(deployment: string, node: string): Promise<Found> {
    const { json } = await ask('GET', `/node-instances?deployment_id=${deployment}&node_id=${node}`);
    return json.items![0]!;
  }
  async function agent(deployment: string): Promise<Found | undefined> {
    const { json } = await ask('GET', `/agents?_search=${(await instance(deployment, 'host')).id}`);
    return json.items![0];
  }
  const remote = (more = '') =>
    `{install_method: remote, user: ${host.user}, port: ${host.port}, key: door, env: {WORD: 'of the host'}${more}}`;

  describe(`agents on hosts behind ${name}`, () => {
    it('are not put on a host whose key nobody has told', async () => {
      const end = await run(await deploy(remote()), 'install');
      assert.equal(end.status, 'failed');
      assert.match(String(end.error), /host key of 127\.0\.0\.1 is not known/);
      assert.deepEqual(foldersOf(host), []);
    });

    it('are not put on a host that shows another key, and nothing is sent there', async () => {
      const end = await run(
        await deploy(remote(`, extra: {ssh_host_key: 'SHA256:${'A'.repeat(43)}'}`)),
        'install',
      );
      assert.match(String(end.error), /another host key/);
      assert.deepEqual(foldersOf(host), []);
    });

    const pinned = () => remote(`, extra: {ssh_host_key: '${host.hostKey}'}`);
    let deployment = '';

    it('run what is contained in their host, and nothing else', async () => {
      deployment = await deploy(pinned());
      const end = await run(deployment, 'install');
      assert.equal(end.status, 'terminated', String(end.error));
      const app = (await instance(deployment, 'app')).runtime_properties!;
      assert.equal(app.home, host.home);
      assert.equal(app.word, 'of the host');
      const other = (await instance(deployment, 'other')).runtime_properties!;
      assert.notEqual(other.home, host.home);
    });

    it('are listed as they are, and their credentials are for their host alone', async () => {
      const told = (await agent(deployment))!;
      assert.equal(told.state, 'started');
      assert.equal(told.install_method, 'remote');
      assert.equal(told.ip, '127.0.0.1');
      assert.ok(String(told.version).length > 0 && String(told.system).length > 0);
      const { json } = await native('GET', '/workers/credentials');
      const id = String((await instance(deployment, 'host')).id);
      const mine = [...(json.items as unknown as Found[])].filter((one) => String(one.name) === id);
      assert.equal(mine.length, 1);
      assert.equal(String(mine[0]!.tenant), 'default_tenant');
      const token = readFileSync(join(foldersOf(host)[0]!, 'token'), 'utf8').trim();
      assert.ok(!server.lines.join('\n').includes(token.slice(-40)));
      const { rows } = await server.pool.query('select message from events');
      assert.ok(!JSON.stringify(rows).includes(token.slice(-40)));
    });

    it('answer when they are asked whether they are there, begin again when told to, and are replaced', async () => {
      assert.equal((await run(deployment, 'validate_agents')).status, 'terminated');
      const restarted = await run(deployment, 'execute_operation', {
        operation: 'cloudify.interfaces.cloudify_agent.restart_amqp',
        node_ids: ['host'],
      });
      assert.equal(restarted.status, 'terminated', String(restarted.error));
      const before = readFileSync(join(foldersOf(host)[0]!, 'token'), 'utf8');
      const end = await run(deployment, 'install_new_agents');
      assert.equal(end.status, 'terminated', String(end.error));
      assert.notEqual(readFileSync(join(foldersOf(host)[0]!, 'token'), 'utf8'), before);
      const again = await run(deployment, 'execute_operation', {
        operation: 'cloudify.interfaces.lifecycle.create',
        node_ids: ['app'],
      });
      assert.equal(again.status, 'terminated', String(again.error));
    });

    it('are gone with their host, and so are their credentials', async () => {
      const [folder] = foldersOf(host);
      const token = readFileSync(join(folder!, 'token'), 'utf8').trim();
      const end = await run(deployment, 'uninstall');
      assert.equal(end.status, 'terminated', String(end.error));
      assert.deepEqual(foldersOf(host), []);
      assert.equal((await agent(deployment))!.state, 'deleted');
      const refused = await fetch(`${server.url}/orrery/v1/workers/agent/program`, {
        headers: { authorization: `Bearer ${token}` },
      });
      assert.equal(refused.status, 401);
    });

    it('come by a script where the host brings them, and are waited for', async () => {
      deployment = await deploy('{install_method: provided}');
      const { id } = await instance(deployment, 'host');
      const made = await native('POST', `/workers/agents/${id}/script`);
      assert.equal(made.status, 200, made.text);
      const ran = spawn('sh', ['-s'], { env: { PATH: process.env.PATH, HOME: host.home } });
      ran.stdin.end(String(made.json.script));
      const end = await run(deployment, 'install');
      assert.equal(end.status, 'terminated', String(end.error));
      assert.equal((await instance(deployment, 'app')).runtime_properties!.home, host.home);
      const [folder] = foldersOf(host);
      assert.equal((await run(deployment, 'uninstall')).status, 'terminated');
      // It ends by itself when it is refused, and forgets the credentials.
      while (existsSync(join(folder!, 'token'))) await new Promise((resolve) => setTimeout(resolve, 50));
    });

    it('come with the user data of a host that a plugin makes', async () => {
      const made = `
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: make.sh, executor: central_deployment_agent, inputs: {AT: ${host.home}}}`;
      deployment = await deploy('{install_method: init_script}', made);
      const end = await run(deployment, 'install');
      assert.equal(end.status, 'terminated', String(end.error));
      assert.equal((await instance(deployment, 'app')).runtime_properties!.home, host.home);
      const { rows } = await server.pool.query('select message from events');
      assert.ok(!JSON.stringify(rows).includes('owrk-'));
      const kept = await server.pool.query('select 1 from worker_credentials where sealed_token is not null');
      assert.equal(kept.rowCount, 0, 'a token that was used is not kept');
      assert.equal((await run(deployment, 'uninstall')).status, 'terminated');
    });

    it('are told to say nothing where they do not, and are let in no longer than their host is there', async () => {
      const expected = await deploy('{install_method: provided}');
      const { id } = await instance(expected, 'host');
      const { json } = await native('POST', `/workers/agents/${id}/script`);
      const [token] = /owrk-\w+-\w+/.exec(String(json.script))!;
      const body = { node_instance_id: id, state: 'started' };
      assert.equal((await ask('PUT', `/agents/${id}`, { body })).status, 200);
      assert.equal((await agent(expected))!.state, 'nonresponsive');
      const entered = async () =>
        (
          await fetch(`${server.url}/orrery/v1/workers/register`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            body: JSON.stringify({ name: 'x', host: 'x', version: '0', room: 1, fresh: true }),
          })
        ).status;
      assert.equal(await entered(), 200);
      assert.equal((await agent(expected))!.state, 'started');
      assert.equal((await ask('DELETE', `/deployments/${expected}?force=true`)).status, 204);
      assert.equal(await entered(), 401);
      const app = await native('POST', `/workers/agents/${(await instance(deployment, 'app')).id}/script`);
      assert.equal(app.status, 404, 'what is no host has no agent');
    });

    it('are missed at once where they were never there', async () => {
      const hostless = await deploy('{install_method: init_script}');
      const end = await run(hostless, 'execute_operation', {
        operation: 'cloudify.interfaces.lifecycle.create',
        node_ids: ['app'],
      });
      assert.match(String(end.error), /the host has no agent/);
      const install = await run(hostless, 'install');
      assert.match(String(install.error), /nobody has asked for the script/);
    });
  });
}

function foldersOf({ home }: Host): string[] {
  const all = join(home, '.orrery-agent');
  return existsSync(all) ? readdirSync(all).map((name) => join(all, name)) : [];
}
