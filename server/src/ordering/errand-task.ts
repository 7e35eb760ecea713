/** What an errand does, as it is kept: on one deployment, by one execution. Plain data. */
import type { BuildPlan, ModifyPlan } from './order-items.js';

/** A server of an errand. `uid`: servers.uid; `id`: what its handler knows it by. */
export interface ErrandServer {
  readonly uid: number;
  readonly number: number;
  readonly id: string;
  readonly node: string;
  readonly hostname: string;
  readonly instanceId: string | null;
}

export type ErrandTask =
  | {
      readonly kind: 'build';
      /** Of the blueprint that is made for it, or that was uploaded. */
      readonly blueprintId: string;
      readonly plan: BuildPlan;
      readonly servers: readonly ErrandServer[];
      /** services.uid */
      readonly resource: number | null;
    }
  | { readonly kind: 'modify'; readonly plan: ModifyPlan; readonly server: ErrandServer }
  | {
      readonly kind: 'remove';
      /** The deployment goes too. */
      readonly whole: boolean;
      readonly servers: readonly ErrandServer[];
      readonly resource: number | null;
    }
  /** Begun by the run of its job (begin-runs.ts). */
  | { readonly kind: 'act'; readonly resource: number | null; readonly scaled: string | null };
