// Where two expanded plans differ. Null and absent are one. Not compared: what only describes types and parameters, where
// the sources of policies lie (nobody runs them), relationship types that no node uses (ours does not list them), the
// interfaces of relationship types (their operations are), and `has_intrinsic_functions`, which theirs only tells
// of a deployment. Scripts are named from the top of the archive by ours, from the blueprint's folder by theirs.

/** Parts of a plan that both tell. */
const PARTS = [
  'description',
  'metadata',
  'inputs',
  'outputs',
  'capabilities',
  'workflows',
  'groups',
  'scaling_groups',
  'policies',
  'policy_types',
  'policy_triggers',
  'data_types',
  'labels',
  'blueprint_labels',
  'resource_tags',
  'deployment_settings',
  'requirements',
  'imported_blueprints',
  'namespaces_mapping',
  'version',
  'relationships',
  'deployment_plugins_to_install',
  'host_agent_plugins_to_install',
  'workflow_plugins_to_install',
];
const NODE_PARTS = [
  'type',
  'type_hierarchy',
  'properties',
  'operations',
  'host_id',
  'capabilities',
  'plugins',
  'plugins_to_install',
  'deployment_plugins_to_install',
];
const RELATIONSHIP_PARTS = [
  'type',
  'target_id',
  'type_hierarchy',
  'properties',
  'source_operations',
  'target_operations',
];

/** `folder`: where in the archive the blueprint lies.
 * @returns {{ at: string, ours: string, theirs: string }[]} */
export function differences(expanded, parsed, folder = '') {
  const found = [];
  const ours = fromFolder(expanded, `${folder}/`);
  const theirs = fromFolder(parsed, './');
  const compare = (at, left, right) => deep(at, left ?? null, right ?? null, found);
  const used = Object.keys(ours.relationships);
  const known = Object.fromEntries(used.map((name) => [name, theirs.relationships?.[name]]));
  const other = { ...theirs, relationships: known };
  for (const part of PARTS) compare(part, normal(part, ours[part]), normal(part, other[part]));
  const left = byName(ours.nodes);
  const right = byName(theirs.nodes);
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(name), right.get(name)];
    if (one === undefined || other === undefined) {
      compare(`nodes.${name}`, one && 'there', other && 'there');
      continue;
    }
    for (const part of NODE_PARTS)
      compare(`nodes.${name}.${part}`, normal(part, one[part]), normal(part, other[part]));
    const [ownRelationships, otherRelationships] = [one.relationships, other.relationships];
    compare(`nodes.${name}.relationships.length`, ownRelationships.length, otherRelationships.length);
    ownRelationships.forEach((each, index) => {
      for (const part of RELATIONSHIP_PARTS) {
        compare(
          `nodes.${name}.relationships[${index}].${part}`,
          each[part],
          otherRelationships[index]?.[part],
        );
      }
    });
  }
  return found;
}

/** Lists whose order means nothing, sorted by name. */
function normal(part, value) {
  if (DESCRIBED.has(part)) return withoutWords(value);
  if (part === 'requirements')
    return { secrets: asSet(value?.secrets), parent: asSet(value?.parent_capabilities) };
  if (part === 'groups' || part === 'scaling_groups') return withMembersSorted(value);
  if (!Array.isArray(value) || !part.includes('plugins')) return value;
  return Object.fromEntries(value.map((each) => [`${each.name}/${each.executor}`, each]));
}

/** Theirs tells each mention. */
function asSet(list) {
  return [...new Set((list ?? []).map((each) => JSON.stringify(each)))].sort();
}

function withMembersSorted(groups) {
  return Object.fromEntries(
    Object.entries(groups ?? {}).map(([name, group]) => [
      name,
      { ...group, members: [...group.members].sort() },
    ]),
  );
}

const DESCRIBED = new Set(['workflows', 'relationships', 'data_types', 'policy_types', 'policy_triggers']);

function withoutWords(value) {
  if (Array.isArray(value)) return value.map(withoutWords);
  if (!isTable(value)) return value;
  const kept = Object.entries(value).filter(
    ([key, each]) => !UNCOMPARED.has(key) && (!WORDS.has(key) || typeof each !== 'string'),
  );
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutWords(each)]));
}

const WORDS = new Set(['description', 'source', 'name']);
const UNCOMPARED = new Set(['source_interfaces', 'target_interfaces']);

function byName(nodes) {
  return new Map(nodes.map((node) => [node.name, node]));
}

function deep(at, left, right, found) {
  if (left === right) return;
  if (isTable(left) && isTable(right)) {
    for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
      if (key === 'has_intrinsic_functions') continue;
      deep(`${at}.${key}`, left[key] ?? null, right[key] ?? null, found);
    }
    return;
  }
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
    for (const [index, each] of left.entries())
      deep(`${at}[${index}]`, each ?? null, right[index] ?? null, found);
    return;
  }
  if (JSON.stringify(left) === JSON.stringify(right)) return;
  found.push({ at, ours: shown(left), theirs: shown(right) });
}

function fromFolder(value, folder) {
  if (Array.isArray(value)) return value.map((each) => fromFolder(each, folder));
  if (!isTable(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      const path = key === 'script_path' ? (each?.default ?? each) : null;
      if (typeof path !== 'string') return [key, fromFolder(each, folder)];
      const shorter = (path.startsWith(folder) ? path.slice(folder.length) : path).replace(/^(\.\/)+/, '');
      return [key, typeof each === 'string' ? shorter : { ...each, default: shorter }];
    }),
  );
}

function isTable(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value) {
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}

/**
 * Differences that are meant, each with the rule that tells it; docs/blueprint-language.md says why.
 *
 * @type {readonly [name: string, holds: (found: { at: string, ours: string, theirs: string }, minor: number) => boolean][]}
 */
const MEANT = [
  [
    'a type in a mapping',
    ({ at, ours }) =>
      ours === 'null' && /operations\..+\.(?:inputs\.[^.]+\.type|inputs_types(?:\.[^.]+)?)$/.test(at),
  ],
  [
    'older base types',
    ({ at, theirs }, minor) => minor <= 2 && (theirs === 'null' || at === 'workflows.update'),
  ],
];

/** Which meant difference this is, in a blueprint of `cloudify_dsl_1_<minor>`; null: none of them. */
export function meantAs(found, minor) {
  return MEANT.find(([, holds]) => holds(found, minor))?.[0] ?? null;
}
