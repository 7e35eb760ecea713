import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UnreadableDocument } from './harvested.js';
import { readKubernetesManifests } from './kubernetes-manifests.js';

const MANIFESTS = `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop, uid: 11-22, labels: { app: web }, creationTimestamp: 2026-01-02T03:04:05Z }
spec:
  hostNetwork: true
  containers:
    - { name: a, image: nginx:1, securityContext: { privileged: true } }
---
kind: List
items:
  - { kind: Secret, type: Opaque, metadata: { name: s }, data: { token: Y2FuYXJ5 }, stringData: { other: canary } }
  - { kind: ClusterRole, metadata: { name: all }, rules: [{ verbs: ['*'], resources: ['*'], apiGroups: ['*'] }] }
---
---
kind: CronJob
metadata: { name: nightly }
spec: { jobTemplate: { spec: { template: { spec: { securityContext: { runAsNonRoot: true }, containers: [{ image: job }] } } } } }
---
kind: Widget
metadata: { name: w }
`;

test('documents and lists become resources in their namespaces, with keys of secrets and no value', () => {
  const { resources, skipped } = readKubernetesManifests(MANIFESTS);
  assert.deepEqual(
    resources.map(({ type, region, providerId }) => `${type} ${region} ${providerId}`),
    [
      'pod shop 11-22',
      'kubernetessecret default s',
      'kubernetesclusterrole global all',
      'kubernetescronjob default nightly',
    ],
  );
  const [pod, secret, , job] = resources;
  assert.deepEqual(pod?.facts, {
    images: ['nginx:1'],
    privileged: true,
    hostNetwork: true,
    runAsNonRoot: false,
  });
  assert.deepEqual([pod?.tags, pod?.createdAt], [{ app: 'web' }, '2026-01-02T03:04:05.000Z']);
  assert.deepEqual(secret?.facts, { keys: ['token', 'other'], kind: 'Opaque' });
  assert.equal(job?.facts.runAsNonRoot, true);
  assert.ok(!/canary|Y2FuYXJ5/.test(JSON.stringify(resources)));
  assert.deepEqual(skipped, [{ address: 'Widget/w', reason: 'objects of kind Widget are not harvested' }]);
});

test('parsed objects are taken as they are, and what stands there twice is told', () => {
  const pod = { kind: 'Pod', metadata: { name: 'p' } };
  const { resources, skipped } = readKubernetesManifests([pod, pod, { metadata: {} }]);
  assert.equal(resources.length, 1);
  assert.deepEqual(
    skipped.map(({ reason }) => reason),
    ['it stands in the document twice', 'it has no kind, or no name in its metadata'],
  );
});

test('what is no manifest is refused: broken YAML, a single word, an alias that grows without bounds', () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]`;
  for (const text of ['{', 'word', bomb]) {
    assert.throws(() => readKubernetesManifests(text), UnreadableDocument, text);
  }
});

test('nothing breaks the reader but what it refuses', () => {
  const objects = fc.record({
    kind: fc.constantFrom('Pod', 'Secret', 'Ingress', 'CronJob', 'constructor'),
    metadata: fc.jsonValue(),
    spec: fc.jsonValue(),
    data: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.array(objects, { maxLength: 3 })), (document) => {
      try {
        readKubernetesManifests(document);
      } catch (error) {
        assert.ok(error instanceof UnreadableDocument, String(error));
      }
    }),
    { numRuns: 300 },
  );
});
