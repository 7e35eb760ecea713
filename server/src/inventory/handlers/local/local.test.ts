import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { call, handlerConforms, succeeded } from '../conformance.js';
import type { SeenServer, ServerWish } from '../handler.js';
import { createLocalHandler } from './local.js';

const folder = await mkdtemp(join(tmpdir(), 'orrery-local-'));
const open = (extra = {}) =>
  createLocalHandler({ folder, enabled: true, most: 20, ...extra }).open({
    accountId: 'account-1',
    settings: {},
    secrets: {},
  });
const hands = open();

async function endAll() {
  for (const server of await succeeded(() => hands.list(call()))) {
    await succeeded(() => hands.remove(server, call()));
  }
}

after(async () => {
  await endAll();
  await rm(folder, { recursive: true, force: true });
});

handlerConforms({
  name: 'a local process',
  open: async () => ({ hands, close: endAll }),
  image: 'any',
  sizes: [
    { cpus: 1, memoryMb: 512 },
    { cpus: 2, memoryMb: 1024 },
  ],
  lacks: [],
});

function wish(parts: Partial<ServerWish> = {}): ServerWish {
  return {
    uuid: randomUUID(),
    hostname: 'web01',
    image: '',
    cpus: 1,
    memoryMb: 512,
    diskGb: 1,
    networks: [],
    username: null,
    password: null,
    script: '',
    tags: {},
    ...parts,
  };
}

async function ask({ ip, port }: SeenServer): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://${ip}:${port}/hello`);
  return (await answer.json()) as Record<string, unknown>;
}

const isAlive = (pid: unknown) =>
  readFile(`/proc/${String(pid)}/stat`, 'utf8').then(
    (text) => !text.includes(') Z '),
    () => false,
  );

describe('a server that is a process of this host', () => {
  it('answers at its address as the server it is', async () => {
    const one = wish({ hostname: "it's", cpus: 1, memoryMb: 700 });
    const server = await succeeded(() => hands.build(one, call()));
    const said = await ask(server);
    assert.deepEqual([said.hostname, said.uuid, said.memory_mb, said.cpus], ["it's", one.uuid, 700, 1]);
    assert.match(server.ip, /^127\./);
  });

  it('is a process of its own group, without our environment, bounded, and where we are root of a user of its own', async () => {
    const server = await succeeded(() => hands.build(wish({ memoryMb: 600 }), call()));
    const { pid } = server.facts;
    const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
    assert.equal(text.slice(text.lastIndexOf(')') + 2).split(' ')[2], String(pid), 'leads its group');
    const environment = await readFile(`/proc/${String(pid)}/environ`, 'utf8');
    assert.ok(!environment.includes('ORRERY_TEST') && environment.includes('ORRERY_LOCAL_SERVER='));
    const limits = await readFile(`/proc/${String(pid)}/limits`, 'utf8');
    assert.match(limits, new RegExp(`Max data size\\s+${600 * 1024 * 1024}\\s`));
    assert.match(limits, new RegExp(`Max file size\\s+${1024 ** 3}\\s`));
    if (process.getuid?.() === 0) {
      const { uid } = await stat(`/proc/${String(pid)}`);
      assert.ok(uid > 1_000_000_000, `runs as ${uid}`);
      assert.equal((await stat(join(String(server.facts.folder), 'machine.json'))).uid, 0);
    }
  });

  it('is found again by somebody who knows the folder alone', async () => {
    const one = wish();
    const server = await succeeded(() => hands.build(one, call()));
    const again = await succeeded(() => open().describe({ uuid: one.uuid, providerId: null }, call()));
    assert.equal(again?.facts.pid, server.facts.pid);
  });

  it('is off when somebody else has killed it, and comes back on the same address', async () => {
    const server = await succeeded(() => hands.build(wish(), call()));
    process.kill(Number(server.facts.pid), 'SIGKILL');
    let seen = await succeeded(() => hands.describe(server, call()));
    while (seen!.power !== 'off') seen = await succeeded(() => hands.describe(server, call()));
    const back = await succeeded(() => hands.power(server, 'on', call()));
    assert.equal(back.ip, server.ip);
    assert.notEqual(back.facts.pid, server.facts.pid);
    assert.equal((await ask(back)).hostname, 'web01');
  });

  it('has its disk as it was when the snapshot was taken, once it is reverted', async () => {
    const server = await succeeded(() => hands.build(wish(), call()));
    await ask(server);
    const id = randomUUID();
    const kept = await succeeded(() => hands.snapshot(server, { id, name: 'one visit' }, call()));
    assert.equal((await ask(server)).visits, 2);
    const reverted = await succeeded(() => hands.revert(server, { id, providerId: kept.providerId }, call()));
    assert.equal((await ask(reverted)).visits, 2, 'the second visit is forgotten');
  });

  it('leaves neither a process nor a folder when it is removed', async () => {
    const server = await succeeded(() => hands.build(wish(), call()));
    await succeeded(() => hands.remove(server, call()));
    assert.equal(await isAlive(server.facts.pid), false);
    assert.ok(!(await readdir(join(folder, 'account-1'))).includes(server.providerId));
  });

  it('is refused where operators do not want it, beyond their number, and out of bounds', async () => {
    const cases = [
      [open({ enabled: false }), wish(), /switched off/],
      [open({ most: 0 }), wish(), /no more are allowed/],
      [hands, wish({ cpus: 0 }), /1 to 64 CPUs/],
      [hands, wish({ memoryMb: 1e9 }), /MB of memory/],
    ] as const;
    for (const [where, one, why] of cases) {
      const answer = await where.build(one, call());
      assert.ok(answer.kind === 'failed' && !answer.retryable);
      assert.match(answer.message, why);
    }
  });
});
