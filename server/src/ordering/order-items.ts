/**
 * What is in an order: as it was asked for, and what is to be done. Plain data, kept as JSON with the order.
 *
 * *Asked* names things by what they were called when they were asked for, so that an order can be shown, and asked again,
 * as it is. *Planned* is what comes of it: every server with its name and size, every change, everything that goes.
 */
import type { JsonObject } from '../dsl/plan.js';
import type { ActionTask } from './action-task.js';
import type { ThingKey } from './thing-key.js';

/** A thing that an item names. */
export interface Ref {
  readonly uid: number;
  readonly number: number;
  readonly code: string;
  readonly name: string;
}

/** What is wished of servers of one kind, before anything of it is looked up. */
export interface ServerWish<Key = ThingKey> {
  readonly environment?: Key;
  readonly osBuild?: Key;
  readonly quantity?: unknown;
  readonly hostname?: string;
  /** As the caller named them. */
  readonly parameters: JsonObject;
  /** Name of a preconfiguration -> choice. */
  readonly preconfigurations: JsonObject;
  readonly applications: readonly Key[];
}

export type ItemKind = 'deploy' | 'provision' | 'modify' | 'decommission' | 'act';

/** An item as it comes from outside; with `Ref` in the place of keys, as it is kept. */
export type ItemOf<Key> =
  | {
      readonly kind: 'deploy';
      readonly offer: Key;
      /** Of the resource; empty: made up. */
      readonly name: string;
      /** Of the whole item. */
      readonly parameters: JsonObject;
      /** Name of a build item -> what is wished of it. */
      readonly parts: Readonly<Record<string, ServerWish<Key>>>;
    }
  | ({ readonly kind: 'provision' } & ServerWish<Key>)
  | {
      readonly kind: 'modify';
      readonly server: Key;
      readonly environment?: Key;
      readonly parameters: JsonObject;
      /** The disk that `disk_size` is about. */
      readonly disk?: string;
    }
  | {
      readonly kind: 'decommission';
      readonly environment?: Key;
      readonly servers: readonly Key[];
      readonly resources: readonly Key[];
    }
  | {
      /** An action that is run on something. */
      readonly kind: 'act';
      readonly on: 'server' | 'resource';
      readonly target: Key;
      readonly action: Key;
      /** As the caller named them. */
      readonly inputs: JsonObject;
    };

export type ItemRequest = ItemOf<ThingKey>;
export type AskedItem = ItemOf<Ref>;

/** A server that is to be built. */
export interface PlannedServer {
  /** Of the blueprint; names the server in its deployment. */
  readonly node: string;
  /** Build item that it comes from. */
  readonly part: string;
  readonly hostname: string;
  readonly environment: Ref;
  /** cloud_accounts.uid */
  readonly account: number | null;
  readonly accountId: string | null;
  readonly location: string;
  readonly osBuild: Ref | null;
  readonly image: string;
  readonly cpus: number;
  readonly memoryMb: number;
  readonly diskGb: number;
  readonly networks: readonly string[];
  readonly applications: readonly Ref[];
  /** Checked; passwords masked. */
  readonly parameters: JsonObject;
  /** Id of the password that it is to have (passwords.ts). */
  readonly password?: string;
  /** In one unit of time. */
  readonly cost: number;
}

/** An action that runs when what stands before it is there. */
export interface PlannedAction {
  readonly node: string;
  readonly part: string;
  readonly action: Ref;
  readonly inputs: JsonObject;
}

/** Steps one after the other; what is in one step goes side by side. */
export type PlannedStep = readonly (
  | { readonly kind: 'server'; readonly at: number }
  | { readonly kind: 'action'; readonly at: number }
)[];

export interface BuildPlan {
  readonly kind: 'build';
  readonly offer: Ref | null;
  /** For people. */
  readonly name: string;
  /** Type of the resource that it makes; null: none. */
  readonly resourceType: Ref | null;
  /** A blueprint that was uploaded, with its inputs; null: one is made of what follows. */
  readonly blueprint: { readonly id: string; readonly inputs: JsonObject } | null;
  readonly servers: readonly PlannedServer[];
  readonly actions: readonly PlannedAction[];
  readonly steps: readonly PlannedStep[];
}

export interface ModifyPlan {
  readonly kind: 'modify';
  readonly server: Ref;
  readonly deploymentId: string | null;
  readonly node: string | null;
  readonly instanceId: string | null;
  readonly change: {
    readonly cpus?: number;
    readonly memoryMb?: number;
    readonly grow?: { readonly disk: string; readonly gb: number };
    readonly addGb?: number;
    readonly parameters?: JsonObject;
    /** Id of the password that it is to have (passwords.ts). */
    readonly password?: string;
  };
  /** `Mem Size` -> `1 GB -> 2 GB`. */
  readonly delta: Readonly<Record<string, string>>;
  /** What it takes of quotas, and gives back where negative. */
  readonly more: { readonly cpus: number; readonly memoryMb: number; readonly diskGb: number };
}

/** What goes. A deployment all of whose servers go is uninstalled as a whole and deleted. */
export interface RemovePlan {
  readonly kind: 'remove';
  readonly servers: readonly Ref[];
  readonly resources: readonly Ref[];
  readonly deployments: readonly {
    readonly id: string;
    /** All that it has goes; else only these instances. */
    readonly whole: boolean;
    /** What goes with it. Its `id` is empty where nothing of it was built. */
    readonly resource: Ref | null;
    readonly instances: readonly { readonly id: string; readonly server: number; readonly node: string }[];
  }[];
}

export interface ActPlan {
  readonly kind: 'act';
  readonly on: 'server' | 'resource';
  readonly target: Ref;
  readonly task: ActionTask;
  /** The node of which there are to be more, or fewer; null: nothing is scaled. */
  readonly scaled: string | null;
  /** One for each server that there is to be. */
  readonly takes: readonly {
    readonly environment: number | null;
    readonly account: number | null;
    readonly cpus: number;
    readonly memoryMb: number;
    readonly diskGb: number;
    readonly cost: number;
  }[];
}

export type ItemPlan = BuildPlan | ModifyPlan | RemovePlan | ActPlan;
