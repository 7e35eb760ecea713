/**
 * What installing and uninstalling one instance means, step by step, from the state it is in.
 *
 * Order, texts and skipping are those Cloudify's users know (the seed's workflows). One departure: `initializing`
 * is not written over a state that says creation is over, because a failure right after would make the next
 * install create the thing a second time.
 */
import type { JsonObject } from '../../dsl/plan.js';
import { becomes, type Chain, event, type Stencil } from './build.js';
import type { Effect, InstanceLifecycleState, OperationCall } from './graph.js';
import type { InstanceModel } from './model.js';
import type { Operations } from './operations.js';

export const LIFECYCLE = 'cloudify.interfaces.lifecycle';
export const ESTABLISH = 'cloudify.interfaces.relationship_lifecycle.establish';
export const UNLINK = 'cloudify.interfaces.relationship_lifecycle.unlink';
const RELATIONSHIP = 'cloudify.interfaces.relationship_lifecycle';
const VALIDATION = 'cloudify.interfaces.validation';
export const MONITORING = 'cloudify.interfaces.monitoring';
export const AGENT = 'cloudify.interfaces.cloudify_agent';
export const MONITORING_AGENT = 'cloudify.interfaces.monitoring_agent';

type States = ReadonlySet<InstanceLifecycleState>;
const states = (...names: InstanceLifecycleState[]): States => new Set(names);

const CREATION_BEGUN = states('creating', 'created', 'configuring', 'configured', 'starting', 'started');
const CREATED = states('created', 'configuring', 'configured', 'starting', 'started');
const CONFIGURED = states('configured', 'starting', 'started');
const NOT_RUNNING = states('configured', 'stopped', 'deleting', 'deleted', 'uninitialized');
const STOPPED = states('stopped', 'deleting', 'deleted');
const GONE = states('deleted', 'uninitialized');
const HALF_WAY = states('creating', 'configuring', 'starting');

/** One line of a lifecycle. */
interface Step {
  /** Full name of the operation. */
  readonly name: string;
  /** `relationships`: run on both sides of the instance's relationships instead of on the instance. */
  readonly on: 'instance' | 'relationships';
  /** Nothing is run in these states. */
  readonly not: States;
  readonly before: readonly Effect[];
  readonly after: readonly Effect[];
  /** Told instead when there is nothing to run. */
  readonly otherwise: readonly Effect[];
  readonly until?: 'truthy';
  /** Only for hosts; with a list, only for those whose agent is installed in one of these ways. */
  readonly host?: true | ((method: string | undefined) => boolean);
}

/** One after the other; what stands in one of them, at once. */
type Forks = readonly (readonly OperationCall[])[];
const NO_FORKS: Forks = [];

const NEVER = states();
const anyAgent = (method: string | undefined) => method !== 'none';
const waitedFor = (method: string | undefined) => method === 'plugin' || method === 'init_script';
const byScript = (method: string | undefined) => waitedFor(method) || method === 'provided';
const byHand = (method: string | undefined) => anyAgent(method) && !byScript(method);

