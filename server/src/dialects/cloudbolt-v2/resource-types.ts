/** Types of resources (specs: cloudbolt.md §5). */
import type { ResourceTypeField } from '../../ordering/resource-types.js';
import { globalId } from './hrefs.js';
import { integer, text } from './paths.js';
import { addCollection, type Collection, type Mounting } from './resource.js';

interface ResourceTypeRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly label: string;
  readonly icon: string;
  readonly lifecycle: readonly string[];
}

export const RESOURCE_TYPES: Collection<ResourceTypeField, ResourceTypeRow> = {
  name: 'resource-types',
  tag: 'Catalogue',
  thing: 'resource type',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    label: text('label'),
    icon: text('icon'),
  },
  reads: ['number', 'code', 'name', 'label', 'icon', 'lifecycle'],
  title: ({ label }) => label,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.resourceTypes.list(caller, query),
  item: async ({ hrefs, row }) => ({
    _links: { self: hrefs.link('resource-types', { ...row, title: row.label }) },
    name: row.name,
    label: row.label,
    icon: row.icon,
    id: String(row.number),
    'global-id': globalId('resource-types', row),
    lifecycle: row.lifecycle,
  }),
};

export function addResourceTypes(mounting: Mounting): void {
  addCollection(mounting, RESOURCE_TYPES);
}
