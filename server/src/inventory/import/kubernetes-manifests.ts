/**
 * Reads Kubernetes manifests: one or many YAML documents, a List, or objects already parsed. Pure.
 *
 * Of secrets and config maps the keys are taken, never a value.
 */
import { parseAllDocuments } from 'yaml';
import {
  type Harvest,
  type Harvested,
  known,
  MOST_RESOURCES,
  Reading,
  type Skipped,
  UnreadableDocument,
} from './harvested.js';
import { timeOf } from './terraform-block.js';

interface Kind {
  readonly type: string;
  /** Belongs to no namespace. */
  readonly isGlobal?: boolean;
  readonly facts: (object: Reading) => Readonly<Record<string, unknown>>;
}

/** @param document text of YAML, or what it says @throws UnreadableDocument */
export function readKubernetesManifests(document: unknown): Harvest {
  const objects = (typeof document === 'string' ? documentsOf(document) : [document].flat()).flatMap(itemsOf);
  if (objects.length > MOST_RESOURCES) {
    throw new UnreadableDocument(`There are ${objects.length} objects; ${MOST_RESOURCES} are the most`);
  }
  const resources = new Map<string, Harvested>();
  const skipped: Skipped[] = [];
  for (const [at, object] of objects.entries()) {
    const kind = object.text('kind');
    const metadata = object.inside('metadata');
    const name = metadata.text('name');
    const address = `${kind ?? 'object'}/${name ?? at}`.slice(0, 1000);
    const known = kind !== null && Object.hasOwn(KINDS, kind) ? KINDS[kind]! : null;
    if (kind === null || name === null) {
      skipped.push({ address, reason: 'it has no kind, or no name in its metadata' });
    } else if (known === null) {
      skipped.push({ address, reason: `objects of kind ${kind.slice(0, 100)} are not harvested` });
    } else {
      const found = harvestedOf(known, object, metadata, name);
      const key = JSON.stringify([found.type, found.region, found.providerId]);
      if (resources.has(key)) skipped.push({ address, reason: 'it stands in the document twice' });
      else resources.set(key, found);
    }
  }
  return { resources: [...resources.values()], skipped };
}

function documentsOf(text: string): unknown[] {
  const documents = parseAllDocuments(text, { prettyErrors: true, version: '1.2', uniqueKeys: true });
  // An empty text is no list of documents.
  return [documents].flat().map((document) => {
    const [error] = 'errors' in document ? document.errors : [];
    if (error !== undefined) throw new UnreadableDocument(`This is no YAML: ${error.message.slice(0, 300)}`);
    try {
      return 'toJS' in document ? (document.toJS({ maxAliasCount: 100 }) as unknown) : null;
    } catch (failure) {
      throw new UnreadableDocument(`This YAML is refused: ${(failure as Error).message.slice(0, 300)}`);
    }
  });
}

/** The members of a List; nothing for an empty document. */
function itemsOf(value: unknown): Reading[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') throw new UnreadableDocument('A manifest is an object, not a single value');
  const object = new Reading(value);
  const kind = object.text('kind') ?? '';
  return kind.endsWith('List') && Array.isArray(object.get('items'))
    ? object.list('items').map((each) => new Reading(each))
    : [object];
}

function harvestedOf(
  { type, isGlobal = false, facts }: Kind,
  object: Reading,
  metadata: Reading,
  name: string,
): Harvested {
  return {
    type,
    region: isGlobal ? 'global' : (metadata.text('namespace') ?? 'default').slice(0, 128),
    providerId: (metadata.text('uid') ?? name).slice(0, 512),
    nativeId: null,
    name: name.slice(0, 512),
    tags: metadata.pairs('labels'),
    facts: known(facts(object)),
    refersTo: [],
    createdAt: timeOf(metadata.text('creationTimestamp')),
  };
}