const INSTALL: readonly Step[] = [
  step(`${VALIDATION}.create`, {
    not: CREATION_BEGUN,
    before: [event('Validating node instance before creation')],
    after: [event('Node instance validated before creation')],
    otherwise: [event('Validating node instance before creation: nothing to do')],
  }),
  step(`${LIFECYCLE}.precreate`, {
    not: CREATION_BEGUN,
    before: [event('Precreating node instance')],
    after: [event('Node instance precreated')],
    otherwise: [event('Precreating node instance: nothing to do')],
  }),
  step(`${LIFECYCLE}.create`, {
    not: CREATED,
    before: [becomes('creating'), event('Creating node instance')],
    after: [becomes('created'), event('Node instance created')],
    otherwise: [event('Creating node instance: nothing to do')],
  }),
  step(`${RELATIONSHIP}.preconfigure`, {
    on: 'relationships',
    not: CONFIGURED,
    before: [event('Pre-configuring relationships')],
    after: [event('Relationships pre-configured')],
  }),
  step(`${LIFECYCLE}.configure`, {
    not: CONFIGURED,
    before: [becomes('configuring'), event('Configuring node instance')],
    after: [becomes('configured'), event('Node instance configured')],
    otherwise: [event('Configuring node instance: nothing to do')],
  }),
  step(`${RELATIONSHIP}.postconfigure`, {
    on: 'relationships',
    before: [event('Post-configuring relationships')],
    after: [event('Relationships post-configured')],
  }),
  step(`${LIFECYCLE}.start`, {
    before: [becomes('starting'), event('Starting node instance')],
    otherwise: [event('Starting node instance: nothing to do')],
  }),
  step('cloudify.interfaces.host.get_state', { host: true, until: 'truthy' }),
  step(`${AGENT}.create`, {
    host: anyAgent,
    before: [event('Creating agent')],
    after: [event('Agent created')],
  }),
  step(`${AGENT}.start`, {
    host: waitedFor,
    before: [event('Waiting for agent to start')],
    after: [event('Agent started')],
  }),
  step(`${MONITORING_AGENT}.install`, { host: true }),
  step(`${MONITORING_AGENT}.start`, { host: true }),
  step(`${LIFECYCLE}.poststart`, {
    before: [event('Poststarting node instance')],
    after: [event('Node instance poststarted')],
    otherwise: [event('Poststarting node instance: nothing to do')],
  }),
  step(`${MONITORING}.start`, {}),
  step(ESTABLISH, {
    on: 'relationships',
    before: [event('Establishing relationships')],
    after: [event('Relationships established')],
  }),
];

const STOP: readonly Step[] = [
  step(`${VALIDATION}.delete`, {
    not: NOT_RUNNING,
    before: [event('Validating node instance before deletion')],
    after: [event('Node instance validated before deletion')],
    // "after" is how Cloudify has it.
    otherwise: [event('Validating node instance after deletion: nothing to do')],
  }),
  step(`${MONITORING}.stop`, { not: NOT_RUNNING }),
  step(`${LIFECYCLE}.prestop`, {
    not: NOT_RUNNING,
    before: [event('Prestopping node instance')],
    after: [event('Node instance prestopped')],
  }),
  step(`${MONITORING_AGENT}.stop`, { not: NOT_RUNNING, host: true }),
  step(`${MONITORING_AGENT}.uninstall`, { not: NOT_RUNNING, host: true }),
  step(`${AGENT}.stop_amqp`, { not: NOT_RUNNING, host: byScript, before: [event('Stopping agent')] }),
  step(`${AGENT}.stop`, { not: NOT_RUNNING, host: byHand, before: [event('Stopping agent')] }),
  step(`${AGENT}.delete`, {
    not: NOT_RUNNING,
    host: anyAgent,
    before: [event('Deleting agent')],
    after: [event('Agent deleted')],
  }),
  step(`${LIFECYCLE}.stop`, {
    not: NOT_RUNNING,
    after: [event('Stopped node instance')],
    otherwise: [event('Stopped node instance: nothing to do')],
  }),
];

const DELETE: readonly Step[] = [
  step(UNLINK, {
    on: 'relationships',
    not: GONE,
    before: [event('Unlinking relationships')],
    after: [event('Relationships unlinked')],
  }),
  step(`${LIFECYCLE}.delete`, {
    not: GONE,
    before: [becomes('deleting'), event('Deleting node instance')],
    otherwise: [event('Deleting node instance: nothing to do')],
  }),
  step(`${LIFECYCLE}.postdelete`, {
    not: GONE,
    before: [event('Postdeleting node instance')],
    after: [event('Node instance postdeleted')],
  }),
];

/** By operation and state: told where there is nothing to do because it is done already. */
const ALREADY = new Map([
  [`${LIFECYCLE}.stop`, alreadyIn(NOT_RUNNING, 'Stop')],
  [`${LIFECYCLE}.delete`, alreadyIn(GONE, 'Delete')],
]);

