import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../api/wire.js';
import { eventLines, plainEventLine } from './event-line.js';
import { makeStyle } from './style.js';

const EVENT: EventRecord = {
  _storage_id: 1,
  type: 'cloudify_event',
  event_type: 'task_started',
  timestamp: '2026-11-22T08:00:01.250Z',
  message: "Task started 'script_runner.tasks.run'",
  operation: 'cloudify.interfaces.lifecycle.create',
  node_instance_id: 'web_ab12cd',
  node_name: 'web',
};
const RED = '\u001b[31m';
const GREEN = '\u001b[32m';
const YELLOW = '\u001b[33m';
const CYAN = '\u001b[36m';
const DIM = '\u001b[2m';

test('a plain line has five fields, the message last, whatever the event holds', () => {
  const table: [Partial<EventRecord>, string][] = [
    [{}, "2026-11-22T08:00:01.250Z task_started web_ab12cd create Task started 'script_runner.tasks.run'"],
    [
      {
        operation: null,
        node_instance_id: null,
        node_name: null,
        event_type: 'workflow_started',
        message: 'Starting',
      },
      '2026-11-22T08:00:01.250Z workflow_started - - Starting',
    ],
    [
      { type: 'cloudify_log', event_type: null, level: 'info', message: '<out> one\ntwo\u001b[31m' },
      '2026-11-22T08:00:01.250Z info web_ab12cd create <out> one\\ntwo',
    ],
    [
      {
        source_id: 'site_1',
        target_id: 'web_2',
        node_instance_id: null,
        operation: 'cloudify.interfaces.relationship_lifecycle.establish',
        message: 'x',
      },
      '2026-11-22T08:00:01.250Z task_started site_1>web_2 establish x',
    ],
    [{ message: '' }, '2026-11-22T08:00:01.250Z task_started web_ab12cd create -'],
  ];
  for (const [changes, expected] of table) assert.equal(plainEventLine({ ...EVENT, ...changes }), expected);
});

test('colour follows meaning: failures red, retries yellow, states cyan, successes green, beginnings quiet', () => {
  const style = makeStyle({ colour: true, unicode: true });
  const table: [Partial<EventRecord>, string][] = [
    [{ event_type: 'task_started' }, `${DIM}→`],
    [{ event_type: 'task_succeeded' }, `${GREEN}✔`],
    [{ event_type: 'task_failed', message: "Task failed 'x' -> boom" }, `${RED}✘`],
    [{ event_type: 'task_failed', message: "Task failed 'x' -> boom [retry 1/3]" }, `${YELLOW}↻`],
    [{ event_type: 'task_failed', message: "Task failed 'x' -> boom [retry 4]" }, `${YELLOW}↻`],
    [{ event_type: 'task_rescheduled' }, `${YELLOW}↻`],
    [{ event_type: 'workflow_node_event' }, `${CYAN}●`],
    [{ event_type: 'workflow_node_event', message: 'Creating node instance: nothing to do' }, `${DIM}●`],
    [{ event_type: 'workflow_succeeded' }, `${GREEN}✔`],
    [{ event_type: 'workflow_failed' }, `${RED}✘`],
    [{ event_type: 'workflow_cancelled' }, `${YELLOW}■`],
    [{ type: 'cloudify_log', event_type: null, level: 'error' }, `${RED}│`],
    [{ type: 'cloudify_log', event_type: null, level: 'warning' }, `${YELLOW}│`],
    [{ type: 'cloudify_log', event_type: null, level: 'debug' }, `${DIM}│`],
    [{ type: 'cloudify_log', event_type: null, level: 'info' }, '│'],
  ];
  for (const [changes, expected] of table) {
    const [line = ''] = eventLines({ ...EVENT, ...changes }, style, 120);
    assert.ok(line.includes(expected), `${JSON.stringify(changes)}: ${JSON.stringify(line)}`);
  }
});

const PLAIN = makeStyle({ colour: false, unicode: true });
const lines = (changes: Partial<EventRecord>, columns = 100): string[] =>
  eventLines({ ...EVENT, ...changes }, PLAIN, columns).map((line) => line.replace(/^\d\d:\d\d/, 'hh:mm'));

test('columns line up, long names are cut, and the function behind an operation is left out', () => {
  assert.deepEqual(lines({ node_instance_id: 'a_very_long_instance_name_ab12cd', message: 'm' }), [
    'hh:mm:01.250 → a_very_long_instance_na… create        m',
  ]);
  assert.deepEqual(lines({ event_type: 'task_failed', message: "Task failed 'a.b' -> boom [retry 1/3]" }), [
    'hh:mm:01.250 ↻ web_ab12cd               create        Task failed -> boom [retry 1/3]',
  ]);
});

test('a long message goes on under itself, or under the sign where there is little room', () => {
  const message = 'one two three four five six seven eight nine ten eleven';
  assert.deepEqual(lines({ message, operation: null }), [
    'hh:mm:01.250 → web_ab12cd                             one two three four five six seven eight nine',
    '                                                      ten eleven',
  ]);
  assert.deepEqual(lines({ message }, 60), [
    'hh:mm:01.250 → web_ab12cd       create        one two three',
    '               four five six seven eight nine ten eleven',
  ]);
});

test('causes stand under a failure, unless its message tells them already', () => {
  assert.deepEqual(
    lines({
      event_type: 'task_failed',
      message: "Task failed 'x' -> exit 1",
      error_causes: [
        { type: 'ProcessException', message: 'exit 1' },
        { type: 'OSError', message: 'no space left' },
      ],
    }),
    [
      'hh:mm:01.250 ✘ web_ab12cd               create        Task failed -> exit 1',
      '                                                      caused by OSError: no space left',
    ],
  );
});
