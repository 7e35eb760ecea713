/** The plugin alone: a host that speaks SSH, and somebody who only writes down what he is asked. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, describe, it } from 'node:test';
import ssh2 from 'ssh2';
import type { JsonObject } from '../../dsl/plan.js';
import { parseAllowlist } from '../../net/allowlist.js';
import { recordedRequest } from '../recorded-request.js';
import { createAgentPlugin } from './agent.js';
import { installMethodOf, readAgentConfig } from './agent-config.js';
import type { AgentKeeper, HostKeys } from './agent-keeper.js';
import { agentProgram } from './program.js';

const CREATE = 'cloudify_agent.installer.operations.create';
const client = ssh2.utils.generateKeyPairSync('ed25519');

/** A host that takes every command, and says that it went as `code`. */
function aHost(code = 0) {
  const own = ssh2.utils.generateKeyPairSync('ed25519');
  const scripts: string[] = [];
  const server = new ssh2.Server({ hostKeys: [own.private] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (asked) => asked.accept());
    connection.on('session', (accept) => {
      accept().on('exec', (take) => {
        const channel = take();
        let script = '';
        channel.on('data', (chunk: Buffer) => {
          script += chunk;
        });
        channel.on('end', () => {
          scripts.push(script);
          if (code !== 0) channel.stderr.write('no room\n');
          channel.exit(code);
          channel.end();
        });
      });
    });
  });
  after(() => server.close());
  const key = ssh2.utils.parseKey(own.public);
  if (key instanceof Error) throw key;
  const sum = createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/, '');
  return new Promise<{ port: number; scripts: string[]; key: string }>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ port: (server.address() as { port: number }).port, scripts, key: `SHA256:${sum}` });
    });
  });
}

function aKeeper(hostKeys: HostKeys, comes = true) {
  const asked: string[] = [];
  const keeper: AgentKeeper = {
    reaching: { allowlist: parseAllowlist('127.0.0.1:*'), hostKeys },
    async enrol() {
      asked.push('enrol');
      return {
        name: 'agent.web_a.0',
        url: 'https://orrery.example',
        token: 'owrk-secret',
        certificate: null,
        program: '00',
      };
    },
    async note(_host, { state }) {
      asked.push(state);
    },
    isEnrolled: async () => false,
    sign: async () => (comes ? { version: '1', system: 'Debian' } : null),
    async revoke() {
      asked.push('revoke');
    },
  };
  return { plugin: createAgentPlugin({ keeper, patience: 0.1 }), asked };
}

function request(
  name: string,
  config: JsonObject,
  runtimeProperties: JsonObject = {},
  inputs: JsonObject = {},
) {
  const properties = { agent_config: { user: 'ada', key: client.private, ...config } };
  const plain = recordedRequest(name, { inputs, properties, runtimeProperties });
  const { self } = plain.context;
  const instance = { ...self!.instance, hostIp: '127.0.0.1' };
  return {
    ...plain,
    surroundings: undefined as never,
    context: { ...plain.context, self: { ...self!, instance } },
  };
}

const agentIn = (outcome: object): JsonObject =>
  (outcome as { runtimeProperties: { web_a: { cloudify_agent: JsonObject } } }).runtimeProperties.web_a
    .cloudify_agent;

