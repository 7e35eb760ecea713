import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { anEngine, type Engine } from '../../../test/support/an-engine.js';
import { DONE, type ScriptedPlugin, scriptedPlugin } from '../../../test/support/scripted-plugin.js';
import { Tokens } from '../../identity/tokens.js';
import type { ExecutionId, ExecutionUid } from '../../ids.js';
import type { OperationRequest } from '../../plugins/plugin.js';
import { executionToken } from './execution-token.js';
import { Fenced } from './ledger.js';

const TWO = `
node_templates:
  one: &node
    type: cloudify.nodes.Root
    interfaces: { cloudify.interfaces.lifecycle: { create: scripted.use, start: scripted.use } }
  two: *node
`;

describe('the token of an execution', () => {
  let engine: Engine;
  let plugin: ScriptedPlugin;
  let tokens: Tokens;
  const issued: string[] = [];
  let use: (request: OperationRequest) => Promise<void> = async () => {};

  before(async () => {
    plugin = scriptedPlugin();
    engine = await anEngine([plugin]);
    tokens = new Tokens({ pool: engine.database.pool });
    plugin.on('use', async (request) => {
      issued.push(await request.token!());
      await use(request);
      return DONE;
    });
    await engine.work();
  });
  after(async () => {
    await tokens.close();
    await engine.close();
  });

  async function install(id: string) {
    issued.length = 0;
    await engine.deploy(id, TWO);
    return engine.install(id);
  }

  it('is one for all its operations, acts in its tenant, and is gone when it ends', async () => {
    use = async () => {
      const { username, executionId, confinedTo } = await tokens.verify(issued[0]!, 'acme');
      assert.deepEqual([username, executionId], ['ada', execution.id]);
      assert.equal(confinedTo, engine.caller.tenant!.id);
    };
    const execution = await install('one-for-all');
    assert.equal((await engine.until(execution)).status, 'terminated');
    assert.equal(issued.length, 4);
    assert.equal(new Set(issued).size, 1);
    await assert.rejects(tokens.verify(issued[0]!, 'acme'), { kind: 'unauthenticated' });
  });

  it('is gone when its execution fails, and when somebody ends it by hand', async () => {
    use = async () => {
      throw new Error('no');
    };
    const failed = await install('fails');
    assert.equal((await engine.until(failed)).status, 'failed');
    await assert.rejects(tokens.verify(issued[0]!, 'acme'), { kind: 'unauthenticated' });

    const told = new Promise<void>((resolve) => {
      use = async () => {
        if (issued.length < 2) return;
        await engine.executions.updateStatus(engine.caller, execution.id, { status: 'failed' });
        await assert.rejects(tokens.verify(issued[0]!, 'acme'), { kind: 'unauthenticated' });
        resolve();
      };
    });
    const execution = await install('by-hand');
    await told;
  });

  it('is issued to the holder of the fence alone, in the place of an earlier holder’s', async () => {
    const { pool } = engine.database;
    let first = true;
    const held = new Promise<void>((resolve, reject) => {
      use = async () => {
        if (!first) return;
        // Two operations run side by side.
        first = false;
        const { rows } = await pool.query<{ uid: string; fence: string }>(
          'select uid, fence from executions where id = $1',
          [execution.id],
        );
        const holder = {
          uid: Number(rows[0]!.uid) as ExecutionUid,
          fence: Number(rows[0]!.fence),
          id: execution.id as ExecutionId,
          createdById: engine.caller.userId,
          tenantId: engine.caller.tenant!.id,
        };
        await assert.rejects(executionToken(pool, { ...holder, fence: holder.fence - 1 })(), Fenced);
        await tokens.verify(issued[0]!, 'acme');
        const next = await executionToken(pool, holder)();
        await tokens.verify(next, 'acme');
        await assert.rejects(tokens.verify(issued[0]!, 'acme'), { kind: 'unauthenticated' });
        resolve();
      };
      setTimeout(() => reject(new Error('no operation ran')), 20_000).unref();
    });
    const execution = await install('fence');
    await held;
    assert.equal((await engine.until(execution)).status, 'terminated');
  });
});
