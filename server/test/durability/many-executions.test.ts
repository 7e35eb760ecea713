/** A thousand executions at once: all end, in bounded memory, each walked once. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { anEngine } from '../support/an-engine.js';
import { scriptedPlugin } from '../support/scripted-plugin.js';

const EXECUTIONS = 1000;
const THING = `
node_templates:
  thing:
    type: cloudify.nodes.Root
    interfaces: {cloudify.interfaces.lifecycle: {create: scripted.create, start: scripted.start}}
`;

describe('a thousand executions', { timeout: 5 * 60_000 }, async () => {
  const plugin = scriptedPlugin();
  const engine = await anEngine([plugin]);
  after(() => engine.close());

  it('all end, and what they took is given back', async () => {
    const { pool } = engine.database;
    const ended = async () => {
      const { rows } = await pool.query<{ status: string; count: number }>(
        'select status, count(*)::integer as count from executions where workflow = $1 group by status',
        ['install'],
      );
      return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
    };
    for (let n = 0; n < EXECUTIONS; n += 1) {
      await engine.deploy(`d${n}`, THING);
      await engine.install(`d${n}`);
    }
    global.gc?.();
    const before = process.memoryUsage().heapUsed;
    let most = 0;
    const start = performance.now();
    const worker = await engine.work({ maxExecutions: 100 });
    while ((await ended()).terminated !== EXECUTIONS) {
      most = Math.max(most, worker.executions);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const seconds = (performance.now() - start) / 1000;
    global.gc?.();
    const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20;
    console.log(
      `${EXECUTIONS} executions in ${seconds.toFixed(1)} s, at most ${most} at once, ${grown.toFixed(0)} MiB more`,
    );
    assert.ok(most <= 100);
    assert.equal(worker.executions, 0);
    assert.equal(worker.operations, 0);
    assert.equal(plugin.calls.length, 2 * EXECUTIONS);
    const { rows } = await pool.query<{ most: number }>('select max(fence)::integer as most from executions');
    assert.equal(rows[0]!.most, 1, 'each was claimed once');
    assert.ok(grown < 100, `${grown} MiB were not given back`);
  });
});
