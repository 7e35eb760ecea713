/** The EC2 handler against moto's server, which scripts/interop.mjs starts: ORRERY_INTEROP_EC2 is its address. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { call, handlerConforms, settled, succeeded } from '../../src/inventory/handlers/conformance.js';
import { createEc2Handler } from '../../src/inventory/handlers/ec2/ec2-handler.js';
import type { ServerWish } from '../../src/inventory/handlers/handler.js';
import { parseAllowlist } from '../../src/net/allowlist.js';

const endpoint = process.env.ORRERY_INTEROP_EC2 ?? '';
assert.notEqual(endpoint, '', 'ORRERY_INTEROP_EC2 must say where moto answers');
const IMAGE = 'ami-12c6146b';
const secrets = { access_key_id: 'AKIAINTEROP', secret_access_key: 'interop-secret' };

const open = (allowed: string, region = 'us-east-1') =>
  createEc2Handler({ allowlist: parseAllowlist(allowed) }).open({
    accountId: 'aws-1',
    settings: { region, endpoint, image: IMAGE },
    secrets,
  });
const hands = open('127.0.0.1:*');
const outside = new EC2Client({
  region: 'us-east-1',
  endpoint,
  credentials: { accessKeyId: 'AKIAOUTSIDE', secretAccessKey: 'outside' },
});

handlerConforms({
  name: 'EC2, as moto speaks it,',
  open: async () => ({ hands, close: async () => {} }),
  image: IMAGE,
  sizes: [
    { cpus: 2, memoryMb: 2048 },
    { cpus: 2, memoryMb: 4096 },
  ],
  lacks: ['suspend', 'revert'],
});

const wish = (parts: Partial<ServerWish> = {}): ServerWish => ({
  uuid: randomUUID(),
  hostname: 'web01',
  image: '',
  cpus: 1,
  memoryMb: 512,
  diskGb: 8,
  networks: [],
  username: null,
  password: null,
  script: '#!/bin/sh\necho hello',
  tags: { team: 'payments' },
  ...parts,
});

describe('servers in EC2', () => {
  it('are named, and described with their type, zone and disks', async () => {
    const one = wish({ diskGb: 20 });
    const server = await succeeded(() => hands.build(one, call()));
    assert.equal(server.hostname, 'web01');
    assert.equal(server.disks[0]?.gb, 20);
    assert.equal(server.facts.instance_type, 't3.nano');
    assert.match(String(server.facts.availability_zone), /^us-east-1/);
    assert.notEqual(server.nics[0]?.privateIp, '');
    await succeeded(() => hands.remove(server, call()));
  });

  it('that others made are listed without our uuid, and are gone from the list when others end them', async () => {
    const made = await outside.send(
      new RunInstancesCommand({ ImageId: IMAGE, MinCount: 1, MaxCount: 1, InstanceType: 'm4.large' }),
    );
    const id = made.Instances![0]!.InstanceId!;
    const find = async () =>
      (await succeeded(() => hands.list(call()))).find(({ providerId }) => providerId === id);
    const found = await find();
    assert.deepEqual([found?.uuid, found?.cpus, found?.memoryMb], [null, 2, 8192]);
    await outside.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
    assert.equal(await find(), undefined);
    assert.equal(await succeeded(() => hands.describe({ uuid: null, providerId: id }, call())), null);
  });

  it('are not asked for at addresses that are not allowed', async () => {
    assert.throws(() => open(''), /CLOUD_ENDPOINT_ALLOWLIST/);
  });

  it('do not carry secrets in what goes wrong', async () => {
    const one = wish({ networks: ['subnet-nowhere'] });
    const answer = await settled(() => hands.build(one, call()));
    assert.ok(answer.kind === 'failed' && !answer.retryable, JSON.stringify(answer));
    assert.ok(!JSON.stringify(answer).includes('interop-secret'));
  });

  it('answer soon when the operation is aborted', async () => {
    const stopped = { ...call(), signal: AbortSignal.abort('cancelled') };
    assert.equal((await hands.build(wish(), stopped)).kind, 'aborted');
  });
});
