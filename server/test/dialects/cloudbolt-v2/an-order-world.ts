/** A server with something to order, and people who may do different things with the orders of one of its groups. Nothing is built there. */
import { ADMIN, aServer, type TestServer } from '../../support/a-server.js';
import { type CloudBoltClient, cloudbolt } from '../../support/cloudbolt-client.js';

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
export type Answer = any;

export interface OrderWorld {
  readonly server: TestServer;
  readonly admin: CloudBoltClient;
  /** Links: a group whose orders are approved by themselves, one whose orders somebody has to approve, an environment, `Custom Server`. */
  readonly open: string;
  readonly held: string;
  readonly place: string;
  readonly custom: string;
  /** By name, in the group whose orders wait. */
  readonly people: Readonly<Record<string, CloudBoltClient>>;
  deploy(parameters?: object, attributes?: object): object;
  anOrder(group: string, more?: object): object;
  /** How much there is of what an order leaves behind. */
  counted(): Promise<unknown>;
}

const ROLES: Readonly<Record<string, readonly string[]>> = {
  rita: ['requestor'],
  aaron: ['approver'],
  vera: ['viewer'],
  gina: ['group_admin'],
  rosa: ['requestor', 'approver'],
  otto: [],
};

export async function anOrderWorld(): Promise<OrderWorld> {
  const server = await aServer({}, { selfService: true });
  const admin = await cloudbolt(server.url, ADMIN);
  const groups = (await admin.get('/api/v2/groups/'))._embedded;
  const open = hrefOf(groups.find((one: Answer) => one.name === 'Default'));
  const place = hrefOf((await admin.get(`${open}/orderable-environments/`))._embedded[0]);
  const custom = hrefOf((await admin.get('/api/v2/blueprints/?filter=name:Custom Server'))._embedded[0]);
  const group = { name: 'Held', type: 'Organization', environments: [place] };
  const held = hrefOf(await admin.post('/api/v2/groups/', group));
  const people: Record<string, CloudBoltClient> = {};
  for (const [username, roles] of Object.entries(ROLES)) {
    const person = { username, password: `${username}-password-1` };
    await admin.post('/api/v2/users/', {
      ...person,
      groups: roles.length === 0 ? [] : [{ group: held, roles }],
    });
    people[username] = await cloudbolt(server.url, person);
  }
  const deploy = (parameters: object = {}, attributes: object = {}) => ({
    blueprint: custom,
    'blueprint-items-arguments': { 'build-item-Server': { environment: place, parameters, attributes } },
  });
  const anOrder = (ordering: string, more: object = {}) => ({
    group: ordering,
    items: { 'deploy-items': [deploy()] },
    ...more,
  });
  const counted = async () => {
    const { rows } = await server.pool.query(
      'select (select count(*) from orders) as orders, (select count(*) from order_items) as items, (select count(*) from jobs) as jobs, (select count(*) from servers) as servers',
    );
    return rows[0];
  };
  return { server, admin, open, held, place, custom, people, deploy, anOrder, counted };
}

export function hrefOf(thing: Answer): string {
  return thing._links.self.href;
}
