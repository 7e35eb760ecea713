/** What a workflow is to the engine, and the parameters most of them share. */
import type { JsonObject } from '../../../dsl/plan.js';
import type { TaskGraph } from '../graph.js';
import type { DeploymentModel, InstanceModel } from '../model.js';
import { Operations } from '../operations.js';

/** Why no graph can be built: for the person who started the execution. */
export interface Problem {
  readonly problem: string;
}

/** From a picture of the deployment and the execution's parameters to what will be done. Pure. */
export type BuildGraph = (model: DeploymentModel, parameters: JsonObject) => TaskGraph | Problem;

/** Which instances a workflow is about: those that match every filter that is not empty. */
export interface Selection {
  has(instance: InstanceModel): boolean;
}

/** Reads `type_names` (matched against whole hierarchies), `node_ids` and `node_instance_ids`. */
export function select(model: DeploymentModel, parameters: JsonObject): Selection | Problem {
  const types = names(parameters, 'type_names');
  const nodes = names(parameters, 'node_ids');
  const instances = names(parameters, 'node_instance_ids');
  for (const filter of [types, nodes, instances]) if ('problem' in filter) return filter;
  const [ofType, ofNode, ofId] = [types, nodes, instances] as [NameSet, NameSet, NameSet];
  if (ofType.size + ofNode.size + ofId.size === 0) return { has: () => true };

  const operations = new Operations(model);
  const nodeMatches = new Map<string, boolean>();
  const matches = (instance: InstanceModel) => {
    let answer = nodeMatches.get(instance.node);
    if (answer === undefined) {
      answer =
        (ofNode.size === 0 || ofNode.has(instance.node)) &&
        (ofType.size === 0 || operations.hierarchy(instance).some((type) => ofType.has(type)));
      nodeMatches.set(instance.node, answer);
    }
    return answer;
  };
  return { has: (instance) => (ofId.size === 0 || ofId.has(instance.id)) && matches(instance) };
}

/** A parameter that is true or false; false when it is absent. */
export function flag(parameters: JsonObject, name: string, otherwise = false): boolean | Problem {
  const value = own(parameters, name);
  if (value === undefined || value === null) return otherwise;
  return typeof value === 'boolean' ? value : { problem: `Parameter "${name}" must be of type boolean` };
}

/** A parameter that is a dictionary; empty when it is absent. */
export function dictionary(parameters: JsonObject, name: string): { value: JsonObject } | Problem {
  const value = own(parameters, name);
  if (value === undefined || value === null) return { value: {} };
  if (typeof value !== 'object' || Array.isArray(value))
    return { problem: `Parameter "${name}" must be of type dict` };
  return { value };
}

export function own(parameters: JsonObject, name: string): JsonObject[string] | undefined {
  return Object.hasOwn(parameters, name) ? parameters[name] : undefined;
}

export const CIRCLE: Problem = {
  problem: 'The relationships of the node instances run in a circle, so there is no order to treat them in',
};

type NameSet = ReadonlySet<string>;

function names(parameters: JsonObject, name: string): NameSet | Problem {
  const value = own(parameters, name);
  if (value === undefined || value === null) return new Set();
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string')) {
    return { problem: `Parameter "${name}" must be a list of strings` };
  }
  return new Set(value as string[]);
}
