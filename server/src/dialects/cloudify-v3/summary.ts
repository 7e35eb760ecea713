/** How many things there are of each kind: `_target_field`, and within it `_sub_field`. */
import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { Caller } from '../../caller.js';
import type { ListFilter } from '../../store/list.js';
import type { SummaryRow } from '../../store/summary.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, Switch, Word } from './described.js';
import { badParameters } from './errors.js';
import { Anything, ListOf } from './fields.js';
import { booleanParam, countParam, type Params, repeated, single } from './lenient.js';
import { envelope, MOST_ROWS } from './listing.js';
import type { Mounting } from './mounting.js';
import { quoted } from './resource.js';

interface Summarized {
  /** Last part of the path, and what the counts are called. */
  readonly name: string;
  readonly tag: string;
  /** Wire name -> core field: what may be counted by. */
  readonly fields: Readonly<Record<string, string>>;
  /** Texts of a field in their words. */
  readonly words?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly count: (caller: Caller, query: never) => Promise<{ rows: SummaryRow[]; total: number }>;
}

const OWN = { tenant_name: 'tenantName', visibility: 'visibility' };
const HEALTH = { 'in-progress': 'in_progress', 'requires-attention': 'requires_attention' };
const STATUS = { 'force-cancelling': 'force_cancelling', 'kill-cancelling': 'kill_cancelling' };

export function addSummaries(mounting: Mounting): void {
  const { core } = mounting;
  const all: readonly Summarized[] = [
    {
      name: 'deployments',
      tag: 'Deployments',
      fields: {
        blueprint_id: 'blueprintId',
        site_name: 'siteName',
        deployment_status: 'wholeHealth',
        ...OWN,
      },
      words: { deployment_status: HEALTH },
      count: (caller, query) => core.summaries.of(caller, 'deployments', query),
    },
    {
      name: 'blueprints',
      tag: 'Blueprints',
      fields: OWN,
      count: (caller, query) => core.blueprints.summary(caller, query),
    },
    {
      name: 'nodes',
      tag: 'Nodes',
      fields: { deployment_id: 'deploymentId', ...OWN },
      count: (caller, query) => core.summaries.of(caller, 'nodes', query),
    },
    {
      name: 'node_instances',
      tag: 'Node instances',
      fields: {
        deployment_id: 'deploymentId',
        index: 'index',
        node_id: 'node',
        state: 'state',
        host_id: 'host',
        ...OWN,
      },
      count: (caller, query) => core.summaries.of(caller, 'instances', query),
    },
    {
      name: 'executions',
      tag: 'Executions',
      fields: {
        status: 'status',
        status_display: 'status',
        blueprint_id: 'blueprintId',
        deployment_id: 'deploymentId',
        workflow_id: 'workflow',
        ...OWN,
      },
      words: { status: STATUS, status_display: { ...STATUS, terminated: 'completed' } },
      count: (caller, query) => core.summaries.of(caller, 'executions', query),
    },
  ];
  for (const summarized of all) addSummary(mounting, summarized);
}

export function addSummary({ scope }: Mounting, summarized: Summarized): void {
  const { name, tag, fields } = summarized;
  const words = Object.keys(fields).join(', ');
  scope.get(
    `/summary/${name}`,
    {
      schema: describe(tag, 'summary', `Count ${name.replaceAll('_', ' ')}`, {
        querystring: Type.Object({
          _target_field: Type.String({ description: `Counted by this: one of ${words}` }),
          _sub_field: Word('And within it by this'),
          _size: Type.Optional(Type.Integer({ minimum: 0 })),
          _offset: Type.Optional(Type.Integer({ minimum: 0 })),
          _get_all_results: Switch('Everything at once'),
          _all_tenants: Switch('Of every tenant, for administrators'),
        }),
        response: { 200: ListOf(Anything) },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const params = request.query;
      const target = fieldOf(summarized, single(params, '_target_field'));
      const sub = single(params, '_sub_field') || null;
      const second = sub === null ? null : fieldOf(summarized, sub);
      const offset = countParam(params, '_offset', 0, Number.MAX_SAFE_INTEGER);
      const size = booleanParam(params, '_get_all_results', false)
        ? MOST_ROWS
        : countParam(params, '_size', 1000, MOST_ROWS);
      const query = {
        by: target.field,
        within: second?.field ?? null,
        filters: filtersOf(summarized, params),
        allTenants: booleanParam(params, '_all_tenants', false),
        offset,
        size,
      };
      const { rows, total } = await summarized.count(callerOf(request), query as never);
      const items = grouped(summarized, target.word, second?.word ?? null, rows);
      return sendText(reply, 200, envelope({ offset, size }, JSON.stringify(items), total));
    },
  );
}

function fieldOf({ fields }: Summarized, word: string | undefined): { word: string; field: string } {
  if (word !== undefined && Object.hasOwn(fields, word)) return { word, field: fields[word]! };
  throw badParameters(
    `Field ${word ?? 'none'} is not available for summary. Valid fields are: ${Object.keys(fields).join(', ')}`,
  );
}

function filtersOf({ fields, words }: Summarized, params: Params): ListFilter<string>[] {
  return Object.keys(params)
    .filter((name) => !name.startsWith('_'))
    .map((name) => {
      if (!Object.hasOwn(fields, name)) {
        throw badParameters(
          `Filter keys ${quoted([name])} are not allowed. Allowed filters are: ${quoted(Object.keys(fields))}`,
        );
      }
      const spelled = Object.entries(words?.[name] ?? {});
      const anyOf = repeated(params, name).map(
        (value) => spelled.find(([, theirs]) => theirs === value)?.[0] ?? value,
      );
      return { field: fields[name]!, anyOf };
    });
}

/** Rows of one first value follow each other. */
function grouped(
  { name, words }: Summarized,
  target: string,
  sub: string | null,
  rows: readonly SummaryRow[],
): Record<string, unknown>[] {
  const told = (word: string, value: string | null) => {
    if (word === 'index' && value !== null) return Number(value);
    return value === null ? null : (words?.[word]?.[value] ?? value);
  };
  const items: Record<string, unknown>[] = [];
  for (const { value, second, count } of rows) {
    const first = told(target, value);
    let item = items.at(-1);
    if (item === undefined || item[target] !== first) {
      item = { [target]: first, [name]: 0, ...(sub === null ? {} : { [`by ${sub}`]: [] }) };
      items.push(item);
    }
    item[name] = (item[name] as number) + count;
    if (sub !== null) (item[`by ${sub}`] as unknown[]).push({ [sub]: told(sub, second), [name]: count });
  }
  return items;
}