/** What runs, whether it stands alone or in the template of something that makes many. */
function ofPods(spec: Reading): Readonly<Record<string, unknown>> {
  const containers = [...spec.list('containers'), ...spec.list('initContainers')].map(
    (each) => new Reading(each),
  );
  const together = spec.inside('securityContext');
  return {
    images: containers.flatMap((one) => one.text('image') ?? []).slice(0, 100),
    privileged: containers.some((one) => one.inside('securityContext').flag('privileged') === true),
    hostNetwork: spec.flag('hostNetwork') ?? false,
    runAsNonRoot:
      containers.length > 0 &&
      containers.every(
        (one) =>
          (one.inside('securityContext').flag('runAsNonRoot') ?? together.flag('runAsNonRoot')) === true,
      ),
    serviceAccount: spec.text('serviceAccountName', 'serviceAccount'),
  };
}

const many = (
  type: string,
  template: (spec: Reading) => Reading = (spec) => spec.inside('template'),
): Kind => ({
  type,
  facts: (object) => {
    const spec = object.inside('spec');
    return { replicas: spec.integer('replicas'), ...ofPods(template(spec).inside('spec')) };
  },
});

/** Verbs, groups and resources; who wrote them chose how many. */
function rulesOf(object: Reading): readonly object[] {
  return object
    .list('rules')
    .slice(0, 200)
    .map((each) => {
      const rule = new Reading(each);
      return {
        verbs: rule.texts('verbs'),
        apiGroups: rule.texts('apiGroups'),
        resources: rule.texts('resources'),
      };
    });
}

const keysOf =
  (...members: readonly string[]) =>
  (object: Reading) => ({
    keys: members.flatMap((member) => object.inside(member).names()).slice(0, 1000),
    kind: object.text('type'),
  });

const KINDS: Readonly<Record<string, Kind>> = {
  Pod: { type: 'pod', facts: (object) => ofPods(object.inside('spec')) },
  Deployment: many('containerdeployment'),
  ReplicaSet: many('kubernetesreplicaset'),
  StatefulSet: many('kubernetesstatefulset'),
  DaemonSet: many('kubernetesdaemonset'),
  Job: many('kubernetesjob'),
  CronJob: many('kubernetescronjob', (spec) => spec.inside('jobTemplate').inside('spec').inside('template')),
  Service: {
    type: 'kubernetesservice',
    facts: (object) => ({
      serviceType: object.inside('spec').text('type') ?? 'ClusterIP',
      ports: object
        .inside('spec')
        .list('ports')
        .flatMap((each) => new Reading(each).integer('port') ?? []),
    }),
  },
  Ingress: {
    type: 'kubernetesingress',
    facts: (object) => ({
      hosts: object
        .inside('spec')
        .list('rules')
        .flatMap((each) => new Reading(each).text('host') ?? []),
      tls: object.inside('spec').list('tls').length > 0,
    }),
  },
  Namespace: {
    type: 'kubernetesnamespace',
    isGlobal: true,
    facts: (object) => ({ phase: object.inside('status').text('phase') }),
  },
  Secret: { type: 'kubernetessecret', facts: keysOf('data', 'stringData') },
  ConfigMap: { type: 'kubernetesconfigmap', facts: keysOf('data', 'binaryData') },
  NetworkPolicy: {
    type: 'kubernetesnetworkpolicy',
    facts: (object) => ({ policyTypes: object.inside('spec').texts('policyTypes') }),
  },
  ClusterRole: {
    type: 'kubernetesclusterrole',
    isGlobal: true,
    facts: (object) => ({ rules: rulesOf(object) }),
  },
  Role: { type: 'kubernetesrole', facts: (object) => ({ rules: rulesOf(object) }) },
  ServiceAccount: {
    type: 'kubernetesserviceaccount',
    facts: (object) => ({ automountToken: object.flag('automountServiceAccountToken') }),
  },
  PersistentVolume: {
    type: 'kubernetespersistentvolume',
    isGlobal: true,
    facts: (object) => ({ capacity: object.inside('spec').inside('capacity').text('storage') }),
  },
};

export const KUBERNETES_KINDS: readonly string[] = Object.keys(KINDS);
