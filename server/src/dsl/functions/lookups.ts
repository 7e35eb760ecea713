/** Functions that speak of something else: inputs, nodes, secrets, other deployments. */
import { kindOf, shown } from '../json.js';
import type { Json, JsonObject } from '../plan.js';
import {
  checkList,
  checkText,
  EvaluationFailure,
  type FunctionDefinition,
  LATER,
  nameAndPath,
  need,
  take,
  text,
  walk,
} from './definition.js';

export const LOOKUP_FUNCTIONS: Readonly<Record<string, FunctionDefinition>> = {
  get_input: {
    since: 0,
    kind: 'hybrid',
    check: (args) => checkNamePath('get_input', args),
    evaluate: (args, call) => {
      const [first, ...path] = nameAndPath(args);
      const name = text('get_input', 'the input', first);
      const raw = take(
        need(call.lookup.input, 'get_input').call(call.lookup, name),
        () => `Unknown input '${name}'`,
      );
      if (raw === LATER) return LATER;
      const found = call.evaluateInput(raw, name, path);
      if (found === undefined) {
        throw new EvaluationFailure(
          `Input attribute '${path.map(String).join('.')}' of '${name}' doesn't exist`,
        );
      }
      return found;
    },
  },
  get_property: {
    since: 0,
    kind: 'hybrid',
    check: (args) => checkNodePath('get_property', args),
    evaluate: (args, call) => {
      const [first, second, ...path] = args as Json[];
      const node = call.node(text('get_property', 'the node', first));
      const name = text('get_property', 'the property', second);
      const where = () =>
        `Node template property '${[node, 'properties', name, ...path.map(String)].join('.')}' doesn't exist`;
      const raw = take(need(call.lookup.property, 'get_property').call(call.lookup, node, name), where);
      if (raw === LATER) return LATER;
      const found = call.evaluateProperty(raw, node, name, path);
      if (found === undefined) throw new EvaluationFailure(where());
      return found;
    },
  },
  get_attribute: {
    since: 0,
    kind: 'runtime',
    check: (args) => checkNodePath('get_attribute', args),
    evaluate: (args, call) => {
      const [first, second, ...path] = args as Json[];
      const node = call.node(text('get_attribute', 'the node', first));
      const name = text('get_attribute', 'the attribute', second);
      const found = need(call.lookup.attribute, 'get_attribute').call(call.lookup, node, name);
      if (found !== undefined) {
        const value = take(found, () => '');
        return value === LATER ? LATER : (walk(value, path) ?? null);
      }
      const property = call.lookup.property?.(node, name);
      if (property === undefined) return null;
      const raw = take(property, () => '');
      return raw === LATER ? LATER : (call.evaluateProperty(raw, node, name, path) ?? null);
    },
  },
  get_attributes_list: {
    since: 0,
    kind: 'runtime',
    check: (args) => checkNodePath('get_attributes_list', args),
    evaluate: (args, call) => {
      const [first, second, ...path] = args as Json[];
      const node = call.node(text('get_attributes_list', 'the node', first));
      const name = text('get_attributes_list', 'the attribute', second);
      const all = need(call.lookup.attributes, 'get_attributes_list').call(call.lookup, node, name);
      if ('later' in all) return LATER;
      if ('error' in all) throw new EvaluationFailure(all.error);
      return all.map(({ value }) => (value === undefined ? null : (walk(value, path) ?? null)));
    },
  },
  get_attributes_dict: {
    since: 0,
    kind: 'runtime',
    check: (args) => {
      checkList('get_attributes_dict', args, 2);
      checkText('get_attributes_dict', 'the node', args[0]);
    },
    evaluate: (args, call) => {
      const [first, ...wanted] = args as Json[];
      const node = call.node(text('get_attributes_dict', 'the node', first));
      const result: { [instance: string]: JsonObject } = {};
      const seen = new Set<string>();
      for (const each of wanted) {
        const [head, ...path] = nameAndPath(each);
        const name = text('get_attributes_dict', 'the attribute', head);
        const key = [name, ...path.map(String)].join('.');
        if (seen.has(key)) throw new EvaluationFailure(`get_attributes_dict: '${key}' is asked for twice`);
        seen.add(key);
        const all = need(call.lookup.attributes, 'get_attributes_dict').call(call.lookup, node, name);
        if ('later' in all) return LATER;
        if ('error' in all) throw new EvaluationFailure(all.error);
        for (const { instance, value } of all) {
          const entry = Object.hasOwn(result, instance) ? result[instance]! : {};
          entry[key] = value === undefined ? null : (walk(value, path) ?? null);
          result[instance] = entry;
        }
      }
      return result;
    },
  },
  get_secret: {
    since: 0,
    kind: 'runtime',
    check: (args) => checkNamePath('get_secret', args),
    evaluate: (args, call) => {
      const [first, ...path] = nameAndPath(args);
      const name = text('get_secret', 'the secret', first);
      const value = take(
        need(call.lookup.secret, 'get_secret').call(call.lookup, name),
        () => `Secret '${name}' doesn't exist in this tenant`,
      );
      if (value === LATER || path.length === 0) return value;
      const found = walk(typeof value === 'string' ? parsed(name, value) : value, path);
      // The value is a secret: the message names the keys, never what stands there.
      if (found === undefined)
        throw new EvaluationFailure(`Secret '${name}' has no '${path.map(String).join('.')}'`);
      return found;
    },
  },
  get_capability: {
    since: 0,
    kind: 'runtime',
    check: (args) => {
      checkList('get_capability', args, 2);
      checkText('get_capability', 'the deployment', args[0]);
      checkText('get_capability', 'the capability', args[1]);
    },
    evaluate: (args, call) => {
      const [first, second, ...path] = args as Json[];
      const deployment = text('get_capability', 'the deployment', first);
      const name = text('get_capability', 'the capability', second);
      const lookup = need(call.lookup.capability, 'get_capability');
      const value = take(
        lookup.call(call.lookup, deployment, name),
        () => `Requested capability '${name}' is not declared in deployment '${deployment}'`,
      );
      return value === LATER
        ? LATER
        : inside(value, path, `capability '${name}' of deployment '${deployment}'`);
    },
  },
  get_environment_capability: {
    since: 0,
    kind: 'runtime',
    check: (args) => checkNamePath('get_environment_capability', args),
    evaluate: (args, call) => {
      const [first, ...path] = nameAndPath(args);
      const name = text('get_environment_capability', 'the capability', first);
      const value = take(
        need(call.lookup.environmentCapability, 'get_environment_capability').call(call.lookup, name),
        () => `Requested capability '${name}' is not declared in the parent deployment`,
      );
      return value === LATER ? LATER : inside(value, path, `capability '${name}' of the parent deployment`);
    },
  },
  get_group_capability: {
    since: 0,
    kind: 'runtime',
    check: (args) => {
      checkList('get_group_capability', args, 2);
      checkText('get_group_capability', 'the group', args[0]);
    },
    evaluate: (args, call) => {
      const [first, wanted, ...path] = args as Json[];
      const group = text('get_group_capability', 'the group', first);
      const lookup = need(call.lookup.groupCapability, 'get_group_capability').bind(call.lookup);
      const byDeployment = typeof wanted === 'string' && wanted.startsWith('deployment_id:');
      const names = Array.isArray(wanted)
        ? wanted
        : [byDeployment ? wanted.slice('deployment_id:'.length) : wanted];
      const rows = new Map<string, Json[]>();
      for (const [index, each] of names.entries()) {
        const found = lookup(group, text('get_group_capability', 'the capability', each));
        if ('later' in found) return LATER;
        if ('error' in found) throw new EvaluationFailure(found.error);
        for (const { deployment, value } of found) {
          const row = rows.get(deployment) ?? names.map(() => null);
          row[index] = walk(value, path) ?? null;
          rows.set(deployment, row);
        }
      }
      if (byDeployment)
        return Object.fromEntries([...rows].map(([deployment, row]) => [deployment, row[0]!]));
      return Array.isArray(wanted) ? [...rows.values()] : [...rows.values()].map((row) => row[0]!);
    },
  },
  get_label: {
    since: 0,
    kind: 'runtime',
    check: (args) => {
      if (Array.isArray(args)) checkList('get_label', args, 1, 2);
      checkText('get_label', 'the key', nameAndPath(args)[0]);
    },
    evaluate: (args, call) => {
      const [first, index] = nameAndPath(args);
      const key = text('get_label', 'the key', first);
      const values = take(
        need(call.lookup.label, 'get_label').call(call.lookup, key),
        () => `The deployment has no label '${key}'`,
      );
      if (values === LATER || index === undefined) return values;
      const found = walk(values, [index]);
      if (found === undefined)
        throw new EvaluationFailure(`The label '${key}' has no value number ${shown(index)}`);
      return found;
    },
  },
  get_sys: {
    since: 0,
    kind: 'runtime',
    check: (args) => {
      checkList('get_sys', args, 2, 2);
      const [entity, property] = args;
      if (typeof entity !== 'string' || typeof property !== 'string') return;
      const known = Object.hasOwn(SYS, entity) ? SYS[entity] : undefined;
      if (known === undefined) {
        throw new EvaluationFailure(
          `get_sys function unable to determine entity: ${entity} (known: ${Object.keys(SYS).join(', ')})`,
        );
      }
      if (!known.includes(property)) {
        throw new EvaluationFailure(
          `get_sys function unable to determine property: ${entity} ${property} (known: ${known.join(', ')})`,
        );
      }
    },
    evaluate: (args, call) => {
      const [first, second] = args as Json[];
      const entity = text('get_sys', 'the entity', first);
      const property = text('get_sys', 'the property', second);
      return take(
        need(call.lookup.sys, 'get_sys').call(call.lookup, entity, property),
        () => `get_sys knows no ${entity} ${property}`,
      );
    },
  },
  get_consumers: {
    since: 0,
    kind: 'runtime',
    check: (args) => {
      if (typeof args === 'string' && !CONSUMERS.includes(args)) {
        throw new EvaluationFailure(`get_consumers takes one of ${CONSUMERS.join(', ')}, got '${args}'`);
      }
      checkText('get_consumers', 'the property', args);
    },
    evaluate: (args, call) => {
      const what = text('get_consumers', 'the property', args);
      return take(
        need(call.lookup.consumers, 'get_consumers').call(call.lookup, what),
        () => `get_consumers knows no '${what}'`,
      );
    },
  },
};

