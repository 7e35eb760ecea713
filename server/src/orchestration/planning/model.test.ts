import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inPlanOrder } from './model.js';

it('instances are in the order of their nodes, and those of one node by index', () => {
  const nodes = new Map(['web', 'app', 'db'].map((name) => [name, null]));
  const stored = ['db 1', 'app 10', 'app 2', 'web 1', 'app 1', 'gone 1'].map((text) => {
    const [node, index] = text.split(' ');
    return { node: node!, index: Number(index) };
  });
  assert.deepEqual(
    inPlanOrder(nodes, stored).map(({ node, index }) => `${node} ${index}`),
    ['web 1', 'app 1', 'app 2', 'app 10', 'db 1'],
  );
});
