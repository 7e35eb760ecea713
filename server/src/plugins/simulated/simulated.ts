/**
 * A cloud that is not there: operations for demonstrations, tests and benchmarks.
 *
 * Always holds: nothing outside the answer changes, so every function may run again under one operation id, except
 * `operations.irreversible`, which says of itself that it may not. What it "creates" follows from the deployment and
 * the instance alone: creating again gives the same id and address, as a good cloud API with a client token does.
 *
 * Functions, all below `operations.` (blueprints write `simulated.operations.delay`):
 *
 *     noop                                      nothing
 *     delay           {seconds}                 waits
 *     fail            {times, message, retryable}   fails as often as `times`, then succeeds; -1: always
 *     irreversible    {seconds}                 waits; not to be repeated when interrupted
 *     chatter         {lines, message}          logs
 *     create_server   {seconds, flavor, image}  runtime properties id, ip, public_ip, state, …
 *     start_server, stop_server, delete_server  {seconds}
 *     create_network  {seconds, cidr}           delete_network
 *     create_volume   {seconds, size}           delete_volume
 *     create_database {seconds, engine}         delete_database
 *     create_load_balancer {seconds, port}      delete_load_balancer
 *     attach, detach  {seconds}                 for relationships: property attached_<target> of the source
 */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../dsl/plan.js';
import type { TaskFailure } from '../../errors.js';
import type { InstanceContext, OperationOutcome, OperationRequest, Plugin } from '../plugin.js';

type Simulation = (request: OperationRequest) => OperationOutcome;

const DONE: OperationOutcome = { kind: 'done', result: null };
/** More than a timer can hold would not wait at all. */
const LONGEST = 2 ** 31 - 1;
/** Of what `chatter` is asked for. */
const CHATTER_LIMIT = 10_000;

export function createSimulatedPlugin(): Plugin {
  return {
    name: 'simulated',
    // They cost no process.
    concurrency: 4096,
    describe(functionName) {
      const name = shortName(functionName);
      return Object.hasOwn(SIMULATIONS, name) ? { resumable: name !== 'irreversible' } : null;
    },
    async run(request) {
      const name = shortName(request.functionName);
      if (!Object.hasOwn(SIMULATIONS, name)) {
        return failed(refusal(`the simulated plugin has no function "${request.functionName}"`));
      }
      const { seconds = 0 } = request.inputs;
      if (typeof seconds !== 'number' || !(seconds >= 0)) {
        return failed(refusal('input "seconds" must be a number from 0'));
      }
      if (seconds > 0 && !(await waited(seconds * 1000, request.signal))) return ended(request);
      return SIMULATIONS[name]!(request);
    },
  };
}

const SIMULATIONS: Readonly<Record<string, Simulation>> = {
  noop: () => DONE,
  delay: () => DONE,
  irreversible: () => DONE,
  fail: ({ inputs, operation }) => {
    const { times = 1, message = 'a simulated failure', retryable = true } = inputs;
    if (typeof times !== 'number') return failed(refusal('input "times" must be a number'));
    if (times >= 0 && operation.retryNumber >= times) return { kind: 'done', result: operation.retryNumber };
    return failed({
      type: retryable === false ? 'NonRecoverableError' : 'RecoverableError',
      message: String(message),
      retryable: retryable !== false,
      causes: [],
    });
  },
  chatter: (request) => {
    const { lines = 10, message = 'still here' } = request.inputs;
    if (typeof lines !== 'number') return failed(refusal('input "lines" must be a number'));
    const count = Math.min(Math.max(Math.floor(lines), 0), CHATTER_LIMIT);
    for (let line = 1; line <= count; line += 1) request.log('info', `${String(message)} ${line}`);
    return { kind: 'done', result: count };
  },
  create_server: creating('srv', 'running', (one, { flavor = 'small', image = 'debian-12' }) => ({
    ip: address(one, 10),
    public_ip: address(one, 203),
    hostname: one.instance.id.replaceAll('_', '-'),
    flavor,
    image,
  })),
  start_server: setting({ state: 'running' }),
  stop_server: setting({ state: 'stopped' }),
  delete_server: deleting,
  create_network: creating('net', 'available', (one, { cidr }) => ({
    cidr: cidr ?? `10.${digest(one.instance.id)[0]}.0.0/16`,
  })),
  delete_network: deleting,
  create_volume: creating('vol', 'available', (_one, { size = 10 }) => ({ size_gib: size })),
  delete_volume: deleting,
  create_database: creating('db', 'available', (one, { engine = 'postgresql' }) => ({
    engine,
    host: address(one, 10),
    port: 5432,
  })),
  delete_database: deleting,
  create_load_balancer: creating('lb', 'active', (one, { port = 80 }) => ({
    address: address(one, 203),
    port,
    url: `http://${address(one, 203)}:${String(port)}/`,
  })),
  delete_load_balancer: deleting,
  attach: attaching(true),
  detach: attaching(false),
};

