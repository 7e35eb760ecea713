/**
 * Deployments: a blueprint with its inputs, ready to be worked on.
 *
 * Creating one is a single transaction: the prepared plan, its nodes, its instances and the execution that tells of it
 * (`create_deployment_environment`, as Cloudify's clients look for it) are all there or none is.
 */
import { type Caller, requirePermission, scopeFor, type TenantScope } from '../caller.js';
import { type Label, normalLabels } from '../catalog/labels.js';
import type { Json, JsonObject, Plan, ValueDefinition } from '../dsl/plan.js';
import { DomainError, notFound } from '../errors.js';
import { record } from '../identity/audit.js';
import type { BlueprintUid } from '../ids.js';
import { type ListPage, type ListQuery, listPage } from '../store/list.js';
import type { Pool } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import { inTransaction } from '../store/transaction.js';
import {
  checkDisplayName,
  checkWidth,
  type DeploymentRequest,
  deploymentExists,
  type PluginSource,
  prepareFor,
  requirePlugins,
  type ScheduleSource,
  setLabels,
  storeDeployment,
  WIDTH,
} from './deployment-creation.js';
import { adopt } from './deployment-family.js';
import { type RemovalOptions, removeDeployment } from './deployment-removal.js';
import {
  type DeploymentField,
  type DeploymentRecord,
  deploymentList,
  idTakenElsewhere,
  lockDeployment,
  selectDeployment,
  selectStandingOn,
  setSite,
  updateDeployment,
  type Visibility,
} from './deployments.store.js';
import { type Evaluable, evaluatedProperties, NO_SECRETS, placesBy } from './evaluated-properties.js';
import { bounded, Evaluation } from './evaluation.js';
import { requireObjects } from './object-values.js';

export type { DeploymentRequest } from './deployment-creation.js';
export type {
  DeploymentField,
  DeploymentLabel,
  DeploymentRecord,
  LatestExecution,
} from './deployments.store.js';

export interface DeploymentChange {
  readonly displayName?: string;
  readonly description?: string;
  readonly visibility?: Visibility;
  /** Replaces all labels. */
  readonly labels?: readonly Label[];
  /** Name of the site where it stands; null: nowhere. */
  readonly site?: string | null;
}

/** The catalog, as far as deployments need it. */
export interface BlueprintSource {
  get(
    caller: Caller,
    id: string,
  ): Promise<{
    readonly uid: BlueprintUid;
    readonly id: string;
    readonly state: string;
    readonly visibility: Visibility;
  }>;
  planOf(blueprint: BlueprintUid): Promise<Plan>;
}

/** The sites, as far as deployments need them. */
export interface SiteSource {
  /** Throws `not-found`. */
  keyOf(db: Queryable, scope: TenantScope, name: string): Promise<number>;
}

/** The secrets room, as far as deployments need it. */
export interface SecretNames {
  /** Which of `names` the scope has no secret for. */
  missing(scope: TenantScope, names: readonly string[]): Promise<string[]>;
}

/**
 * Ids of instances end in random characters, six as everywhere in this language. Two deployments of 100,000 instances of
 * one name would meet in some of them whenever they are drawn, so a draw that met another's makes longer ones. Two that
 * meet while both are being stored may also wait for each other, which PostgreSQL ends.
 */
const SUFFIX_LENGTHS = [6, 6, 10, 12];
const DEADLOCK = '40P01';
const ID = /^[A-Za-z0-9_.~-]{1,256}$/;

export class Deployments {
  readonly #pool: Pool;
  readonly #blueprints: BlueprintSource;
  readonly #secrets: SecretNames;
  readonly #evaluation: Evaluation;
  readonly #sites: SiteSource;
  readonly #plugins: PluginSource;
  readonly #schedules: ScheduleSource;

  constructor(parts: {
    pool: Pool;
    blueprints: BlueprintSource;
    secrets: SecretNames;
    evaluation: Evaluation;
    sites: SiteSource;
    plugins: PluginSource;
    schedules: ScheduleSource;
  }) {
    this.#pool = parts.pool;
    this.#blueprints = parts.blueprints;
    this.#secrets = parts.secrets;
    this.#evaluation = parts.evaluation;
    this.#sites = parts.sites;
    this.#plugins = parts.plugins;
    this.#schedules = parts.schedules;
  }

  /** Needs `deployments.read`. */
  async list(caller: Caller, query: ListQuery<DeploymentField>): Promise<ListPage> {
    return listPage(this.#pool, deploymentList, scopeFor(caller, 'deployments.read'), query);
  }

  /** Needs `deployments.read`. Throws `not-found`. */
  async get(caller: Caller, id: string): Promise<DeploymentRecord> {
    const scope = scopeFor(caller, 'deployments.read');
    const deployment = await selectDeployment.one(this.#pool, scope.tenantId, [
      id,
      scope.userId,
      scope.seesPrivate,
    ]);
    if (deployment === null) throw notFound('Deployment', id);
    return deployment;
  }

