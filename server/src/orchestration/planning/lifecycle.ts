/**
 * What installing and uninstalling one instance means, step by step, from the state it is in.
 *
 * Order, texts and skipping are those Cloudify's users know (the seed's workflows). One departure: `initializing`
 * is not written over a state that says creation is over, because a failure right after would make the next
 * install create the thing a second time.
 */
import type { JsonObject } from '../../dsl/plan.js';
import { becomes, type Chain, event } from './build.js';
import type { Effect, InstanceLifecycleState, OperationCall } from './graph.js';
import type { InstanceModel } from './model.js';
import type { Operations } from './operations.js';

export const LIFECYCLE = 'cloudify.interfaces.lifecycle';
export const ESTABLISH = 'cloudify.interfaces.relationship_lifecycle.establish';
export const UNLINK = 'cloudify.interfaces.relationship_lifecycle.unlink';
const RELATIONSHIP = 'cloudify.interfaces.relationship_lifecycle';
const VALIDATION = 'cloudify.interfaces.validation';
const MONITORING = 'cloudify.interfaces.monitoring';
const AGENT = 'cloudify.interfaces.cloudify_agent';
const MONITORING_AGENT = 'cloudify.interfaces.monitoring_agent';

type States = ReadonlySet<InstanceLifecycleState>;
const states = (...names: InstanceLifecycleState[]): States => new Set(names);

const CREATION_BEGUN = states('creating', 'created', 'configuring', 'configured', 'starting', 'started');
const CREATED = states('created', 'configuring', 'configured', 'starting', 'started');
const CONFIGURED = states('configured', 'starting', 'started');
const NOT_RUNNING = states('configured', 'stopped', 'deleting', 'deleted', 'uninitialized');
const STOPPED = states('stopped', 'deleting', 'deleted');
const GONE = states('deleted', 'uninitialized');

interface Step {
  readonly name: string;
  /** One after the other; what stands in one of them, at once. None: nothing to do here. */
  readonly forks: readonly (readonly OperationCall[])[];
  readonly before: readonly Effect[];
  readonly after: readonly Effect[];
  /** Told instead when there is nothing to do. */
  readonly otherwise: readonly Effect[];
}

type Told = Partial<Pick<Step, 'before' | 'after' | 'otherwise'>>;

/** Adds to `chain` what is left to do until `instance` is started; nothing when it is. */
export function install(chain: Chain, instance: InstanceModel, operations: Operations): void {
  const { id, state } = instance;
  if (state === 'started') return;
  const says = (message: string) => event(id, message);
  const idle = (message: string) => ({ otherwise: [says(`${message}: nothing to do`)] });
  const operation = (name: string, told: Told) => operationStep(instance, operations, name, told);
  const relationships = (name: string, begin: string, done: string) =>
    relationshipStep(instance, operations, name, begin, done);

  const steps: Step[] = [
    unless(
      CREATION_BEGUN.has(state),
      operation(`${VALIDATION}.create`, {
        before: [says('Validating node instance before creation')],
        after: [says('Node instance validated before creation')],
        ...idle('Validating node instance before creation'),
      }),
    ),
    unless(
      CREATION_BEGUN.has(state),
      operation(`${LIFECYCLE}.precreate`, {
        before: [says('Precreating node instance')],
        after: [says('Node instance precreated')],
        ...idle('Precreating node instance'),
      }),
    ),
    unless(
      CREATED.has(state),
      operation(`${LIFECYCLE}.create`, {
        before: [becomes(id, 'creating'), says('Creating node instance')],
        after: [becomes(id, 'created'), says('Node instance created')],
        ...idle('Creating node instance'),
      }),
    ),
    unless(
      CONFIGURED.has(state),
      relationships('preconfigure', 'Pre-configuring relationships', 'Relationships pre-configured'),
    ),
    unless(
      CONFIGURED.has(state),
      operation(`${LIFECYCLE}.configure`, {
        before: [becomes(id, 'configuring'), says('Configuring node instance')],
        after: [becomes(id, 'configured'), says('Node instance configured')],
        ...idle('Configuring node instance'),
      }),
    ),
    relationships('postconfigure', 'Post-configuring relationships', 'Relationships post-configured'),
    operation(`${LIFECYCLE}.start`, {
      before: [becomes(id, 'starting'), says('Starting node instance')],
      ...idle('Starting node instance'),
    }),
    ...(operations.isHost(instance) ? hostAfterStart(instance, operations) : []),
    operation(`${LIFECYCLE}.poststart`, {
      before: [says('Poststarting node instance')],
      after: [says('Node instance poststarted')],
      ...idle('Poststarting node instance'),
    }),
    operation(`${MONITORING}.start`, {}),
    relationships('establish', 'Establishing relationships', 'Relationships established'),
  ];

  if (steps.some((step) => step.forks.length > 0)) {
    if (!CREATED.has(state)) chain.announce([becomes(id, 'initializing')]);
    take(chain, steps);
    chain.record([becomes(id, 'started'), says('Node instance started')]);
  } else {
    chain.record([becomes(id, 'started'), says('Node instance started (nothing to do)')]);
  }
}

