/** Holds one route against its row: asks as everybody, and looks at answers and rows. */
import assert from 'node:assert/strict';
import type { Answer } from '../client.js';
import { expected, inTenant, MARK, mayDo, type Row, WHO, type Who } from './rows.js';
import type { World } from './world.js';

export async function obey(world: World, row: Row, route: string, root: string): Promise<void> {
  const method = route.split(' ')[0]!;
  const where = async () => ({
    path: row.at === undefined ? route.split(' ')[1]! : await row.at(world),
    body: await row.body?.(world),
  });
  const send = (who: Who, { path, body }: { path: string; body: unknown }) =>
    world.askAs(who, method, path, {
      root,
      body,
      ...(row.headers === undefined ? {} : { headers: row.headers }),
    });
  const check = async (who: Who, asked: { path: string; body: unknown }): Promise<Answer> => {
    const answer = await send(who, asked);
    const statuses = expected(row, route, who);
    assert.ok(
      statuses.includes(answer.status),
      `${who}: ${method} ${asked.path} should be answered with ${statuses.join(' or ')}, not ${answer.status}: ${answer.text.slice(0, 500)}`,
    );
    return answer;
  };
  const tellsNothing = (who: Who, answer: Answer, { path, body }: { path: string; body: unknown }) => {
    assert.ok(!answer.text.includes(MARK), `${who} is told what is in the tenant: ${answer.text}`);
    const named = /alfa/.test(path) || (JSON.stringify(body) ?? '').includes('alfa');
    assert.ok(
      named || answer.status >= 300 || !answer.text.includes('alfa'),
      `${who} is told names of the tenant: ${answer.text}`,
    );
  };

  const asked = await where();
  await world.changes();
  for (const who of WHO.filter((one) => !mayDo(row, one))) tellsNothing(who, await check(who, asked), asked);
  assert.deepEqual(await world.changes(), [], 'what was refused has changed rows');
  if (row.may !== 'open') {
    tellsNothing('neighbour', await check('neighbour', asked), asked);
    const ours = (await world.changes()).filter(({ tenant }) => tenant === world.tenant);
    assert.deepEqual(ours, [], 'a manager of another tenant has changed rows of ours');
  }
  const mustTell = row.tells ?? (method === 'GET' && inTenant(row));
  for (const who of WHO.filter((one) => one !== 'neighbour' && mayDo(row, one))) {
    const own = await where();
    await world.changes();
    const answer = await check(who, own);
    const changed = (await world.changes()).length > 0;
    await row.undo?.(world, own.path);
    const shouldChange = row.changes ?? method !== 'GET';
    if (shouldChange !== 'either') {
      assert.equal(changed, shouldChange && answer.status < 300, `${who}: whether rows have changed`);
    }
    if (mustTell && who !== 'member') {
      assert.ok(
        answer.bytes.includes(MARK) || answer.text.includes('alfa'),
        `${who} is told nothing of the tenant: ${answer.text.slice(0, 300)}`,
      );
    }
  }
}
