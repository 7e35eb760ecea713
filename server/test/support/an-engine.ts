/** A tenant, a caller, deployments and a worker on a test database: what engine tests stand on. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Caller } from '../../src/caller.js';
import { PERMISSIONS } from '../../src/caller.js';
import { compile } from '../../src/dsl/blueprint/compile.js';
import type { JsonObject, Plan } from '../../src/dsl/plan.js';
import { notFound } from '../../src/errors.js';
import type { BlueprintUid, ExecutionId, TenantId, UserId } from '../../src/ids.js';
import { openLog } from '../../src/log.js';
import { DeploymentUpdates } from '../../src/orchestration/deployment-updates.js';
import { Deployments } from '../../src/orchestration/deployments.js';
import { Evaluation } from '../../src/orchestration/evaluation.js';
import { isFinal } from '../../src/orchestration/execution-state.js';
import {
  type ExecutionRecord,
  type ExecutionRequest,
  Executions,
} from '../../src/orchestration/executions.js';
import { servePools } from '../../src/orchestration/running/dispatch/central-pools.js';
import { Errands } from '../../src/orchestration/running/dispatch/errands.js';
import type { PoolWorker } from '../../src/orchestration/running/dispatch/pool-worker.js';
import {
  type RunningWorker,
  startWorker,
  type WorkerSettings,
} from '../../src/orchestration/running/worker.js';
import { TaskGraphs } from '../../src/orchestration/task-graphs.js';
import type { Plugin } from '../../src/plugins/plugin.js';
import { createRegistry } from '../../src/plugins/registry.js';
import { defaultSchedules } from '../../src/scheduling/default-schedules.js';
import { Vault } from '../../src/secrets/vault.js';
import { Sites } from '../../src/sites/sites.js';
import type { Pool } from '../../src/store/pool.js';
import { Signals } from '../../src/store/signals.js';
import { type TestDatabase, testDatabase } from './test-database.js';

export interface Engine {
  readonly database: TestDatabase;
  readonly caller: Caller;
  readonly deployments: Deployments;
  readonly executions: Executions;
  readonly updates: DeploymentUpdates;
  readonly taskGraphs: TaskGraphs;
  readonly signals: Signals;
  /** Keeps a blueprint (after the same head) without making a deployment of it. */
  keep(id: string, blueprint: string): Promise<void>;
  /** Makes a deployment `id` of a blueprint given as text (after a head with types and the plugin `scripted`). */
  deploy(id: string, blueprint: string, inputs?: JsonObject): Promise<void>;
  /** Makes a deployment `id` of the blueprint in a folder, as it is. */
  deployFolder(id: string, folder: string, inputs?: JsonObject): Promise<void>;
  /** `plugins`, `pool`: of this worker alone. */
  work(
    settings?: Partial<WorkerSettings> & { readonly poolWait?: number },
    own?: { readonly plugins?: readonly Plugin[]; readonly pool?: Pool },
  ): Promise<RunningWorker>;
  /** A process that serves pools and walks nothing. */
  serve(
    pools: readonly string[],
    settings?: {
      readonly name?: string;
      readonly room?: number;
      readonly lease?: number;
      readonly drain?: number;
    },
    own?: { readonly plugins?: readonly Plugin[]; readonly pool?: Pool },
  ): Promise<PoolWorker>;
  /** Starts `install` on a deployment. */
  install(deployment: string, more?: Partial<ExecutionRequest>): Promise<ExecutionRecord>;
  /** Waits until the execution stands as wanted (default: is over). */
  until(execution: ExecutionRecord, status?: string): Promise<ExecutionRecord>;
  events(
    execution: ExecutionRecord,
  ): Promise<{ type: string | null; message: string; instance: string | null }[]>;
  states(deployment: string): Promise<Record<string, string>>;
  close(): Promise<void>;
}

export const HEAD = `tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
plugins:
  scripted: {executor: central_deployment_agent, install: false}
`;

const NO_SECRETS = { missing: async () => [] };

