/** Snapshots and what follows them: joined without a gap, on a deployment that is installed while somebody looks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aServer } from '../../support/a-server.js';
import type { Found } from '../cloudify-v3/client.js';
import { aFollower, type FollowedStream } from './a-follower.js';
import { aTenantAtWork } from './a-tenant-at-work.js';

const server = await aServer({}, { worker: true });
const work = await aTenantAtWork(server);
const { token, ask } = work;
const native = (path: string, headers: Record<string, string> = {}) =>
  ask('GET', path, { root: '/orrery/v1', headers });
const begun = (stream: FollowedStream) => stream.until('hello', () => stream.frames.length > 0);
const list = (found: Found | undefined) => (found ?? []) as unknown as Found[];

async function start(deployment: string, workflow: string): Promise<string> {
  const started = await ask('POST', '/executions', {
    body: { deployment_id: deployment, workflow_id: workflow },
  });
  assert.equal(started.status, 201, started.text);
  return String(started.json.id);
}

/** The last word about each, over what was known before. */
function folded(known: readonly Found[], told: readonly Found[]): Map<string, Found> {
  const all = new Map(known.map((one) => [String(one.id), one]));
  for (const one of told) {
    const before = all.get(String(one.id));
    if (before === undefined || Number(one.version) >= Number(before.version)) all.set(String(one.id), one);
  }
  return all;
}

describe('a deployment', () => {
  it('is told with its nodes, instances and what runs, and the stream goes on from there to the same end', async () => {
    const deployment = await work.anotherDeployment();
    const before = await native(`/deployments/${deployment}/snapshot`);
    assert.equal(before.status, 200, before.text);
    const { nodes, instances, counts, position, runningExecution } = before.json;
    assert.deepEqual(
      list(nodes).map(({ name }) => name),
      ['host', 'web'],
    );
    assert.equal(list(instances).length, 4);
    assert.deepEqual(counts, { uninitialized: 4 });
    assert.equal(runningExecution, null);
    const web = list(instances).find(({ node }) => String(node) === 'web')!;
    assert.equal(String(list(web.relationships)[0]!.targetNode), 'host');

    const execution = await start(deployment, 'install');
    // Following begins late: what happened in between is told.
    const stream = await aFollower(server.url, `?topic=deployment:${deployment}&after=${position}`, {
      token,
    });
    const over = () =>
      stream
        .told('executions')
        .some(({ id, status }) => String(id) === execution && String(status) === 'terminated');
    await stream.until('the end of the install', over);
    await stream.until('good health', () =>
      stream.told('deployments').some(({ installed }) => (installed as unknown) === true),
    );
    await stream.until('the last numbers', () =>
      stream.told('counts').some((one) => JSON.stringify(one.instances) === '{"started":4}'),
    );
    const after = await native(`/deployments/${deployment}/snapshot`);
    const told = () => folded(list(instances), stream.told('instances'));
    await stream.until('the last instances', () =>
      list(after.json.instances).every(
        ({ id, version }) => Number(told().get(String(id))?.version) >= Number(version),
      ),
    );
    const seen = told();
    for (const instance of list(after.json.instances)) {
      const { id, node, host, state, version } = instance;
      const last = seen.get(String(id))!;
      assert.deepEqual(
        { id: last.id, node: last.node, host: last.host, state: last.state, version: last.version },
        { id, node, host, state, version },
      );
      assert.equal(String(state), 'started');
      assert.ok(new Date(String(instance.updated)) > new Date(String(web.updated)));
    }
    assert.deepEqual(after.json.counts, { started: 4 });
    // How things stand may be told before the last events of how they came to it.
    const types = () => stream.told('events').map(({ type }) => String(type));
    await stream.until('the last event', () => types().at(-1) === 'workflow_succeeded');
    assert.equal(types()[0], 'workflow_started');
    stream.leave();
  });

  it('tells changes by hand, other numbers of instances, and its end', async () => {
    const deployment = await work.anotherDeployment();
    const stream = await aFollower(server.url, `?topic=deployment:${deployment}`, { token });
    await begun(stream);
    const { json } = await native(`/deployments/${deployment}/snapshot`);
    const [first] = list(json.instances);
    const patched = await ask('PATCH', `/node-instances/${first!.id}`, {
      body: { version: 1, state: 'stopped' },
    });
    assert.equal(patched.status, 200, patched.text);
    await stream.until('the change by hand', () =>
      stream
        .told('instances')
        .some(({ id, state }) => String(id) === String(first!.id) && String(state) === 'stopped'),
    );
    const modified = await ask('POST', '/deployment-modifications', {
      body: { deployment_id: deployment, nodes: { host: { instances: 3 } } },
    });
    assert.ok(modified.status < 300, modified.text);
    await stream.until('other numbers', () =>
      (stream.told('restructured') as unknown as string[]).includes(deployment),
    );
    assert.equal((await ask('DELETE', `/deployments/${deployment}?force=true`)).status, 204);
    await stream.until('its end', () =>
      stream.told('gone').some(({ kind, id }) => String(kind) === 'deployment' && String(id) === deployment),
    );
    stream.leave();
  });

  it('is answered with 304 to who has it as it is', async () => {
    const deployment = await work.anotherDeployment();
    const path = `/deployments/${deployment}/snapshot`;
    const etag = (await native(path)).headers.get('etag')!;
    assert.equal((await native(path, { 'if-none-match': etag })).status, 304);
    const { json } = await native(path);
    await ask('PATCH', `/node-instances/${list(json.instances)[0]!.id}`, {
      body: { version: 1, state: 'stopped' },
    });
    assert.equal((await native(path, { 'if-none-match': etag })).status, 200);
  });
});

