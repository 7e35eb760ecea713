/** Which other deployments a prepared plan reads from: every `get_capability` that is left in it. Pure. */
import type { Json, PreparedPlan } from '../../dsl/plan.js';

export interface PlannedDependency {
  /** The place of the function in the plan, `nodes.web.properties.port.get_capability`. */
  readonly creator: string;
  /** Id of the other deployment, where it is written out. */
  readonly target: string | null;
  /** What names it, where a function must be evaluated for that. */
  readonly targetFunction: Json | null;
}

const FUNCTION = 'get_capability';
/** More than any plan needs; a bound for what is written per deployment. */
const MOST = 1000;

export function dependenciesOf(
  plan: Pick<PreparedPlan, 'nodes' | 'nodeTypes' | 'outputs' | 'capabilities' | 'workflows'>,
): readonly PlannedDependency[] {
  const found = new Map<string, PlannedDependency>();
  const look = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null || found.size >= MOST) return;
    if (Array.isArray(value)) {
      for (const [index, each] of value.entries()) look(each, `${path}[${index}]`);
      return;
    }
    const members = Object.entries(value);
    const args = members.length === 1 && members[0]![0] === FUNCTION ? members[0]![1] : undefined;
    if (Array.isArray(args) && args.length > 0) {
      const [target] = args as Json[];
      const creator = `${path}.${FUNCTION}`;
      const named = typeof target === 'string';
      found.set(creator, { creator, target: named ? target : null, targetFunction: named ? null : target! });
    }
    for (const [name, each] of members) look(each, `${path}.${name}`);
  };
  for (const node of plan.nodes) {
    const { name, properties, operations, relationships } = node;
    look(properties, `nodes.${name}.properties`);
    const inherited = plan.nodeTypes[node.type]?.operations ?? {};
    for (const [operation, { inputs }] of Object.entries({ ...inherited, ...operations })) {
      look(inputs, `nodes.${name}.operations.${operation}.inputs`);
    }
    for (const [index, relationship] of relationships.entries()) {
      look(relationship, `nodes.${name}.relationships[${index}]`);
    }
  }
  for (const [name, { value }] of Object.entries(plan.outputs)) look(value, `outputs.${name}.value`);
  for (const [name, { value }] of Object.entries(plan.capabilities))
    look(value, `capabilities.${name}.value`);
  look(plan.workflows, 'workflows');
  return [...found.values()];
}
