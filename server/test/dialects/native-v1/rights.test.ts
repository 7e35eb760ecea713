/** Who may follow what, before the first byte and for as long as the connection lasts. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aFollower, type FollowedStream } from './a-follower.js';
import { aReplica } from './a-replica.js';
import { aTenantAtWork } from './a-tenant-at-work.js';

const server = await aServer();
const { pool, core } = server;
const work = await aTenantAtWork(server);
const { token, execution, deployment, happens } = work;
const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');
const replica = await aReplica(server, { streams: { recheckMs: 50, pollMs: 100 } });

const begun = (stream: FollowedStream) => stream.until('hello', () => stream.frames.length > 0);
const reason = (stream: FollowedStream) => (JSON.parse(stream.body) as { reason: string }).reason;
const messages = (stream: FollowedStream) => stream.told('events').map(({ message }) => String(message));

describe('before the first byte', () => {
  for (const [what, path, status, why] of [
    ['an execution that is not there', '?topic=execution:none', 404, 'execution-not-found'],
    ['a deployment that is not there', '?topic=deployment:none', 404, 'deployment-not-found'],
    ['a topic of no kind', '?topic=planet:mars', 400, 'bad-request'],
    ['no topic', '', 400, 'bad-request'],
    ['an unknown part', `?topic=tenant&with=secrets`, 400, 'bad-request'],
    ['a position that is none', `?topic=tenant&after=yesterday`, 400, 'bad-request'],
  ] as const) {
    it(`${what} is refused with ${status}`, async () => {
      const stream = await aFollower(server.url, path, { token });
      assert.equal(stream.status, status, stream.body);
      assert.match(stream.headers['content-type']!, /^application\/problem\+json/);
      assert.equal(reason(stream), why);
    });
  }

  it('nobody without credentials, nobody from another tenant', async () => {
    const nobody = await aFollower(server.url, '?topic=tenant', {
      token: `ctok-${'a'.repeat(10)}-${'b'.repeat(40)}`,
    });
    assert.equal(nobody.status, 401);
    await core.tenants.create(admin, 'elsewhere');
    await core.users.create(admin, {
      username: 'stranger',
      password: 'a password of a test',
      role: 'member',
    });
    await core.tenants.addUser(admin, 'elsewhere', 'stranger', 'manager');
    const stranger = await core.callers.actingAs('stranger', 'elsewhere', 'test');
    const { value } = await core.tokens.issue(stranger);
    assert.equal((await aFollower(server.url, '?topic=tenant', { token: value })).status, 403);
    for (const topic of [`execution:${execution}`, `deployment:${deployment}`]) {
      const stream = await aFollower(server.url, `?topic=${topic}`, { token: value, tenant: 'elsewhere' });
      assert.equal(stream.status, 404, topic);
    }
    const theirs = await aFollower(server.url, '?topic=tenant', { token: value, tenant: 'elsewhere' });
    await begun(theirs);
    await happens(pool, 'of ours');
    const ours = await aFollower(server.url, `?topic=execution:${execution}&after=0`, { token });
    await ours.until('ours', () => messages(ours).includes('of ours'));
    assert.deepEqual(messages(theirs), []);
    theirs.leave();
    ours.leave();
  });

  it('more connections than there may be are sent away for a while', async () => {
    const small = await aReplica(server, { streams: { mostConnections: 1 } });
    const first = await aFollower(small.url, '?topic=tenant', { token });
    await begun(first);
    const second = await aFollower(small.url, '?topic=tenant', { token });
    assert.equal(second.status, 503);
    assert.equal(second.headers['retry-after'], '5');
    first.leave();
    await small.kill();
  });
});

describe('while it lasts', () => {
  after(() => replica.kill());
  const deeds: readonly (readonly [
    string,
    (person: { username: string; token: string }) => Promise<unknown>,
  ])[] = [
    ['a token that is revoked', (person) => core.tokens.revoke(admin, person.token.split('-')[1]!)],
    ['a user who is suspended', (person) => core.users.deactivate(admin, person.username)],
    [
      'a user who is taken out of the tenant',
      (person) => core.tenants.removeUser(admin, 'default_tenant', person.username),
    ],
    [
      'a user with another role',
      (person) => core.tenants.changeUserRole(admin, 'default_tenant', person.username, 'manager'),
    ],
  ];
  for (const [what, deed] of deeds) {
    it(`${what} ends it`, async () => {
      const person = await work.person('viewer');
      const stream = await aFollower(replica.url, `?topic=deployment:${deployment}`, { token: person.token });
      await begun(stream);
      const other = await aFollower(replica.url, `?topic=deployment:${deployment}`, { token });
      await begun(other);
      await deed(person);
      await stream.until('its end', () => stream.ended);
      assert.deepEqual(stream.frames.at(-1), {
        id: stream.frames.at(-1)!.id,
        event: 'end',
        data: { reason: 'rights-changed' },
      });
      assert.equal(other.ended, false);
      other.leave();
    });
  }

  it('a stopping server says so, and its clients go elsewhere', async () => {
    const stopping = await aReplica(server);
    const stream = await aFollower(stopping.url, '?topic=tenant', { token });
    await begun(stream);
    await stopping.core.streams.close();
    await stream.until('its end', () => stream.ended);
    assert.deepEqual(stream.frames.at(-1)!.data, { reason: 'server-stops' });
    await stopping.kill();
  });

  it('what is private is told to its creator and to those who see private things, and to nobody else', async () => {
    const [maker, viewer] = [await work.person('user'), await work.person('viewer')];
    const streams = await Promise.all(
      [maker.token, viewer.token, token].map((one) =>
        aFollower(replica.url, '?topic=tenant', { token: one }),
      ),
    );
    await Promise.all(streams.map(begun));
    const [ofMaker, ofViewer, ofAdmin] = streams as [FollowedStream, FollowedStream, FollowedStream];
    const hidden = 'hidden-deployment';
    await pool.query(
      `insert into deployments (tenant_id, id, blueprint_uid, display_name, visibility, created_by, inputs, outputs, capabilities, workflows, types, rest)
       select d.tenant_id, $2, d.blueprint_uid, $2, 'private', u.id, '{}', '{}', '{}', '{}', d.types, d.rest
       from deployments d, users u where d.id = $1 and u.username = $3`,
      [deployment, hidden, maker.username],
    );
    await pool.query(
      `select append_events(tenant_id, json_build_array(json_build_object('deploymentUid', uid, 'message', 'whispered')))
       from deployments where id = $1`,
      [hidden],
    );
    await happens(pool, 'said aloud');
    for (const stream of streams) {
      await stream.until('what is said aloud', () => messages(stream).includes('said aloud'));
    }
    const toldOf = (stream: FollowedStream) => [
      messages(stream).includes('whispered'),
      stream.told('deployments').some(({ id }) => String(id) === hidden),
    ];
    assert.deepEqual(toldOf(ofMaker), [true, true]);
    assert.deepEqual(toldOf(ofAdmin), [true, true]);
    assert.deepEqual(toldOf(ofViewer), [false, false]);
    assert.equal(
      (await aFollower(server.url, `?topic=deployment:${hidden}`, { token: viewer.token })).status,
      404,
    );
    for (const stream of streams) stream.leave();
  });
});
