import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dependenciesOf } from './dependencies.js';

const bare = { nodes: [], nodeTypes: {}, outputs: {}, capabilities: {}, workflows: {} };

test('a capability of another deployment is a dependency wherever it stands, told by its place', () => {
  const node = {
    name: 'web',
    type: 'thing',
    properties: { list: [1, { get_capability: ['db', 'port'] }] },
    operations: {},
    relationships: [],
    host: null,
    scaling: { default: 1, min: 0, max: -1 },
  };
  const found = dependenciesOf({
    ...bare,
    nodes: [node],
    outputs: { out: { value: { concat: ['x', { get_capability: ['other', 'name'] }] } } },
    capabilities: { cap: { value: { get_capability: [{ get_input: 'which' }, 'a'] } } },
  });
  assert.deepEqual(found, [
    { creator: 'nodes.web.properties.list[1].get_capability', target: 'db', targetFunction: null },
    { creator: 'outputs.out.value.concat[1].get_capability', target: 'other', targetFunction: null },
    {
      creator: 'capabilities.cap.value.get_capability',
      target: null,
      targetFunction: { get_input: 'which' },
    },
  ]);
});

test('a member of that name among others is no function', () => {
  const found = dependenciesOf({
    ...bare,
    outputs: { out: { value: { get_capability: ['a', 'b'], more: 1 } } },
  });
  assert.deepEqual(found, []);
});
