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
from cloudify.exceptions import NonRecoverableError

def note(mark, **_):
    ctx.instance.runtime_properties.setdefault('marks', []).append(mark)
    ctx.instance.runtime_properties['marks'] = ctx.instance.runtime_properties['marks']
    return {'of': ctx.instance.id, 'mark': mark}

def refuse(**_):
    raise NonRecoverableError('never')
`;

const FLOWS = `
import os, sys, time
from cloudify.decorators import workflow
from cloudify.workflows import api, ctx as current, parameters
from cloudify.workflows.tasks import HandlerResult

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

def one_of(ctx, name):
    return next(ctx.get_node(name).instances)

@workflow
def graph(ctx, **_):
    graph = ctx.graph_mode()
    a, b = one_of(ctx, 'a'), one_of(ctx, 'b')
    note = lambda instance, mark: instance.execute_operation('visits.note', kwargs={'mark': mark})
    refused = b.execute_operation('visits.refuse')
    refused.on_failure = lambda task: HandlerResult.ignore()
    sequence = graph.sequence()
    sequence.add(a.set_state('starting'), [note(a, 'first'), note(b, 'first')], refused)
    group = graph.subgraph('group')
    group.sequence().add(note(b, 'inner'), b.send_event('inner is done'))
    sequence.add(group, note(a, 'last'), a.set_state('started'))
    graph.execute()

@workflow
def unhandled(ctx, **_):
    graph = ctx.graph_mode()
    task, after = one_of(ctx, 'b').execute_operation('visits.refuse'), one_of(ctx, 'a').send_event('not told')
    graph.add_task(task)
    graph.add_task(after)
    graph.add_dependency(after, task)
    graph.execute()

@workflow
def raising(ctx, **_):
    raise ValueError('odd')

@workflow
def exiting(ctx, **_):
    os._exit(3)

@workflow
def chatty(ctx, **_):
    for _line in range(300):
        sys.stdout.write('x' * (1 << 20))

@workflow
def hanging(ctx, **_):
    ctx.logger.info('pid %d', os.getpid())
    while True:
        time.sleep(600)

@workflow
def waiting(ctx, **_):
    ctx.logger.info('waiting')
    while not api.has_cancel_request():
        time.sleep(0.05)
    ctx.logger.info('cleaning up')
    raise api.ExecutionCancelled()

@workflow(resumable=True)
def resumed(ctx, **_):
    one_of(ctx, 'a').execute_operation('visits.note', kwargs={'mark': 'once'}).get()
    if not ctx.resume:
        raise RuntimeError('on the way')
    one_of(ctx, 'b').execute_operation('visits.note', kwargs={'mark': 'after'}).get()
`;

const YAML = `plugins:
  visitor: { executor: central_deployment_agent, package_name: visitor-plugin, package_version: '1.0' }
node_types:
  visitor.Place:
    derived_from: cloudify.nodes.Root
    interfaces:
      visits:
        note: { implementation: visitor.visitor.tasks.note, inputs: {} }
        refuse: visitor.visitor.tasks.refuse
workflows:
  visit:
    mapping: visitor.visitor.flows.visit
    parameters:
      words: {}
      times: { default: 2 }
${['graph', 'unhandled', 'raising', 'exiting', 'chatty', 'hanging', 'waiting', 'resumed', 'absent']
  .map((name) => `  ${name}: visitor.visitor.flows.${name}\n`)
  .join('')}`;

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml, plugin:visitor-plugin]
node_templates:
  a: { type: visitor.Place }
  b: { type: visitor.Place, relationships: [{ type: cloudify.relationships.connected_to, target: a }] }
`;

