/** Every row, sent as the least person who may, the next below, a stranger to the organization who names it, and nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { askerOf } from './client.js';
import { ROWS } from './rows/all-rows.js';
import { aWorld, type Who, type World } from './rows/row.js';

const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });
const world = await aWorld(server);
const nobody = askerOf(server, null);

const LEAST: Readonly<Record<Who, keyof World['people']>> = {
  open: 'viewer',
  self: 'viewer',
  viewer: 'viewer',
  user: 'user',
  manager: 'manager',
  admin: 'admin',
};
/** Who has just not enough of a role. */
const BELOW: Readonly<Partial<Record<Who, keyof World['people']>>> = {
  user: 'viewer',
  manager: 'user',
  admin: 'manager',
};

for (const { route, may, status, send, holds } of ROWS) {
  const method = route.split(' ')[0]!;
  test(`${route} answers ${status} to ${may === 'open' ? 'everybody' : may === 'self' ? 'each for themselves' : `a ${may}`}, and to nobody below`, async () => {
    const least = world.people[LEAST[may]];
    const { path, ...rest } = await send(world, least);
    const asked = may === 'open' ? rest : { org: world.org, ...rest };
    if (may !== 'open') {
      const anonymous = await nobody(method, path, asked);
      assert.equal(anonymous.status, 401, anonymous.text);
      assert.equal(anonymous.headers.get('www-authenticate'), 'Bearer');
      const strange = await world.people.outsider.ask(method, path, asked);
      assert.equal(strange.status, 403, strange.text);
      assert.deepEqual(strange.json.error, 'You are not a member of this organization');
      const below = BELOW[may];
      const refused = below === undefined ? null : await world.people[below].ask(method, path, asked);
      assert.ok(refused === null || [403, 404].includes(refused.status), refused?.text);
    }
    const answer = await (may === 'open' ? nobody : least.ask)(method, path, asked);
    assert.equal(answer.status, status, answer.text);
    if (status === 204) assert.equal(answer.text, '');
    holds?.(answer.json, world, answer);
  });
}
