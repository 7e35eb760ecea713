/**
 * Values that name objects of the system (deployments, nodes, …) against what there is (cloudify-engine.md, part 2).
 *
 * Whoever gives such a value names something: it must be there, visible to who gives it, and keep the filters among the
 * constraints. Nodes, types, instances, scaling groups and capabilities are looked for in the deployment that a constraint
 * names, else in the one at hand. A few queries, however many values there are.
 *
 * Left to who uses it: names of operations, and a capability whose value only an evaluation tells. Values that are still
 * functions are not looked at.
 */
import type { TenantScope } from '../caller.js';
import { hasFunction } from '../dsl/functions.js';
import { shown } from '../dsl/json.js';
import { type AskedObject, askedObjects, fitsPattern, type ObjectKind } from '../dsl/objects.js';
import type { InputDefinition, Json, JsonObject, Plan, ValueDefinition } from '../dsl/plan.js';
import type { ValueProblem } from '../dsl/values.js';
import { DomainError } from '../errors.js';
import type { FilterRule } from '../filters/filter-rules.js';
import { storedRules } from '../filters/filters.js';
import { matches } from '../filters/matching.js';
import type { DeploymentUid, TenantId } from '../ids.js';
import type { Queryable } from '../store/statement.js';
import {
  blueprintsNamed,
  deploymentsNamed,
  instancesNamed,
  type NamedObject,
  nodesNamed,
  partsOfDeployment,
  secretsNamed,
} from './object-values.store.js';

/** Where what is not of the whole tenant is looked for: a deployment, or the plan of one that is to be. */
export type Here =
  | { readonly uid: DeploymentUid; readonly id: string }
  | Pick<Plan, 'nodes' | 'nodeTypes' | 'scalingGroups'>;

/** What of one deployment is looked for. */
interface Place {
  /** Those of `names` that it has; null: it cannot be told here. */
  having(kind: ObjectKind, names: readonly Json[]): Promise<readonly Json[] | null>;
}

const IN_TENANT: Readonly<Partial<Record<ObjectKind, typeof blueprintsNamed>>> = {
  blueprint: blueprintsNamed,
  deployment: deploymentsNamed,
  secret: secretsNamed,
};
/** Values looked up at once; deployments looked into. */
const MOST_VALUES = 1000;
const MOST_PLACES = 50;

/** @throws DomainError `invalid` (`reason`) naming each value that names nothing, and what would be right */
export async function requireObjects(
  db: Queryable,
  scope: TenantScope,
  definitions: Readonly<Record<string, InputDefinition>>,
  values: JsonObject,
  { here, reason, what }: { readonly here: Here; readonly reason: string; readonly what: string },
): Promise<void> {
  const asked = askedObjects(definitions, values);
  if (asked.length === 0) return;
  const problems =
    asked.length > MOST_VALUES
      ? [problem(asked[0]!, `at most ${MOST_VALUES} names of objects are accepted, not ${asked.length}`)]
      : [...(await tenantProblems(db, scope, asked)), ...(await placeProblems(db, scope, asked, here))];
  if (problems.length === 0) return;
  throw new DomainError('invalid', reason, problems.map(({ message }) => `${what} ${message}`).join('; '), {
    details: { problems },
  });
}

async function tenantProblems(
  db: Queryable,
  scope: TenantScope,
  asked: readonly AskedObject[],
): Promise<ValueProblem[]> {
  const problems: ValueProblem[] = [];
  const rules = new Map<string, Promise<readonly FilterRule[] | null>>();
  const rulesOf = (kind: ObjectKind, id: string) => {
    const collection = kind === 'blueprint' ? 'blueprints' : 'deployments';
    const key = `${collection} ${id}`;
    const asking = rules.get(key) ?? storedRules(db, scope, collection, id);
    rules.set(key, asking);
    return asking;
  };
  for (const [kind, named] of Object.entries(IN_TENANT)) {
    const those = asked.filter((one) => one.kind === kind);
    const names = [...new Set(those.map(({ value }) => value).filter((value) => typeof value === 'string'))];
    if (those.length === 0) continue;
    const rows = await named.all(db, scope.tenantId, [names, scope.userId, scope.seesPrivate]);
    for (const one of those) {
      const found = rows.find(({ id }) => id === one.value);
      if (found === undefined) problems.push(problem(one, `names no ${kind} that there is`));
      else {
        const broken = await brokenFilter(one, found, rulesOf);
        if (broken !== null) problems.push(problem(one, `names a ${kind} that ${broken}`));
      }
    }
  }
  return problems;
}

/** The first filter among the constraints that the object does not keep; null: it keeps all. */
async function brokenFilter(
  { kind, filters }: AskedObject,
  found: NamedObject,
  rulesOf: (kind: ObjectKind, id: string) => Promise<readonly FilterRule[] | null>,
): Promise<string | null> {
  const { tenants, labels, stored } = filters;
  if (![found.id, found.name].some((name) => fitsPattern(name, filters))) {
    return `is not named as it must be: ${shown([...filters.patterns])}`;
  }
  if (tenants !== null && !tenants.includes(found.attributes.tenantName ?? '')) {
    return `is in none of the tenants ${shown([...tenants])}`;
  }
  const lacking = labels.find((label) => !carries(found, label));
  if (lacking !== undefined) return `has not the label ${lacking.key}: ${lacking.values.join(' or ')}`;
  if (stored === null || kind === 'secret') return null;
  const rules = await rulesOf(kind, stored);
  if (rules === null) return `is to be of the filter ${shown(stored)}, which does not exist`;
  return matches(rules, found) ? null : `is not of the filter ${shown(stored)}`;
}

