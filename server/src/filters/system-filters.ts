/** Filters that everybody has and nobody changes (cloudify.md §4.14). Pure. */
import type { FilterRule } from './filter-rules.js';

export interface SystemFilter {
  readonly id: string;
  readonly rules: readonly FilterRule[];
}

const KINDS = [
  'aws',
  'azure',
  'gcp',
  'terragrunt',
  'helm',
  'ansible',
  'starlingx',
  'vsphere',
  'docker',
  'netconf',
  'fabric',
  'libvirt',
  'utilities',
  'host-pool',
  'diamond',
  'openstack',
  'openstack-v3',
  'vcloud',
];

/** Of deployments; of blueprints there are none. */
export const SYSTEM_FILTERS: readonly SystemFilter[] = [
  topLevel('csys-environment-filter', 'any-of'),
  topLevel('csys-service-filter', 'is-not'),
  ofKind('csys-k8s-filter', 'k8s'),
  ofKind('csys-terraform-filter', 'terraform'),
  ...KINDS.map((kind) => ofKind(`${kind}-deployments`, kind)),
];

function topLevel(id: string, operator: 'any-of' | 'is-not'): SystemFilter {
  return {
    id,
    rules: [
      { kind: 'label', key: 'csys-obj-type', operator, values: ['environment'] },
      { kind: 'label', key: 'csys-obj-parent', operator: 'is-null', values: [] },
    ],
  };
}

function ofKind(id: string, kind: string): SystemFilter {
  return { id, rules: [{ kind: 'label', key: 'obj-type', operator: 'any-of', values: [kind] }] };
}
