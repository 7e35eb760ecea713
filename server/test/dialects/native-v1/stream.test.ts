/** The live stream, over real HTTP: what is told, to whom, in which order, and that nothing is lost or told twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { aFollower, type FollowedStream } from './a-follower.js';
import { aReplica } from './a-replica.js';
import { aTenantAtWork } from './a-tenant-at-work.js';

const server = await aServer();
const { pool } = server;
const work = await aTenantAtWork(server);
const { token, execution, deployment, happens } = work;

const messages = (stream: FollowedStream) => stream.told('events').map(({ message }) => String(message));
const begun = (stream: FollowedStream) => stream.until('hello', () => stream.frames.length > 0);

describe('a stream', () => {
  it('says hello with its position and topics, then what happens, each frame with a higher id', async () => {
    const stream = await aFollower(server.url, `?topic=execution:${execution}`, { token });
    assert.equal(stream.status, 200);
    assert.match(stream.headers['content-type']!, /^text\/event-stream/);
    await begun(stream);
    assert.equal(stream.frames[0]!.event, 'hello');
    assert.deepEqual(stream.frames[0]!.data.topics, [`execution:${execution}`]);
    await happens(pool, 'one');
    await stream.until('one', () => messages(stream).includes('one'));
    await happens(pool, 'two');
    await stream.until('two', () => messages(stream).includes('two'));
    assert.deepEqual(messages(stream), ['one', 'two']);
    const ids = stream.frames.map(({ id }) => Number(id!));
    assert.deepEqual(
      ids,
      [...ids].sort((a, b) => a - b),
    );
    const [event] = stream.told('events');
    assert.deepEqual(Object.keys(event!).sort(), [
      'at',
      'deployment',
      'execution',
      'id',
      'kind',
      'message',
      'type',
    ]);
    stream.leave();
  });

  it('tells each event once to a connection with several topics that hold it, asked for by POST', async () => {
    const stream = await aFollower(server.url, '', {
      token,
      body: { topics: ['tenant', `deployment:${deployment}`, `execution:${execution}`], with: ['events'] },
    });
    await begun(stream);
    for (const message of ['a', 'b', 'c']) await happens(pool, message);
    await stream.until('c', () => messages(stream).includes('c'));
    assert.deepEqual(messages(stream), ['a', 'b', 'c']);
    stream.leave();
  });

  it('keeps what is under way and tells it after what was committed before, however ids were drawn', async () => {
    const stream = await aFollower(server.url, `?topic=deployment:${deployment}`, { token });
    await begun(stream);
    const [slow, quick] = await Promise.all([pool.connect(), pool.connect()]);
    await slow.query('begin');
    await happens(slow, 'drawn first, committed last');
    await quick.query('begin');
    await happens(quick, 'drawn last, committed first');
    await quick.query('commit');
    // Somebody who comes in between must not miss either.
    const late = await aFollower(server.url, `?topic=deployment:${deployment}`, {
      token,
      lastEventId: stream.lastId,
    });
    await slow.query('commit');
    for (const client of [slow, quick]) client.release();
    for (const one of [stream, late]) {
      await one.until('both', () => messages(one).length >= 2);
      assert.deepEqual([...messages(one)].sort(), [
        'drawn first, committed last',
        'drawn last, committed first',
      ]);
      one.leave();
    }
  });

  it('tells nothing of what was rolled back', async () => {
    const stream = await aFollower(server.url, `?topic=execution:${execution}`, { token });
    await begun(stream);
    const client = await pool.connect();
    await client.query('begin');
    await happens(client, 'never was');
    await client.query('rollback');
    client.release();
    await happens(pool, 'was');
    await stream.until('was', () => messages(stream).includes('was'));
    assert.deepEqual(messages(stream), ['was']);
    stream.leave();
  });

  it('beats, and a beat moves the position', async () => {
    const replica = await aReplica(server, { streams: { heartbeatMs: 50 } });
    const stream = await aFollower(replica.url, `?topic=execution:${execution}`, { token });
    await begun(stream);
    const first = stream.lastId!;
    await happens(pool, 'unwatched');
    await stream.until('a beat further on', () => stream.comments > 0 && stream.lastId !== first);
    assert.ok(Number(stream.lastId!) > Number(first));
    stream.leave();
    await replica.kill();
  });

  it('is told by polling where no hints arrive', async () => {
    const replica = await aReplica(server, { deaf: true, streams: { pollMs: 100 } });
    const stream = await aFollower(replica.url, `?topic=execution:${execution}`, { token });
    await begun(stream);
    await happens(pool, 'unheard');
    await stream.until('unheard', () => messages(stream).includes('unheard'));
    stream.leave();
    await replica.kill();
  });
});

describe('coming back', () => {
  it('goes on at another replica after the first was killed: nothing lost, nothing twice', async () => {
    const [one, two] = [await aReplica(server), await aReplica(server)];
    const followers = await Promise.all(
      Array.from({ length: 5 }, () => aFollower(one.url, `?topic=execution:${execution}`, { token })),
    );
    await Promise.all(followers.map(begun));
    let writing = true;
    let written = 0;
    const writer = (async () => {
      while (writing) {
        const client = await pool.connect();
        await client.query('begin');
        for (let some = 0; some < 3; some += 1) await happens(client, `n${written++}`);
        await client.query('commit');
        client.release();
      }
    })();
    await Promise.all(followers.map((one) => one.until('some', () => messages(one).length > 20)));
    await one.kill();
    await Promise.all(followers.map((one) => one.until('the end', () => one.ended)));
    const again = await Promise.all(
      followers.map(({ lastId }) =>
        aFollower(two.url, `?topic=execution:${execution}`, { token, lastEventId: lastId }),
      ),
    );
    await Promise.all(again.map((one) => one.until('some more', () => messages(one).length > 20)));
    writing = false;
    await writer;
    const all = Array.from({ length: written }, (_, n) => `n${n}`);
    for (const [place, stream] of again.entries()) {
      await stream.until('the last', () => messages(stream).includes(all.at(-1)!));
      assert.deepEqual([...messages(followers[place]!), ...messages(stream)], all);
      assert.equal(stream.frames[0]!.event, 'hello');
      stream.leave();
    }
    await two.kill();
  });

  it('is told to begin anew where its position is too far back, or of another world', async () => {
    await pool.query(`update changes_swept set up_to = next_news_id()`);
    for (const lastEventId of ['5', '900000000000']) {
      const stream = await aFollower(server.url, `?topic=execution:${execution}`, { token, lastEventId });
      await stream.until('reset', () => stream.frames.some(({ event }) => event === 'reset'));
      await happens(pool, `after ${lastEventId}`);
      await stream.until('what comes after', () => messages(stream).includes(`after ${lastEventId}`));
      assert.deepEqual(messages(stream), [`after ${lastEventId}`]);
      stream.leave();
    }
  });

  it('is told a long past in pages, and then what is new', async () => {
    const first = await aFollower(server.url, `?topic=execution:${execution}&with=events`, { token });
    await begun(first);
    const from = first.lastId;
    first.leave();
    for (let n = 0; n < 5; n += 1) {
      await pool.query(
        `select append_events(x.tenant_id, (
           select json_agg(json_build_object('executionUid', x.uid, 'deploymentUid', x.deployment_uid, 'message', 'past ' || ($2::integer * 1000 + n)) order by n)
           from generate_series(0, 999) n)) from executions x where x.id = $1`,
        [execution, n],
      );
    }
    const stream = await aFollower(server.url, `?topic=execution:${execution}&with=events`, {
      token,
      lastEventId: from,
    });
    await stream.until('the past', () => messages(stream).length >= 5000);
    await happens(pool, 'new');
    await stream.until('new', () => messages(stream).at(-1) === 'new');
    assert.deepEqual(messages(stream), [...Array.from({ length: 5000 }, (_, n) => `past ${n}`), 'new']);
    assert.ok(stream.frames.length > 3);
    stream.leave();
  });

  it('lets a slow reader wait without keeping what it has not read, and loses nothing of it', async () => {
    const stream = await aFollower(server.url, `?topic=execution:${execution}&with=events`, { token });
    await begun(stream);
    stream.pause();
    const padding = 'x'.repeat(20_000);
    for (let n = 0; n < 20; n += 1) {
      await pool.query(
        `select append_events(x.tenant_id, (
           select json_agg(json_build_object('executionUid', x.uid, 'deploymentUid', x.deployment_uid, 'message', 'big ' || ($2::integer * 50 + n) || $3::text) order by n)
           from generate_series(0, 49) n)) from executions x where x.id = $1`,
        [execution, n, padding],
      );
      server.core.streams.look();
    }
    stream.resume();
    await stream.until('all of it', () => messages(stream).length >= 1000);
    assert.deepEqual(
      messages(stream).map((message) => message.slice(0, -padding.length)),
      Array.from({ length: 1000 }, (_, n) => `big ${n}`),
    );
    stream.leave();
  });
});