const SYS: Readonly<Record<string, readonly string[]>> = {
  tenant: ['name'],
  deployment: ['id', 'name', 'blueprint', 'owner'],
};
const CONSUMERS: readonly string[] = ['ids', 'names', 'count'];

function checkNamePath(name: string, args: Json): void {
  if (Array.isArray(args)) checkList(name, args, 1);
  else if (typeof args !== 'string' && kindOf(args) !== 'dict') {
    throw new EvaluationFailure(
      `Illegal arguments passed to ${name} function. Expected: a name or a list, got ${kindOf(args)}`,
    );
  }
  checkText(name, 'the name', nameAndPath(args)[0]);
}

function checkNodePath(name: string, args: Json): void {
  checkList(name, args, 2);
  checkText(name, 'the node', args[0]);
  if (typeof args[1] !== 'number') checkText(name, 'the name', args[1]);
}

function inside(value: Json, path: readonly Json[], of: string): Json {
  const found = walk(value, path);
  if (found === undefined)
    throw new EvaluationFailure(`There is no '${path.map(String).join('.')}' in ${of}`);
  return found;
}

function parsed(name: string, value: string): Json {
  try {
    return JSON.parse(value) as Json;
  } catch {
    throw new EvaluationFailure(`Secret '${name}' is not JSON, so nothing inside it can be asked for`);
  }
}
