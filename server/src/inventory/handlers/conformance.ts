/**
 * What every server handler must hold to, as tests: a handler's own test file calls `handlerConforms` on a place that it can
 * make a mess of. What a kind of place has no notion of (`lacks`) must be refused for good, not be accepted without effect.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Call, SeenServer, ServerHands, ServerRef, ServerWish } from './handler.js';

export type Ability = 'suspend' | 'resize' | 'grow-disk' | 'add-disk' | 'snapshot' | 'revert' | 'power';

export interface HandlerSubject {
  readonly name: string;
  open(): Promise<{ readonly hands: ServerHands; close(): Promise<void> }>;
  readonly image: string;
  /** Sizes that the place knows: before and after. */
  readonly sizes: readonly [ServerSize, ServerSize];
  readonly lacks: readonly Ability[];
  readonly networks?: readonly string[];
}

interface ServerSize {
  readonly cpus: number;
  readonly memoryMb: number;
}

/** Of everything a handler can be asked, the most that it may take in a test. */
const PATIENCE_MS = 60_000;
const ALL: readonly Ability[] = ['suspend', 'resize', 'grow-disk', 'add-disk', 'snapshot', 'revert', 'power'];

export function call(operationId = `operation-${randomUUID()}`): Call & { readonly lines: string[] } {
  const lines: string[] = [];
  return {
    operationId,
    signal: new AbortController().signal,
    lines,
    log: (message) => void lines.push(message),
  };
}

/** Asks until it is not told to ask again. */
export async function settled<Value>(ask: () => Promise<Answer<Value>>): Promise<Answer<Value>> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (answer.kind !== 'again' || performance.now() > deadline) return answer;
    await sleep(Math.min(answer.after * 1000, 300));
  }
}

export async function succeeded<Value>(ask: () => Promise<Answer<Value>>): Promise<Value> {
  const answer = await settled(ask);
  assert.ok(answer.kind === 'done', JSON.stringify(answer));
  return answer.value;
}

