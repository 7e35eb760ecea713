/**
 * list --deployments 10000 --clients 20 --seconds 10: a page of 100 out of so many deployments, over HTTP from the real server
 * process, signed in by Basic on every call, while the load comes from another process on the same cores.
 *
 * Limit: the same server answering a request that asks the database for the sign-in only (`/api/v3.1/version`).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { create } from 'tar';
import { headers, load, serve } from './serving.js';
import { aStand, numbers, report, type Stand } from './stand.js';

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
