/** A server with a worker, its first catalogue, and actions that are offered on what is built from it. */
import assert from 'node:assert/strict';
import { after } from 'node:test';
import { call, succeeded } from '../../../src/inventory/handlers/conformance.js';
import type { NewAction } from '../../../src/ordering/actions.js';
import { inTransaction } from '../../../src/store/transaction.js';
import { ADMIN, aServer } from '../../support/a-server.js';
import { cloudbolt } from '../../support/cloudbolt-client.js';
import { speaking } from './client.js';

export const sh = (name: string, source: string, more: Partial<NewAction> = {}): NewAction => ({
  name,
  kind: 'script',
  source: `#!/bin/sh\n${source}\n`,
  ...more,
});

export const input = (name: string, more = {}) => ({
  name,
  label: name,
  description: '',
  type: 'STR',
  required: true,
  options: null,
  constraints: {},
  default: null,
  ...more,
});

export type ActionWorld = Awaited<ReturnType<typeof anActionWorld>>;

/** What it builds ends with the file. */
export async function anActionWorld(env: Readonly<Record<string, string>> = {}) {
  const server = await aServer(env, { worker: true, selfService: true });
  const { core, pool, url } = server;
  const client = await cloudbolt(url, ADMIN);
  const admin = speaking(url, ADMIN);
  const caller = await core.callers.actingAs('admin', 'default_tenant', 'test');
  const tenant = caller.tenant!;
  const scope = { tenantId: tenant.id, tenantName: tenant.name, userId: caller.userId, seesPrivate: true };
  const local = await pool.query<{ uid: number }>(`select uid from cloud_accounts where kind = 'local'`);
  const { hands } = await core.serverHandlers.handsFor(pool, tenant.id, local.rows[0]!.uid);

  after(async () => {
    for (const one of await succeeded(() => hands.list(call())))
      await succeeded(() => hands.remove(one, call()));
  });

  type Use = Parameters<typeof core.actionUses.insert>[3];
  const anAction = (action: NewAction) => inTransaction(pool, (tx) => core.actions.insert(tx, scope, action));
  async function offer(on: 'server' | 'resource' | 'trigger', action: NewAction, more: Partial<Use> = {}) {
    const { uid } = await anAction(action);
    return inTransaction(pool, (tx) =>
      core.actionUses.insert(tx, scope, on, { label: action.name, runs: { actionUid: uid }, ...more }),
    );
  }
  const disable = (on: string, number: number) =>
    pool.query('update action_uses set enabled = false where used_on = $1 and number = $2', [on, number]);

  async function over(href: string) {
    const ends = ['SUCCESS', 'WARNING', 'FAILURE', 'CANCELED'];
    for (;;) {
      const job = await client.get(`${href}?wait=20`);
      if (ends.includes(job.status)) return job;
    }
  }
  async function run(path: string, body: object = {}) {
    const { self } = (await client.post(`/api/v2/${path}`, body))['run-action-job'];
    assert.match(self.title, /^Job id \d+$/);
    return over(self.href);
  }
  const events = async (path: string) =>
    (await client.get(`/api/v2/${path}/history/?page_size=100`))._embedded.map(
      (event: Record<string, string>) => event['event-type'],
    );

  const groups = await client.get('/api/v2/groups/');
  const group = groups._embedded.find((one: { name: string }) => one.name === 'Default')._links.self.href;
  async function order(blueprint: string, more: object = {}) {
    const found = await client.get(`/api/v2/blueprints/?filter=name:${blueprint.replace(' ', '+')}`);
    return client.post('/api/v2/orders/', {
      group,
      'submit-now': 'true',
      items: {
        'deploy-items': [
          { blueprint: found._embedded[0]._links.self.href, 'blueprint-items-arguments': {}, ...more },
        ],
      },
    });
  }
  return {
    core,
    pool,
    url,
    client,
    admin,
    caller,
    tenant,
    scope,
    hands,
    anAction,
    offer,
    disable,
    over,
    run,
    events,
    group,
    order,
  };
}
