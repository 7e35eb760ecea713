/** `workflows`: what can be run on a deployment, with which parameters and when. */
import { isObject } from '../../json.js';
import type { InputDefinition, Json, JsonObject, PlanWorkflow } from '../../plan.js';
import { completeValue, type DataTypes } from '../../values.js';
import type { Entry } from '../entry.js';
import type { Implementations } from '../implementation.js';
import { CODE } from '../report.js';
import { flag, items, oneOf, record, type Shape, type ShapeCheck, table, text, textOr } from '../shape.js';
import { checkConstraints, checkItemType, parameterShape } from './inputs.js';
import { checkSchema, readSchema } from './property-schema.js';

export const workflowShape: Shape = textOr(
  record({
    mapping: { shape: text, required: true },
    parameters: { shape: table(parameterShape) },
    is_cascading: { shape: flag },
    availability_rules: {
      shape: record({
        available: { shape: flag },
        node_instances_active: { shape: items(oneOf('all', 'partial', 'none')) },
        node_types_required: { shape: items(text) },
      }),
      since: 4,
    },
  }),
);

export function readWorkflow(
  entry: Entry,
  implementations: Implementations,
  dataTypes: DataTypes,
  check: ShapeCheck,
): PlanWorkflow {
  const raw: JsonObject = isObject(entry.value) ? entry.value : { mapping: entry.value };
  const mapping = typeof raw.mapping === 'string' ? raw.mapping : '';
  const parameters = readParameters(raw.parameters, entry, dataTypes, check);
  const rest = {
    isCascading: raw.is_cascading === true,
    availability: readAvailability(raw.availability_rules),
  };
  const target = implementations.resolve(mapping);
  switch (target.kind) {
    case 'plugin':
      return { plugin: target.plugin, function: target.function, parameters, ...rest };
    case 'script': {
      if (Object.hasOwn(parameters, target.key)) {
        check.report.error(
          entry.place,
          CODE.scriptInputs,
          `Workflow '${entry.name}': '${target.key}' is set by the mapping and cannot be a parameter`,
        );
      }
      const script: InputDefinition = { default: target.value, description: 'The script the workflow runs' };
      return {
        plugin: target.plugin,
        function: 'script_runner.tasks.execute_workflow',
        parameters: { [target.key]: script, ...parameters },
        ...rest,
      };
    }
    case 'nothing':
      // Without any mapping the shape has been found wrong already.
      if (typeof raw.mapping === 'string')
        check.report.error(
          entry.place,
          CODE.workflowImplementation,
          `Workflow '${entry.name}' has no mapping`,
        );
      break;
    default: {
      const place = isObject(entry.value) ? entry.place.at('mapping') : entry.place;
      check.report.error(
        place,
        target.code ?? CODE.workflowImplementation,
        `${target.message} (workflow '${entry.name}')`,
      );
    }
  }
  return { plugin: '', function: '', parameters, ...rest };
}

function readParameters(
  raw: Json | undefined,
  entry: Entry,
  dataTypes: DataTypes,
  check: ShapeCheck,
): Record<string, InputDefinition> {
  const parameters: Record<string, InputDefinition> = {};
  if (!isObject(raw)) return parameters;
  for (const name in raw) {
    const parameter = completeSchema(readSchema(raw[name]!, true), name, dataTypes);
    parameters[name] = parameter;
    if (entry.bundled) continue;
    const place = entry.place.at('parameters', name);
    if (parameter.default !== null) checkSchema(parameter, name, entry.name, place, dataTypes, check);
    checkItemType(parameter, name, place, dataTypes, check);
    checkConstraints(parameter, name, place, dataTypes, check);
  }
  return parameters;
}

/** A default of a data type has what the type's own defaults add up to under it. */
function completeSchema(schema: InputDefinition, name: string, dataTypes: DataTypes): InputDefinition {
  const { type } = schema;
  if (type === undefined || !isObject(schema.default) || dataTypes.get(type) === undefined) return schema;
  const completed = completeValue(undefined, schema, name, dataTypes, { partial: true });
  return completed === undefined || 'message' in completed ? schema : { ...schema, default: completed.value };
}

function readAvailability(raw: Json | undefined): PlanWorkflow['availability'] {
  if (!isObject(raw)) return null;
  const { available, node_instances_active: active, node_types_required: types } = raw;
  return {
    ...(typeof available === 'boolean' ? { available } : {}),
    ...(Array.isArray(active) ? { instancesActive: active as ('all' | 'partial' | 'none')[] } : {}),
    ...(Array.isArray(types) ? { nodeTypesRequired: types as string[] } : {}),
  };
}