/** Adds to `chain` what is left to do until `instance` is deleted. */
export function uninstall(chain: Chain, instance: InstanceModel, operations: Operations): void {
  const { id, state } = instance;
  const says = (message: string) => event(id, message);
  const idle = (message: string) => ({ otherwise: [says(`${message}: nothing to do`)] });
  const operation = (name: string, told: Told) => operationStep(instance, operations, name, told);
  const resting = NOT_RUNNING.has(state);
  const gone = GONE.has(state);

  if (!resting) chain.announce([becomes(id, 'stopping'), says('Stopping node instance')]);
  take(chain, [
    unless(
      resting,
      operation(`${VALIDATION}.delete`, {
        before: [says('Validating node instance before deletion')],
        after: [says('Node instance validated before deletion')],
        // "after" is how Cloudify has it.
        ...idle('Validating node instance after deletion'),
      }),
    ),
    unless(resting, operation(`${MONITORING}.stop`, {})),
    unless(
      resting,
      operation(`${LIFECYCLE}.prestop`, {
        before: [says('Prestopping node instance')],
        after: [says('Node instance prestopped')],
      }),
    ),
    ...(!resting && operations.isHost(instance) ? hostBeforeStop(instance, operations) : []),
    resting
      ? nothing(`${LIFECYCLE}.stop`, [says(`Stop: instance already ${state}`)])
      : operation(`${LIFECYCLE}.stop`, {
          after: [says('Stopped node instance')],
          ...idle('Stopped node instance'),
        }),
  ]);
  if (!STOPPED.has(state)) chain.record([becomes(id, 'stopped')]);
  take(chain, [
    unless(
      gone,
      relationshipStep(
        instance,
        operations,
        'unlink',
        'Unlinking relationships',
        'Relationships unlinked',
        true,
      ),
    ),
    gone
      ? nothing(`${LIFECYCLE}.delete`, [says(`Delete: instance already ${state}`)])
      : operation(`${LIFECYCLE}.delete`, {
          before: [becomes(id, 'deleting'), says('Deleting node instance')],
          ...idle('Deleting node instance'),
        }),
    unless(
      gone,
      operation(`${LIFECYCLE}.postdelete`, {
        before: [says('Postdeleting node instance')],
        after: [says('Node instance postdeleted')],
      }),
    ),
  ]);
  if (state !== 'deleted') chain.record([becomes(id, 'deleted'), says('Deleted node instance')]);
}

/**
 * Adds one relationship operation of an instance that itself is left alone, towards those of its targets that
 * `concerns` picks: source, then target, one relationship after the other.
 */
export function relate(
  chain: Chain,
  instance: InstanceModel,
  operations: Operations,
  operation: typeof ESTABLISH | typeof UNLINK,
  concerns: (target: string) => boolean,
): void {
  const places = instance.relationships.keys();
  for (const place of operation === UNLINK ? [...places].reverse() : places) {
    if (!concerns(instance.relationships[place]!.targetInstance)) continue;
    for (const call of operations.relationshipCalls(instance, place, operation)) chain.run(call);
  }
}

/** An intact instance has links to renew: its own install would otherwise still make them. */
export function hasEstablished(state: InstanceLifecycleState): boolean {
  return state === 'started';
}