/** Creates what is not yet there; what is there stays as it is. */
function creating(
  kind: string,
  state: string,
  properties: (one: InstanceContext, inputs: JsonObject) => JsonObject,
): Simulation {
  return onInstance((one, { context, inputs }) => {
    const { runtimeProperties } = one.instance;
    const id = `${kind}-${hex(`${context.tenant}/${context.deployment.id}/${one.instance.id}`, 12)}`;
    if (runtimeProperties.id === id) return runtimeProperties;
    return { ...runtimeProperties, id, ...properties(one, inputs), state };
  });
}

function setting(properties: JsonObject): Simulation {
  return onInstance((one) => ({ ...one.instance.runtimeProperties, ...properties }));
}

function deleting(request: OperationRequest): OperationOutcome {
  return onInstance(() => ({}))(request);
}

function onInstance(change: (one: InstanceContext, request: OperationRequest) => JsonObject): Simulation {
  return (request) => {
    const { self, relationship } = request.context;
    const one = relationship === null ? self : relationship[relationship.side];
    if (one === null) return failed(refusal(`"${request.functionName}" runs on a node instance only`));
    const properties = change(one, request);
    return {
      kind: 'done',
      result: properties.id ?? null,
      runtimeProperties: { [one.instance.id]: properties },
    };
  };
}

/**
 * What the relationship's source knows of its target: one property per target, because several relationships of one
 * source may be established at the same time, and properties are put together by name.
 */
function attaching(attached: boolean): Simulation {
  return (request) => {
    const { relationship } = request.context;
    if (relationship === null)
      return failed(refusal(`"${request.functionName}" runs on a relationship only`));
    const { source, target } = relationship;
    const name = `attached_${target.instance.id}`;
    const properties = { ...source.instance.runtimeProperties };
    delete properties[name];
    if (attached) properties[name] = target.instance.runtimeProperties.id ?? target.instance.id;
    return { kind: 'done', result: null, runtimeProperties: { [source.instance.id]: properties } };
  };
}

function shortName(functionName: string): string {
  return functionName.replace(/^(?:simulated\.)?operations\./, '');
}

/** True after the time, false as soon as the signal is aborted. */
function waited(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((done) => {
    const stop = () => {
      clearTimeout(timer);
      done(false);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener('abort', stop);
        done(true);
      },
      Math.min(milliseconds, LONGEST),
    );
    signal.addEventListener('abort', stop, { once: true });
  });
}

function ended(request: OperationRequest): OperationOutcome {
  if (request.signal.reason !== 'timeout') return { kind: 'aborted' };
  return failed({
    type: 'TimeoutException',
    message: 'the simulated operation took too long',
    retryable: true,
    causes: [],
  });
}

function address(one: InstanceContext, net: number): string {
  const [a, b, c] = digest(one.instance.id);
  return net === 203 ? `203.0.113.${(a! % 254) + 1}` : `${net}.${a}.${b}.${(c! % 254) + 1}`;
}

function hex(text: string, length: number): string {
  return digest(text).toString('hex').slice(0, length);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function failed(failure: TaskFailure): OperationOutcome {
  return { kind: 'failed', failure };
}

function refusal(message: string): TaskFailure {
  return { type: 'NonRecoverableError', message, retryable: false, causes: [] };
}
