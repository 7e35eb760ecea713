/** What is an organization's own, asked for by somebody of another who acts in their own: every row, as it is sent by those who may. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aServer } from '../../support/a-server.js';
import { ROWS } from './rows/all-rows.js';
import { aWorld } from './rows/row.js';

const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });
const world = await aWorld(server);

/** Rows that reach beyond organizations by what they are for. */
const ACROSS: Readonly<Record<string, string>> = {
  'GET /api/identity/users/profile/:id': 'tells strangers what is public of a user',
  'POST /api/organizations/invitations/:id/accept': 'is for those who are not in the organization yet',
  'POST /api/identity/invitations/:id/accept': 'likewise',
  'GET /api/academy/cirricula': 'lists public content of all organizations',
  'GET /api/academy/curricula': 'likewise',
  'GET /api/academy/Curricula': 'likewise',
  'GET /api/academy/curricula/:id': 'tells public content',
  'GET /api/academy/:type/:orgId/:slug': 'likewise',
  'POST /api/academy/register': 'is for learners of every organization',
  'GET /api/academy/registrations/:contentId': 'tells the caller’s own registration',
};
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
/** Ids of the catalogue of keys are everybody's. */
const EVERYBODYS = /^7a7d3cad-/;

for (const { route, may, send } of ROWS) {
  if (may === 'open' || route in ACROSS) continue;
  test(`${route} tells and changes nothing of another organization`, async () => {
    const method = route.split(' ')[0]!;
    const { path, body, headers = {} } = await send(world, world.people.manager);
    const named = `${path} ${JSON.stringify(body ?? null)}`.match(UUID) ?? [];
    const foreign = named.filter((id) => !EVERYBODYS.test(id));
    const answer = await world.people.outsider.ask(method, path, {
      headers,
      ...(body === undefined ? {} : { body }),
    });
    if (foreign.length > 0)
      assert.ok([400, 403, 404].includes(answer.status), `${answer.status} ${answer.text}`);
    assert.ok(answer.status < 500, answer.text);
    assert.ok(
      !answer.text.includes(world.org) || answer.status >= 400,
      `tells of the organization: ${answer.text.slice(0, 300)}`,
    );
    if (answer.status < 300) {
      for (const id of foreign) assert.ok(!answer.text.includes(id), id);
    }
  });
}
