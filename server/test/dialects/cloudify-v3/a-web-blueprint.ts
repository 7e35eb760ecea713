/** A blueprint whose operations do nothing, uploaded and ready to be deployed any number of times. */
import assert from 'node:assert/strict';
import { bytesOf } from '../../support/catalog.js';
import type { clientOf, Found } from './client.js';

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  size: { type: integer, default: 3 }
  name: { type: string }
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: { agent_config: { install_method: none } }
  app:
    type: cloudify.nodes.WebServer
    capabilities: { scalable: { properties: { default_instances: 2 } } }
    relationships:
      - { type: cloudify.relationships.contained_in, target: host }
groups:
  pair: { members: [app] }
policies:
  scaled: { type: cloudify.policies.scaling, targets: [pair], properties: { default_instances: 1 } }
outputs:
  greeting: { description: what it says, value: { concat: [hello, ' ', { get_input: name }] } }
capabilities:
  port: { value: { get_attribute: [host, port] } }
`;

type Ask = ReturnType<typeof clientOf>;

/** Uploads it as `web`. */
export async function aWebBlueprint(ask: Ask) {
  const body = new Uint8Array(bytesOf({ 'blueprint.yaml': BLUEPRINT }));
  const uploaded = await ask('PUT', '/blueprints/web', { body });
  assert.equal(uploaded.status, 201, uploaded.text);
  let count = 0;
  return {
    /** A new deployment; gives its id: `dep1`, `dep2`, … */
    async deploy(body: object = {}): Promise<string> {
      count += 1;
      const id = `dep${count}`;
      const created = await ask('PUT', `/deployments/${id}`, {
        body: { blueprint_id: 'web', inputs: { name: 'ann' }, ...body },
      });
      assert.equal(created.status, 201, created.text);
      return id;
    },
    /** Runs a workflow to its end; gives the ended execution. Needs a worker. */
    async finish(deployment: string, workflow: string, body: object = {}): Promise<Found> {
      const started = await ask('POST', '/executions', {
        body: { deployment_id: deployment, workflow_id: workflow, ...body },
      });
      assert.equal(started.status, 201, started.text);
      for (;;) {
        const { json } = await ask('GET', `/executions/${String(started.json.id)}`);
        if (['terminated', 'failed', 'cancelled'].includes(String(json.status))) return json;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

/** Of `names`, those that `item` does not tell. */
export function missing(names: readonly string[], item: object | undefined): string[] {
  return names.filter((name) => !(name in (item ?? {})));
}
