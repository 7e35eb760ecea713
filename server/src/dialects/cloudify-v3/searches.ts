/** Lists narrowed by filter rules or constraints in a body, in the envelope of the list (specs: cloudify.md §4.14). */
import type { FastifyRequest } from 'fastify';
import Type, { type Static, type TObject, type TSchema } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Core } from '../../core.js';
import type { DeploymentField } from '../../orchestration/deployments.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { answerBlueprints, BLUEPRINT_LIST } from './blueprints.js';
import {
  answerDeployments,
  DEPLOYMENT_LIST,
  DEPLOYMENT_LISTING,
  DEPLOYMENT_WORDS,
  forCaller,
} from './deployment-list.js';
import { describe } from './described.js';
import { badParameters } from './errors.js';
import { Anything, Dict, Flag, ListOf, Names, Text } from './fields.js';
import { conditionsFrom, SearchBody, type SearchWords, textsOf } from './filter-rules.js';
import { type Params, single } from './lenient.js';
import { envelope, parseListing } from './listing.js';
import type { Mounting } from './mounting.js';
import { answerInstances, INSTANCE_LIST } from './node-instances.js';
import { answerNodes, NODE_LIST } from './nodes.js';
import { wireScalingGroup, wireWorkflow } from './plan-declarations.js';
import { answerSecrets, SECRET_LIST } from './secrets.js';

type Answer = (caller: Caller, params: Params, body: SearchWords) => Promise<string | Buffer>;

