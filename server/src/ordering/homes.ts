/**
 * Deployments that are kept for what no blueprint has built: a server that was found, so that it can be acted on as any other, and
 * a rule or an action that runs by itself, so that there is a place for its executions.
 *
 * Each has an id derived from what it is for and a label that says so; whoever goes on after a crash finds it. A server that was
 * found stands in its deployment as started: nothing of it is built again.
 */
import type { Caller, TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import { DomainError } from '../errors.js';
import type { Deployments } from '../orchestration/deployments.js';
import type { NodeInstances } from '../orchestration/node-instances.js';
import type { Pool } from '../store/pool.js';
import { inTransaction } from '../store/transaction.js';
import { type BlueprintShelf, ensureBlueprint } from './made-blueprints.js';
import type { KnownServer, ServerBook } from './server-book.js';

export interface HomesParts extends BlueprintShelf {
  readonly pool: Pool;
  readonly deployments: Deployments;
  readonly nodeInstances: NodeInstances;
  readonly servers: ServerBook;
}

/** Where something runs. */
export interface Place {
  readonly deploymentId: string;
  readonly node: string;
  readonly instanceId: string;
}

const LABEL = 'orrery-home';
const FOUND_SERVERS = 'orrery-found-servers';
const ACTIONS = 'orrery-actions';
const NODE = 'server';

/** The deployment of a server that was found. */
export function homeOfServer({ number }: { readonly number: number }): string {
  return `server-${number}`;
}

export class Homes {
  readonly #parts: HomesParts;

  constructor(parts: HomesParts) {
    this.#parts = parts;
  }

  /**
   * The deployment of a server that no deployment has built: made, and the server bound to its instance.
   *
   * @param acting with all that making a deployment takes
   * @throws DomainError `conflict` (`server-not-built-here`) for one that is in no cloud account
   */
  async ofServer(acting: Caller, scope: TenantScope, server: KnownServer): Promise<Place> {
    const { pool, servers } = this.#parts;
    if (!server.isThere && server.account !== null)
      throw new DomainError('unavailable', 'server-not-built-yet', `Server ${server.name} is not built yet`);
    if (server.account === null || server.accountId === null) {
      throw new DomainError(
        'conflict',
        'server-not-built-here',
        `Server ${server.name} is in no cloud account, and nothing here has built it: it cannot be acted on`,
      );
    }
    const caller = lent(acting);
    const id = homeOfServer(server);
    const inputs = { cloud_account: server.accountId, hostname: server.name };
    await ensureBlueprint(this.#parts, caller, FOUND_SERVERS, () => serverBlueprint(), [labelOf('servers')]);
    const place = await this.#deployment(
      caller,
      id,
      FOUND_SERVERS,
      inputs,
      `servers:${server.id}`,
      server.name,
    );
    await this.#begun(caller, place, server);
    await inTransaction(pool, (client) =>
      servers.bindFound(client, scope, server.uid, { ...place, node: NODE }),
    );
    return { ...place, node: NODE };
  }

  /** A deployment with one instance of nothing, for what is run and is about no deployment. */
  async ofAction(acting: Caller, id: string, label: string): Promise<Place> {
    const caller = lent(acting);
    await ensureBlueprint(this.#parts, caller, ACTIONS, () => actionBlueprint(), [labelOf('actions')]);
    return this.#deployment(caller, id, ACTIONS, {}, `actions:${id}`, label);
  }

  async #deployment(
    caller: Caller,
    id: string,
    blueprintId: string,
    inputs: JsonObject,
    what: string,
    displayName: string,
  ): Promise<Place> {
    const { deployments } = this.#parts;
    const label = labelOf(what);
    try {
      await deployments.create(caller, { id, blueprintId, inputs, labels: [label], displayName });
    } catch (error) {
      if (!(error instanceof DomainError) || error.reason !== 'deployment-exists') throw error;
      const there = await deployments.get(caller, id);
      if (!there.labels.some(({ key, value }) => key === label.key && value === label.value)) {
        throw new DomainError(
          'invalid',
          'deployment-exists',
          `A deployment ${id} is there that was not made for ${displayName}`,
        );
      }
    }
    const page = await this.#parts.nodeInstances.list(caller, {
      shape: { id: 'id', node: 'node' },
      filters: [{ field: 'deploymentId', anyOf: [id] }],
      sort: [],
      offset: 0,
      size: 1,
    });
    const [instance] = JSON.parse(page.items) as { id: string; node: string }[];
    if (instance === undefined)
      throw new DomainError('unavailable', 'deployment-not-ready', `Deployment ${id} has no node instance`);
    return { deploymentId: id, node: instance.node, instanceId: instance.id };
  }

  /** It is there, and runs or not as its handler says. */
  async #begun(caller: Caller, { instanceId }: Place, server: KnownServer): Promise<void> {
    const { nodeInstances } = this.#parts;
    const { state, version } = await nodeInstances.get(caller, instanceId);
    if (state === 'started') return;
    const runtimeProperties = {
      server_id: server.id,
      server_number: server.number,
      hostname: server.name,
      ip: server.ip,
    };
    await nodeInstances.update(caller, instanceId, { version, state: 'started', runtimeProperties });
  }
}

/** A server that was found is told to be there. */
function lent(caller: Caller): Caller {
  return { ...caller, permissions: new Set([...caller.permissions, 'nodes.write']) };
}

function labelOf(value: string) {
  return { key: LABEL, value };
}

function serverBlueprint(): string {
  const input = (description: string) => ({ type: 'string', description });
  return print({
    description: 'A server that was found in a cloud account, so that it can be acted on',
    imports: ['cloudify/types/types.yaml', 'orrery/servers.yaml'],
    inputs: { cloud_account: input('Where it is'), hostname: input('What it is called') },
    node_templates: {
      [NODE]: {
        type: 'orrery.nodes.Server',
        properties: {
          cloud_account: { get_input: 'cloud_account' },
          hostname: { get_input: 'hostname' },
        },
      },
    },
  });
}

function actionBlueprint(): string {
  return print({
    description:
      'A place for what is run and is about no deployment: rules, and actions that run by themselves',
    imports: ['cloudify/types/types.yaml'],
    node_templates: { action: { type: 'cloudify.nodes.Root' } },
  });
}

/** As JSON, which is YAML. */
function print(blueprint: JsonObject): string {
  return `${JSON.stringify({ tosca_definitions_version: 'cloudify_dsl_1_4', ...blueprint }, null, 2)}\n`;
}