const INITIALIZING = [becomes('initializing')];
const STARTED_AS_IT_IS = [becomes('started'), event('Node instance started (nothing to do)')];
const STARTED = [becomes('started'), event('Node instance started')];
const STOPPING = [becomes('stopping'), event('Stopping node instance')];
const IS_STOPPED = [becomes('stopped')];
const DELETED = [becomes('deleted'), event('Deleted node instance')];
const IS_CONFIGURED = [becomes('configured')];
const UNINITIALIZED = [becomes('uninitialized')];
const ROLLED_BACK = [event('Rollbacked node instance')];

type Way = 'install' | 'uninstall' | 'rollback';

export class Lifecycle {
  readonly #operations: Operations;
  /** What there is to do with an instance of which its type and state say all: found out once for all of them. */
  readonly #stencils = new Map<string, Stencil>();

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  /** Adds to `chain` what is left to do until `instance` is started; nothing when it is. */
  install(chain: Chain, instance: InstanceModel): void {
    if (instance.state !== 'started') this.#add('install', chain, instance);
  }

  /** Adds to `chain` what is left to do until `instance` is deleted. */
  uninstall(chain: Chain, instance: InstanceModel): void {
    this.#add('uninstall', chain, instance);
  }

  /**
   * Adds to `chain` what takes an instance out of a half-done install: back to `configured` from starting, to
   * `uninitialized` from creating and configuring. What it is in any other state, it stays.
   */
  rollback(chain: Chain, instance: InstanceModel): void {
    this.#add('rollback', chain, instance);
  }

  #add(way: Way, chain: Chain, instance: InstanceModel): void {
    const type = chain.isBlank ? this.#operations.plainType(instance) : null;
    if (type === null) {
      this.#fill(way, chain, instance);
      return;
    }
    const key = `${way} ${instance.state} ${chain.onFailure} ${type}`;
    let stencil = this.#stencils.get(key);
    if (stencil === undefined) {
      stencil = chain.stencil((blank) => this.#fill(way, blank, instance));
      this.#stencils.set(key, stencil);
    }
    chain.paste(stencil);
  }

