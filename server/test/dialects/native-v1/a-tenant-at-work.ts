/** A deployment with instances, people who may look at it, and events that happen when a test says so. */
import assert from 'node:assert/strict';
import type { Client, Pool } from '../../../src/store/pool.js';
import type { TestServer } from '../../support/a-server.js';
import { bytesOf } from '../../support/catalog.js';
import { clientOf } from '../cloudify-v3/client.js';

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
node_templates:
  host:
    type: cloudify.nodes.Root
    capabilities: { scalable: { properties: { default_instances: 2 } } }
  web:
    type: cloudify.nodes.Root
    relationships: [{ type: cloudify.relationships.contained_in, target: host }]
`;

export interface TenantAtWork {
  readonly deployment: string;
  readonly execution: string;
  /** Of the administrator. */
  readonly token: string;
  readonly ask: ReturnType<typeof clientOf>;
  /** A token of a new user with a role in the tenant. */
  person(role: string): Promise<{ username: string; token: string }>;
  anotherDeployment(): Promise<string>;
  /** Writes an event of the execution within the transaction of `db`. */
  happens(db: Pool | Client, message: string, more?: { readonly instance?: string }): Promise<void>;
}

let names = 0;

/** @param execution whether an execution is made, which waits for a worker */
export async function aTenantAtWork(server: TestServer): Promise<TenantAtWork> {
  const ask = clientOf(server);
  const { core } = server;
  const admin = await core.callers.actingAs('admin', 'default_tenant', 'test');
  const { value: token } = await core.tokens.issue(admin);
  const blueprint = `blueprint-${++names}`;
  const uploaded = await ask('PUT', `/blueprints/${blueprint}`, {
    version: 'v3',
    body: new Uint8Array(bytesOf({ 'blueprint.yaml': BLUEPRINT })),
  });
  assert.ok(uploaded.status < 300, uploaded.text);
  const anotherDeployment = async () => {
    const id = `deployment-${++names}`;
    const made = await ask('PUT', `/deployments/${id}`, { body: { blueprint_id: blueprint } });
    assert.ok(made.status < 300, made.text);
    return id;
  };
  const deployment = await anotherDeployment();
  const started = await ask('POST', '/executions', {
    body: { deployment_id: deployment, workflow_id: 'install' },
  });
  assert.equal(started.status, 201, started.text);
  const execution = String(started.json.id);
  return {
    deployment,
    execution,
    token,
    ask,
    anotherDeployment,
    async person(role) {
      const username = `person-${++names}`;
      await core.users.create(admin, { username, password: 'a password of a test', role: 'member' });
      await core.tenants.addUser(admin, 'default_tenant', username, role);
      const caller = await core.callers.actingAs(username, 'default_tenant', 'test');
      return { username, token: (await core.tokens.issue(caller)).value };
    },
    async happens(db, message, { instance = null as string | null } = {}) {
      await db.query(
        `select append_events(tenant_id, json_build_array(json_build_object('executionUid', uid, 'deploymentUid', deployment_uid,
           'type', 'workflow_event', 'message', $2::text, 'instance', $3::text))) from executions where id = $1`,
        [execution, message, instance],
      );
    },
  };
}