describe('agents over SSH', () => {
  it('are put there in the order that can be broken off anywhere: enrolled, installed, heard', async () => {
    const host = await aHost();
    const { plugin, asked } = aKeeper('pinned');
    const outcome = await plugin.run(
      request(CREATE, { port: host.port }, { ssh_host_key: host.key, ip: 'x' }),
    );
    assert.equal(outcome.kind, 'done', JSON.stringify(outcome));
    assert.deepEqual(asked, ['creating', 'enrol', 'started']);
    assert.match(host.scripts[0]!, /owrk-secret/);
    assert.deepEqual(agentIn(outcome), { name: 'agent.web_a.0', install_method: 'remote', version: '1' });
  });

  it('believe the first key where that is allowed, remember it also when nothing came of it, and then no other', async () => {
    const host = await aHost(1);
    const { plugin } = aKeeper('first');
    const failed = await plugin.run(request(CREATE, { port: host.port }));
    assert.ok(failed.kind === 'failed' && failed.failure.retryable);
    assert.match(failed.failure.message, /no room/);
    assert.equal(agentIn(failed).ssh_host_key, host.key);
    const other = await aHost();
    const refused = await plugin.run(
      request(CREATE, { port: other.port }, { cloudify_agent: { ssh_host_key: host.key } }),
    );
    assert.ok(refused.kind === 'failed' && !refused.failure.retryable);
    assert.match(refused.failure.message, /another host key/);
    assert.deepEqual(other.scripts, []);
  });

  it('are tried again when the host is away or the agent is not heard, and not where trying again would not help', async () => {
    const host = await aHost();
    const pinned = { ssh_host_key: host.key };
    const silent = await aKeeper('pinned', false).plugin.run(request(CREATE, { port: host.port }, pinned));
    assert.ok(
      silent.kind === 'failed' && silent.failure.retryable && /has not come in/.test(silent.failure.message),
    );
    const away = await aKeeper('pinned').plugin.run(request(CREATE, { port: 1 }, pinned));
    assert.ok(away.kind === 'failed' && away.failure.retryable);
    const hopeless = await aHost(78);
    const { plugin, asked } = aKeeper('pinned');
    const never = await plugin.run(request(CREATE, { port: hopeless.port }, { ssh_host_key: hopeless.key }));
    assert.ok(never.kind === 'failed' && !never.failure.retryable);
    assert.equal(asked.at(-1), 'revoke');
  });

  it('lose their credentials before the host is touched, also where it cannot be reached', async () => {
    const { plugin, asked } = aKeeper('pinned');
    const gone = request(
      'cloudify_agent.installer.operations.delete',
      { port: 1 },
      { ssh_host_key: `SHA256:${'A'.repeat(43)}`, kept: 1, cloudify_agent: { name: 'agent.web_a.0' } },
    );
    const outcome = await plugin.run(gone);
    assert.deepEqual(outcome.runtimeProperties, {
      web_a: { ssh_host_key: `SHA256:${'A'.repeat(43)}`, kept: 1 },
    });
    assert.deepEqual(asked, ['deleting', 'revoke', 'deleted']);
    assert.match(gone.logs[0]!.message, /stays there/);
  });

  it('need to know as whom and where the host is spoken to', async () => {
    const { plugin } = aKeeper('pinned');
    for (const [config, problem] of [
      [{ user: '' }, /agent_config\.user is missing/],
      [{ key: '' }, /neither a key nor a password/],
      [{ key: 'no-secret' }, /key should be a private key, or the name of a secret/],
      [{ port: 'x' }, /agent_config\.port should be a whole number/],
      [{ install_method: 'by-magic' }, /install_method should be one of none, remote/],
      [{ env: { A: 'one\ntwo' } }, /agent_config\.env should be/],
    ] as const) {
      const outcome = await plugin.run(request(CREATE, config));
      assert.ok(outcome.kind === 'failed' && !outcome.failure.retryable);
      assert.match(outcome.failure.message, problem);
    }
  });
});

describe('agents that others bring', () => {
  it('are waited for, and asked about again', async () => {
    const start = 'cloudify_agent.installer.operations.start';
    const waits = await aKeeper('pinned', false).plugin.run(
      request(start, { install_method: 'init_script' }),
    );
    assert.ok(waits.kind === 'again' && /Waiting for the agent/.test(waits.message));
    const here = await aKeeper('pinned').plugin.run(request(start, { install_method: 'init_script' }));
    assert.equal(here.kind, 'done');
  });
});

describe('the configuration of an agent', () => {
  it('is laid over by what the operation is given, and tells what has no effect', () => {
    const config = readAgentConfig(
      { agent_config: { user: 'a', max_workers: 3, heartbeat: 5, network: 'far', log_level: 'warning' } },
      { user: 'b' },
    );
    assert.deepEqual([config.user, config.room, config.logLevel], ['b', 3, 'warn']);
    assert.deepEqual(config.idle, ['heartbeat', 'network']);
  });

  it('knows the old property', () => {
    assert.equal(
      installMethodOf({ install_agent: false, agent_config: { install_method: 'remote' } }),
      'none',
    );
    assert.equal(
      installMethodOf({ install_agent: '', agent_config: { install_method: 'provided' } }),
      'provided',
    );
    assert.equal(installMethodOf({}), 'remote');
  });
});

describe('the program of an agent', () => {
  it('is the same archive each time, without anything of the machine that packed it', async () => {
    const { bytes, sha256 } = await agentProgram();
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
    assert.ok(bytes.length < 2_000_000);
  });
});
