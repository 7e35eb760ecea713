/** The same for the InsightCloudSec dialect: people of every type with a key, clouds with something in them. */
import assert from 'node:assert/strict';
import type { Furnished } from './a-furnished-server.js';
import { routesOf } from './published-routes.js';

/** Who asks: name, level. What the requests do to them is undone before the next round. */
const PEOPLE = [
  ['domainadmin', 'DOMAIN_ADMIN'],
  ['domainviewer', 'DOMAIN_VIEWER'],
  ['orgadmin', 'ORGANIZATION_ADMIN'],
  ['basic', 'BASIC_USER'],
] as const;

const STATE = {
  version: 4,
  resources: ['aws_instance', 'aws_s3_bucket', 'aws_vpc'].map((type) => ({
    mode: 'managed',
    type,
    name: 'fuzz',
    instances: [
      {
        attributes: { id: `fuzz-${type}`, bucket: 'fuzz', availability_zone: 'eu-west-1a', tags: { a: 'b' } },
      },
    ],
  })),
};

interface Told {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, of a server that is tested
  readonly json: any;
}

/** @param password of the first administrator, who asks for nothing but the furniture */
export async function furnishDomain(url: string, password: string): Promise<Furnished> {
  let session = '';
  const ask = async (method: string, path: string, body?: unknown): Promise<Told> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: session === '' ? {} : { 'x-auth-token': session },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: await answer.json().catch(() => null) };
  };
  const must = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await ask(method, path, body);
    assert.ok(status < 300, `${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  };
  const comeIn = async () => {
    session = '';
    session = (await must('POST', '/v2/public/user/login', { username: 'admin', password })).session_id;
    const [first] = await must('GET', '/v2/prototype/domain/organizations/get');
    await must('POST', '/v2/prototype/domain/switch_organization', { organization_name: first.name });
  };
  const keyOf = async (username: string, access_level: string): Promise<string> => {
    const user = { name: username, username, email: `${username}@example.org`, access_level };
    const made = await ask('POST', '/v2/public/user/create_api_only_user', user);
    if (made.status === 200) return made.json.api_key;
    const lists = ['/v2/public/users/list', '/v2/prototype/domains/admins/list'];
    const users = (await Promise.all(lists.map((path) => must('GET', path)))).flatMap((told) => told.users);
    const id = users.find((one: { username: string }) => one.username === username)?.user_id;
    const key = id === undefined ? null : await ask('POST', '/v2/public/apikey/create', { user_id: id });
    return key?.status === 200 ? key.json : 'nobody';
  };
  const cloud = async (name: string) => {
    const params = { cloud_type: 'AWS', name, authentication_type: 'import' };
    const { id } = await must('POST', '/v2/prototype/cloud/add', { creation_params: params });
    await must('POST', `/v2/public/cloud/${id}/import`, { format: 'terraform_state', document: STATE });
  };

  await comeIn();
  await must('POST', '/v2/prototype/domain/organization/create', { organization_name: 'Other' });
  const routes = routesOf(await (await fetch(`${url}/openapi/insightcloudsec.json`)).json());
  return {
    async look() {
      await comeIn();
      for (
        let missing = 3 - (await must('GET', '/v2/public/clouds/list')).total_count;
        missing > 0;
        missing -= 1
      ) {
        await cloud(`fuzz-${Date.now()}-${missing}`);
      }
      for (const name of ['a', 'b']) {
        const user = { name, username: `somebody-${Date.now()}-${name}`, email: 's@example.org' };
        await must('POST', '/v2/public/user/create_api_only_user', user);
      }
      const { clouds } = await must('GET', '/v2/public/clouds/list', undefined);
      const { users } = await must('GET', '/v2/public/users/list');
      const { resources } = await must('POST', '/v2/public/resource/common/search', {
        search_string: 'fuzz',
      });
      const ids = (list: { resource_id: string }[]) => list.slice(0, 20).map(({ resource_id: id }) => id);
      const others = users.filter(({ username }: { username: string }) => username.startsWith('somebody'));
      const organizations = await must('GET', '/v2/prototype/domain/organizations/get');
      const known = new Map<string, readonly string[]>([
        ['clouds', ids(clouds)],
        ['users', ids(others)],
        ['user numbers', others.slice(0, 20).map((one: { user_id: number }) => String(one.user_id))],
        ['resources', ids(resources)],
        ['regions', clouds.slice(0, 5).map(({ id }: { id: number }) => `serviceregion:${id}:eu-west-1:`)],
        [
          'organizations',
          organizations
            .slice(1)
            .map((one: { organization_id: number }) => `divvyorganization:${one.organization_id}`),
        ],
      ]);
      const people: (readonly [string, Readonly<Record<string, string>>])[] = [['nobody', {}]];
      for (const [name, level] of PEOPLE) {
        const key = { 'api-key': await keyOf(`q-${name}`, level) };
        // Most requests should get far.
        for (let times = name === 'domainadmin' ? 5 : name === 'orgadmin' ? 3 : 1; times > 0; times -= 1) {
          people.push([name, { ...key, 'accept-encoding': times % 2 === 0 ? 'gzip' : 'identity' }]);
        }
      }
      return { routes, known, people, archives: [] };
    },
    reopen: async () => {},
  };
}
