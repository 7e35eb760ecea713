/** Which secrets a plan asks for, once its inputs are applied: `get_secret: {get_input: name}` has become a name by then. */
import { nameAndPath } from '../functions/definition.js';
import { visitFunctions } from '../functions.js';
import type { Json, OperationTable, Plan } from '../plan.js';

/** Each name once. A name that only a run can tell is not among them, nor is what no node uses of a type. */
export function secretsAsked(plan: Plan): string[] {
  const asked = new Asked();
  for (const node of plan.nodes) {
    asked.value(node.properties);
    asked.operations(plan.nodeTypes[node.type]?.operations ?? {}, node.operations);
    for (const relationship of node.relationships) {
      const type = plan.relationshipTypes[relationship.type];
      asked.value(relationship.properties);
      asked.operations(type?.sourceOperations ?? {}, relationship.sourceOperations);
      asked.operations(type?.targetOperations ?? {}, relationship.targetOperations);
    }
  }
  for (const { value } of [...Object.values(plan.outputs), ...Object.values(plan.capabilities)])
    asked.value(value);
  for (const { values } of Object.values(plan.labels)) asked.value(values as Json[]);
  asked.value(plan.resourceTags);
  asked.value(plan.settings);
  return [...asked.names];
}

class Asked {
  readonly names = new Set<string>();
  /** Names of the operations of a type that hold functions; types are shared by many nodes. */
  private readonly functional = new Map<OperationTable, readonly string[]>();

  value(value: Json): void {
    visitFunctions(value, (name, args) => {
      const [secret] = name === 'get_secret' ? nameAndPath(args) : [];
      if (typeof secret === 'string') this.names.add(secret);
    });
  }

  operations(ofType: OperationTable, own: OperationTable): void {
    for (const name in own) {
      if (own[name]!.hasFunctions) this.value(own[name]!.inputs);
    }
    let functional = this.functional.get(ofType);
    if (functional === undefined) {
      functional = Object.keys(ofType).filter((name) => ofType[name]!.hasFunctions);
      this.functional.set(ofType, functional);
    }
    for (const name of functional) {
      if (!Object.hasOwn(own, name)) this.value(ofType[name]!.inputs);
    }
  }
}