export function handlerConforms(subject: HandlerSubject): void {
  describe(`${subject.name} is a server handler as the inventory expects it`, () => {
    let hands: ServerHands;
    let close = async () => {};
    const [small, large] = subject.sizes;
    const has = (ability: Ability) => !subject.lacks.includes(ability);
    const wish = (uuid = randomUUID()): ServerWish => ({
      uuid,
      hostname: `conf-${uuid.slice(0, 8)}`,
      image: subject.image,
      ...small,
      diskGb: 2,
      networks: subject.networks ?? [],
      username: null,
      password: null,
      script: '',
      tags: { purpose: 'conformance' },
    });
    const refOf = (server: SeenServer): ServerRef => ({ uuid: server.uuid, providerId: server.providerId });
    const built = async (one = wish()) => succeeded(() => hands.build(one, call()));
    const gone = async (server: ServerRef) => succeeded(() => hands.remove(server, call()));
    const found = async (server: ServerRef) => succeeded(() => hands.describe(server, call()));

    before(async () => {
      ({ hands, close } = await subject.open());
    });
    after(() => close());

    it('builds a server that is on, has an address, and carries our uuid', async () => {
      const one = wish();
      const server = await built(one);
      assert.equal(server.uuid, one.uuid);
      assert.equal(server.power, 'on');
      assert.notEqual(server.providerId, '');
      assert.notEqual(server.ip + server.privateIp, '');
      assert.ok(server.disks.length >= 1 && server.nics.length >= 1);
      assert.deepEqual(JSON.parse(JSON.stringify(server)), server, 'what is seen is plain JSON');
      assert.equal((await found(refOf(server)))?.providerId, server.providerId);
      await gone(refOf(server));
    });

    it('builds one server however often it is asked under one uuid, also when nobody wrote down the first', async () => {
      const one = wish();
      const first = await built(one);
      const second = await built(one);
      assert.equal(second.providerId, first.providerId);
      const mine = (await succeeded(() => hands.list(call()))).filter(({ uuid }) => uuid === one.uuid);
      assert.equal(mine.length, 1);
      // Found by our uuid alone, as after a death between the world and the record.
      assert.equal((await found({ uuid: one.uuid, providerId: null }))?.providerId, first.providerId);
      await gone({ uuid: one.uuid, providerId: null });
    });

    it('reaches a power state however often it is asked for', { skip: !has('power') }, async () => {
      const server = refOf(await built());
      for (const goal of ['off', 'off', 'on', 'on'] as const) {
        assert.equal((await succeeded(() => hands.power(server, goal, call()))).power, goal);
      }
      await gone(server);
    });

    it('is on after a reboot that is asked for twice under one id', { skip: !has('power') }, async () => {
      const server = refOf(await built());
      for (const _ of [1, 2]) {
        assert.equal((await succeeded(() => hands.reboot(server, call('reboot-1')))).power, 'on');
      }
      await gone(server);
    });

    it('suspends and goes on', { skip: !has('suspend') }, async () => {
      const server = refOf(await built());
      assert.equal((await succeeded(() => hands.power(server, 'suspended', call()))).power, 'suspended');
      assert.equal((await succeeded(() => hands.power(server, 'on', call()))).power, 'on');
      await gone(server);
    });

    it('has the size that was asked for, and is on again', { skip: !has('resize') }, async () => {
      const server = refOf(await built());
      for (const _ of [1, 2]) {
        const seen = await succeeded(() => hands.resize(server, large, call('resize-1')));
        assert.deepEqual([seen.cpus, seen.memoryMb, seen.power], [large.cpus, large.memoryMb, 'on']);
      }
      await gone(server);
    });

    it('grows a disk, and refuses to shrink it', { skip: !has('grow-disk') }, async () => {
      const server = refOf(await built());
      const { gb } = (await found(server))!.disks[0]!;
      const grow = { disk: '', gb: gb + 1 };
      for (const _ of [1, 2]) {
        const seen = await succeeded(() => hands.resize(server, { grow }, call('grow-1')));
        assert.equal(seen.disks[0]?.gb, gb + 1);
      }
      const shrunk = await settled(() => hands.resize(server, { grow: { disk: '', gb } }, call()));
      assert.ok(shrunk.kind === 'failed' && !shrunk.retryable);
      await gone(server);
    });

    it('adds a disk once under one id', { skip: !has('add-disk') }, async () => {
      const server = refOf(await built());
      const before = (await found(server))!.disks.length;
      const add = { id: `disk-${randomUUID().slice(0, 8)}`, gb: 1 };
      for (const _ of [1, 2]) {
        const seen = await succeeded(() => hands.resize(server, { add }, call('add-1')));
        assert.equal(seen.disks.length, before + 1);
      }
      await gone(server);
    });

    it('takes one snapshot under one id, and deletes it however often', {
      skip: !has('snapshot'),
    }, async () => {
      const server = refOf(await built());
      const id = randomUUID();
      const first = await succeeded(() => hands.snapshot(server, { id, name: 'Weekly' }, call()));
      const second = await succeeded(() => hands.snapshot(server, { id, name: 'Weekly' }, call()));
      assert.equal(second.providerId, first.providerId);
      const kept = { id, providerId: first.providerId };
      if (has('revert')) {
        assert.equal((await succeeded(() => hands.revert(server, kept, call()))).power, 'on');
      }
      for (const _ of [1, 2]) await succeeded(() => hands.deleteSnapshot(server, kept, call()));
      await gone(server);
    });

    it('removes a server however often, and does not know it any more', async () => {
      const server = refOf(await built());
      for (const _ of [1, 2]) await gone(server);
      const seen = await found(server);
      assert.equal(seen, null);
      const all = await succeeded(() => hands.list(call()));
      assert.ok(!all.some(({ uuid }) => uuid === server.uuid));
    });

    it('refuses for good what it cannot do, and what is done to a server that is not there', async () => {
      const absent: ServerRef = { uuid: randomUUID(), providerId: null };
      const power = await settled(() => hands.power(absent, 'off', call()));
      assert.ok(power.kind === 'failed' && !power.retryable, JSON.stringify(power));
      const server = refOf(await built());
      for (const ability of ALL.filter((one) => !has(one))) {
        const answer = await settled(() => attempts[ability](hands, server));
        assert.ok(answer.kind === 'failed' && !answer.retryable, `${ability}: ${JSON.stringify(answer)}`);
        assert.notEqual(answer.message, '');
      }
      await gone(server);
    });

    const attempts: Record<Ability, (hands: ServerHands, server: ServerRef) => Promise<Answer<unknown>>> = {
      power: (one, server) => one.power(server, 'off', call()),
      suspend: (one, server) => one.power(server, 'suspended', call()),
      resize: (one, server) => one.resize(server, large, call()),
      'grow-disk': (one, server) => one.resize(server, { grow: { disk: '', gb: 9 } }, call()),
      'add-disk': (one, server) => one.resize(server, { add: { id: 'disk-9', gb: 1 } }, call()),
      snapshot: (one, server) => one.snapshot(server, { id: randomUUID(), name: 'x' }, call()),
      revert: (one, server) => one.revert(server, { id: randomUUID(), providerId: 'x' }, call()),
    };
  });
}