  #fill(way: Way, chain: Chain, instance: InstanceModel): void {
    if (way === 'install') this.#install(chain, instance);
    else if (way === 'uninstall') this.#uninstall(chain, instance);
    else this.#rollback(chain, instance);
  }

  #install(chain: Chain, instance: InstanceModel): void {
    if (!CREATED.has(instance.state)) chain.announce(INITIALIZING);
    for (const step of INSTALL) this.#take(chain, instance, step, step.otherwise);
    if (chain.isEmpty) {
      chain.retract();
      chain.record(STARTED_AS_IT_IS);
    } else {
      chain.record(STARTED);
    }
  }

  #uninstall(chain: Chain, instance: InstanceModel): void {
    const { state } = instance;
    if (!NOT_RUNNING.has(state)) chain.announce(STOPPING);
    for (const step of STOP) this.#take(chain, instance, step, insteadOf(step, state));
    if (!STOPPED.has(state)) chain.record(IS_STOPPED);
    for (const step of DELETE) this.#take(chain, instance, step, insteadOf(step, state));
    if (state !== 'deleted') chain.record(DELETED);
  }

  #rollback(chain: Chain, instance: InstanceModel): void {
    const { state } = instance;
    if (!HALF_WAY.has(state)) {
      const step = CREATED.has(state) ? 'Stop' : 'Delete';
      chain.announce([event(`Rollback ${step}: nothing to do, instance state is ${state}`)]);
      return;
    }
    if (state === 'starting') {
      chain.announce(STOPPING);
      for (const step of STOP) this.#take(chain, instance, step, step.otherwise);
      chain.record(IS_CONFIGURED);
    } else {
      for (const step of DELETE) this.#take(chain, instance, step, step.otherwise);
      chain.record(UNINITIALIZED);
    }
    chain.record(ROLLED_BACK);
  }

  /**
   * Adds one relationship operation of an instance that itself is left alone, along those of its relationships that
   * `concerns` picks: source, then target, one relationship after the other.
   */
  relate(
    chain: Chain,
    instance: InstanceModel,
    operation: typeof ESTABLISH | typeof UNLINK,
    concerns: (target: string, place: number) => boolean,
  ): void {
    if (!this.#operations.hasRelationshipCalls(instance, operation)) return;
    const places = [...instance.relationships.keys()];
    for (const place of operation === UNLINK ? places.reverse() : places) {
      if (!concerns(instance.relationships[place]!.targetInstance, place)) continue;
      for (const call of this.#operations.relationshipCalls(instance, place, operation)) chain.run(call);
    }
  }

  #take(chain: Chain, instance: InstanceModel, step: Step, otherwise: readonly Effect[]): void {
    const forks = this.#forks(instance, step);
    if (forks.length === 0) chain.announce(otherwise);
    else {
      chain.announce(step.before);
      for (const calls of forks) chain.fork(calls);
      chain.record(step.after);
    }
    chain.mark(step.name);
  }

  #forks(instance: InstanceModel, step: Step): Forks {
    if (step.not.has(instance.state)) return NO_FORKS;
    if (step.on === 'relationships') return this.#relationshipForks(instance, step.name);
    if (step.host !== undefined && !this.#isSuchHost(instance, step.host)) return NO_FORKS;
    const call = this.#operations.call(instance, step.name);
    if (call === null) return NO_FORKS;
    return [[step.until === undefined ? call : { ...call, until: step.until }]];
  }

  /** Relationships to one target node that stand together are served at once; groups one after the other. */
  #relationshipForks(instance: InstanceModel, operation: string): Forks {
    if (!this.#operations.hasRelationshipCalls(instance, operation)) return NO_FORKS;
    const forks: OperationCall[][] = [];
    let target: string | null = null;
    let fork: OperationCall[] = [];
    for (const [place, relationship] of instance.relationships.entries()) {
      if (relationship.targetNode !== target) {
        if (fork.length > 0) forks.push(fork);
        fork = [];
        target = relationship.targetNode;
      }
      for (const call of this.#operations.relationshipCalls(instance, place, operation)) fork.push(call);
    }
    if (fork.length > 0) forks.push(fork);
    return operation === UNLINK ? forks.reverse() : forks;
  }

  #isSuchHost(instance: InstanceModel, such: NonNullable<Step['host']>): boolean {
    if (!this.#operations.isHost(instance)) return false;
    return such === true || such(installMethod(this.#operations.node(instance)?.properties ?? {}));
  }
}

/** An intact instance has links to renew; one that is not started yet makes them in its own install. */
export function hasEstablished(state: InstanceLifecycleState): boolean {
  return state === 'started';
}

/** An instance has links to take back; its own uninstall would find none otherwise. */
export function mayBeLinked(state: InstanceLifecycleState): boolean {
  return !GONE.has(state);
}

/** How the agent of a host is installed; the old boolean property wins. Undefined where the type does not say. */
export function installMethod(properties: JsonObject): string | undefined {
  if (properties.install_agent === false) return 'none';
  if (properties.install_agent === true) return 'remote';
  const config = properties.agent_config;
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return undefined;
  return typeof config.install_method === 'string' ? config.install_method : undefined;
}

function alreadyIn(states: States, word: string): ReadonlyMap<InstanceLifecycleState, readonly Effect[]> {
  return new Map([...states].map((state) => [state, [event(`${word}: instance already ${state}`)]]));
}

/** What is told of an instance that is being uninstalled where there is nothing to run. */
function insteadOf(step: Step, state: InstanceLifecycleState): readonly Effect[] {
  return ALREADY.get(step.name)?.get(state) ?? step.otherwise;
}

function step(name: string, rest: Partial<Omit<Step, 'name'>>): Step {
  return { name, on: 'instance', not: NEVER, before: [], after: [], otherwise: [], ...rest };
}
