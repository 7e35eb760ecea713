/** What a plan declares beside its nodes, told as Cloudify tells it: inputs, values, workflows, scaling, data types. */
import type {
  InputDefinition,
  Json,
  JsonObject,
  Plan,
  PlanWorkflow,
  Scaling,
  ValueDefinition,
} from '../../dsl/plan.js';

export type WireObject = Record<string, unknown>;

export function wireRequirements(requirements: Plan['requirements']): WireObject {
  return { secrets: requirements.secrets, parent_capabilities: requirements.parentCapabilities };
}

export function wireInput(input: InputDefinition): WireObject {
  return definedOnly({
    type: input.type,
    default: input.default,
    required: input.required,
    description: input.description,
    constraints: input.constraints,
    item_type: input.itemType,
    display_label: input.displayLabel,
    hidden: input.hidden,
    display: input.display,
  });
}

export function wireValue(definition: ValueDefinition): WireObject {
  return definedOnly({
    description: definition.description,
    value: definition.value,
    type: definition.type,
  });
}

export function wireWorkflow(workflow: PlanWorkflow): WireObject {
  return {
    plugin: workflow.plugin,
    operation: workflow.function,
    parameters: mapValues(workflow.parameters, wireInput),
    is_cascading: workflow.isCascading,
    availability_rules:
      workflow.availability === null
        ? null
        : definedOnly({
            available: workflow.availability.available,
            node_instances_active: workflow.availability.instancesActive,
            node_types_required: workflow.availability.nodeTypesRequired,
          }),
  };
}

export function wireScalingGroup(group: Plan['scalingGroups'][string]): WireObject {
  return { members: group.members, properties: scalingProperties(group.scaling) };
}

/** A policy as written, with the properties that its groups got from it complete. */
export function wirePolicy(policy: Json, groups: Plan['scalingGroups']): unknown {
  const { targets } = policy as { targets?: readonly string[] };
  const group = targets?.map((name) => groups[name]).find((each) => each !== undefined);
  return group === undefined
    ? policy
    : { ...(policy as JsonObject), properties: scalingProperties(group.scaling) };
}

export function wireDataType(type: Json): WireObject {
  const { properties, derivedFrom, description, version } = type as JsonObject;
  return {
    ...definedOnly({ derived_from: derivedFrom, description, version }),
    properties: mapValues(properties as Readonly<Record<string, InputDefinition>>, wireInput),
  };
}

/** `current` and `planned`: of a deployment that was scaled. */
export function scalingProperties(
  scaling: Scaling & { readonly current?: number; readonly planned?: number },
): WireObject {
  return {
    min_instances: scaling.min,
    max_instances: scaling.max,
    default_instances: scaling.default,
    current_instances: scaling.current ?? scaling.default,
    planned_instances: scaling.planned ?? scaling.default,
  };
}

export function mapValues<T>(table: Readonly<Record<string, T>>, map: (value: T) => unknown): WireObject {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, map(value)]));
}

export function definedOnly(members: Readonly<WireObject>): WireObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