export async function anEngine(plugins: readonly Plugin[]): Promise<Engine> {
  // Closed by `close`, after the worker: hooks would run in the other order.
  const database = await testDatabase({ after: () => {} });
  const { pool, databaseUrl } = database;
  const { rows } = await pool.query<{ t: TenantId; u: UserId }>(
    `with t as (insert into tenants (name) values ('acme') returning id),
          u as (insert into users (username, system_role) values ('ada', 'member') returning id)
     select t.id as t, u.id as u from t, u`,
  );
  const { t: tenantId, u: userId } = rows[0]!;
  const caller: Caller = {
    userId,
    username: 'ada',
    tenant: { id: tenantId, name: 'acme' },
    permissions: new Set(PERMISSIONS),
    requestId: 'test',
  };
  const plans = new Map<BlueprintUid, Plan>();
  const folders = new Map<BlueprintUid, string>();
  const signals = new Signals(databaseUrl);
  const evaluation = new Evaluation(pool, {
    reveal: async (_scope, name) => `secret of ${name}`,
  });
  const blueprints = {
    get: async (_caller: Caller, id: string) => {
      const found = await pool.query<{ uid: BlueprintUid }>('select uid from blueprints where id = $1', [id]);
      return { uid: found.rows[0]!.uid, id, state: 'uploaded', visibility: 'tenant' as const };
    },
    planOf: async (uid: BlueprintUid) => plans.get(uid)!,
    files: async () => [],
    file: async (uid: BlueprintUid, path: string) => {
      const file = join(folders.get(uid) ?? '/nowhere', path);
      const found = await stat(file).catch(() => null);
      if (found === null || !found.isFile()) throw notFound('File', path);
      return { size: found.size, stream: createReadStream(file) };
    },
  };
  const deployments = new Deployments({
    pool,
    blueprints,
    evaluation,
    secrets: NO_SECRETS,
    sites: new Sites(pool),
    plugins: { absent: async () => [] },
    schedules: defaultSchedules,
  });
  const wake = {
    work: () => signals.send('work'),
    changed: (id: ExecutionId) => signals.send(`changed:${id}`),
  };
  const executions = new Executions(pool, wake);
  const updates = new DeploymentUpdates({
    pool,
    blueprints,
    secrets: NO_SECRETS,
    plugins: { absent: async () => [], plan: async () => [], place: async () => {} },
    wake,
  });
  const keepPlan = async (id: string, read: (path: string) => string | null) => {
    const exists = (path: string) => read(path) !== null;
    const result = compile({ mainFile: 'blueprint.yaml', read, exists, imported: new Map() });
    assert.ok(result.kind === 'plan', JSON.stringify(result));
    const row = await pool.query<{ uid: BlueprintUid }>(
      `insert into blueprints (tenant_id, id, main_file, state, created_by) values ($1, $2, 'blueprint.yaml', 'pending', $3) returning uid`,
      [tenantId, id, userId],
    );
    const { uid } = row.rows[0]!;
    plans.set(uid, result.plan);
    return uid;
  };
  const deployPlan = async (id: string, read: (path: string) => string | null, inputs: JsonObject) => {
    const uid = await keepPlan(`${id}-blueprint`, read);
    await deployments.create(caller, { id, blueprintId: `${id}-blueprint`, inputs });
    return uid;
  };
  const vault = new Vault(randomBytes(32));
  const workers: { stop(): Promise<void> }[] = [];
  const errands: Errands[] = [];
  const log = openLog({ logLevel: 'error', logTo: 'stderr', dataDir: '.' });
  return {
    database,
    caller,
    deployments,
    executions,
    updates,
    taskGraphs: new TaskGraphs(pool),
    signals,
    async keep(id, blueprint) {
      await keepPlan(id, (path) => (path === 'blueprint.yaml' ? HEAD + blueprint : null));
    },
    async deploy(id, blueprint, inputs = {}) {
      const text = HEAD + blueprint;
      const read = (path: string) => (path === 'blueprint.yaml' ? text : null);
      await deployPlan(id, read, inputs);
    },
    async deployFolder(id, folder, inputs = {}) {
      const read = (path: string) => {
        const file = join(folder, path);
        return existsSync(file) ? readFileSync(file, 'utf8') : null;
      };
      folders.set(await deployPlan(id, read, inputs), folder);
    },
    async work(settings = {}, own = {}) {
      const away = new Errands({
        pool: own.pool ?? pool,
        vault,
        signals,
        log,
        poolWait: settings.poolWait ?? 2,
      });
      errands.push(away);
      const worker = await startWorker({
        pool: own.pool ?? pool,
        errands: away,
        signals,
        plugins: createRegistry(own.plugins ?? plugins),
        evaluation,
        blueprints,
        log,
        settings: {
          name: 'test-worker',
          databaseUrl,
          maxExecutions: 10,
          tenantMaxRunning: 0,
          maxRunning: 0,
          maxOperations: 100,
          lease: 5,
          drain: 1,
          taskRetries: 2,
          taskRetryInterval: 0,
          cancelGrace: 5,
          ...settings,
        },
      });
      workers.push(worker);
      return worker;
    },
    async serve(pools, settings = {}, own = {}) {
      const { name = 'test-server', room = 10, lease = 5, drain = 1 } = settings;
      const worker = await servePools({
        pool: own.pool ?? pool,
        vault,
        signals,
        plugins: createRegistry(own.plugins ?? plugins),
        log,
        shelf: { blueprints, packages: { find: async () => null } },
        pools,
        identity: { name, sole: true },
        host: 'here',
        version: 'test',
        room,
        lease,
        drain,
      });
      workers.push(worker);
      return worker;
    },
    install: (deploymentId, more = {}) =>
      executions.start(caller, { deploymentId, workflow: 'install', ...more }),
    async until(execution, status) {
      const deadline = Date.now() + 60_000;
      for (;;) {
        const now = await executions.get(caller, execution.id);
        if (status === undefined ? isFinal(now.status) : now.status === status) return now;
        if (Date.now() > deadline)
          assert.fail(`execution is still ${now.status}: ${JSON.stringify(now.error)}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async events(execution) {
      const { rows: told } = await pool.query<{
        type: string | null;
        message: string;
        instance: string | null;
      }>('select type, message, instance from events where execution_uid = $1 order by id', [execution.uid]);
      return told;
    },
    async states(deployment) {
      const { rows: found } = await pool.query<{ node: string; state: string }>(
        'select i.node, i.state from node_instances i join deployments d on d.uid = i.deployment_uid where d.id = $1 order by i.node, i.index',
        [deployment],
      );
      return Object.fromEntries(found.map((row) => [row.node, row.state]));
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await Promise.all(errands.map((each) => each.close()));
      await signals.close();
      await database.close();
    },
  };
}
