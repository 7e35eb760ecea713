/** Nodes: what the blueprint says of each, told in full, and how many instances there are. Read only. */
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { NodeField, NodeRecord } from '../../orchestration/nodes.js';
import type { ListQuery } from '../../store/list.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, listQuery, Switch, Word } from './described.js';
import { Anything, Count, Dict, ListOf, MaybeText, Names, OWNERSHIP, Text } from './fields.js';
import { type AttributeWords, conditionsFrom, type SearchWords } from './filter-rules.js';
import { booleanParam, type Params, single } from './lenient.js';
import { envelope, type ListingOptions, narrowed, parseInclude, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { nodeExpander, type WireNode } from './plan.js';
import { type DerivedField, type Resource, renderRecord, schemaOf } from './resource.js';

/** A node with its definition written out. */
type Field = NodeField | 'expanded';

const fromExpanded = (
  read: (node: WireNode) => unknown,
  schema: DerivedField<Field>['schema'],
): DerivedField<Field> => ({
  needs: [],
  derive: ({ expanded }) => read(expanded as WireNode),
  schema,
  listed: true,
});

const NODE: Resource<Field> = {
  name: 'Node',
  key: 'id',
  fields: {
    id: { from: 'id', schema: Text },
    deployment_id: { from: 'deploymentId', schema: Text },
    deployment_display_name: { from: 'deploymentDisplayName', schema: Text },
    blueprint_id: { from: 'blueprintId', schema: Text },
    type: { from: 'type', schema: Text },
    host_id: { from: 'hostId', schema: MaybeText },
    number_of_instances: { from: 'currentInstances', schema: Count },
    planned_number_of_instances: { from: 'plannedInstances', schema: Count },
    deploy_number_of_instances: { from: 'defaultInstances', schema: Count },
    min_number_of_instances: { from: 'minInstances', schema: Count },
    max_number_of_instances: { from: 'maxInstances', schema: Count },
    actual_number_of_instances: { from: 'actualInstances', schema: Count },
    actual_planned_number_of_instances: { from: 'plannedInstances', schema: Count },
    unavailable_instances: { from: 'unavailableInstances', schema: Count },
    drifted_instances: { from: 'driftedInstances', schema: Count },
    ...OWNERSHIP,
  },
  derived: {
    type_hierarchy: fromExpanded((node) => node.type_hierarchy, Names),
    properties: fromExpanded((node) => node.properties, Dict),
    operations: fromExpanded((node) => node.operations, Dict),
    relationships: fromExpanded((node) => node.relationships, Type.Array(Anything)),
    plugins: fromExpanded((node) => node.plugins, Type.Array(Anything)),
    // Operations run where the worker is; nothing is installed on hosts.
    plugins_to_install: fromExpanded(() => [], Type.Array(Anything)),
  },
};

const LISTING: ListingOptions<Field> = { searches: { _search: 'id' }, acrossTenants: true };

/** What filter rules may ask of nodes. */
export const NODE_WORDS: AttributeWords<Field> = {
  labelled: false,
  names: { id: 'id', type: 'type' },
  attributes: { id: { field: 'id' }, type: { field: 'type' } },
};

/** The same where nodes are called by their type. */
const NODE_TYPE_WORDS: AttributeWords<Field> = {
  ...NODE_WORDS,
  attributes: { id: { field: 'type' }, type: { field: 'type' } },
};

/** The list, narrowed by the rules of a search. */
export async function answerNodes(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords = {},
  calledBy: 'id' | 'type' = 'id',
): Promise<string> {
  const listing = parseListing(NODE, params, { ...LISTING, searches: { _search: calledBy } });
  const words = calledBy === 'id' ? NODE_WORDS : NODE_TYPE_WORDS;
  const conditions = await conditionsFrom(core, caller, null, words, params, body);
  // Every filter and sort key stands for a field of the store: what is expanded can be neither.
  const list = ({ shape: _, ...query }: ListQuery<Field>) =>
    core.nodes.list(caller, query as Omit<ListQuery<NodeField>, 'shape'>);
  const { query, filteredFrom } = await narrowed(listing, conditions, list);
  const page = await list(query);
  const records = booleanParam(params, '_evaluate_functions', false)
    ? await evaluated(core, caller, page.records, single(params, '_instance_context'))
    : page.records;
  const items = await Promise.all(
    expandAll(records).map((node) => renderRecord(NODE, parseInclude(params), node)),
  );
  const filtered = filteredFrom === null ? null : filteredFrom - page.total;
  return envelope(listing, `[${items.join(',')}]`, page.total, filtered);
}

/**
 * Properties as an operation would find them; `instance` is what SELF means. What has no value says why, and what the caller
 * does not see from its tenant stays as it is written.
 */
async function evaluated(
  core: Core,
  caller: Caller,
  records: readonly NodeRecord[],
  instance: string | undefined,
): Promise<NodeRecord[]> {
  const self = instance === undefined ? {} : { self: instance };
  const given = records.map(({ definition, deploymentId, tenantName }) => ({
    properties: definition.properties,
    deploymentId,
    tenantName,
    ...self,
  }));
  const found = await core.deployments.evaluateProperties(caller, given);
  return records.map((record, place) => ({
    ...record,
    definition: { ...record.definition, properties: found[place]! },
  }));
}

/** As it is told, for the description. */
const EVALUATED = {
  _evaluate_functions: Switch('Properties with their functions evaluated'),
  _instance_context: Word('With it: the node instance that SELF means'),
};
export const NODE_LIST = { question: () => listQuery(NODE, LISTING), schema: () => ListOf(schemaOf(NODE)) };

export function addNodes({ scope, core }: Mounting): void {
  scope.get(
    '/nodes',
    {
      schema: describe('Nodes', 'list', 'List nodes', {
        querystring: listQuery(NODE, LISTING, EVALUATED),
        response: { 200: ListOf(schemaOf(NODE)) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
      sendText(reply, 200, await answerNodes(core, callerOf(request), request.query)),
  );
}

/** Nodes of one deployment share their types, and with them the tables that are expanded once. */
function expandAll(records: readonly NodeRecord[]): (NodeRecord & { type: string; expanded: WireNode })[] {
  const expanders = new Map<NodeRecord['types'], ReturnType<typeof nodeExpander>>();
  return records.map((record) => {
    const expander = expanders.get(record.types) ?? nodeExpander(record.types);
    expanders.set(record.types, expander);
    return { ...record, type: record.definition.type, expanded: expander.expand(record.definition) };
  });
}
