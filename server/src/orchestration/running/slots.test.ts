/** Room for operations: shares of executions, and what a worker tells of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SPREAD } from './dispatch/pools.js';
import { poolLine, Slots } from './slots.js';

/** An execution of so many operations, walked as the engine does: it asks for all that it wants whenever it is woken. */
class Execution {
  readonly running: number[] = [];
  isWoken = false;
  #next = 0;
  readonly #slots: Slots;
  readonly #count: number;
  readonly #plugin: string;

  constructor(slots: Slots, count: number, plugin = 'script') {
    this.#slots = slots;
    this.#count = count;
    this.#plugin = plugin;
  }

  get isOver(): boolean {
    return this.#next === this.#count && this.running.length === 0;
  }

  walk(): void {
    this.isWoken = false;
    this.#slots.ask(this);
    const wake = () => {
      this.isWoken = true;
    };
    const first = this.#next;
    for (let task = first; task < this.#count; task += 1) {
      if (!this.#slots.take(this, task, this.#plugin, wake)) continue;
      assert.equal(task, this.#next);
      this.#next += 1;
      this.running.push(task);
    }
  }

  /** The operation that runs longest ends. */
  end(): void {
    this.#slots.give(this, this.running.shift()!);
    this.walk();
    if (this.isOver) this.#slots.forget(this);
  }
}

const still = { ticks: () => 0 };

function settle(executions: readonly Execution[]): void {
  for (let woken = executions.find((one) => one.isWoken); woken !== undefined; ) {
    woken.walk();
    woken = executions.find((one) => one.isWoken);
  }
}

describe('room for operations', () => {
  it('is never exceeded and never idle while somebody waits, and every execution comes to its end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { minLength: 100, maxLength: 100 }),
        (limit, counts, luck) => {
          const slots = new Slots(() => limit, still);
          const executions = counts.map((count) => new Execution(slots, count));
          for (const one of executions) one.walk();
          settle(executions);
          for (let step = 0; executions.some((one) => !one.isOver); step += 1) {
            const busy = executions.filter((one) => one.running.length > 0);
            const left = executions.filter((one) => !one.isOver).length;
            assert.ok(slots.used <= limit);
            assert.ok(busy.length > 0 && slots.used >= Math.min(limit, left), `${slots.used} of ${limit}`);
            busy[luck[step % luck.length]! % busy.length]!.end();
            settle(executions);
          }
          assert.equal(slots.used, 0);
          assert.equal(slots.room, Number.POSITIVE_INFINITY);
        },
      ),
    );
  });

  it('is shared equally, also with one that comes later', () => {
    const slots = new Slots(() => 9, still);
    const executions = [new Execution(slots, 500)];
    executions[0]!.walk();
    for (const late of [new Execution(slots, 500), new Execution(slots, 500)]) {
      executions.push(late);
      late.walk();
      for (let turn = 0; turn < 60; turn += 1) {
        executions.toSorted((a, b) => b.running.length - a.running.length)[0]!.end();
        settle(executions);
      }
    }
    assert.deepEqual(
      executions.map((one) => one.running.length),
      [3, 3, 3],
    );
    // What one has given it takes again: its end and its next start are one batch.
    executions[1]!.end();
    assert.deepEqual(
      executions.map((one) => [one.running.length, one.isWoken]),
      [
        [3, false],
        [3, false],
        [3, false],
      ],
    );
  });

  it('stays with who has some where shares are no whole numbers, and none has two more than another', () => {
    for (const [limit, count] of [
      [10, 3],
      [11, 4],
      [25, 6],
    ] as const) {
      const slots = new Slots(() => limit, still);
      const executions = Array.from({ length: count }, () => new Execution(slots, 10_000));
      for (const one of executions) one.walk();
      for (let turn = 0; turn < 100; turn += 1) {
        executions.find((one) => one.running.length > limit / count)?.end();
        settle(executions);
      }
      const parts = executions.map((one) => one.running.length);
      assert.ok(Math.max(...parts) - Math.min(...parts) <= 1, parts.join(' '));
      for (let turn = 0; turn < 10 * count; turn += 1) {
        executions[turn % count]!.end();
        settle(executions);
        assert.deepEqual(
          executions.map((one) => one.running.length),
          parts,
        );
      }
    }
  });

  it('is taken in turns, where there is less than one slot for each', () => {
    const slots = new Slots(() => 2, still);
    const executions = Array.from({ length: 5 }, () => new Execution(slots, 100));
    for (const one of executions) one.walk();
    const counts = executions.map(() => 0);
    for (let turn = 0; turn < 50; turn += 1) {
      for (const one of executions.filter((each) => each.running.length > 0)) {
        counts[executions.indexOf(one)]! += 1;
        one.end();
      }
      settle(executions);
    }
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 4, counts.join(' '));
  });

  it('goes to others when who was promised some wants no more', () => {
    const slots = new Slots(() => 1, still);
    const [first, second, third] = [
      new Execution(slots, 1),
      new Execution(slots, 1),
      new Execution(slots, 1),
    ];
    for (const one of [first, second, third]) one.walk();
    first.end();
    assert.deepEqual([second.isWoken, third.isWoken], [true, false]);
    slots.withdraw(second);
    assert.equal(third.isWoken, true);
  });

  it('is there as long as no operation waits for it; those of other pools wait elsewhere', () => {
    const slots = new Slots((plugin) => (plugin === 'script' ? 4 : 8), still, 2);
    assert.equal(slots.room, Number.POSITIVE_INFINITY);
    const wide = new Execution(slots, 5, poolLine('far'));
    wide.walk();
    assert.equal(slots.room, Number.POSITIVE_INFINITY);
    const other = new Execution(slots, 3, 'other');
    other.walk();
    assert.equal(slots.room, 5);
    const script = new Execution(slots, 6);
    script.walk();
    assert.equal(slots.room, -2);
    const spread = new Execution(slots, 9, poolLine(SPREAD));
    spread.walk();
    assert.equal(slots.room, -7);
  });

  it('is told of when it comes, once', () => {
    const slots = new Slots(() => 2, still);
    const script = new Execution(slots, 4);
    script.walk();
    let told = 0;
    slots.whenRoom(() => {
      told += 1;
    });
    const heard = [0, 0, 0, 0].map(() => {
      script.end();
      return told;
    });
    // Of four, two ran and two waited; how fast they end says how many may wait.
    assert.deepEqual(heard.at(-1), 1);
  });

  it('counts as there a little before it is, where operations end fast', () => {
    let now = 0;
    const slots = new Slots(() => 10, { ticks: () => now });
    const script = new Execution(slots, 1000);
    script.walk();
    const before = slots.room;
    for (let turn = 0; turn < 300; turn += 1) {
      now += 5;
      script.end();
    }
    // 200 a second: ten end while a claim is on its way, as far as there is room for so many.
    const waiting = 1000 - 300 - 10;
    assert.ok(Math.abs(slots.room + waiting - 10) < 0.5, `${slots.room + waiting}`);
    assert.equal(before, -990);
    now += 10_000;
    assert.ok(Math.abs(slots.room + waiting) < 0.01);
  });
});
