import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { run } from '../src/run.js';
import { aWorld, type HeldWorld } from './support/a-world.js';
import { at, PlayedServer, refuse } from './support/played-server.js';
import { screen } from './support/screen.js';

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
  const made = aWorld({ ...options, env: { ORRERY_URL: server.url, ORRERY_TOKEN: 't', ...options.env } });
  worlds.push(made);
  return made;
}

/** An install of one instance, told in looks. */
function playInstall(end: 'terminated' | 'failed' | 'cancelled' = 'terminated'): void {
  const create = {
    operation: 'cloudify.interfaces.lifecycle.create',
    node_instance_id: 'web_1',
    node_name: 'web',
  };
  server.execution();
  server.steps.push(
    () => {},
    () => {
      server.execution({ status: 'started', started_at: at(5), total_operations: 2 });
      server.event({ event_type: 'workflow_started', message: "Starting 'install' workflow execution" });
      server.event({ ...create, event_type: 'task_started', message: "Task started 'run'" });
    },
    () => server.event({ ...create, level: 'info', message: '<out> hello' }),
    () => {
      server.execution({ finished_operations: 1 });
      server.event({ ...create, event_type: 'task_succeeded', message: "Task succeeded 'run'" });
    },
    () => {
      const kind = {
        terminated: 'workflow_succeeded',
        failed: 'workflow_failed',
        cancelled: 'workflow_cancelled',
      };
      server.execution({
        status: end,
        finished_operations: end === 'terminated' ? 2 : 1,
        ended_at: at(4205),
        error: end === 'failed' ? 'Task failed: run (web_1:create): boom\nTraceback: deep' : '',
      });
      server.event({ event_type: kind[end], message: `'install' workflow execution ${end}` });
    },
  );
}

test('without a terminal following prints one plain line per event and how it ended', async () => {
  playInstall();
  const here = world();
  assert.equal(await run(['executions', 'follow', 'e1'], here), 0);
  assert.deepEqual(here.out().trimEnd().split('\n'), [
    "2026-11-22T08:00:00.010Z workflow_started - - Starting 'install' workflow execution",
    "2026-11-22T08:00:00.020Z task_started web_1 create Task started 'run'",
    '2026-11-22T08:00:00.030Z info web_1 create <out> hello',
    "2026-11-22T08:00:00.040Z task_succeeded web_1 create Task succeeded 'run'",
    "2026-11-22T08:00:00.050Z workflow_succeeded - - 'install' workflow execution terminated",
    '✔ install of hello completed after 4.2 s, 2 operations',
  ]);
  assert.equal(here.err(), '');
});

test('the exit code is 3 when the execution failed or was cancelled, with the reason and the way on', async () => {
  playInstall('failed');
  const failed = world();
  assert.equal(await run(['executions', 'follow', 'e1'], failed), 3);
  assert.match(
    failed.out(),
    /✘ install of hello failed after 4\.2 s, 1 of 2 operations done\n {2}Task failed: run \(web_1:create\): boom\n/,
  );
  assert.match(failed.out(), /orrery executions resume e1 --follow\n$/);
  server.executions.clear();
  server.events.length = 0;
  playInstall('cancelled');
  const cancelled = world();
  assert.equal(await run(['executions', 'follow', 'e1'], cancelled), 3);
  assert.match(cancelled.out(), /■ install of hello cancelled/);
});

test('--no-logs leaves out what scripts say', async () => {
  playInstall();
  const here = world();
  await run(['executions', 'follow', 'e1', '--no-logs'], here);
  assert.doesNotMatch(here.out(), /<out>/);
  assert.match(here.out(), /workflow_succeeded/);
});

test('as JSON every event is a line and the execution the last one', async () => {
  playInstall();
  const here = world();
  assert.equal(await run(['executions', 'follow', 'e1', '-o', 'json'], here), 0);
  const lines = here
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map((line) => line.event_type ?? line.level ?? line.status),
    ['workflow_started', 'task_started', 'info', 'task_succeeded', 'workflow_succeeded', 'terminated'],
  );
});

test('start --follow watches what it started', async () => {
  playInstall();
  server.routes.set('POST /executions', (_asked, response) => {
    response.writeHead(201).end(JSON.stringify(server.executions.get('e1')));
  });
  const here = world();
  assert.equal(await run(['executions', 'start', 'install', '-d', 'hello', '--follow'], here), 0);
  assert.match(here.out(), /✔ install of hello completed/);
});

test('on a terminal a bar moves under the events and is gone at the end', async () => {
  playInstall();
  const here = world({ terminal: 72 });
  assert.equal(await run(['executions', 'follow', 'e1'], here), 0);
  const written = here.out();
  assert.ok(written.includes('\u001b[?25l'), 'the cursor is hidden');
  assert.ok(written.lastIndexOf('\u001b[?25h') > written.lastIndexOf('\u001b[?25l'), 'the cursor comes back');
  assert.match(stripVTControlCharacters(written), /install hello {2}━+─+ {2}1\/2 {2}50%/);
  const left = screen(written);
  assert.equal(left.length, 6);
  assert.match(left[0] ?? '', /▶ Starting 'install' workflow execution$/);
  assert.match(left[1] ?? '', /→ web_1 +create +Task started$/);
  assert.equal(left[5], '✔ install of hello completed after 4.2 s, 2 operations');
});

