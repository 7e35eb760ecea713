/** A deployment as a walk sees it: its plan and instances, read once, and what it may ask while operations run. */
import type { Readable } from 'node:stream';
import type { Json, JsonObject, PlanNode, PlanPlugin, SharedTypes } from '../../dsl/plan.js';
import type { PluginPackage } from '../../plugins/plugin-package.js';
import type { InstanceModel } from '../planning/model.js';

export interface WalkedDeployment {
  readonly tenant: string;
  readonly id: string;
  readonly displayName: string;
  /** Username. */
  readonly creator: string;
  readonly resourceTags: JsonObject;
  readonly blueprintId: string;
  /** As of `TaskGraph`. */
  readonly spread: boolean;
  readonly types: SharedTypes;
  readonly nodes: ReadonlyMap<string, PlanNode>;
  readonly instances: ReadonlyMap<string, InstanceModel>;
  instanceCount(node: string): number;
  /** Reads nodes and instances again; gives the instances that there are now. */
  refresh(): Promise<readonly InstanceModel[]>;
  /** A file of the blueprint's archive. */
  resource(path: string): Promise<{ size: number; stream: Readable }>;
  /** Paths of the files in a folder of the blueprint's archive and below it. */
  resources(folder: string): Promise<readonly string[]>;
  /** What is uploaded under a plugin's package name, as the execution may use it; null: nothing. */
  pluginPackage(plugin: PlanPlugin): Promise<PluginPackage | null>;
  /** What puts an agent on a host when it is run there; null: that host wants none. Throws DomainError. */
  agentScript(host: string, properties: JsonObject): Promise<string | null>;
  /** Evaluates every intrinsic function in `value`. Throws DomainError `invalid`. */
  evaluate(
    value: Json,
    scope: {
      readonly self?: string;
      readonly source?: string;
      readonly target?: string;
      /** Told the value of each secret that goes into the answer. */
      readonly revealed?: (value: Json) => void;
    },
  ): Promise<Json>;
}