describe('a task graph', () => {
  it('is told whole, and the stream brings every task to where it ends', async () => {
    const deployment = await work.anotherDeployment();
    const execution = await start(deployment, 'install');
    // It may be anywhere between its beginning and its end by now.
    const early = (await native(`/executions/${execution}/graph`)).json;
    const stream = await aFollower(
      server.url,
      `?topic=execution:${execution}&with=states,tasks&after=${early.position}`,
      { token },
    );
    const done = (one: Found) => String(one.state) === 'succeeded';
    const deadline = Date.now() + 60_000;
    for (;;) {
      const now = list((await native(`/executions/${execution}/graph`)).json.tasks);
      if (now.length > 0 && now.every(done)) break;
      assert.ok(Date.now() < deadline, 'the tasks of an install end');
    }
    const graph = await native(`/executions/${execution}/graph`);
    const { tasks, subgraphs, stages } = graph.json;
    assert.ok(list(tasks).length > 0);
    assert.equal(list(subgraphs).length, 4);
    assert.equal(list(stages).length, 1);
    const known = list(early.tasks).map(
      (one) =>
        [
          Number(one.id),
          { state: one.state!, attempt: one.tries!, startedAt: one.start!, endedAt: one.end! },
        ] as [number, Found],
    );
    const told = () =>
      new Map<number, Found>([
        ...known,
        ...stream.told('tasks').map((one) => [Number(one.task), one] as [number, Found]),
      ]);
    // How the execution stands may be told before the last of its tasks.
    await stream.until('the last tasks', () => {
      const last = told();
      return list(tasks).every((_, task) => String(last.get(task)?.state) === 'succeeded');
    });
    const byTask = told();
    for (const [place, task] of list(tasks).entries()) {
      assert.equal(Number(task.id), place);
      assert.ok((task.dependsOn as unknown as number[]).every((one) => one < place));
      assert.equal(String(task.state), 'succeeded');
      const last = byTask.get(place)!;
      assert.deepEqual(
        [last.state, last.attempt, last.startedAt, last.endedAt],
        [task.state, task.tries, task.start, task.end],
      );
    }
    const inSubgraphs = list(subgraphs).flatMap((one) => one.tasks as unknown as number[]);
    assert.equal(new Set(inSubgraphs).size, inSubgraphs.length);
    const again = await native(`/executions/${execution}/graph`, {
      'if-none-match': graph.headers.get('etag')!,
    });
    assert.equal(again.status, 304);
    stream.leave();
  });

  it('comes in pages of operations with links from one to the next, and a cursor is good for its list alone', async () => {
    const deployment = await work.anotherDeployment();
    const execution = await start(deployment, 'install');
    const stream = await aFollower(server.url, `?topic=execution:${execution}&after=0`, { token });
    await stream.until(
      'the end',
      () => stream.told('executions').some(({ status }) => String(status) === 'terminated'),
      20_000,
    );
    stream.leave();
    const whole = await native(`/executions/${execution}/operations`);
    assert.equal(whole.headers.get('link'), null);
    const found: Found[] = [];
    let path: string | null = `/executions/${execution}/operations?limit=1`;
    let cursor = '';
    while (path !== null) {
      const page = await native(path);
      assert.equal(page.status, 200, page.text);
      assert.ok(list(page.json.items).length <= 1);
      found.push(...list(page.json.items));
      const next: string | undefined = /^<\/orrery\/v1(.*)>; rel="next"$/.exec(
        page.headers.get('link') ?? '',
      )?.[1];
      cursor = next === undefined ? cursor : new URL(next, 'http://x').searchParams.get('cursor')!;
      path = next ?? null;
    }
    assert.deepEqual(found, whole.json.items);
    const other = await start(await work.anotherDeployment(), 'install');
    for (const [id, wrong] of [
      [other, cursor],
      [execution, 'bm90aGluZw'],
    ]) {
      const refused = await native(`/executions/${id}/operations?cursor=${wrong}`);
      assert.equal(refused.status, 400);
      assert.equal(String(refused.json.reason), 'cursor-invalid');
    }
  });

  it('of 5,000 tasks that are over takes at most 1.5 MB', async () => {
    const asleep = await aServer();
    const { execution, ask: askThere } = await aTenantAtWork(asleep);
    await asleep.pool.query(
      `update executions set graph = (
         select json_build_object('workflow', 'install', 'tasks', json_agg(json_build_object('id', n, 'kind', 'operation', 'instance', 'web_server_' || n / 5,
           'call', json_build_object('operation', 'cloudify.interfaces.lifecycle.configure', 'side', 'node', 'relationship', null, 'function', 'script_runner.tasks.run'),
           'dependsOn', case when n = 0 then '[]' else json_build_array(n - 1) end, 'before', '[]'::json, 'after', '[]'::json, 'onFailure', 'fail') order by n))
         from generate_series(0, 4999) n) where id = $1`,
      [execution],
    );
    await asleep.pool.query(
      `insert into operations (tenant_id, execution_uid, task, state, attempt, retries, started_at, ended_at)
       select tenant_id, uid, n, 'succeeded', 1, 0, now(), now() from executions, generate_series(0, 4999) n where id = $1`,
      [execution],
    );
    const graph = await askThere('GET', `/executions/${execution}/graph`, { root: '/orrery/v1' });
    assert.equal(list(graph.json.tasks).length, 5000);
    assert.equal(list(graph.json.subgraphs).length, 1000);
    assert.ok(graph.bytes.length <= 1_500_000, `${graph.bytes.length} bytes`);
  });
});