export function addSearches(mounting: Mounting): void {
  const { core, version } = mounting;
  const search = (path: string, tag: string, query: TObject, schema: TSchema, answer: Answer) =>
    addSearch(mounting, path, tag, query, schema, answer);

  search(
    'deployments',
    'Deployments',
    DEPLOYMENT_LIST.question(),
    DEPLOYMENT_LIST.schema(),
    (caller, params, body) => answerDeployments(core, caller, params, body),
  );
  search(
    'blueprints',
    'Blueprints',
    BLUEPRINT_LIST.question(),
    BLUEPRINT_LIST.schema(),
    (caller, params, body) => answerBlueprints(core, caller, params, body),
  );
  search('nodes', 'Nodes', NODE_LIST.question(), NODE_LIST.schema(), (caller, params, body) =>
    answerNodes(core, caller, placed(params, body), body),
  );
  search('node-types', 'Nodes', NODE_LIST.question(), NODE_LIST.schema(), (caller, params, body) =>
    answerNodes(core, caller, placed(params, body), body, 'type'),
  );
  search(
    'node-instances',
    'Node instances',
    INSTANCE_LIST.question(),
    INSTANCE_LIST.schema(),
    (caller, params, body) => answerInstances(core, caller, placed(params, body), body),
  );
  search(
    'secrets',
    'Secrets',
    SECRET_LIST.question(version),
    SECRET_LIST.schema(version),
    (caller, params, body) => answerSecrets(core, caller, version, params, body),
  );
  search('workflows', 'Workflows', DEPLOYMENT_LIST.question(), ListOf(Workflow), (caller, params, body) =>
    answerWorkflows(core, caller, params, body),
  );
  search('capabilities', 'Deployments', Type.Object({}), ListOf(CapabilitiesFound), (caller, params, body) =>
    answerCapabilities(core, caller, params, body),
  );
  search(
    'scaling-groups',
    'Deployments',
    Type.Object({}),
    ListOf(ScalingGroupFound),
    (caller, params, body) => answerScalingGroups(core, caller, params, body),
  );

  mounting.scope.get(
    '/workflows',
    {
      schema: describe('Workflows', 'list', 'List the workflows of deployments, each definition once', {
        querystring: DEPLOYMENT_LIST.question(),
        response: { 200: ListOf(Workflow) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) =>
      sendText(reply, 200, await answerWorkflows(core, callerOf(request), request.query)),
  );
}

function addSearch(
  { scope }: Mounting,
  path: string,
  tag: string,
  query: TObject,
  schema: TSchema,
  answer: Answer,
): void {
  scope.post<{ Body: Static<typeof SearchBody>; Querystring: Params }>(
    `/searches/${path}`,
    {
      schema: describe(tag, `search_${path.replaceAll('-', '_')}`, `Search ${path.replaceAll('-', ' ')}`, {
        querystring: query,
        body: SearchBody,
        response: { 200: schema },
      }),
    },
    async (request, reply) =>
      sendText(reply, 200, await answer(callerOf(request), request.query, request.body as SearchWords)),
  );
}

/** A constraint may name the deployment in the place of a parameter. */
function placed(params: Params, { constraints = {} }: SearchWords): Params {
  const { deployment_id: named, blueprint_id: blueprint } = constraints;
  if (blueprint !== undefined && blueprint !== null && typeof blueprint !== 'string')
    throw misplaced('blueprint_id');
  if (named === undefined || named === null) {
    return typeof blueprint === 'string' ? { ...params, blueprint_id: blueprint } : params;
  }
  if (typeof named !== 'string') throw misplaced('deployment_id');
  if (params.deployment_id !== undefined) {
    throw badParameters('Give `deployment_id` as a parameter or in the constraints, not both');
  }
  return { ...params, deployment_id: named };
}

function misplaced(name: string) {
  return badParameters(`The constraint ${name} must be a text`);
}

const Workflow = Type.Object(
  {
    name: Text,
    plugin: Text,
    operation: Text,
    parameters: Dict,
    is_cascading: Flag,
    availability_rules: Anything,
  },
  { title: 'Workflow' },
);

async function answerWorkflows(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords = {},
): Promise<string> {
  const listing = parseListing(forCaller(core, caller), params, DEPLOYMENT_LISTING);
  const conditions = await conditionsFrom<DeploymentField>(
    core,
    caller,
    'deployments',
    DEPLOYMENT_WORDS,
    params,
    body,
  );
  const { filters, allTenants } = listing.query;
  const found = await core.offeredWorkflows.list(caller, {
    filters: [...filters, ...conditions],
    ...(allTenants === undefined ? {} : { allTenants }),
  });
  const items = found
    .slice(listing.offset, listing.offset + listing.size)
    .map(({ name, ...workflow }) => ({ name, ...wireWorkflow(workflow) }));
  return envelope(listing, JSON.stringify(items), found.length);
}

const CapabilitiesFound = Type.Object(
  { deployment_id: Text, capabilities: Type.Array(Dict) },
  { title: 'CapabilitiesFound' },
);
const ScalingGroupFound = Type.Object(
  { deployment_id: Text, name: Text, members: Names, properties: Anything },
  { title: 'ScalingGroupFound' },
);

/** Capabilities of one deployment whose name and value fit; `_search` is the value itself. */
async function answerCapabilities(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords,
): Promise<string> {
  const id = deploymentOf(params, body);
  const { name_pattern: pattern, valid_values: valid } = body.constraints ?? {};
  const wanted = single(params, '_search');
  const [{ capabilities: definitions }, values] = [
    await core.deployments.get(caller, id),
    await core.deployments.capabilities(caller, id),
  ];
  const found = Object.entries(definitions)
    .filter(([name]) => fits(name, pattern))
    .filter(([name]) => valid === undefined || listOf(valid).includes(JSON.stringify(values[name])))
    .filter(([name]) => wanted === undefined || wanted === '' || textOf(values[name]) === wanted)
    .map(([name, definition]) => ({ [name]: { ...definition, value: values[name] ?? null } }));
  const items = found.length === 0 ? [] : [{ deployment_id: id, capabilities: found }];
  const filtered = Object.keys(definitions).length - found.length;
  return envelope({ offset: 0, size: 1000 }, JSON.stringify(items), items.length, filtered);
}

/** Scaling groups of a deployment, or of a blueprint; `_search` is the name itself. */
async function answerScalingGroups(
  core: Core,
  caller: Caller,
  params: Params,
  body: SearchWords,
): Promise<string> {
  const { name_pattern: pattern, valid_values: valid } = body.constraints ?? {};
  const wanted = single(params, '_search');
  const { blueprint_id: blueprint } = placed(params, body);
  const ofBlueprint = typeof blueprint === 'string' && blueprint !== '';
  const id = ofBlueprint ? null : deploymentOf(params, body);
  const groups = ofBlueprint
    ? (await core.blueprints.plan(caller, blueprint)).scalingGroups
    : ((await core.deployments.get(caller, id!)).scalingGroups as never);
  const all = Object.entries(groups as Awaited<ReturnType<Core['blueprints']['plan']>>['scalingGroups']);
  const items = all
    .filter(([name]) => fits(name, pattern) && (wanted === undefined || wanted === '' || name === wanted))
    .filter(([name]) => valid === undefined || textsOf('valid_values', valid).includes(name))
    .map(([name, group]) => ({ deployment_id: id, name, ...wireScalingGroup(group) }));
  return envelope({ offset: 0, size: 1000 }, JSON.stringify(items), items.length, all.length - items.length);
}

function deploymentOf(params: Params, body: SearchWords): string {
  const given = placed({ ...params, ...alias(params) }, body).deployment_id;
  const id = typeof given === 'string' ? given : given?.at(-1);
  if (id === undefined || id === '') {
    throw badParameters("Please provide a valid 'deployment_id' parameter or have it in the constraints");
  }
  return id;
}

function alias(params: Params): Params {
  return params.deployment_id === undefined && params._deployment_id !== undefined
    ? { deployment_id: params._deployment_id }
    : {};
}

function fits(name: string, pattern: unknown): boolean {
  if (pattern === undefined || pattern === null) return true;
  if (typeof pattern !== 'object' || Array.isArray(pattern))
    throw badParameters('name_pattern must be an object');
  return Object.entries(pattern).every(([operator, text]) => {
    if (typeof text !== 'string') throw badParameters(`name_pattern.${operator} must be a text`);
    switch (operator) {
      case 'contains':
        return name.includes(text);
      case 'starts_with':
        return name.startsWith(text);
      case 'ends_with':
        return name.endsWith(text);
      case 'equals_to':
        return name === text;
      default:
        throw badParameters(`Unknown operator of name_pattern: ${operator}`);
    }
  });
}

function listOf(values: unknown): string[] {
  if (!Array.isArray(values)) throw badParameters('valid_values must be a list');
  return values.map((value) => JSON.stringify(value));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
