/**
 * Workflows that cannot be planned in one piece, because what comes next depends on what came of it so far: a heal on
 * its checks, a failed scale on its failure, an update on drift.
 *
 * Such a workflow is a pure function from the situation to its next stage. A stage is planned when the one before is
 * over, and stored with the changes it makes to the deployment in one transaction; from then on it is part of the stored
 * graph, and the truth. Killed at any moment, the execution goes on in the stage that is stored last.
 */
import type { JsonObject } from '../../dsl/plan.js';
import type { Change, StartedModification } from './changes.js';
import type { Stage, StageEnd, Task, TaskGraph } from './graph.js';
import type { DeploymentModel } from './model.js';
import type { Multiplicities } from './modification.js';
import type { PlannedUpdate } from './update-plan.js';
import type { Problem } from './workflows/workflow.js';

export interface Situation {
  /** As it is now. */
  readonly model: DeploymentModel;
  readonly parameters: JsonObject;
  readonly past: readonly PastStage[];
  readonly health: ReadonlyMap<string, InstanceHealth>;
  readonly multiplicities: Multiplicities;
  /** The modification of the deployment that was started and has not ended. */
  readonly modification: StartedModification | null;
  /** What the execution updates the deployment to. */
  readonly update: PlannedUpdate | null;
  /** Executions that this one has started on deployments inside its own, once they have ended. */
  readonly children: readonly ChildEnd[];
  /** A random suffix for a new instance's id. */
  newSuffix(): string;
}

export interface PastStage extends StageEnd {
  readonly name: string;
  readonly memo: JsonObject;
}

export interface ChildEnd {
  /** Ids. */
  readonly deployment: string;
  readonly execution: string;
  /** It did not reach its end, and something of the deployment is still installed. */
  readonly failed: boolean;
  readonly error: string;
}

/** What checks left on an instance; `task` null: nothing was run to find out. */
export interface InstanceHealth {
  readonly status: Finding | null;
  readonly drift: Finding | null;
  /** Instances at the other end of relationships that have drifted, or could not be checked, on this side. */
  readonly driftedTo: ReadonlySet<string>;
  readonly driftedFrom: ReadonlySet<string>;
}

export interface Finding {
  readonly ok: boolean;
  readonly task: string | null;
  /** Empty in the sense of Python's truth. */
  readonly empty: boolean;
}

/** The next stage; ids of its tasks count from 0. */
export interface Step {
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly tolerant?: boolean;
  readonly memo?: JsonObject;
  /**
   * The same workflow is started on every deployment inside this one, with the same parameters; the stage begins when
   * those executions have ended, however.
   */
  readonly children?: boolean;
  /** Written with the graph, in one transaction. */
  readonly changes?: readonly Change[];
}

/** Null: done. A problem: the execution fails with it. */
export type NextStep = (situation: Situation) => Step | Problem | null;

/** The stage that is being walked; undefined for a graph that was planned in one piece. */
export function openStage(graph: TaskGraph): Stage | undefined {
  return graph.stages?.at(-1);
}

/** What of the graph may still be walked begins here. */
export function firstOpen(graph: TaskGraph): number {
  return openStage(graph)?.from ?? 0;
}

export function pastOf(graph: TaskGraph | null): PastStage[] {
  return (graph?.stages ?? []).flatMap(({ name, memo, ended }) =>
    ended === undefined ? [] : [{ name, memo, ...ended }],
  );
}

/** The graph, knowing how its open stage has ended. */
export function endStage(graph: TaskGraph, ended: StageEnd): TaskGraph {
  const stages = graph.stages ?? [];
  return {
    ...graph,
    stages: [...stages.slice(0, -1), ...stages.slice(-1).map((last) => ({ ...last, ended }))],
  };
}

/** The graph with one stage more. */
export function withStage(graph: TaskGraph | null, workflow: string, step: Step): TaskGraph {
  const tasks = graph?.tasks ?? [];
  const from = tasks.length;
  const shifted = step.tasks.map((task) => ({
    ...task,
    id: task.id + from,
    dependsOn: task.dependsOn.map((id) => id + from),
  }));
  const stage: Stage = {
    name: step.name,
    from,
    tolerant: step.tolerant === true,
    memo: step.memo ?? {},
    ...(step.children === true ? { awaitsChildren: true } : {}),
  };
  return { ...graph, workflow, tasks: [...tasks, ...shifted], stages: [...(graph?.stages ?? []), stage] };
}
