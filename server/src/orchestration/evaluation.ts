/**
 * Intrinsic functions at run time: right before an operation runs, and whenever an output or capability is read.
 *
 * The language evaluates; this file brings what it asks for. Evaluating once tells what is missing, everything missing
 * is loaded together, and so on until nothing is: an argument that is itself a function shows what it names only
 * after the round that knows it. The number of rounds is bounded, so is the depth of capabilities that read others.
 */

import type { TenantScope } from '../caller.js';
import { evaluateKnown, type Found, type Lookup } from '../dsl/functions.js';
import { measure } from '../dsl/json.js';
import type { Json, PlanNode } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { DeploymentUid } from '../ids.js';
import type { Pool } from '../store/pool.js';
import { selectConsumers, selectGroupMembers } from './dependencies.store.js';
import {
  deploymentById,
  deploymentByUid,
  type EvaluatedDeployment,
  type EvaluatedInstance,
  instancesFor,
  nodesByName,
} from './evaluation.store.js';

/** Where functions are evaluated: a deployment, and what `SELF`, `SOURCE` and `TARGET` are there (instance ids). */
export interface EvaluationSubject {
  /** The deployment's tenant, and whose private things may be read there. */
  readonly scope: TenantScope;
  readonly deploymentUid: DeploymentUid;
  readonly self?: string;
  readonly source?: string;
  readonly target?: string;
  /** Told the value of each secret that goes into the answer. */
  readonly revealed?: (value: Json) => void;
}

/** The secrets room, as far as an evaluation needs it. */
export interface SecretSource {
  /** The secret's value. Throws DomainError `not-found`. */
  reveal(scope: TenantScope, name: string): Promise<Json>;
}

/** Characters of a value written out: names that stand for large values can be repeated at no cost to who asks. */
const LONGEST_VALUE = 16 * 1024 * 1024;
const MOST_ROUNDS = 20;
const DEEPEST_CAPABILITY = 8;

/** @throws DomainError `invalid` (`function-evaluation-failed`) for a value that is too large to be told */
export function bounded<Value extends Json>(value: Value): Value {
  const extent = measure(value);
  if (extent !== null && extent.characters <= LONGEST_VALUE) return value;
  throw new DomainError(
    'invalid',
    'function-evaluation-failed',
    `The evaluated values have more than ${LONGEST_VALUE} characters`,
  );
}

export class Evaluation {
  readonly #pool: Pool;
  readonly #secrets: SecretSource;

  constructor(pool: Pool, secrets: SecretSource) {
    this.#pool = pool;
    this.#secrets = secrets;
  }

  /**
   * `value` with every function in it evaluated.
   *
   * @throws DomainError `invalid` (`function-evaluation-failed`) naming what could not be evaluated and why
   */
  async evaluate(value: Json, subject: EvaluationSubject): Promise<Json> {
    return this.#evaluate(value, subject, 0);
  }

