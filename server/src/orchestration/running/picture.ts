/** What a walk reads of its deployment before it begins, and what it may ask while operations run. */
import { Readable } from 'node:stream';
import type { JsonObject, PlanNode } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { BlueprintUid, TenantId, UserId } from '../../ids.js';
import { installMethodOf } from '../../plugins/agent/agent-config.js';
import type { AgentHost } from '../../plugins/agent/agent-keeper.js';
import type { PluginPackage } from '../../plugins/plugin-package.js';
import type { PluginRegistry } from '../../plugins/registry.js';
import type { Pool } from '../../store/pool.js';
import type { Traced } from '../../traces.js';
import { selectTypes } from '../deployments.store.js';
import type { Evaluation } from '../evaluation.js';
import { selectDefinitions, selectInstances, selectPropertiesById } from '../nodes.store.js';
import type { TaskGraph } from '../planning/graph.js';
import { type DeploymentModel, inPlanOrder } from '../planning/model.js';
import { AskedTasks } from './asked-tasks.js';
import type { Clock } from './clock.js';
import type { CodeOfWorkflow } from './code.js';
import type { WalkedDeployment } from './deployment.js';
import type { Errands } from './dispatch/errands.js';
import type { EngineFigures } from './engine-figures.js';
import { executionToken } from './execution-token.js';
import { keptGraphsOf } from './kept-graphs.js';
import type { Ledger } from './ledger.js';
import { patiently } from './outage.js';
import type { ClaimedExecution } from './running.store.js';
import type { Slots } from './slots.js';
import { Walk } from './walk.js';
import type { WalkMemory } from './walk-memory.js';
import type { WalkSettings } from './walk-parts.js';

export interface WalkDependencies {
  readonly pool: Pool;
  readonly plugins: PluginRegistry;
  readonly slots: Slots;
  readonly settings: WalkSettings;
  readonly evaluation: Evaluation;
  /** Files of blueprints, as operations ask for them. */
  readonly blueprints: {
    file(blueprint: BlueprintUid, path: string): ReturnType<WalkedDeployment['resource']>;
    /** In order, at most so many, those behind `after`; empty: that was all. */
    files(blueprint: BlueprintUid, folder: string, after?: string): Promise<readonly { path: string }[]>;
  };
  /** Uploaded plugins. Absent: there are none. */
  readonly packages?: {
    find(
      scope: { readonly tenantId: TenantId; readonly userId: UserId; readonly seesPrivate: boolean },
      wanted: {
        readonly packageName: string;
        readonly packageVersion: string | null;
        readonly blueprint: BlueprintUid;
      },
    ): Promise<PluginPackage | null>;
  };
  readonly clock: Clock;
  /** Agents of hosts. Absent: there are none. */
  readonly agents?: { script(host: AgentHost, properties: JsonObject): Promise<string> } | undefined;
  /** What is sent to pools. Absent: nothing can be. */
  readonly errands?: Pick<Errands, 'run'> | undefined;
  /** As of `WalkParts`. */
  readonly assured?: () => Promise<void> | null;
  /** The span of the execution that is walked. Absent: nothing is traced. */
  readonly traced?: Traced | undefined;
  /** The worker waits no longer: whatever waits for the database lets go. */
  readonly abandoned: AbortSignal;
  readonly figures?: EngineFigures | undefined;
}

export async function readModel(pool: Pool, execution: ClaimedExecution): Promise<DeploymentModel> {
  const { tenantId, deploymentUid } = execution;
  const [types, definitions, instances] = await Promise.all([
    selectTypes.one(pool, [deploymentUid]),
    selectDefinitions.all(pool, tenantId, [deploymentUid]),
    selectInstances.all(pool, tenantId, [deploymentUid]),
  ]);
  if (types === null)
    throw new DomainError(
      'not-found',
      'deployment-not-found',
      `Deployment ${execution.deploymentId} is gone`,
    );
  const nodes = new Map<string, PlanNode>(definitions.map(({ definition }) => [definition.name, definition]));
  return { types: types.types, nodes, instances: inPlanOrder(nodes, instances) };
}

async function loadProperties(
  pool: Pool,
  execution: ClaimedExecution,
  ids: readonly string[],
): Promise<Map<string, JsonObject>> {
  const rows = await selectPropertiesById.all(pool, execution.tenantId, [execution.deploymentUid, ids]);
  return new Map(rows.map((row) => [row.id, row.properties]));
}

