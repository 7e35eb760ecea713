/** Hosts that have no Node: what puts the agent there brings the API's own, with whatever there is to fetch it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { clientOf, type Found } from '../dialects/cloudify-v3/client.js';
import { aServer } from '../support/a-server.js';
import { bytesOf } from '../support/catalog.js';

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml]
node_templates:
  host: {type: cloudify.nodes.Compute, properties: {agent_config: {install_method: provided}}}
`;
/** What the script needs of a host. */
const TOOLS =
  'sh mkdir cat rm uname chmod mv tar gzip id grep tr sleep nohup setsid touch wc dirname bash printf'.split(
    ' ',
  );

export async function hostsWithoutNode(port: number): Promise<void> {
  const server = await aServer({ ORRERY_AGENT_URL: `http://127.0.0.1:${port}` }, { worker: true, port });
  const ask = clientOf(server);
  const archive = bytesOf({ 'blueprint.yaml': BLUEPRINT });
  assert.equal((await ask('PUT', '/blueprints/b', { body: new Uint8Array(archive) })).status, 201);
  assert.equal((await ask('PUT', '/deployments/d', { body: { blueprint_id: 'b' } })).status, 201);
  const { json } = await ask('GET', '/node-instances?deployment_id=d');
  const path = `/workers/agents/${json.items![0]!.id}/script`;

  async function run(home: string, fetcher: string): Promise<{ code: number; errors: string }> {
    const bin = join(home, 'bin');
    mkdirSync(bin);
    for (const tool of [...TOOLS, fetcher]) {
      const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
      if (found.startsWith('/')) symlinkSync(found, join(bin, tool));
    }
    const made = await ask('POST', path, { root: '/orrery/v1' });
    // The places where this machine has its own.
    const script = String(made.json.script).replace(' /usr/local/bin/node /usr/bin/node', '');
    const child = spawn('/bin/sh', ['-s'], { env: { PATH: bin, HOME: home } });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.stdin.end(script);
    const code = await new Promise<number>((resolve) => child.on('close', resolve));
    return { code, errors };
  }

  describe('an agent on a host without Node', () => {
    for (const fetcher of ['curl', 'wget']) {
      it(`brings that of the API, fetched with ${fetcher}`, async (test) => {
        if (spawnSync('sh', ['-c', `command -v ${fetcher}`]).status !== 0)
          return test.skip(`no ${fetcher} here`);
        const home = mkdtempSync(join(tmpdir(), 'orrery-bare-'));
        const { code, errors } = await run(home, fetcher);
        assert.equal(code, 0, errors);
        const [name] = readdirSync(join(home, '.orrery-agent'));
        const folder = join(home, '.orrery-agent', name!);
        assert.equal(readFileSync(join(folder, 'node.path'), 'utf8').trim(), join(folder, 'node'));
        const alive = async () => {
          const { json: now } = await ask('GET', '/workers/pools', { root: '/orrery/v1', tenant: null });
          const workers = now.workers as unknown as readonly Found[];
          return workers.some((one) => String(one.name).includes(home) && String(one.alive) === 'true');
        };
        while (!(await alive())) await new Promise((resolve) => setTimeout(resolve, 100));
        execFileSync('sh', [join(folder, 'stop.sh')]);
        rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
      });
    }

    it('is refused for good where nothing can fetch it', async () => {
      const home = mkdtempSync(join(tmpdir(), 'orrery-bare-'));
      const { code, errors } = await run(home, 'nothing-of-that-name');
      assert.equal(code, 78);
      assert.match(errors, /neither Node 20\.19 or newer, nor curl or wget/);
      rmSync(home, { recursive: true, force: true });
    });
  });
}
