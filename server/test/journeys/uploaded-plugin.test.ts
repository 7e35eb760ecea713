/** A plugin in Python, from its wagon to the last event, over HTTP. No package index is asked: the wagon is made here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, describe, it } from 'node:test';
import { aServer } from '../support/a-server.js';
import { zipOf } from '../support/archives.js';
import { aWagon } from '../support/wagons.js';
import { noMistakes, visit } from './a-visitor.js';

const TASKS = `
import json, os, urllib.request
from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import NonRecoverableError, RecoverableError

@operation
def create(name, **_):
    ctx.logger.info('hello, %s', name)
    ctx.send_event('said hello')
    ctx.instance.runtime_properties['greeted'] = name
    ctx.instance.runtime_properties['file'] = ctx.get_resource('motd.txt')

@operation
def configure(**_):
    if ctx.operation.retry_number == 0:
        ctx.instance.runtime_properties['first'] = True
        raise RecoverableError('not quite awake', retry_after=0)
    assert ctx.instance.runtime_properties['first']
    return 'awake'

@operation
def start(**_):
    url = 'http://{}:{}/api/v3.1/secrets/word'.format(ctx.rest_host[0], ctx.rest_port)
    headers = {'Execution-Token': ctx.execution_token, 'Tenant': ctx.tenant_name}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        secret = json.load(answer)['value']
    ctx.instance.runtime_properties.update(length=len(secret), token=ctx.execution_token)

@operation
def connect(**_):
    ctx.source.instance.runtime_properties['friend'] = ctx.target.instance.runtime_properties['greeted']

@operation
def refuse(**_):
    raise NonRecoverableError('never')
`;

const YAML = `plugins:
  greeter: { executor: central_deployment_agent, package_name: greeter-plugin, package_version: '1.0' }
node_types:
  greeter.Greeting:
    derived_from: cloudify.nodes.Root
    properties: { name: { type: string } }
    interfaces:
      cloudify.interfaces.lifecycle:
        create:
          implementation: greeter.greeter.tasks.create
          inputs: { name: { default: { get_property: [SELF, name] } } }
        configure: greeter.greeter.tasks.configure
        start: greeter.greeter.tasks.start
relationships:
  greeter.knows:
    derived_from: cloudify.relationships.connected_to
    source_interfaces:
      cloudify.interfaces.relationship_lifecycle:
        establish: greeter.greeter.tasks.connect
`;

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml, plugin:greeter-plugin]
node_templates:
  ada: { type: greeter.Greeting, properties: { name: Ada } }
  bob:
    type: greeter.Greeting
    properties: { name: Bob }
    relationships: [{ type: greeter.knows, target: ada }]
outputs:
  friend: { value: { get_attribute: [bob, friend] } }
  token: { value: { get_attribute: [bob, token] } }
  length: { value: { get_attribute: [bob, length] } }
`;

const MISSING = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  absent: { executor: central_deployment_agent, package_name: absent-plugin, install: false }
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces: { cloudify.interfaces.lifecycle: { create: absent.some.task } }
`;

const python = spawnSync('python3', ['--version']).status === 0;
const server = await aServer({ ORRERY_TASK_RETRY_INTERVAL: '0' }, { worker: true });
const visitor = visit(server);

describe('a plugin in Python', { skip: !python && 'there is no python3 here' }, () => {
  after(() => noMistakes(server));

  async function messages(filter: string): Promise<string[]> {
    const { json } = await visitor.ask('GET', `/events?_size=1000&${filter}`);
    return Object.values(json.items!).map((item) => String(item.message));
  }

  it('is uploaded, imported and run: properties, logs, a retry, both sides, and the API with a token', async () => {
    const { ask, deploy, run } = visitor;
    const wagon = aWagon({
      name: 'greeter-plugin',
      files: { 'greeter/__init__.py': '', 'greeter/tasks.py': TASKS },
    });
    const archive = zipOf([
      { path: 'greeter_plugin-1.0-py3-none-any.wgn', content: wagon },
      { path: 'plugin.yaml', content: YAML },
    ]);
    const uploaded = await ask('POST', '/plugins?visibility=tenant', { body: new Uint8Array(archive) });
    assert.equal(uploaded.status, 201, uploaded.text);
    assert.equal((await ask('PUT', '/secrets/word', { body: { value: 'swordfish' } })).status, 200);
    await deploy('greetings', { 'blueprint.yaml': BLUEPRINT, 'motd.txt': 'Be kind' });

    const ended = await run('greetings', 'install');
    assert.equal(ended.status, 'terminated', String(ended.error));
    const { outputs } = (await ask('GET', '/deployments/greetings/outputs')).json as {
      outputs: Record<string, unknown>;
    };
    assert.equal(outputs.friend, 'Ada');
    assert.equal(outputs.length, 'swordfish'.length);

    const told = await messages(`execution_id=${String(ended.id)}`);
    for (const line of [
      'hello, Ada',
      'hello, Bob',
      'said hello',
      /not quite awake/,
      /Building the environment/,
    ]) {
      const found = told.some((one) => (typeof line === 'string' ? one === line : line.test(one)));
      assert.ok(found, `${line} in ${told.join('\n')}`);
    }
    assert.ok(!told.some((line) => line.includes('swordfish')));

    const bob = (await ask('GET', '/node-instances?node_id=bob')).json.items![0]!;
    assert.equal(String(bob.runtime_properties!.file), 'Be kind');

    const late = await fetch(`${server.url}/api/v3.1/secrets/word`, {
      headers: { 'Execution-Token': String(outputs.token), Tenant: 'default_tenant' },
    });
    assert.equal(late.status, 401, 'the token ends with its execution');
    const plugin = (await ask('GET', '/plugins')).json.items![0]!;
    assert.equal(String(plugin.installation_state![0]!.state), 'installed');
  });

  it('that is not uploaded is named', async () => {
    await visitor.deploy('missing', { 'blueprint.yaml': MISSING });
    const ended = await visitor.run('missing', 'install');
    assert.equal(ended.status, 'failed');
    assert.match(
      String(ended.error),
      /needs the package absent-plugin, which is not uploaded in tenant default_tenant/,
    );
  });
});
