import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EventRecord } from '../api/wire.js';
import { EventTail, type FetchEvents } from './event-tail.js';

const BEGIN = Date.parse('2026-11-22T08:00:00.000Z');

function anEvent(id: number, recorded: number): EventRecord {
  const time = new Date(BEGIN + recorded).toISOString();
  return {
    _storage_id: id,
    type: 'cloudify_event',
    event_type: 'workflow_event',
    timestamp: time,
    reported_timestamp: time,
    message: `event ${id}`,
    operation: null,
    node_instance_id: null,
    node_name: null,
  };
}

/** A list as a server keeps it; events may be put anywhere in it, between any two questions. */
class Kept {
  visible: EventRecord[] = [];
  questions = 0;
  failNext = false;
  beforeAnswer: (() => void) | null = null;

  constructor(private readonly largestPage: number) {}

  readonly fetch: FetchEvents = async ({ offset, size, from }) => {
    this.questions++;
    if (this.failNext) {
      this.failNext = false;
      throw new Error('gone');
    }
    this.beforeAnswer?.();
    const list = this.visible
      .filter((event) => from === null || String(event.reported_timestamp) >= from)
      .sort(
        (a, b) =>
          Date.parse(String(b.reported_timestamp)) - Date.parse(String(a.reported_timestamp)) ||
          Number(b._storage_id) - Number(a._storage_id),
      );
    const items = list.slice(offset, offset + Math.min(size, this.largestPage));
    return { items, metadata: { pagination: { total: list.length, offset, size } } };
  };
}

const ids = (events: readonly EventRecord[]): number[] => events.map((event) => Number(event._storage_id));

test('in whatever order events become visible, each is handed out exactly once', async () => {
  await fc.assert(
    fc.asyncProperty(
      // For each read: the recording times of what became visible before it, and whether it fails.
      fc.array(
        fc.record({
          appear: fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 12 }),
          during: fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 3 }),
          fails: fc.boolean(),
        }),
        { maxLength: 12 },
      ),
      fc.integer({ min: 1, max: 7 }),
      async (reads, largestPage) => {
        const kept = new Kept(largestPage);
        const tail = new EventTail(kept.fetch);
        let lastId = 0;
        const appear = (times: readonly number[]): void => {
          for (const time of times) kept.visible.push(anEvent(++lastId, time));
        };
        const told: number[] = [];
        for (const { appear: before, during, fails } of reads) {
          appear(before);
          kept.failNext = fails;
          kept.beforeAnswer = () => {
            kept.beforeAnswer = null;
            appear(during);
          };
          try {
            told.push(...ids(await tail.read()));
          } catch (error) {
            assert.equal((error as Error).message, 'gone');
          }
        }
        kept.failNext = false;
        kept.beforeAnswer = null;
        told.push(...ids(await tail.read()), ...ids(await tail.read()));
        assert.deepEqual(
          told.sort((a, b) => a - b),
          Array.from({ length: lastId }, (_, index) => index + 1),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('one read hands out events in the order of their recording', async () => {
  const kept = new Kept(1000);
  kept.visible = [anEvent(3, 5), anEvent(1, 9), anEvent(2, 5)];
  assert.deepEqual(ids(await new EventTail(kept.fetch).read()), [2, 3, 1]);
});

test('a quiet list costs one question a read', async () => {
  const kept = new Kept(1000);
  kept.visible = [anEvent(1, 1), anEvent(2, 2)];
  const tail = new EventTail(kept.fetch);
  await tail.read();
  kept.questions = 0;
  assert.deepEqual(await tail.read(), []);
  assert.equal(kept.questions, 1);
});

test('after a deletion on the server nothing is repeated and what comes is still seen', async () => {
  const kept = new Kept(3);
  kept.visible = Array.from({ length: 10 }, (_, index) => anEvent(index + 1, index));
  const tail = new EventTail(kept.fetch);
  assert.equal((await tail.read()).length, 10);
  kept.visible = [...kept.visible.slice(6), anEvent(11, 20)];
  assert.deepEqual(ids(await tail.read()), [11]);
  kept.visible.push(anEvent(12, 21));
  assert.deepEqual(ids(await tail.read()), [12]);
});

test('in a list without an end memory is bounded, and late events are still found', async () => {
  const kept = new Kept(1000);
  const tail = new EventTail(kept.fetch, { lateness: 30_000 });
  const told: number[] = [];
  let id = 0;
  for (let minute = 0; minute < 20; minute++) {
    for (let index = 0; index < 1000; index++) kept.visible.push(anEvent(++id, minute * 60_000 + index));
    told.push(...ids(await tail.read()));
    // Recorded 20 seconds before the newest, visible only now.
    kept.visible.push(anEvent(++id, minute * 60_000 - 20_000));
    told.push(...ids(await tail.read()));
  }
  assert.equal(told.length, id);
  assert.equal(new Set(told).size, id);
  assert.ok(tail.held < 8000, `${tail.held} events are held`);
});

test('the end of a long list is read without walking through its beginning', async () => {
  const kept = new Kept(1000);
  kept.visible = Array.from({ length: 20_000 }, (_, index) => anEvent(index + 1, index));
  const tail = new EventTail(kept.fetch);
  assert.equal((await tail.read()).length, 20_000);
  kept.questions = 0;
  kept.visible.push(anEvent(20_001, 20_001));
  assert.deepEqual(ids(await tail.read()), [20_001]);
  assert.equal(kept.questions, 1);
});
