/** A server with two organisations and a user of each type in each of them, every one with a key. */
import assert from 'node:assert/strict';
import { ADMIN, aServer, type TestServer } from '../../support/a-server.js';
import { type Ask, clientOf } from './client.js';

export interface Person {
  readonly id: number;
  readonly username: string;
  readonly key: string;
}

export interface Domain {
  readonly server: TestServer;
  readonly ask: Ask;
  /** Domain Admin, in the first organisation. */
  readonly admin: Person;
  readonly viewer: Person;
  /** Of organisation 1. */
  readonly orgAdmin: Person;
  readonly basic: Person;
  /** Organization Admin of the second one. */
  readonly neighbour: Person;
  readonly second: { readonly id: number; readonly name: string };
  /** Asks as somebody, and expects 200. */
  get(
    person: Person,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Awaited<ReturnType<Ask>>['json']>;
  /** An account that is imported, of `person`'s organisation. */
  cloud(person: Person, name: string, document?: unknown): Promise<number>;
}

export const PASSWORD = 'a password for nobody';

export async function aDomain(env: Readonly<Record<string, string>> = {}): Promise<Domain> {
  const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off', ...env });
  const ask = clientOf(server.url);
  const login = await ask('POST', '/v2/public/user/login', { body: ADMIN });
  assert.equal(login.status, 200, login.text);
  const session: string = login.json.session_id;
  const made = await ask('POST', '/v2/public/apikey/create', {
    session,
    body: { user_id: login.json.user_id },
  });
  const admin = { id: login.json.user_id as number, username: ADMIN.username, key: made.json as string };

  const get: Domain['get'] = async (person, method, path, body) => {
    const answer = await ask(method, path, { key: person.key, ...(body === undefined ? {} : { body }) });
    assert.equal(answer.status, 200, `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  const person = async (username: string, access_level: string): Promise<Person> => {
    // Without a password, whose hash would cost more than all the rest.
    const user = { name: `The ${username}`, username, email: `${username}@example.org`, access_level };
    const made = await get(admin, 'POST', '/v2/public/user/create_api_only_user', user);
    return { id: made.user_id, username, key: made.api_key };
  };
  const switchTo = (organization_name: string) =>
    get(admin, 'POST', '/v2/prototype/domain/switch_organization', { organization_name });

  const second = { id: 0, name: 'Second & Sons' };
  const created = await get(admin, 'POST', '/v2/prototype/domain/organization/create', {
    organization_name: second.name,
  });
  await switchTo(second.name);
  const neighbour = await person('neighbour', 'ORGANIZATION_ADMIN');
  await switchTo('Default Organization');
  return {
    server,
    ask,
    admin,
    viewer: await person('viewer', 'DOMAIN_VIEWER'),
    orgAdmin: await person('orgadmin', 'ORGANIZATION_ADMIN'),
    basic: await person('basic', 'BASIC_USER'),
    neighbour,
    second: { ...second, id: created.organization_id },
    get,
    async cloud(owner, name, document) {
      const params = { cloud_type: 'AWS', name, authentication_type: 'import' };
      const { id } = await get(owner, 'POST', '/v2/prototype/cloud/add', { creation_params: params });
      if (document !== undefined) {
        await get(owner, 'POST', `/v2/public/cloud/${id}/import`, { format: 'terraform_state', document });
      }
      return id;
    },
  };
}

/** A state of Terraform with one instance of each name. */
export function stateOf(...names: readonly string[]): object {
  return {
    version: 4,
    resources: names.map((name) => ({
      mode: 'managed',
      type: 'aws_instance',
      name,
      instances: [
        {
          attributes: {
            id: `i-${name}`,
            arn: `arn:aws:ec2:eu-west-1:1:instance/i-${name}`,
            availability_zone: 'eu-west-1a',
            instance_type: 't3.micro',
            tags: { Name: name, env: 'prod' },
            vpc_security_group_ids: ['sg-1'],
          },
        },
      ],
    })),
  };
}
