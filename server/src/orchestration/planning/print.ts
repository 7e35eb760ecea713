/**
 * A graph as text, for people and for tests:
 *
 *     install: 2 tasks
 *     0 host_1 lifecycle.create
 *       > creating, "Creating node instance"
 *       < created, "Node instance created"
 *     1 web_1 relationship_lifecycle.establish of 0 at target, after 0
 *
 * A line per task, then what it tells when it starts (`>`) and when it succeeds (`<`).
 */
import type { Effect, Keep, OperationCall, Task, TaskGraph } from './graph.js';

export function printGraph(graph: TaskGraph): string {
  const count = graph.tasks.length;
  const lines = [`${graph.workflow}: ${count === 1 ? '1 task' : `${count} tasks`}`];
  for (const task of graph.tasks) {
    lines.push(headOf(task));
    if (task.before.length > 0) lines.push(`  > ${effectsOf(task.before)}`);
    if (task.after.length > 0) lines.push(`  < ${effectsOf(task.after)}`);
  }
  return lines.join('\n');
}

function headOf(task: Task): string {
  const head = [String(task.id)];
  if (task.instance !== null) head.push(task.instance);
  head.push(task.call === null ? task.kind : nameOf(task.call));
  const parts = [head.join(' ')];
  if (task.dependsOn.length > 0) parts.push(`after ${task.dependsOn.join(' ')}`);
  if (task.onFailure === 'ignore') parts.push('failure ignored');
  if (task.onFailure === 'hold') parts.push('others go on after a failure');
  if (task.onFailure === 'leave') parts.push('left on failure');
  if (task.call?.until !== undefined) parts.push(`until ${task.call.until}`);
  if (task.call?.maxRetries !== undefined) parts.push(`${task.call.maxRetries} retries`);
  if (task.call?.keep !== undefined) parts.push(`kept as ${keptAs(task.call.keep)}`);
  if (task.call?.parameters !== undefined) {
    const verb = task.call.allowOverride === true ? 'overriding' : 'with';
    parts.push(`${verb} ${JSON.stringify(task.call.parameters)}`);
  }
  return parts.join(', ');
}

function nameOf(call: OperationCall): string {
  const name = call.operation.replace(/^cloudify\.interfaces\./, '');
  return call.side === 'node' ? name : `${name} of ${call.relationship} at ${call.side}`;
}

function effectsOf(effects: readonly Effect[]): string {
  return effects.map(wordOf).join(', ');
}

function wordOf(effect: Effect): string {
  switch (effect.kind) {
    case 'state':
      return effect.state;
    case 'event':
      return `"${effect.message}"`;
    case 'note':
      return `${effect.name} ${JSON.stringify(effect.value)}`;
  }
}

function keptAs({ instance, name, of }: Keep): string {
  return `${name}${of === undefined ? '' : ` of ${of}`} on ${instance}`;
}