test('what happens is told over the stream as it happens, and after a break from where it was', async () => {
  const id = 'e1';
  server.execution({ status: 'started', started_at: at(5), total_operations: 2 });
  const base = Number(server.event({ event_type: 'workflow_started', message: 'before' })._storage_id);
  const told = (number: number, message: string, type = 'workflow_node_event') => ({
    id: base + number,
    at: at((base + number) * 10),
    kind: 'event',
    type,
    message,
    execution: id,
  });
  const frame = (event: string, number: number, data: object) =>
    `id: ${base + number}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  const heard: (string | undefined)[] = [];
  server.routes.set('GET /orrery/v1/stream', (asked, response) => {
    heard.push(asked.headers['last-event-id'] as string | undefined);
    assert.equal(asked.query.get('topic'), 'execution:e1');
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (heard.length === 1) {
      response.write(frame('hello', 1, {}));
      // What the list has told is told once; a frame may come in pieces.
      const news = frame('news', 7, { events: [told(0, 'before'), told(7, 'first')] });
      response.write(news.slice(0, 20));
      setTimeout(() => {
        response.write(`${news.slice(20)}id: ${base + 8}\n: heartbeat\n\n`, () => response.destroy());
      }, 20);
      return;
    }
    const end = server.execution({ status: 'terminated', finished_operations: 2, ended_at: at(4205) });
    server.events.push({
      ...server.events[0]!,
      _storage_id: base + 9,
      event_type: 'workflow_succeeded',
      message: 'second',
    });
    response.write(
      frame('news', 9, {
        events: [told(9, 'second', 'workflow_succeeded')],
        executions: [{ id, status: end.status, error: null, totalOperations: 2, finishedOperations: 2 }],
      }),
    );
  });
  const here = world();
  assert.equal(await run(['executions', 'follow', 'e1'], here), 0);
  assert.deepEqual(heard, [undefined, String(base + 8)]);
  const lines = here.out().trimEnd().split('\n');
  assert.deepEqual(
    lines.slice(0, 3).map((line) => line.split(' ').at(-1)),
    ['before', 'first', 'second'],
  );
  assert.equal(lines.filter((line) => /before|first|second/.test(line)).length, 3);
});

test('Ctrl-C leaves the execution alone and says how to watch it again', async () => {
  server.execution({ status: 'started', started_at: at(1), total_operations: 9 });
  const here = world();
  server.steps.push(
    () => {},
    () => here.interrupt(),
  );
  assert.equal(await run(['executions', 'follow', 'e1'], here), 130);
  assert.match(here.err(), /The install goes on without you\./);
  assert.match(here.err(), /orrery executions follow e1/);
  assert.equal(server.asked.filter((each) => each.method !== 'GET').length, 0);
});

test('Ctrl-C does not wait for a server that does not answer', async () => {
  server.execution({ status: 'started', started_at: at(1) });
  const here = world();
  server.routes.set('GET /events', () => here.interrupt());
  assert.equal(await run(['executions', 'follow', 'e1'], here), 130);
  const there = world();
  server.routes.set('GET /events', (asked, response) => {
    if (asked.query.get('_sort') === '-reported_timestamp') server.playOn(asked, response);
    else there.interrupt();
  });
  assert.equal(await run(['events', 'list', '-f'], there), 130);
});

test('a server that goes away is waited for, and no event is lost or told twice', async () => {
  playInstall();
  let answers = 0;
  server.routes.set('*', (asked, response) => {
    answers++;
    // Away for four questions, in two ways: connections cut, and a proxy that says 503.
    if (answers === 6 || answers === 7) return void response.destroy();
    if (answers === 8 || answers === 9) return refuse(response, 503, 'x', 'starting');
    server.routes.delete('*');
    const route = server.routes;
    server.playOn(asked, response);
    route.set('*', again);
  });
  const again = server.routes.get('*') as NonNullable<ReturnType<typeof server.routes.get>>;
  const here = world();
  assert.equal(await run(['executions', 'follow', 'e1'], here), 0);
  assert.equal(here.out().trimEnd().split('\n').length, 6);
  assert.match(here.err(), /Waiting for it\.\nThe server answers again\.\n/);
});

test('an event that becomes visible behind others is still told, once', async () => {
  server.execution({ status: 'started', started_at: at(0), total_operations: 1 });
  server.event({ message: 'first' });
  server.event({ message: 'third' });
  server.steps.push(
    () => {},
    () => server.event({ message: 'second', reported_timestamp: at(15), timestamp: at(15) }),
    () => {
      server.execution({ status: 'terminated', ended_at: at(99) });
      server.event({ event_type: 'workflow_succeeded', message: 'end' });
    },
  );
  const here = world();
  assert.equal(await run(['executions', 'follow', 'e1'], here), 0);
  const told = here
    .out()
    .trimEnd()
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').at(-1));
  assert.deepEqual(told, ['first', 'third', 'second', 'end']);
});

test('a server that does not sort by id is followed by the time of recording', async () => {
  server.sortsByStorageId = false;
  try {
    playInstall();
    const here = world();
    assert.equal(await run(['executions', 'follow', 'e1'], here), 0);
    assert.equal(here.out().trimEnd().split('\n').length, 6);
  } finally {
    server.sortsByStorageId = true;
  }
});

test('events list -f shows the last ones and goes on until Ctrl-C', async () => {
  for (let index = 1; index <= 4; index++) server.event({ message: `old-${index}` });
  const here = world();
  let looks = 0;
  server.routes.set('GET /events', (asked, response) => {
    looks++;
    if (looks === 3) server.event({ message: 'new-1' });
    if (looks === 5) server.event({ message: 'new-2' });
    if (looks === 7) here.interrupt();
    server.playOn(asked, response);
  });
  assert.equal(await run(['events', 'list', '-f', '-n', '2'], here), 130);
  const told = here
    .out()
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').at(-1));
  assert.deepEqual(told, ['old-3', 'old-4', 'new-1', 'new-2']);
});