  /**
   * Creates a deployment with its nodes and instances. Everything is checked before anything is stored, in the order
   * of cloudify.md §4.3. Without a visibility it is the tenant's, or private like its blueprint. Needs `deployments.write`.
   *
   * @throws DomainError `not-found` (blueprint); `invalid` (`deployment-id`, `display-name-invalid`, `blueprint-not-ready`,
   *   `wider-than-blueprint`, `deployment-inputs-missing`, `deployment-inputs-unknown`, `deployment-inputs-invalid`,
   *   `deployment-secrets-missing`, `deployment-plugins-missing`, `label-invalid`); `conflict` (`deployment-exists`)
   */
  async create(caller: Caller, request: DeploymentRequest): Promise<DeploymentRecord> {
    const scope = scopeFor(caller, 'deployments.write');
    if (!ID.test(request.id)) {
      throw new DomainError(
        'invalid',
        'deployment-id',
        `Invalid deployment id "${request.id}": 1 to 256 characters of letters, digits and _ . ~ -`,
        { details: { field: 'deployment_id' } },
      );
    }
    checkDisplayName(request.displayName);
    if (request.visibility === 'global') requirePermission(caller, 'global.write');
    const blueprint = await this.#blueprints.get(caller, request.blueprintId);
    if (blueprint.state !== 'uploaded') {
      throw new DomainError(
        'invalid',
        'blueprint-not-ready',
        `Blueprint ${blueprint.id} is ${blueprint.state}: only an uploaded blueprint can be deployed`,
      );
    }
    const visibility = request.visibility ?? (blueprint.visibility === 'private' ? 'private' : 'tenant');
    checkWidth(request.id, visibility, blueprint);
    const plan = await this.#blueprints.planOf(blueprint.uid);
    const prepared = prepareFor(plan, request, caller, blueprint.id);
    await requireObjects(this.#pool, scope, plan.inputs, prepared.inputValues, {
      here: prepared,
      reason: 'deployment-inputs-invalid',
      what: 'Input',
    });
    const missing = await this.#secrets.missing(scope, prepared.secretNames);
    if (missing.length > 0) {
      throw new DomainError(
        'invalid',
        'deployment-secrets-missing',
        `Required secrets: [${missing.join(', ')}] don't exist in this tenant`,
        {
          details: { secrets: missing },
        },
      );
    }
    if (request.withoutPlugins !== true) await requirePlugins(this.#plugins, scope, plan);
    const site = request.site === undefined ? null : await this.#sites.keyOf(this.#pool, scope, request.site);
    for (let draw = 0; ; draw += 1) {
      try {
        const suffixLength = SUFFIX_LENGTHS[draw]!;
        await storeDeployment(
          this.#pool,
          caller,
          scope,
          request,
          visibility,
          blueprint.uid,
          prepared,
          suffixLength,
          site,
          this.#schedules,
        );
        return await this.get(caller, request.id);
      } catch (error) {
        const { constraint, code } = error as { constraint?: string; code?: string };
        if (constraint === 'deployments_tenant_id_id_key' || constraint === 'deployments_global_id')
          throw deploymentExists(request.id);
        // It was deleted while its plan was prepared.
        if (constraint === 'deployments_blueprint_uid_fkey') throw notFound('Blueprint', request.blueprintId);
        const met = constraint === 'node_instances_id' || code === DEADLOCK;
        if (met && draw + 1 < SUFFIX_LENGTHS.length) continue;
        throw error;
      }
    }
  }