function walked(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  model: DeploymentModel,
  blueprint: { readonly uid: BlueprintUid; readonly id: string },
  spread: boolean,
): WalkedDeployment {
  const instances = new Map(model.instances.map((instance) => [instance.id, instance]));
  const nodes = new Map(model.nodes);
  const counts = new Map<string, number>();
  for (const instance of model.instances) counts.set(instance.node, (counts.get(instance.node) ?? 0) + 1);
  return {
    tenant: execution.tenantName,
    id: execution.deploymentId,
    displayName: execution.deploymentDisplayName,
    creator: execution.deploymentCreator,
    resourceTags: execution.deploymentTags,
    blueprintId: blueprint.id,
    spread,
    types: model.types,
    nodes,
    instances,
    async refresh() {
      const now = await patiently(() => readModel(parts.pool, execution), parts);
      counts.clear();
      for (const instance of now.instances) {
        instances.set(instance.id, instance);
        counts.set(instance.node, (counts.get(instance.node) ?? 0) + 1);
      }
      for (const [name, node] of now.nodes) nodes.set(name, node);
      return now.instances;
    },
    instanceCount: (node) => counts.get(node) ?? 0,
    resource: (path) =>
      patiently(async () => wholeIfSmall(await parts.blueprints.file(blueprint.uid, path)), parts),
    resources: (folder) => patiently(() => pathsIn(parts, blueprint.uid, folder), parts),
    async pluginPackage({ packageName, packageVersion }) {
      if (packageName === null || parts.packages === undefined) return null;
      const { packages } = parts;
      const scope = { tenantId: execution.tenantId, userId: execution.createdById, seesPrivate: false };
      const wanted = { packageName, packageVersion, blueprint: blueprint.uid };
      return patiently(() => packages.find(scope, wanted), parts);
    },
    async agentScript(host, properties) {
      const { agents } = parts;
      const method = installMethodOf(properties);
      if (agents === undefined || method === 'none' || method === 'remote') return null;
      const of = { tenant: execution.tenantName, instance: host };
      return patiently(() => agents.script(of, properties), parts);
    },
    evaluate: (value, scope) =>
      patiently(
        () =>
          parts.evaluation.evaluate(value, {
            scope: {
              tenantId: execution.tenantId,
              tenantName: execution.tenantName,
              userId: execution.createdById,
              seesPrivate: false,
            },
            deploymentUid: execution.deploymentUid,
            ...scope,
          }),
        parts,
      ),
  };
}

async function pathsIn(
  { blueprints }: WalkDependencies,
  blueprint: BlueprintUid,
  folder: string,
): Promise<string[]> {
  const paths: string[] = [];
  for (;;) {
    const page = await blueprints.files(blueprint, folder, paths.at(-1) ?? '');
    if (page.length === 0) return paths;
    paths.push(...page.map((file) => file.path));
  }
}

/** Bytes of a file that is read whole before it is handed out, so that an outage in the middle is waited out: scripts are small. */
const SMALL = 1024 * 1024;

async function wholeIfSmall(file: { size: number; stream: Readable }) {
  if (file.size > SMALL) return file;
  const chunks: Buffer[] = [];
  for await (const chunk of file.stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return { size: file.size, stream: Readable.from(chunks, { objectMode: false }) };
}

/** A walk of `graph`, or of its open stage, over the deployment as `model` has it. */
export function walkOf(
  parts: WalkDependencies,
  execution: ClaimedExecution,
  ledger: Ledger,
  {
    graph,
    memory,
    model,
    blueprint,
    code,
  }: {
    readonly graph: TaskGraph;
    readonly memory: WalkMemory;
    readonly model: DeploymentModel;
    readonly blueprint: { readonly uid: BlueprintUid; readonly id: string };
    /** Where the graph is one of code. */
    readonly code?: CodeOfWorkflow;
  },
): Walk {
  const { pool, plugins, slots, settings, clock, errands } = parts;
  const deployment = walked(parts, execution, model, blueprint, graph.spread === true);
  const asked = code && new AskedTasks(graph, code.before, deployment);
  return new Walk({
    asked,
    code: code && asked && { ...code, asked, graphs: keptGraphsOf(parts, execution, asked) },
    execution,
    graph,
    memory,
    deployment,
    ledger,
    plugins,
    slots,
    settings,
    clock,
    away: errands && ((errand) => errands.run({ ...errand, blueprint: blueprint.uid })),
    ...(parts.assured === undefined ? {} : { assured: parts.assured }),
    loadProperties: (ids) => patiently(() => loadProperties(pool, execution, ids), parts),
    token: executionToken(pool, execution),
    figures: parts.figures,
    traced: parts.traced,
  });
}
