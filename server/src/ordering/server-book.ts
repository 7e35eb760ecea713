/**
 * The inventory, as far as ordering needs it. Rooms above and beside each other must not import each other in a circle: the
 * inventory asks this room who may do what, so this room says here what it wants of servers, and `core.ts` hands it over.
 */
import type { TenantScope } from '../caller.js';
import type { JsonObject } from '../dsl/plan.js';
import type { UserId } from '../ids.js';
import type { Client } from '../store/pool.js';
import type { Queryable } from '../store/statement.js';
import type { Ref } from './order-items.js';
import type { ThingKey } from './thing-key.js';

/** A server that is there, or was. Its name as `name`. */
export interface KnownServer extends Ref {
  /** Ours, for its handler. */
  readonly id: string;
  readonly status: 'building' | 'active' | 'changing' | 'ending' | 'build-failed' | 'historical';
  readonly groupUid: number | null;
  readonly environment: Ref | null;
  /** cloud_accounts.uid, and its id. */
  readonly account: number | null;
  readonly accountId: string | null;
  /** Its handler has a name for it: something is there. */
  readonly isThere: boolean;
  readonly ip: string;
  readonly ownerId: UserId | null;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly disks: readonly { readonly id: string; readonly providerId: string; readonly gb: number }[];
  readonly parameters: JsonObject;
  readonly osBuild: string | null;
  readonly deploymentId: string | null;
  readonly node: string | null;
  readonly instanceId: string | null;
}

/** What was built under one name. */
export interface KnownResource extends Ref {
  readonly over: boolean;
  /** Name of its type. */
  readonly type: string;
  readonly parameters: JsonObject;
  readonly groupUid: number | null;
  readonly ownerId: UserId | null;
  readonly deploymentId: string | null;
}

/** Something that happened to servers, or to a resource. */
export interface Occurrence {
  readonly servers: readonly number[];
  readonly resource: number | null;
  /** In one word. */
  readonly event: string;
  readonly message: string;
  /** Username; null: nobody in particular. */
  readonly by: string | null;
  /** Id of an execution. */
  readonly execution: string | null;
}

/** A server that is about to be built: there before anything of it is. */
export interface NewServer {
  readonly hostname: string;
  readonly account: number | null;
  readonly groupUid: number;
  readonly environmentUid: number;
  readonly osBuildUid: number | null;
  readonly ownerId: UserId;
  readonly node: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly parameters: JsonObject;
}

export interface NewResource {
  readonly name: string;
  readonly resourceTypeUid: number;
  readonly offerUid: number | null;
  readonly groupUid: number;
  readonly ownerId: UserId;
  readonly ownerName: string;
  readonly parameters: JsonObject;
}

export interface ServerBook {
  /** Those of the tenant that there are, also historical ones. */
  byKeys(db: Queryable, scope: TenantScope, keys: readonly ThingKey[]): Promise<readonly KnownServer[]>;
  byUids(db: Queryable, scope: TenantScope, uids: readonly number[]): Promise<readonly KnownServer[]>;
  /** Servers of a deployment that are not over, in the order of their numbers. */
  ofDeployment(db: Queryable, scope: TenantScope, deploymentId: string): Promise<readonly KnownServer[]>;
  resourcesByKeys(
    db: Queryable,
    scope: TenantScope,
    keys: readonly ThingKey[],
  ): Promise<readonly KnownResource[]>;
  resourcesOfDeployments(
    db: Queryable,
    scope: TenantScope,
    deployments: readonly string[],
  ): Promise<readonly KnownResource[]>;
  /** Names in use that begin as `prefix`, all in lower case. */
  taken(db: Queryable, scope: TenantScope, prefix: string): Promise<readonly string[]>;
  /** In the transaction that makes an order active: they count from now on. In the order given. */
  register(
    client: Client,
    scope: TenantScope,
    servers: readonly NewServer[],
  ): Promise<readonly (Ref & { readonly id: string })[]>;
  registerResource(client: Client, scope: TenantScope, resource: NewResource): Promise<Ref>;
  resourcesByUids(
    db: Queryable,
    scope: TenantScope,
    uids: readonly number[],
  ): Promise<readonly KnownResource[]>;
  /** Servers that are parts of a resource and are not over. */
  ofResource(db: Queryable, scope: TenantScope, resource: number): Promise<readonly KnownServer[]>;
  /** A server that nobody here has built stands for an instance from now on. */
  bindFound(
    client: Client,
    scope: TenantScope,
    server: number,
    place: { readonly deploymentId: string; readonly node: string; readonly instanceId: string },
  ): Promise<void>;
  /** Remembers it with each. */
  note(client: Client, scope: TenantScope, occurrence: Occurrence): Promise<void>;
  /** The deployment that builds them is there. */
  bind(
    client: Client,
    scope: TenantScope,
    deploymentId: string,
    built: { readonly servers: readonly number[]; readonly resource: number | null },
  ): Promise<void>;
  /** Nothing came of it, or it is gone. */
  settle(
    client: Client,
    scope: TenantScope,
    outcome: {
      readonly servers: readonly number[];
      readonly as: 'active' | 'build-failed' | 'historical';
      readonly trouble: string;
    },
  ): Promise<void>;
  /** Parameters of a server are other than before; `expiration_date` is one of them. */
  setParameters(client: Client, scope: TenantScope, server: number, parameters: JsonObject): Promise<void>;
  /** Why servers of cloud account `account` cannot be given a password (null: of the one that is taken where none is named); null: they can. */
  passwordProblem(db: Queryable, scope: TenantScope, account: number | null): Promise<string | null>;
  /** The password that a server is to have, sealed, instead of the one before. */
  keepPassword(client: Client, scope: TenantScope, server: number, password: string): Promise<void>;
  settleResource(
    client: Client,
    scope: TenantScope,
    uid: number,
    as: 'active' | 'provision-failed' | 'historical',
  ): Promise<void>;
}
