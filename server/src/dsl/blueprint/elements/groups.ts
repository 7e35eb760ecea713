/** `groups`: nodes and groups under one name. */
import { isObject } from '../../json.js';
import type { JsonObject, PlanGroup } from '../../plan.js';
import type { Entry, Section } from '../entry.js';
import { CODE } from '../report.js';
import { dict, items, record, type Shape, type ShapeCheck, table, text } from '../shape.js';

export const groupShape: Shape = record({
  members: { shape: items(text), required: true },
  policies: {
    shape: table(
      record({
        type: { shape: text, required: true },
        properties: { shape: dict },
        triggers: {
          shape: table(record({ type: { shape: text, required: true }, parameters: { shape: dict } })),
        },
      }),
    ),
  },
});

export function readGroups(
  groups: Section,
  nodes: Section,
  policyTypes: Section,
  policyTriggers: Section,
  check: ShapeCheck,
): Map<string, PlanGroup> {
  const read = new Map<string, PlanGroup>();
  for (const entry of groups.values()) {
    const raw: JsonObject = isObject(entry.value) ? entry.value : {};
    if (nodes.has(entry.name)) {
      check.report.error(
        entry.place,
        CODE.groupNamedAsNode,
        `Group '${entry.name}' has the name of a node template`,
      );
    }
    const written = Array.isArray(raw.members) ? raw.members : [];
    if (written.length === 0)
      check.report.error(entry.place, CODE.format, `Group '${entry.name}' needs at least one member`);
    for (const [index, member] of written.entries()) {
      if (typeof member !== 'string' || nodes.has(member) || groups.has(member)) continue;
      const place = entry.place.at('members', index);
      check.report.error(
        place,
        CODE.groupMember,
        `Member '${member}' of group '${entry.name}' is neither a node template nor a group${check.report.meant(member, names(nodes, groups))}`,
      );
    }
    const members = [...new Set(written.filter((each) => typeof each === 'string'))];
    const policies = isObject(raw.policies) ? raw.policies : {};
    checkPolicies(entry, policies, policyTypes, policyTriggers, check);
    read.set(entry.name, { members, policies });
  }
  return read;
}

function* names(nodes: Section, groups: Section): Iterable<string> {
  yield* nodes.keys();
  yield* groups.keys();
}

function checkPolicies(
  group: Entry,
  policies: JsonObject,
  policyTypes: Section,
  policyTriggers: Section,
  check: ShapeCheck,
): void {
  for (const name in policies) {
    const policy = policies[name]!;
    if (!isObject(policy)) continue;
    const place = group.place.at('policies', name);
    const type = policy.type;
    if (typeof type === 'string' && !policyTypes.has(type)) {
      check.report.error(
        place.at('type'),
        CODE.policyType,
        `Policy '${name}' of group '${group.name}' is of unknown type '${type}'${check.report.meant(type, policyTypes.keys())}`,
      );
    }
    const triggers = isObject(policy.triggers) ? policy.triggers : {};
    for (const key in triggers) {
      const trigger = triggers[key];
      const kind = isObject(trigger) ? trigger.type : undefined;
      if (typeof kind === 'string' && !policyTriggers.has(kind)) {
        check.report.error(
          place.at('triggers', key, 'type'),
          CODE.policyTrigger,
          `Trigger '${key}' is of unknown type '${kind}'${check.report.meant(kind, policyTriggers.keys())}`,
        );
      }
    }
  }
}