const python = spawnSync('python3', ['--version']).status === 0;
const server = await aServer({ ORRERY_TASK_RETRY_INTERVAL: '0' }, { worker: true });
const visitor = visit(server);
const { ask, deploy, run } = visitor;

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

  /** Marks that were left since the last look, by node. */
  const seen: Record<string, number> = {};
  async function fresh(): Promise<Record<string, string[]>> {
    const { json } = await ask('GET', '/node-instances?_sort=id');
    const all = json.items as unknown as { node_id: string; runtime_properties: { marks?: string[] } }[];
    return Object.fromEntries(
      all.map(({ node_id: node, runtime_properties: { marks = [] } }) => {
        const since = marks.slice(seen[node] ?? 0);
        seen[node] = marks.length;
        return [node, since];
      }),
    );
  }

  async function until(execution: string, line: RegExp): Promise<string> {
    for (;;) {
      const found = (await told(execution)).find((one) => line.test(one));
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function told(execution: unknown): Promise<string[]> {
    const { json } = await ask('GET', `/events?_size=1000&execution_id=${String(execution)}`);
    return Object.values(json.items!).map((item) => String(item.message));
  }

  it('gets its parameters, runs operations one after the other, and is told what they answer', async () => {
    const ended = await run('visited', 'visit', { parameters: { words: ['hello', 'goodbye'] } });
    assert.equal(ended.status, 'terminated', String(ended.error));
    assert.deepEqual(await fresh(), { a: ['hello', 'goodbye'], b: ['hello', 'goodbye'] });
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

  it('runs a graph: sequences, what may run together, a subgraph, and a failure that it handles', async () => {
    const ended = await run('visited', 'graph');
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(await fresh(), { a: ['first', 'last'], b: ['first', 'inner'] });
    const lines = await told(ended.id);
    const order = ["Task failed 'visitor.tasks.refuse' -> never", 'inner is done'].map((one) =>
      lines.indexOf(one),
    );
    assert.ok(order[0]! > 0 && order[0]! < order[1]!, lines.join('\n'));
    const { json } = await ask('GET', '/node-instances?node_id=a');
    assert.equal(String(json.items![0]!.state), 'started');
  });

  it('fails with a failure that nobody handles, with its exception, or with the code of its process', async () => {
    const unhandled = await run('visited', 'unhandled');
    assert.match(
      String(unhandled.error),
      /Task failed: visitor\.tasks\.refuse\(b_\w+: visits\.refuse\): never/,
    );
    assert.ok(!(await told(unhandled.id)).includes('not told'));
    const raising = await run('visited', 'raising');
    assert.match(String(raising.error), /^Traceback.*flows\.py.*ValueError: odd/s);
    assert.doesNotMatch(String(raising.error), /host/);
    assert.match(String((await run('visited', 'exiting')).error), /rc=3/);
    assert.match(String((await run('visited', 'absent')).error), /has no function 'absent'/);
  });

  it('may print what it wants', async () => {
    const ended = await run('visited', 'chatty');
    assert.equal(ended.status, 'terminated', String(ended.error));
    assert.ok((await told(ended.id)).some((line) => /bytes were not logged/.test(line)));
  });

  it('is told of a cancel, and cleans up; one that hangs is killed', async () => {
    const waiting = await visitor.start('visited', 'waiting');
    await until(waiting, /^waiting$/);
    await ask('POST', `/executions/${waiting}`, { body: { action: 'cancel' } });
    assert.equal((await visitor.until(waiting)).status, 'cancelled');
    assert.ok((await told(waiting)).includes('cleaning up'));

    const hanging = await visitor.start('visited', 'hanging');
    const pid = Number((await until(hanging, /^pid \d+$/)).slice(4));
    process.kill(pid, 0);
    await ask('POST', `/executions/${hanging}`, { body: { action: 'kill' } });
    assert.equal((await visitor.until(hanging)).status, 'cancelled');
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });

  it('goes on when it is resumed, without repeating what has succeeded', async () => {
    await fresh();
    const failed = await run('visited', 'resumed');
    assert.match(String(failed.error), /on the way/);
    const resumed = await ask('POST', `/executions/${String(failed.id)}`, { body: { action: 'resume' } });
    assert.equal(resumed.status, 200, resumed.text);
    const ended = await visitor.until(String(failed.id));
    assert.deepEqual([ended.status, ended.error], ['terminated', '']);
    assert.deepEqual(await fresh(), { a: ['once'], b: ['after'] });
  });

  it('that is not declared resumable runs again by force alone', async () => {
    const failed = await run('visited', 'unhandled');
    const act = (action: string) => ask('POST', `/executions/${String(failed.id)}`, { body: { action } });
    const refused = await act('resume');
    assert.equal(refused.status, 409, refused.text);
    assert.equal((await act('force-resume')).status, 200);
    await visitor.until(String(failed.id));
    const tried = (await told(failed.id)).filter(
      (line) => line === "Task failed 'visitor.tasks.refuse' -> never",
    );
    assert.equal(tried.length, 2);
  });
});
