import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecord } from '../api/wire.js';
import { InFlight } from './in-flight.js';
import { Patience } from './patience.js';

const BEGIN = Date.parse('2026-11-22T08:00:00.000Z');

function task(kind: string, instance: string, seconds: number): EventRecord {
  return {
    type: 'cloudify_event',
    event_type: kind,
    timestamp: new Date(BEGIN + seconds * 1000).toISOString(),
    message: kind,
    operation: 'cloudify.interfaces.lifecycle.start',
    node_instance_id: instance,
    node_name: null,
  };
}

test('what began and did not end is in flight, the oldest first', () => {
  const flight = new InFlight();
  flight.note(task('sending_task', 'b', 1));
  flight.note(task('task_started', 'b', 2));
  flight.note(task('task_started', 'a', 1));
  flight.note(task('task_started', 'c', 1));
  flight.note(task('task_succeeded', 'c', 3));
  assert.deepEqual(flight.running(BEGIN + 5000), [
    { where: 'a', operation: 'start', elapsed: 4000 },
    { where: 'b', operation: 'start', elapsed: 3000 },
  ]);
  assert.equal(flight.trouble, 'none');
});

test('a failed attempt is trouble of one kind, a failed workflow of another, and resuming ends the second', () => {
  const flight = new InFlight();
  flight.note(task('task_started', 'a', 1));
  flight.note(task('task_failed', 'a', 2));
  assert.equal(flight.trouble, 'retries');
  assert.deepEqual(flight.running(BEGIN), []);
  flight.note(task('workflow_failed', '', 3));
  assert.equal(flight.trouble, 'failures');
  flight.note(task('task_started', 'a', 4));
  assert.equal(flight.trouble, 'retries');
});

test('patience grows while nothing happens, to a bound, and ends when something does', () => {
  const patience = new Patience(100, 400);
  assert.deepEqual(
    [false, false, false, false, false, true, false].map((news) => patience.next(news)),
    [150, 225, 338, 400, 400, 100, 150],
  );
});
