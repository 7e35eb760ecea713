/** `policies` (scaling groups), and the kinds of old group policies, which are carried along but never run. */
import { isObject } from '../../json.js';
import type { Json, JsonObject, PlanGroup, PlanScalingGroup } from '../../plan.js';
import type { Section } from '../entry.js';
import { CODE } from '../report.js';
import { items, record, type Shape, type ShapeCheck, table, text } from '../shape.js';
import { propertySchema } from './property-schema.js';
import { readScaling, scalableProperties } from './scaling.js';

export const policyTypeShape: Shape = record({
  source: { shape: text, required: true },
  properties: { shape: table(propertySchema) },
});
export const policyTriggerShape: Shape = record({
  source: { shape: text, required: true },
  parameters: { shape: table(propertySchema) },
});
export const policyShape: Shape = record({
  type: { shape: text, required: true },
  properties: { shape: scalableProperties },
  targets: { shape: items(text), required: true },
});

const SCALING = 'cloudify.policies.scaling';

export function readScalingGroups(
  policies: Section,
  groups: ReadonlyMap<string, PlanGroup>,
  groupEntries: Section,
  containers: ReadonlyMap<string, string>,
  check: ShapeCheck,
): Map<string, PlanScalingGroup> {
  const { report } = check;
  const scaled = new Map<string, PlanScalingGroup>();
  for (const entry of policies.values()) {
    const raw: JsonObject = isObject(entry.value) ? entry.value : {};
    const type: Json | undefined = raw.type;
    if (typeof type === 'string' && type !== SCALING) {
      report.error(
        entry.place.at('type'),
        CODE.scalingPolicyType,
        `Policy '${entry.name}' is of type '${type}', but only ${SCALING} exists`,
      );
      continue;
    }
    const targets = Array.isArray(raw.targets) ? raw.targets : [];
    if (targets.length === 0)
      report.error(entry.place, CODE.scalingNoTargets, `Policy '${entry.name}' needs at least one target`);
    const properties = isObject(raw.properties) ? raw.properties : {};
    const scaling = readScaling(properties, entry.place.at('properties'), report);
    for (const [index, target] of targets.entries()) {
      if (typeof target !== 'string') continue;
      const group = groups.get(target);
      if (group === undefined) {
        const place = entry.place.at('targets', index);
        report.error(
          place,
          CODE.scalingTarget,
          `Target '${target}' of policy '${entry.name}' is not a group${report.meant(target, groups.keys())}`,
        );
      } else scaled.set(target, { members: group.members, scaling });
    }
  }
  if (scaled.size === 0) return scaled;
  const parents = checkNesting(scaled, groupEntries, check);
  if (report.failed) return scaled;
  checkContainers(scaled, groupEntries, containers, check);
  return parents === null ? scaled : withoutContained(scaled, containers);
}

/** Circles (200) and members of two scaling groups (201). The scaling group that holds each member. */
function checkNesting(
  scaled: ReadonlyMap<string, PlanScalingGroup>,
  entries: Section,
  check: ShapeCheck,
): Map<string, string> | null {
  const parents = new Map<string, string>();
  for (const [name, { members }] of scaled) {
    for (const member of members) {
      const other = parents.get(member);
      if (other !== undefined && other !== name) {
        check.report.error(
          entries.get(name)!.place,
          CODE.scalingMemberTwice,
          `'${member}' is a member of the scaling groups '${other}' and '${name}': only one may hold it directly`,
        );
      } else parents.set(member, name);
    }
  }
  const sound = new Set<string>();
  for (const start of scaled.keys()) {
    const trail = new Set<string>();
    let at: string | undefined = start;
    while (at !== undefined && !sound.has(at) && !trail.has(at)) {
      trail.add(at);
      at = parents.get(at);
    }
    if (at !== undefined && trail.has(at)) {
      const circle = [...trail].slice([...trail].indexOf(at));
      const path = [...circle, at].join(' --> ');
      check.report.error(
        entries.get(start)!.place,
        CODE.scalingCycle,
        `Scaling groups hold each other: ${path}`,
      );
    }
    for (const each of trail) sound.add(each);
  }
  return parents;
}

/** Members of one group that sit in containers must share one, or contain each other (202). */
function checkContainers(
  scaled: ReadonlyMap<string, PlanScalingGroup>,
  entries: Section,
  containers: ReadonlyMap<string, string>,
  check: ShapeCheck,
): void {
  for (const [name, { members }] of scaled) {
    const nodes = leavesOf(members, scaled);
    const isInside = insideOf(new Set(nodes), containers);
    const outer = new Set<string>();
    for (const node of nodes) if (!isInside(node)) outer.add(containers.get(node) ?? 'no container');
    if (outer.size <= 1) continue;
    const message = `The members of scaling group '${name}' do not share a container (${[...outer].slice(0, 10).join(', ')})`;
    check.report.error(entries.get(name)!.place, CODE.scalingContainers, message);
  }
}

/** Whether a node is contained, at any distance, in one of the members. Each node on the way is asked once. */
function insideOf(
  members: ReadonlySet<string>,
  containers: ReadonlyMap<string, string>,
): (node: string) => boolean {
  const known = new Map<string, boolean>();
  return (node) => {
    const trail: string[] = [];
    let at: string | undefined = node;
    let inside = false;
    // Containers in a circle are reported elsewhere; here they only must not be walked for ever.
    while (at !== undefined && !known.has(at) && trail.length <= containers.size) {
      trail.push(at);
      at = containers.get(at);
      if (at !== undefined && members.has(at)) {
        inside = true;
        break;
      }
    }
    if (!inside && at !== undefined) inside = known.get(at) ?? false;
    for (const each of trail) known.set(each, inside);
    return inside;
  };
}

function leavesOf(members: readonly string[], scaled: ReadonlyMap<string, PlanScalingGroup>): string[] {
  const leaves: string[] = [];
  const seen = new Set<string>();
  const stack = [...members];
  while (stack.length > 0) {
    const member = stack.pop()!;
    if (seen.has(member)) continue;
    seen.add(member);
    const group = scaled.get(member);
    if (group === undefined) leaves.push(member);
    else stack.push(...group.members);
  }
  return leaves;
}

/** A node contained in another member scales with it, so it is no member of its own. */
function withoutContained(
  scaled: ReadonlyMap<string, PlanScalingGroup>,
  containers: ReadonlyMap<string, string>,
): Map<string, PlanScalingGroup> {
  const kept = new Map<string, PlanScalingGroup>();
  for (const [name, group] of scaled) {
    const isInside = insideOf(new Set(group.members), containers);
    const members = group.members.filter((member) => !isInside(member));
    kept.set(name, members.length === group.members.length ? group : { ...group, members });
  }
  return kept;
}