  /**
   * Changes what may be changed without an update workflow. Visibility only widens. Needs `deployments.write`.
   *
   * @throws DomainError `not-found`; `invalid` (`visibility-not-wider`, `wider-than-blueprint`, `display-name-invalid`,
   *   `label-invalid`); `conflict` (`deployment-exists`: another tenant has the id that is to be global)
   */
  async update(caller: Caller, id: string, change: DeploymentChange): Promise<DeploymentRecord> {
    const scope = scopeFor(caller, 'deployments.write');
    if (change.visibility === 'global') requirePermission(caller, 'global.write');
    checkDisplayName(change.displayName);
    const labels = change.labels === undefined ? undefined : normalLabels(change.labels);
    await inTransaction(this.#pool, async (client) => {
      const deployment = await lockDeployment.one(client, scope.tenantId, [
        id,
        scope.userId,
        scope.seesPrivate,
      ]);
      if (deployment === null) throw notFound('Deployment', id);
      if (change.visibility !== undefined && WIDTH[change.visibility] <= WIDTH[deployment.visibility]) {
        throw new DomainError(
          'invalid',
          'visibility-not-wider',
          `Can't set the visibility of deployment ${id} to ${change.visibility} because it already is ${deployment.visibility}`,
        );
      }
      if (change.visibility !== undefined) checkWidth(id, change.visibility, deployment.blueprint);
      if (
        change.visibility === 'global' &&
        (await idTakenElsewhere.one(client, [id, deployment.uid]))!.taken
      ) {
        throw deploymentExists(id);
      }
      await updateDeployment.run(client, scope.tenantId, [
        deployment.uid,
        change.displayName ?? null,
        change.description ?? null,
        change.visibility ?? null,
      ]);
      if (labels !== undefined) {
        await adopt(client, scope, id, labels);
        await setLabels(client, scope, deployment.uid, labels);
      }
      const { site } = change;
      if (site !== undefined) {
        const key = site === null ? null : await this.#sites.keyOf(client, scope, site);
        await setSite.run(client, scope.tenantId, [deployment.uid, key]);
      }
      await record(client, caller, {
        action: 'update',
        thing: 'deployment',
        id,
        details: { changed: Object.keys(change) },
      });
    });
    return this.get(caller, id);
  }

  /**
   * Deletes a deployment with its nodes, instances, executions and events. Needs `deployments.write`.
   *
   * @throws DomainError `not-found`; `conflict` (`deployment-has-active-executions`, or, without `force`,
   *   `deployment-has-live-instances`, `deployment-has-dependents`)
   */
  async remove(caller: Caller, id: string, options: RemovalOptions = {}): Promise<DeploymentRecord> {
    const scope = scopeFor(caller, 'deployments.write');
    const deployment = await this.get(caller, id);
    await removeDeployment(this.#pool, caller, scope, id, options);
    return deployment;
  }

  /** Outputs, evaluated now; one that cannot be evaluated is told as `<ERROR: …>`. Needs `deployments.read`. */
  async outputs(caller: Caller, id: string): Promise<Record<string, Json>> {
    const deployment = await this.get(caller, id);
    return this.#values(caller, deployment, deployment.outputs);
  }

  /** Capabilities, evaluated now. Needs `deployments.read`. */
  async capabilities(caller: Caller, id: string): Promise<Record<string, Json>> {
    const deployment = await this.get(caller, id);
    return this.#values(caller, deployment, deployment.capabilities);
  }

  /**
   * Evaluates functions as an operation would. `context` names instances as `self`, `source`, `target`.
   * Needs `deployments.write`, since what it reads may be secret.
   *
   * @throws DomainError `invalid` (`function-evaluation-failed`)
   */
  async evaluate(
    caller: Caller,
    id: string,
    context: { readonly self?: string; readonly source?: string; readonly target?: string },
    payload: Json,
  ): Promise<Json> {
    requirePermission(caller, 'deployments.write');
    const deployment = await this.get(caller, id);
    return this.#evaluation.evaluate(payload, { ...subjectOf(caller, deployment), ...context });
  }

  /**
   * Properties of nodes and instances, evaluated as far as they have a value; those of deployments that the caller does not
   * see from its tenant stay as they are. See `evaluatedProperties`.
   * Needs `deployments.read`; secrets are told to who has `deployments.write`.
   */
  async evaluateProperties(
    caller: Caller,
    all: readonly (Evaluable & { readonly deploymentId: string; readonly tenantName: string })[],
  ): Promise<JsonObject[]> {
    const scope = scopeFor(caller, 'deployments.read');
    const seesSecrets = caller.permissions.has('deployments.write');
    const evaluation = seesSecrets ? this.#evaluation : new Evaluation(this.#pool, NO_SECRETS);
    const told = all.map(({ properties }) => properties);
    for (const places of placesBy(all, ({ tenantName, deploymentId }) => `${tenantName}/${deploymentId}`)) {
      const { deploymentId, tenantName } = all[places[0]!]!;
      const key = [deploymentId, scope.userId, scope.seesPrivate];
      const found = await selectDeployment.one(this.#pool, scope.tenantId, key);
      if (found === null || found.tenantName !== tenantName) continue;
      const mine = places.map((place) => all[place]!);
      const values = await evaluatedProperties(evaluation, subjectOf(caller, found), mine);
      for (const [index, place] of places.entries()) told[place] = values[index]!;
    }
    return told;
  }

  /** Some of the deployments that stand on a blueprint; those of other tenants without their names. */
  async standingOn(blueprint: BlueprintUid): Promise<string[]> {
    return (await selectStandingOn.all(this.#pool, [blueprint])).map((row) => row.name);
  }

  async #values(
    caller: Caller,
    deployment: DeploymentRecord,
    definitions: Readonly<Record<string, ValueDefinition>>,
  ): Promise<Record<string, Json>> {
    const subject = subjectOf(caller, deployment);
    const values: Record<string, Json> = {};
    for (const [name, definition] of Object.entries(definitions)) {
      try {
        values[name] = await this.#evaluation.evaluate(definition.value, subject);
      } catch (error) {
        if (!(error instanceof DomainError)) throw error;
        values[name] = `<ERROR: ${error.message}>`;
      }
    }
    return bounded(values);
  }
}

/** In the deployment's own tenant, with what the caller may see. */
function subjectOf(caller: Caller, deployment: DeploymentRecord) {
  const scope = scopeFor(caller, 'deployments.read');
  return {
    scope: { ...scope, tenantId: deployment.tenantId, tenantName: deployment.tenantName },
    deploymentUid: deployment.uid,
  };
}
