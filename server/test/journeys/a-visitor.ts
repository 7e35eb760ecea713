/** What journeys do over HTTP again and again: upload a folder of files, deploy it, run a workflow to its end. */
import assert from 'node:assert/strict';
import { type Answer, type Asked, clientOf, type Found } from '../dialects/cloudify-v3/client.js';
import type { TestServer } from '../support/a-server.js';
import { gzip, tarOf } from '../support/archives.js';

export const HEAD = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
`;

/** A blueprint of one node `one` that runs `a.sh` when it is created. `more` goes into the operation. */
export function scripted(more = ''): string {
  return `${HEAD}node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create: { implementation: a.sh, max_retries: 0${more} }
outputs:
  answer: { value: { get_attribute: [one, answer] } }
`;
}

const ENDED = ['terminated', 'failed', 'cancelled'];

export function visit(server: Pick<TestServer, 'url'>) {
  const ask = clientOf(server);

  async function upload(id: string, files: Readonly<Record<string, string | Buffer>>): Promise<Answer> {
    const entries = Object.entries(files).map(([path, content]) => ({
      path: `app/${path}`,
      content,
      mode: 0o755,
    }));
    return ask('PUT', `/blueprints/${id}`, { body: new Uint8Array(gzip(tarOf(entries))) });
  }

  async function deploy(id: string, files: Readonly<Record<string, string | Buffer>>): Promise<void> {
    const uploaded = await upload(id, files);
    assert.equal(uploaded.status, 201, uploaded.text);
    const created = await ask('PUT', `/deployments/${id}`, { body: { blueprint_id: id } });
    assert.equal(created.status, 201, created.text);
  }

  async function start(deployment: string, workflow: string, body: object = {}): Promise<string> {
    const started = await ask('POST', '/executions', {
      body: { deployment_id: deployment, workflow_id: workflow, ...body },
    });
    assert.equal(started.status, 201, started.text);
    return String(started.json.id);
  }

  async function until(
    execution: string,
    statuses: readonly string[] = ENDED,
    who: Asked = {},
  ): Promise<Found> {
    for (;;) {
      const { json, status, text } = await ask('GET', `/executions/${execution}`, who);
      assert.equal(status, 200, text);
      if (statuses.includes(String(json.status))) return json;
      assert.ok(
        !ENDED.includes(String(json.status)),
        `${execution} is ${String(json.status)}: ${String(json.error)}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const run = async (deployment: string, workflow: string, body: object = {}) =>
    until(await start(deployment, workflow, body));

  /** Uninstalls and deletes a deployment and its blueprint: whatever happened to them, one can go on. */
  async function clear(id: string): Promise<void> {
    const { status, error } = await run(id, 'uninstall');
    assert.deepEqual([status, error], ['terminated', '']);
    assert.equal((await ask('DELETE', `/deployments/${id}`)).status, 204);
    assert.equal((await ask('DELETE', `/blueprints/${id}`)).status, 204);
  }

  return { ask, upload, deploy, start, until, run, clear };
}

/** Status and code of a refusal, whose form is checked on the way. */
export function refusal({ status, json, text }: Answer): [status: number, code: unknown] {
  assert.ok(status >= 400 && status < 500, text);
  assert.deepEqual(Object.keys(json), ['message', 'error_code', 'server_traceback'], text);
  assert.ok(String(json.message).length > 10, text);
  assert.equal(json.server_traceback, null);
  return [status, json.error_code];
}

/** No request made the server stumble. */
export function noMistakes(server: Pick<TestServer, 'lines'>): void {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
}
