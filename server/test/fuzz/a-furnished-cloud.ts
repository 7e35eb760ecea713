/** The same for the Layer5 dialect: people of every rank with a token, two organisations with something of every kind in them. */
import assert from 'node:assert/strict';
import type { Furnished } from './a-furnished-server.js';
import { routesOf } from './published-routes.js';

const PASSWORD = 'a password for the fuzzing';
const RANKS = [
  ['keeper', ['organization admin']],
  ['member', ['user']],
  ['outsider', null],
] as const;

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, of a server that is tested
type Told = any;

/** @param password of the first administrator */
export async function furnishCloud(url: string, password: string): Promise<Furnished> {
  let token = '';
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: (await answer.json().catch(() => null)) as Told };
  };
  const must = async (method: string, path: string, body?: unknown): Promise<Told> => {
    const { status, json } = await ask(method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  };
  const signIn = async (identifier: string, secret: string): Promise<string | null> => {
    const answer = await fetch(`${url}/api/auth/login`, {
      method: 'POST',
      body: JSON.stringify({ identifier, password: secret }),
    });
    return answer.status === 200 ? ((await answer.json()) as { token: string }).token : null;
  };
  const routes = routesOf(await (await fetch(`${url}/openapi/layer5-cloud.json`)).json());
  const ids = (list: readonly { id: string }[]) => list.slice(0, 20).map(({ id }) => id);
  let round = 0;

  return {
    async look() {
      round += 1;
      token = (await signIn('admin', password))!;
      const name = `fuzz ${round}-${Date.now()}`;
      const organization = await must('POST', '/api/identity/orgs', { name });
      const org = organization.id;
      const own = { organization_id: org, orgId: org };
      const people: (readonly [string, Readonly<Record<string, string>>])[] = [['nobody', {}]];
      for (let times = 0; times < 6; times += 1) {
        people.push(['admin', { authorization: `Bearer ${token}`, 'layer5-current-orgid': org }]);
      }
      const users: string[] = [];
      for (const [rank, roles] of RANKS) {
        const email = `${rank}-${round}-${Date.now()}@example.org`;
        const user = await must('POST', '/api/identity/users', {
          ...{ email, password: PASSWORD, first_name: rank, last_name: 'Fuzz' },
        });
        users.push(user.id);
        if (roles !== null) {
          await must('POST', `/api/identity/orgs/${org}/users/${user.id}`);
          await must('PUT', `/api/identity/orgs/${org}/roles`, [{ user_id: user.id, role_names: roles }]);
        }
        const shown = await signIn(email, PASSWORD);
        const headers = { authorization: `Bearer ${shown}`, 'layer5-current-orgid': org };
        for (let times = 0; times < 2; times += 1) people.push([rank, headers]);
      }
      const at = `?orgId=${org}`;
      const workspace = await must('POST', '/api/workspaces', { name, ...own });
      const environment = await must('POST', '/api/environments', { name, ...own });
      const team = await must('POST', `/api/identity/orgs/${org}/teams`, { name });
      const [design] = await must('POST', `/api/pattern${at}`, { name, pattern_file: '...' });
      const view = await must('POST', `/api/content/views${at}`, { name, filters: {} });
      const connection = await must('POST', `/api/integrations/connections${at}`, {
        name,
        kind: 'kubernetes',
      });
      const credential = await must('POST', '/api/integrations/credentials', { name, type: 't', secret: {} });
      const event = await must('POST', `/api/events${at}`, {
        ...{ category: 'c', action: 'a', description: 'd', severity: 'debug' },
      });
      const content = await must('POST', `/api/academy/curricula${at}`, { type: 'challenge', title: name });
      const registration = await must('POST', `/api/academy/register${at}`, { contentId: content.id });
      const { tokens } = await must('POST', `/api/identity/tokens?name=fuzz-${round}`);
      const { roles } = await must('GET', `/api/identity/orgs/${org}/roles?pagesize=all`);
      const { keychains } = await must('GET', '/api/auth/keychains');
      const { keys } = await must('GET', '/api/auth/keys');
      const known = new Map<string, readonly string[]>([
        ['organizations', [org]],
        ['users', users],
        ['workspaces', [workspace.id]],
        ['environments', [environment.id]],
        ['teams', [team.id]],
        ['designs', [design.id]],
        ['views', [view.id]],
        ['connections', [connection.id]],
        ['credentials', [credential.id]],
        ['events', [event.id]],
        ['curricula', [content.id]],
        ['registrations', [registration.id]],
        ['tokens', ids(tokens)],
        ['roles', ids(roles)],
        ['keychains', ids(keychains)],
        ['keys', ids(keys)],
      ]);
      return { routes, known, people, archives: [] };
    },
    reopen: async () => {},
  };
}
