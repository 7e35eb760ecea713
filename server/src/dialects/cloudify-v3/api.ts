/** What holds for every call of this dialect, for the published description. */
import type { ApiDescription, Operation } from '../dialect.js';
import { BY_KIND, BY_REASON, type WireError } from './errors.js';
import { ErrorAnswer } from './fields.js';

const DESCRIPTION = `Cloudify's REST API, in two versions: \`/api/v3.1\` is what today's clients expect, \`/api/v3\` what the older
document says (its operations end in \`_v3\` here). They differ after deletions (204 without a body, 200 with what was deleted), in tokens, in the
status, and in how members of tenants, users and groups are told.

Every call carries credentials; most also need the header \`Tenant\`. A list takes any field of its items as a filter (several values: any of them), and
\`_include\`, \`_sort\`, \`_size\` and \`_offset\`. Times are UTC with milliseconds. Booleans may be written true, True or 1. A null in the outermost object
of a body counts as absent. Bodies may always be called application/json.`;

const TAGS = {
  Manager: 'The server itself: version, status, settings.',
  Cluster: 'The processes that share the work.',
  Tokens: 'In the place of a password.',
  Tenants: 'Closed rooms, and who may enter them.',
  Users: 'Who signs in.',
  'User groups': 'Sets of users with roles in common.',
  Secrets: 'Values that blueprints name and do not hold.',
  Blueprints: 'Uploaded archives and their plans.',
  Plugins: 'Uploaded wagons of Python packages, and what they add to the blueprint language.',
  Deployments: 'Blueprints with inputs, and what became of them.',
  'Deployment updates': 'Another blueprint or other inputs for a deployment that lives.',
  'Deployment modifications': 'More or fewer instances of its nodes.',
  Nodes: "A deployment's nodes, as its blueprint describes them.",
  'Node instances': 'What there really is of each node.',
  Executions: 'Runs of workflows.',
  'Task graphs': 'What executions will do, and have done.',
  Operations: 'The tasks of those graphs, one by one.',
  Agents: 'What was told of agents on hosts.',
  Events: 'What executions did and said.',
  'Plugins updates': 'Deployments of a blueprint brought to newer plugins.',
  'Log bundles': 'What the installation has logged, as archives.',
  Snapshots: 'The whole installation as of one moment, and the way back.',
  Dependencies: 'Which deployments stand on others.',
  'Deployment groups': 'Deployments gathered under a name.',
  'Execution schedules': 'Executions that start by themselves.',
  'Execution groups': 'One workflow on all deployments of a group.',
  Sites: 'Named places that deployments stand at.',
  Filters: 'Rules under a name that select blueprints or deployments.',
  Labels: 'Which labels are in use.',
  Workflows: 'What can be run on deployments.',
};

/** They are about the installation, so a request may leave the tenant out. */
const OUTSIDE_TENANTS = new Set(['Manager', 'Cluster', 'Tokens', 'Tenants', 'Users', 'User groups']);
const CREDENTIALS = ['basic', 'token', 'executionToken'];

/** Codes that only this dialect gives, beside those of the tables in errors.ts. */
const OWN: readonly WireError[] = [
  { status: 400, code: 'no_such_include_field_error' },
  { status: 400, code: 'unknown_action' },
  { status: 400, code: 'removed_from_cluster' },
  { status: 503, code: 'maintenance_mode_active' },
  { status: 403, code: 'only_deployment_update' },
  { status: 503, code: 'in_snapshot_restore_error' },
  { status: 415, code: 'unsupported_content_type_error' },
  { status: 500, code: 'internal_server_error' },
];

const REFUSALS: Readonly<Record<number, readonly [name: string, text: string]>> = {
  400: ['BadRequest', 'The request breaks a rule'],
  401: ['Unauthorized', 'No credentials, or wrong ones'],
  403: ['Forbidden', 'Not with this role, or not in this tenant'],
  404: ['NotFound', 'There is none, or none that the caller may see'],
  409: ['Conflict', 'There is one already, or it has changed since it was read'],
  413: ['TooLarge', 'The body is longer than the server takes'],
  415: ['UnsupportedMediaType', 'The body is called something else than JSON'],
  429: ['TooManyRequests', 'Too many failures to sign in; the header Retry-After says how long to wait'],
  500: ['InternalError', 'A fault of the server, which its log tells under the request id'],
  503: ['Unavailable', 'A part that is needed is down; try again'],
};

export const API: ApiDescription = {
  description: DESCRIPTION,
  tags: TAGS,
  operationName: (id, path) => {
    if (path.startsWith('/api/v3.1/')) return id;
    return path.startsWith('/api/v3/') ? `${id}_v3` : `${id}_unversioned`;
  },
  securitySchemes: {
    basic: { type: 'http', scheme: 'basic' },
    token: {
      type: 'apiKey',
      in: 'header',
      name: 'Authentication-Token',
      description: "A user's token: `ctok-…`",
    },
    executionToken: {
      type: 'apiKey',
      in: 'header',
      name: 'Execution-Token',
      description: 'The token of a running execution, which its operations are given',
    },
    tenant: {
      type: 'apiKey',
      in: 'header',
      name: 'Tenant',
      description: 'Name of the tenant that the request is for; not a secret',
    },
  },
  security: ({ tag }) => [
    ...CREDENTIALS.map((one) => [one, 'tenant']),
    ...(OUTSIDE_TENANTS.has(tag) ? CREDENTIALS.map((one) => [one]) : []),
  ],
  error: { schema: ErrorAnswer, mediaType: 'application/json' },
  refusals: Object.fromEntries(
    Object.entries(REFUSALS).map(([status, [name, text]]) => [
      status,
      { name, description: `${text}. ${codesOf(Number(status))}` },
    ]),
  ),
  refusalsOf,
};

function refusalsOf({ method, body, hasPathParameters, open }: Operation): readonly number[] {
  const changes = method !== 'GET' && method !== 'DELETE';
  return [
    400,
    ...(open ? [] : [401, 403]),
    ...(hasPathParameters || body !== 'none' ? [404] : []),
    ...(changes ? [409] : []),
    ...(body === 'none' ? [] : [413]),
    ...(body === 'json' ? [415] : []),
    ...(open ? [] : [429]),
    500,
    ...(open ? [] : [503]),
  ];
}

function codesOf(status: number): string {
  const all = [...Object.values(BY_KIND), ...Object.values(BY_REASON), ...OWN];
  const codes = new Set(all.filter((each) => each.status === status).map(({ code }) => `\`${code}\``));
  return `error_code: ${[...codes].sort().join(', ')}`;
}
