/** How nodes hang together: circles, and who is whose host. Linear, with stacks of its own. */
import { hostOperationIn, type NodeDraft } from './elements/node-templates.js';
import type { RelationshipType } from './elements/relationship-types.js';
import { CODE, type Report } from './report.js';

/** Reports relationships that form a circle (100). False when there is one. */
export function checkCircles(drafts: ReadonlyMap<string, NodeDraft>, report: Report): boolean {
  const done = new Set<string>();
  let sound = true;
  for (const start of drafts.keys()) {
    if (done.has(start)) continue;
    const trail: { name: string; next: number }[] = [{ name: start, next: 0 }];
    const open = new Set([start]);
    while (trail.length > 0) {
      const top = trail[trail.length - 1]!;
      const relationship = drafts.get(top.name)!.node.relationships[top.next++];
      if (relationship === undefined) {
        trail.pop();
        open.delete(top.name);
        done.add(top.name);
        continue;
      }
      const { target } = relationship;
      if (open.has(target)) {
        const names = trail.map((frame) => frame.name);
        const circle = [...names.slice(names.indexOf(target)), target];
        // A relationship to itself has its own diagnostic.
        if (circle.length > 2) {
          report.error(
            drafts.get(target)!.entry.place,
            CODE.cycle,
            `Circular dependency detected: ${shortened(circle)}`,
          );
        }
        sound = false;
      } else if (!done.has(target) && drafts.has(target)) {
        trail.push({ name: target, next: 0 });
        open.add(target);
      }
    }
  }
  return sound;
}

function shortened(circle: readonly string[]): string {
  if (circle.length <= 20) return circle.join(' --> ');
  return [...circle.slice(0, 10), `(${circle.length - 20} more)`, ...circle.slice(-10)].join(' --> ');
}

const AFTER_OPERATION = 'cloudify.relationships.depends_on_lifecycle_operation';

/** A node that waits for one lifecycle operation of another must name one that the other has (215). */
export function checkAwaitedOperations(
  drafts: ReadonlyMap<string, NodeDraft>,
  hierarchyOf: (relationshipType: string) => readonly string[],
  report: Report,
): void {
  for (const { node, entry } of drafts.values()) {
    for (const [index, { type, target, properties }] of node.relationships.entries()) {
      const awaited = properties.operation;
      const other = drafts.get(target);
      if (typeof awaited !== 'string' || other === undefined || !hierarchyOf(type).includes(AFTER_OPERATION))
        continue;
      const name = `cloudify.interfaces.lifecycle.${awaited}`;
      if (Object.hasOwn(other.node.operations, name) || other.type.declared.has(name)) continue;
      const message = `Node '${node.name}' waits for the lifecycle operation '${awaited}' of '${target}', which has none of that name`;
      report.error(
        entry.place.at('relationships', index, 'properties', 'operation'),
        CODE.awaitedOperation,
        message,
      );
    }
  }
}

/** Nodes that have an operation only a host's agent can run, theirs or of a relationship at either end: one for each. */
export function operationsForHosts(
  drafts: ReadonlyMap<string, NodeDraft>,
  typeOf: (relationshipType: string) => RelationshipType | null,
): Map<string, string> {
  const found = new Map<string, string>();
  const note = (node: string, operation: string | null) => {
    if (operation !== null && !found.has(node)) found.set(node, operation);
  };
  for (const { node, hostOperation } of drafts.values()) {
    note(node.name, hostOperation);
    for (const { type, target, sourceOperations, targetOperations } of node.relationships) {
      const needsHost = typeOf(type)?.needsHost === true ? typeOf(type)!.plan : null;
      note(node.name, hostOperationIn(needsHost?.sourceOperations ?? {}, sourceOperations));
      note(target, hostOperationIn(needsHost?.targetOperations ?? {}, targetOperations));
    }
  }
  return found;
}

/** The host of every node that has one: itself if it is one, else its container's. Needs relationships without circles. */
export function hostsOf(drafts: ReadonlyMap<string, NodeDraft>): Map<string, string> {
  const hosts = new Map<string, string | null>();
  for (const start of drafts.keys()) {
    const trail: string[] = [];
    let at: string | null = start;
    let host: string | null = null;
    while (at !== null) {
      const known = hosts.get(at);
      if (known !== undefined) {
        host = known;
        break;
      }
      const draft = drafts.get(at);
      if (draft === undefined) break;
      trail.push(at);
      if (draft.type.isHost) {
        host = at;
        break;
      }
      at = draft.container;
    }
    for (const name of trail) hosts.set(name, host);
  }
  const found = new Map<string, string>();
  for (const [name, host] of hosts) if (host !== null) found.set(name, host);
  return found;
}