/** An intact instance has links to take back: its own uninstall would otherwise find none. */
export function mayBeLinked(state: InstanceLifecycleState): boolean {
  return !GONE.has(state);
}

function take(chain: Chain, steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.forks.length === 0) chain.announce(step.otherwise);
    else {
      chain.announce(step.before);
      for (const calls of step.forks) chain.fork(calls);
      chain.record(step.after);
    }
    chain.mark(step.name);
  }
}

function operationStep(instance: InstanceModel, operations: Operations, name: string, told: Told): Step {
  const call = operations.call(instance, name);
  return {
    name,
    forks: call === null ? [] : [[call]],
    before: told.before ?? [],
    after: told.after ?? [],
    otherwise: told.otherwise ?? [],
  };
}

/** Relationships to one target node that stand together are served at once; groups one after the other. */
function relationshipStep(
  instance: InstanceModel,
  operations: Operations,
  name: string,
  begin: string,
  done: string,
  reverse = false,
): Step {
  const operation = `${RELATIONSHIP}.${name}`;
  const forks: OperationCall[][] = [];
  let target: string | null = null;
  let fork: OperationCall[] = [];
  for (const [place, relationship] of instance.relationships.entries()) {
    if (relationship.targetNode !== target) {
      if (fork.length > 0) forks.push(fork);
      fork = [];
      target = relationship.targetNode;
    }
    for (const call of operations.relationshipCalls(instance, place, operation)) fork.push(call);
  }
  if (fork.length > 0) forks.push(fork);
  if (reverse) forks.reverse();
  return {
    name: operation,
    forks,
    before: [event(instance.id, begin)],
    after: [event(instance.id, done)],
    otherwise: [],
  };
}

function hostAfterStart(instance: InstanceModel, operations: Operations): Step[] {
  const says = (message: string) => event(instance.id, message);
  const operation = (name: string, told: Told = {}) => operationStep(instance, operations, name, told);
  const running = operation('cloudify.interfaces.host.get_state');
  const steps: Step[] = [{ ...running, forks: running.forks.map((fork) => fork.map(untilTruthy)) }];
  const method = installMethod(operations.node(instance)?.properties ?? {});
  if (method !== 'none') {
    steps.push(
      operation(`${AGENT}.create`, { before: [says('Creating agent')], after: [says('Agent created')] }),
    );
    if (method === 'plugin' || method === 'init_script') {
      steps.push(
        operation(`${AGENT}.start`, {
          before: [says('Waiting for agent to start')],
          after: [says('Agent started')],
        }),
      );
    }
  }
  return [...steps, operation(`${MONITORING_AGENT}.install`), operation(`${MONITORING_AGENT}.start`)];
}

function hostBeforeStop(instance: InstanceModel, operations: Operations): Step[] {
  const says = (message: string) => event(instance.id, message);
  const operation = (name: string, told: Told = {}) => operationStep(instance, operations, name, told);
  const steps = [operation(`${MONITORING_AGENT}.stop`), operation(`${MONITORING_AGENT}.uninstall`)];
  const method = installMethod(operations.node(instance)?.properties ?? {});
  if (method === 'none') return steps;
  const byScript = method === 'init_script' || method === 'plugin' || method === 'provided';
  return [
    ...steps,
    operation(byScript ? `${AGENT}.stop_amqp` : `${AGENT}.stop`, { before: [says('Stopping agent')] }),
    operation(`${AGENT}.delete`, { before: [says('Deleting agent')], after: [says('Agent deleted')] }),
  ];
}

function untilTruthy(call: OperationCall): OperationCall {
  return { ...call, until: 'truthy' };
}

/** How the agent of a host is installed; the old boolean property wins. Undefined where the type does not say. */
function installMethod(properties: JsonObject): string | undefined {
  if (properties.install_agent === false) return 'none';
  if (properties.install_agent === true) return 'remote';
  const config = properties.agent_config;
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return undefined;
  return typeof config.install_method === 'string' ? config.install_method : undefined;
}

function unless(skipped: boolean, step: Step): Step {
  return skipped ? { ...step, forks: [] } : step;
}

function nothing(name: string, otherwise: readonly Effect[]): Step {
  return { name, forks: [], before: [], after: [], otherwise };
}
