/** Fills self-service with people of every role and a few things, and looks at what it holds, for requests to CloudBolt's API. */
import assert from 'node:assert/strict';
import type { Furnished } from './a-furnished-server.js';
import { type PublishedRoute, routesOf } from './published-routes.js';

const PASSWORD = 'a password for nobody';

const basic = (username: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

/** @param password of the first administrator */
export async function furnishSelfService(url: string, password: string): Promise<Furnished> {
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${url}/api/v2/${path}`, {
      method,
      headers: { ...basic('admin', password), 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const must = async (path: string, body: object) => {
    const answer = await ask('POST', path, body);
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
  };
  const person = (username: string, more: object) =>
    must('users/', { username, password: PASSWORD, ...more });
  const inDefault = (...roles: string[]) => ({ groups: [{ group: '/api/v2/groups/2', roles }] });
  await person('q-admin', { 'super-admin': true });
  await person('q-manager', { 'devops-admin': true });
  await person('q-viewer', { 'global-viewer': true });
  await person('q-requestor', inDefault('requestor', 'approver'));
  await person('q-group-admin', inDefault('group_admin', 'resource_admin'));
  await person('q-stranger', {});
  for (const nth of [1, 2, 3]) await must('groups/', { name: `fuzz-${nth}`, type: 'Organization' });
  const zip = Buffer.from(await (await ask('GET', 'blueprints/2/export/')).arrayBuffer());

  const routes = routesOf(await (await fetch(`${url}/openapi/cloudbolt-v2.json`)).json());
  const lists = routes.flatMap(({ method, path }: PublishedRoute) => {
    const list = /^\/api\/v2\/([^{]+)$/.exec(path)?.[1];
    return method === 'GET' && list !== undefined && !/^(user|exportable-content)$/.test(list) ? [list] : [];
  });
  const as = (username: string) => basic(username, PASSWORD);
  const people = [
    ...Array.from({ length: 6 }, () => ['admin', as('q-admin')] as const),
    ['manager', as('q-manager')] as const,
    ['global viewer', as('q-viewer')] as const,
    ['requestor', as('q-requestor')] as const,
    ['group admin', as('q-group-admin')] as const,
    ['a user without roles', as('q-stranger')] as const,
    ['nobody', {}] as const,
  ];
  return {
    async look() {
      const known = new Map<string, readonly string[]>([['types', ['service']]]);
      const links: string[] = [];
      for (const list of lists) {
        const told = (await (await ask('GET', `${list}/?page_size=20`)).json()) as {
          _embedded?: { id: string; _links: { self: { href: string } } }[];
        };
        // People who ask stay.
        const items = (told._embedded ?? []).filter(({ id }) => list !== 'users' || Number(id) > 7);
        known.set(
          list,
          items.map(({ id }) => id),
        );
        links.push(...items.map(({ _links }) => _links.self.href));
      }
      known.set('links', links);
      return { routes, known, people, archives: [zip] };
    },
    async reopen() {},
  };
}