  async #evaluate(value: Json, subject: EvaluationSubject, depth: number): Promise<Json> {
    const round = new Round(subject);
    for (let count = 0; count < MOST_ROUNDS; count += 1) {
      const result = evaluateKnown(value, round.lookup());
      if ('error' in result) throw new DomainError('invalid', 'function-evaluation-failed', result.error);
      if (result.left === 0) return bounded(result.value);
      if (!round.wantsMore) break;
      await this.#load(round, depth);
    }
    throw new DomainError(
      'invalid',
      'function-evaluation-failed',
      'Functions nested this deeply cannot be evaluated',
    );
  }

  async #load(round: Round, depth: number): Promise<void> {
    const { scope, deploymentUid } = round.subject;
    const { tenantId } = scope;
    const wanted = round.takeWanted();
    if (round.deployment === null) {
      round.deployment = await deploymentByUid.one(this.#pool, tenantId, [deploymentUid]);
      if (round.deployment === null)
        throw new DomainError('not-found', 'deployment-not-found', 'The deployment is gone');
    }
    if (wanted.instances.length > 0 || wanted.nodesOfInstances.length > 0) {
      const rows = await instancesFor.all(this.#pool, tenantId, [
        deploymentUid,
        wanted.instances,
        wanted.nodesOfInstances,
      ]);
      for (const row of rows) round.instances.set(row.id, row);
      for (const node of wanted.nodesOfInstances) round.wholeNodes.add(node);
      for (const id of wanted.instances) if (!round.instances.has(id)) round.instances.set(id, null);
    }
    if (wanted.nodes.length > 0) {
      for (const name of wanted.nodes) round.nodes.set(name, null);
      const rows = await nodesByName.all(this.#pool, tenantId, [deploymentUid, wanted.nodes]);
      for (const { definition } of rows) round.nodes.set(definition.name, definition);
    }
    for (const name of wanted.secrets) round.secrets.set(name, await this.#secret(round.subject, name));
    if (wanted.consumers && round.consumers === null) {
      round.consumers = await selectConsumers.all(this.#pool, tenantId, [deploymentUid]);
    }
    for (const group of wanted.groups) {
      const values = [group, round.deployment.owner];
      round.groups.set(group, await selectGroupMembers.all(this.#pool, tenantId, values));
    }
    for (const [deployment, name] of wanted.capabilities) {
      round.capabilities.set(
        JSON.stringify([deployment, name]),
        await this.#capability(round, deployment, name, depth),
      );
    }
  }

  async #secret({ scope, revealed }: EvaluationSubject, name: string): Promise<Found> {
    try {
      const value = await this.#secrets.reveal(scope, name);
      revealed?.(value);
      return { value };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return { error: `Secret ${name} cannot be read: ${error.message}` };
    }
  }

  async #capability(round: Round, deployment: string, name: string, depth: number): Promise<Found> {
    if (depth >= DEEPEST_CAPABILITY)
      return {
        error: `capability ${name} of ${deployment} reads others more than ${DEEPEST_CAPABILITY} deep`,
      };
    const { scope, revealed } = round.subject;
    const other = await deploymentById.one(this.#pool, scope.tenantId, [deployment, round.deployment!.owner]);
    if (other === null)
      return { error: `Deployment ${deployment}, whose capability ${name} is asked for, does not exist` };
    const definition = Object.hasOwn(other.capabilities, name) ? other.capabilities[name] : undefined;
    if (definition === undefined) return { error: `Deployment ${deployment} has no capability ${name}` };
    const elsewhere = { ...scope, tenantId: other.tenantId, tenantName: other.tenantName };
    return {
      value: await this.#evaluate(
        definition.value,
        {
          scope: elsewhere,
          deploymentUid: other.uid,
          ...(revealed === undefined ? {} : { revealed }),
        },
        depth + 1,
      ),
    };
  }
}

const LATER: Found = { later: true };

/** What one evaluation knows so far, and what it has found missing. */
class Round {
  readonly subject: EvaluationSubject;
  deployment: EvaluatedDeployment | null = null;
  readonly nodes = new Map<string, PlanNode | null>();
  readonly instances = new Map<string, EvaluatedInstance | null>();
  /** Nodes of which every instance is loaded. */
  readonly wholeNodes = new Set<string>();
  readonly secrets = new Map<string, Found>();
  readonly capabilities = new Map<string, Found>();
  consumers: readonly { readonly id: string; readonly name: string }[] | null = null;
  /** Members of groups that were asked for, with the capabilities they declare. */
  readonly groups = new Map<
    string,
    readonly { readonly id: string; readonly capabilities: Readonly<Record<string, unknown>> }[]
  >();
  #wanted = emptyWanted();
  wantsMore = false;

  constructor(subject: EvaluationSubject) {
    this.subject = subject;
  }

  takeWanted() {
    const wanted = this.#wanted;
    this.#wanted = emptyWanted();
    this.wantsMore = false;
    return {
      nodes: [...wanted.nodes],
      instances: [...wanted.instances],
      nodesOfInstances: [...wanted.nodesOfInstances],
      secrets: [...wanted.secrets],
      capabilities: [...wanted.capabilities].map((key) => JSON.parse(key) as [string, string]),
      groups: [...wanted.groups],
      consumers: wanted.consumers,
    };
  }

  lookup(): Lookup {
    return {
      input: (name) => {
        if (this.deployment === null) return this.#want();
        return Object.hasOwn(this.deployment.inputs, name)
          ? { value: this.deployment.inputs[name]! }
          : undefined;
      },
      property: (node, name) => this.#property(node, name),
      attribute: (node, name) => this.#attribute(node, name),
      attributes: (node, name) => {
        const all = this.#all(node);
        if (all === null) return { later: true };
        return all.map(({ id, properties }) => ({
          instance: id,
          value: Object.hasOwn(properties, name) ? properties[name] : undefined,
        }));
      },
      secret: (name) => {
        if (!this.secrets.has(name)) return this.#want(() => this.#wanted.secrets.add(name));
        return this.secrets.get(name);
      },
      capability: (deployment, name) => this.#capability(deployment, name),
      environmentCapability: (name) => {
        if (this.deployment === null) return this.#want();
        const parent = this.deployment.labels['csys-obj-parent']?.[0];
        if (parent === undefined) return { error: 'The deployment has no parent (label csys-obj-parent)' };
        return this.#capability(parent, name);
      },
      groupCapability: (group, name) => {
        const members = this.groups.get(group);
        if (members === undefined) {
          this.#want(() => this.#wanted.groups.add(group));
          return { later: true };
        }
        const found: { deployment: string; value: Json }[] = [];
        let later = false;
        for (const { id } of members.filter((member) => Object.hasOwn(member.capabilities, name))) {
          const one = this.#capability(id, name);
          if (one === undefined || 'error' in one) return one ?? { error: `Deployment ${id} has no ${name}` };
          if ('later' in one) later = true;
          else found.push({ deployment: id, value: one.value });
        }
        return later ? { later: true } : found;
      },
      consumers: (what) => {
        if (this.consumers === null) {
          return this.#want(() => {
            this.#wanted.consumers = true;
          });
        }
        if (what === 'count') return { value: this.consumers.length };
        return { value: this.consumers.map((one) => (what === 'names' ? one.name : one.id)) };
      },
      label: (key) => {
        if (this.deployment === null) return this.#want();
        const values = Object.hasOwn(this.deployment.labels, key) ? this.deployment.labels[key] : undefined;
        return values === undefined ? undefined : { value: values };
      },
      sys: (entity, property) => {
        if (this.deployment === null) return this.#want();
        const { tenantName, id, displayName, blueprintId, owner } = this.deployment;
        const known: Record<string, string> = {
          'tenant name': tenantName,
          'deployment id': id,
          'deployment name': displayName,
          'deployment blueprint': blueprintId,
          'deployment owner': owner,
        };
        const value = known[`${entity} ${property}`];
        return value === undefined ? undefined : { value };
      },
    };
  }

  #want(note?: () => void): Found {
    note?.();
    this.wantsMore = true;
    return LATER;
  }

  /** The instance a keyword means; null for a node's name. */
  #keyword(node: string): string | null | undefined {
    const { self, source, target } = this.subject;
    if (node === 'SELF') return self;
    if (node === 'SOURCE') return source;
    if (node === 'TARGET') return target;
    return null;
  }

  #instance(id: string): EvaluatedInstance | null | undefined {
    if (!this.instances.has(id)) {
      this.#want(() => this.#wanted.instances.add(id));
      return undefined;
    }
    return this.instances.get(id) ?? null;
  }

  #all(node: string): EvaluatedInstance[] | null {
    if (!this.wholeNodes.has(node)) {
      this.#want(() => this.#wanted.nodesOfInstances.add(node));
      return null;
    }
    const found: EvaluatedInstance[] = [];
    for (const instance of this.instances.values()) if (instance?.node === node) found.push(instance);
    return found;
  }

  #property(node: string, name: string): Found {
    const id = this.#keyword(node);
    if (id === undefined) return { error: `${node} cannot be used here` };
    let nodeName = node;
    if (id !== null) {
      const instance = this.#instance(id);
      if (instance === undefined) return LATER;
      if (instance === null) return { error: `Node instance ${id} is gone` };
      nodeName = instance.node;
    }
    const definition = this.nodes.get(nodeName);
    if (definition === undefined) return this.#want(() => this.#wanted.nodes.add(nodeName));
    if (definition === null || !Object.hasOwn(definition.properties, name)) return undefined;
    return { value: definition.properties[name]! };
  }

  #attribute(node: string, name: string): Found {
    const id = this.#keyword(node);
    if (id === undefined) return { error: `${node} cannot be used with get_attribute here` };
    if (id !== null) {
      const instance = this.#instance(id);
      if (instance === undefined) return LATER;
      return instance === null ? { error: `Node instance ${id} is gone` } : attributeOf(instance, name);
    }
    const all = this.#all(node);
    if (all === null) return LATER;
    if (all.length === 1) return attributeOf(all[0]!, name);
    if (all.length === 0) return undefined;
    const meant = this.#meant(all);
    if (meant === 'later') return LATER;
    if (meant === null) {
      return {
        error: `More than one node instance found for node "${node}": ${all.length} instances, and none of them is nearer than the others. Cannot resolve get_attribute of "${name}"`,
      };
    }
    return attributeOf(meant, name);
  }

  /** Of several instances the one that `SELF` relates to, or that shares the nearest scaling group with it. */
  #meant(all: readonly EvaluatedInstance[]): EvaluatedInstance | null | 'later' {
    const id = this.subject.self ?? this.subject.source;
    if (id === undefined) return null;
    const self = this.#instance(id);
    if (self === undefined) return 'later';
    if (self === null) return null;
    const related = all.filter((one) => self.relationships.some((link) => link.targetInstance === one.id));
    if (related.length === 1) return related[0]!;
    for (const group of self.scalingGroups) {
      const near = all.filter((one) => one.scalingGroups.some((other) => other.id === group.id));
      if (near.length === 1) return near[0]!;
    }
    return null;
  }

  #capability(deployment: string, name: string): Found {
    const key = JSON.stringify([deployment, name]);
    if (!this.capabilities.has(key)) return this.#want(() => this.#wanted.capabilities.add(key));
    return this.capabilities.get(key);
  }
}

function attributeOf(instance: EvaluatedInstance, name: string): Found {
  if (Object.hasOwn(instance.properties, name)) return { value: instance.properties[name]! };
  if (name === 'node_instance_id') return { value: instance.id };
  if (name === 'node_instance_index') return { value: instance.index };
  return undefined;
}

function emptyWanted() {
  return {
    nodes: new Set<string>(),
    instances: new Set<string>(),
    nodesOfInstances: new Set<string>(),
    secrets: new Set<string>(),
    capabilities: new Set<string>(),
    groups: new Set<string>(),
    consumers: false,
  };
}
