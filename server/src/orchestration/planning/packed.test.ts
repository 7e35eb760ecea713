import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { TaskGraph } from './graph.js';
import { packed, unpacked } from './packed.js';
import { aRandomDeployment } from './testdata/a-random-deployment.js';
import { install } from './workflows/install.js';
import { uninstall } from './workflows/uninstall.js';

describe('a graph that is packed', () => {
  it('is the same when it is unpacked, also after it was text', () => {
    fc.assert(
      fc.property(aRandomDeployment, (model) => {
        for (const workflow of [install, uninstall]) {
          const graph = workflow(model, {});
          if (!('tasks' in graph)) continue;
          assert.deepEqual(
            unpacked(JSON.parse(JSON.stringify(packed(graph)))),
            JSON.parse(JSON.stringify(graph)),
          );
        }
      }),
    );
  });

  it('keeps stages, whether it is spread, and what a task without an instance tells', () => {
    const graph: TaskGraph = {
      workflow: 'heal',
      spread: true,
      stages: [{ name: 'one', from: 0, tolerant: true, memo: { a: 1 } }],
      tasks: [
        {
          id: 0,
          kind: 'marker',
          instance: null,
          call: null,
          dependsOn: [],
          before: [],
          after: [{ kind: 'event', message: 'a stage' }],
          onFailure: 'leave',
        },
        {
          id: 1,
          kind: 'marker',
          instance: 'a_1',
          call: null,
          dependsOn: [0],
          before: [],
          after: [
            { kind: 'state', state: 'started' },
            { kind: 'note', name: 'status', value: { ok: true } },
          ],
          onFailure: 'leave',
        },
      ],
    };
    assert.deepEqual(unpacked(packed(graph)), graph);
  });

  it('names once what many tasks tell', () => {
    const tells = (of: number) => ({
      id: of,
      kind: 'marker' as const,
      instance: `a_${of}`,
      call: null,
      dependsOn: [],
      before: [],
      after: [{ kind: 'event' as const, message: 'the same' }],
      onFailure: 'fail' as const,
    });
    const { told, tasks } = packed({ workflow: 'install', tasks: [tells(0), tells(1), tells(2)] });
    assert.deepEqual(told, [[], [{ kind: 'event', message: 'the same' }]]);
    const read = unpacked({
      form: 2,
      workflow: 'install',
      instances: ['a', 'b', 'c'],
      calls: [],
      told,
      tasks,
    });
    assert.equal(read.tasks[0]!.after, read.tasks[2]!.after);
  });

  it('is read as it is when it was stored before there was packing', () => {
    const graph: TaskGraph = { workflow: 'install', tasks: [] };
    assert.equal(unpacked(graph), graph);
  });
});