async function placeProblems(
  db: Queryable,
  scope: TenantScope,
  asked: readonly AskedObject[],
  here: Here,
): Promise<ValueProblem[]> {
  const problems: ValueProblem[] = [];
  const groups = new Map<string, { place: string | null; kind: ObjectKind; all: AskedObject[] }>();
  for (const one of asked) {
    const { kind, filters } = one;
    if (kind in IN_TENANT || filters.deployment === 'unknown') continue;
    if (kind !== 'capability value' && !fitsPattern(String(one.value), filters)) {
      problems.push(problem(one, `is no ${kind} named as it must be: ${shown([...filters.patterns])}`));
      continue;
    }
    const place = filters.deployment?.id ?? null;
    const key = JSON.stringify([place, kind]);
    const group = groups.get(key) ?? { place, kind, all: [] };
    group.all.push(one);
    groups.set(key, group);
  }
  const ids = [...new Set([...groups.values()].flatMap(({ place }) => (place === null ? [] : [place])))];
  if (ids.length > MOST_PLACES) {
    const first = [...groups.values()][0]!.all[0]!;
    return [problem(first, `and others: at most ${MOST_PLACES} deployments are looked into`)];
  }
  const rows =
    ids.length === 0
      ? []
      : await deploymentsNamed.all(db, scope.tenantId, [ids, scope.userId, scope.seesPrivate]);
  for (const { place, kind, all } of groups.values()) {
    const row = rows.find(({ id }) => id === place);
    if (place !== null && row === undefined) {
      problems.push(problem(all[0]!, `is to be looked for in deployment ${place}, which does not exist`));
      continue;
    }
    const where =
      row === undefined ? placeHere(db, scope.tenantId, here) : inDeployment(db, row.tenantId, row.uid);
    const names = [...new Map(all.map(({ value }) => [JSON.stringify(value), value])).values()];
    const found = await where.having(kind, names);
    if (found === null) {
      problems.push(problem(all[0]!, `is a ${kind}, and no constraint says of which deployment`));
      continue;
    }
    const known = new Set(found.map((value) => JSON.stringify(value)));
    for (const one of all) {
      if (known.has(JSON.stringify(one.value))) continue;
      const whose = place ?? ('uid' in here ? here.id : null);
      problems.push(
        problem(one, `is no ${kind} of ${whose === null ? 'the blueprint' : `deployment ${whose}`}`),
      );
    }
  }
  return problems;
}

function placeHere(db: Queryable, tenant: TenantId, here: Here): Place {
  if ('uid' in here) return inDeployment(db, tenant, here.uid);
  const nodes = new Set(here.nodes.map(({ name }) => name));
  return {
    having: async (kind, names) => {
      if (kind === 'node') return names.filter((name) => nodes.has(String(name)));
      if (kind === 'node type') return typesAmong(names, here.nodeTypes);
      if (kind === 'scaling group')
        return names.filter((name) => Object.hasOwn(here.scalingGroups, String(name)));
      return null;
    },
  };
}

function inDeployment(db: Queryable, tenant: TenantId, uid: DeploymentUid): Place {
  return {
    having: async (kind, names) => {
      const texts = names.filter((name) => typeof name === 'string');
      if (kind === 'node' || kind === 'node instance') {
        const statement = kind === 'node' ? nodesNamed : instancesNamed;
        return (await statement.all(db, tenant, [uid, texts])).map(({ name }) => name);
      }
      const parts = await partsOfDeployment.one(db, tenant, [uid]);
      if (parts === null) return [];
      if (kind === 'node type') return typesAmong(names, parts.types.nodeTypes);
      if (kind === 'scaling group') return texts.filter((name) => Object.hasOwn(parts.groups, name));
      return valuesAmong(names, Object.values(parts.capabilities));
    },
  };
}

function typesAmong(names: readonly Json[], types: Plan['nodeTypes']): Json[] {
  const known = new Set(Object.values(types).flatMap(({ hierarchy }) => hierarchy));
  return names.filter((name) => known.has(String(name)));
}

function valuesAmong(values: readonly Json[], capabilities: readonly ValueDefinition[]): readonly Json[] {
  if (capabilities.some(({ value }) => hasFunction(value))) return values;
  const known = new Set(capabilities.map(({ value }) => JSON.stringify(value)));
  return values.filter((value) => known.has(JSON.stringify(value)));
}

function carries(
  { labels }: NamedObject,
  { key, values }: AskedObject['filters']['labels'][number],
): boolean {
  return labels.some((label) => label.key === key && values.includes(label.value));
}

function problem({ input, value }: AskedObject, why: string): ValueProblem {
  return { name: input, kind: 'constraint', message: `'${input}': ${shown(value)} ${why}` };
}
