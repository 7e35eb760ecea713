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

  it('keeps stages, whether it is spread, and effects that are about others than the task', () => {
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
          after: [
            { kind: 'event', instance: null, message: 'a stage' },
            { kind: 'state', instance: 'a_1', state: 'started' },
            { kind: 'note', instance: 'a_1', name: 'status', value: { ok: true } },
          ],
          onFailure: 'leave',
        },
      ],
    };
    assert.deepEqual(unpacked(packed(graph)), graph);
  });

  it('is read as it is when it was stored before there was packing', () => {
    const graph: TaskGraph = { workflow: 'install', tasks: [] };
    assert.equal(unpacked(graph), graph);
  });
});
