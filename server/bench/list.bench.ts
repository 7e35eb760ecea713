/**
 * list --deployments 10000 --clients 20 --seconds 10: a page of 100 out of so many deployments, over HTTP from the real server
 * process, signed in by Basic on every call, while the load comes from another process on the same cores.
 *
 * Limit: the same server answering a request that asks the database for the sign-in only (`/api/v3.1/version`).
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { create } from 'tar';
import type { LoadOrder, LoadResult } from './http-load.js';
import { aStand, numbers, PASSWORD, report, type Stand } from './stand.js';

const BLUEPRINT = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs: {region: {default: north}, size: {default: 3}}
node_templates:
  web: {type: cloudify.nodes.Root}
outputs: {region: {value: {get_input: region}}}
capabilities: {size: {value: {get_input: size}}}
`;

const given = numbers({ deployments: '10000', clients: '20', seconds: '10' });
const stand = await aStand();
await fill(stand, given.deployments[0]!);
await stand.pool.query('vacuum analyze');
const { child, url } = await serve(stand);
const rows = [];
for (const clients of given.clients) {
  for (const [what, path] of [
    ['first page of 100', '/api/v3.1/deployments?_size=100'],
    [
      'a page in the middle',
      `/api/v3.1/deployments?_size=100&_offset=${Math.floor(given.deployments[0]! / 2)}`,
    ],
    ['limit: sign-in alone', '/api/v3.1/version'],
  ] as const) {
    await load({ url: url + path, headers: headers(), clients, seconds: 2 });
    const result = await load({ url: url + path, headers: headers(), clients, seconds: given.seconds[0]! });
    rows.push({
      request: what,
      clients,
      'requests/s': result.requests / result.seconds,
      'p50 ms': result.p50,
      'p99 ms': result.p99,
      'kB each': result.bytes / result.requests / 1000,
      failures: result.failures,
    });
  }
}
child.kill('SIGTERM');
await new Promise((resolve) => child.once('exit', resolve));
await stand.close();
report('list', rows, [
  `${given.deployments[0]} deployments in one tenant; server, database and load share the cores`,
  "rival: Cloudify's sizing guide names 10 requests/s",
]);

function headers(): Record<string, string> {
  const basic = Buffer.from(`admin:${PASSWORD}`).toString('base64');
  return { authorization: `Basic ${basic}`, tenant: 'default_tenant', 'content-type': 'application/json' };
}

async function fill(to: Stand, count: number): Promise<void> {
  const folder = join(to.dataDir, 'blueprints', 'small');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'blueprint.yaml'), BLUEPRINT);
  await to.core.blueprintUploads.upload(to.admin, {
    id: 'small',
    source: {
      kind: 'stream',
      stream: Readable.from(create({ cwd: join(folder, '..'), gzip: true }, ['small'])),
    },
  });
  let next = 0;
  const make = async () => {
    for (let index = next++; index < count; index = next++) {
      await to.core.deployments.create(to.admin, {
        id: `d${index}`,
        blueprintId: 'small',
        inputs: { size: index },
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, make));
}

async function serve(on: Stand): Promise<{ child: ChildProcess; url: string }> {
  const main = fileURLToPath(new URL('../src/main.js', import.meta.url));
  const started = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH ?? '',
      DATABASE_URL: on.databaseUrl,
      ORRERY_DATA_DIR: on.dataDir,
      ORRERY_MASTER_KEY: on.settings.masterKey,
      ORRERY_PORT: '0',
      ORRERY_LOG_LEVEL: 'error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const at = await new Promise<string>((resolve, reject) => {
    started.stdout.on('data', (data) => {
      const found = /ready at (\S+)/.exec(String(data))?.[1];
      if (found !== undefined) resolve(found);
    });
    started.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  return { child: started, url: at };
}

function load(order: LoadOrder): Promise<LoadResult> {
  const child_ = fork(fileURLToPath(new URL('./http-load.js', import.meta.url)));
  return new Promise((resolve, reject) => {
    child_.once('message', (result) => resolve(result as LoadResult));
    child_.once('error', reject);
    child_.send(order);
  });
}
