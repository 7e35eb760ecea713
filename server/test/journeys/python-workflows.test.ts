/** Workflows that are code of an uploaded plugin, over HTTP. No package index is asked: the wagon is made here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { aServer } from '../support/a-server.js';
import { zipOf } from '../support/archives.js';
import { aWagon } from '../support/wagons.js';
import { noMistakes, visit } from './a-visitor.js';

const TASKS = `
from cloudify import ctx

def note(mark, **_):
    ctx.instance.runtime_properties.setdefault('marks', []).append(mark)
    ctx.instance.runtime_properties['marks'] = ctx.instance.runtime_properties['marks']
    return {'of': ctx.instance.id, 'mark': mark}
`;

const FLOWS = `
from cloudify.decorators import workflow
from cloudify.workflows import ctx as current, parameters

@workflow
def visit(ctx, words, **kwargs):
    assert ctx.deployment.id == current.deployment.id == 'visited'
    assert parameters.words == words and kwargs['times'] == 2
    ctx.logger.info('visiting %s', ', '.join(sorted(node.id for node in ctx.nodes)))
    for instance in sorted(ctx.node_instances, key=lambda one: one.id):
        instance.send_event('Visiting')
        for word in words:
            result = instance.execute_operation('visits.note', kwargs={'mark': word}).get()
            assert result == {'of': instance.id, 'mark': word}, result
    print('printed')
`;

const YAML = `plugins:
  visitor: { executor: central_deployment_agent, package_name: visitor-plugin, package_version: '1.0' }
node_types:
  visitor.Place:
    derived_from: cloudify.nodes.Root
    interfaces:
      visits:
        note: { implementation: visitor.visitor.tasks.note, inputs: {} }
workflows:
  visit:
    mapping: visitor.visitor.flows.visit
    parameters:
      words: {}
      times: { default: 2 }
`;

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml, plugin:visitor-plugin]
node_templates:
  a: { type: visitor.Place }
  b: { type: visitor.Place, relationships: [{ type: cloudify.relationships.connected_to, target: a }] }
`;

const python = spawnSync('python3', ['--version']).status === 0;
const server = await aServer({ ORRERY_TASK_RETRY_INTERVAL: '0' }, { worker: true });
const { ask, deploy, run } = visit(server);

describe('a workflow of a plugin in Python', { skip: !python && 'there is no python3 here' }, () => {
  before(async () => {
    const wagon = aWagon({
      name: 'visitor-plugin',
      files: { 'visitor/__init__.py': '', 'visitor/tasks.py': TASKS, 'visitor/flows.py': FLOWS },
    });
    const archive = zipOf([
      { path: 'visitor_plugin-1.0-py3-none-any.wgn', content: wagon },
      { path: 'plugin.yaml', content: YAML },
    ]);
    const uploaded = await ask('POST', '/plugins?visibility=tenant', { body: new Uint8Array(archive) });
    assert.equal(uploaded.status, 201, uploaded.text);
    await deploy('visited', { 'blueprint.yaml': BLUEPRINT });
  });
  after(() => noMistakes(server));

  async function told(execution: unknown): Promise<string[]> {
    const { json } = await ask('GET', `/events?_size=1000&execution_id=${String(execution)}`);
    return Object.values(json.items!).map((item) => String(item.message));
  }

  it('gets its parameters, runs operations one after the other, and is told what they answer', async () => {
    const ended = await run('visited', 'visit', { parameters: { words: ['hello', 'goodbye'] } });
    assert.equal(ended.status, 'terminated', String(ended.error));
    const { json } = await ask('GET', '/node-instances');
    const instances = json.items as unknown as { runtime_properties: { marks: string[] } }[];
    const marks = instances.map((one) => one.runtime_properties.marks);
    assert.deepEqual(marks, [
      ['hello', 'goodbye'],
      ['hello', 'goodbye'],
    ]);
    const lines = (await told(ended.id)).filter((line) => !/environment|Built it/i.test(line));
    const one = (mark: string) => [
      "Sending task 'visitor.tasks.note'",
      "Task started 'visitor.tasks.note'",
      `Task succeeded 'visitor.tasks.note' - {"of":"…","mark":"${mark}"}`,
    ];
    const all = ['Visiting', ...one('hello'), ...one('goodbye')];
    assert.deepEqual(
      lines.map((line) => line.replace(/"of":"\w+"/, '"of":"…"')),
      [
        "Starting 'visit' workflow execution",
        'visiting a, b',
        ...all,
        ...all,
        '<out> printed',
        "'visit' workflow execution succeeded",
      ],
    );
  });
});
