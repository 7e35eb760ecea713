/** Events of packs as JSON text, in the words of a dialect: what `store/item-text.ts` has PostgreSQL write of rows. Pure. */
import type { Shape, Shown } from '../store/item-text.js';
import type { EventField, Names } from './events.store.js';
import type { Opened, Texts } from './opening.js';

type Value = (event: Opened, names: Names) => string | number | null;

const pick = (texts: Texts, at: number) => texts?.[at] ?? null;

/** As they are; but `at` and `recordedAt` as they are told, and `errorCauses` as JSON text. */
const VALUES: Readonly<Record<EventField, Value>> = {
  id: ({ id }) => id,
  kind: ({ pack, word }) => (pick(pack.row.levels, word) === null ? 'event' : 'log'),
  type: ({ pack, word }) => pick(pack.row.types, word),
  level: ({ pack, word }) => pick(pack.row.levels, word),
  logger: ({ pack, word }) => pick(pack.row.loggers, word),
  message: ({ pack, word }) => pick(pack.row.messages, word),
  operation: ({ pack, word }) => pick(pack.row.operations, word),
  nodeName: ({ pack, place }) => pick(pack.row.nodes, place),
  nodeInstanceId: ({ pack, place }) => pick(pack.row.instances, place),
  sourceId: ({ pack, place }) => pick(pack.row.sources, place),
  targetId: ({ pack, place }) => pick(pack.row.targets, place),
  errorCauses: ({ pack, word }) => pick(pack.row.causes, word),
  at: ({ pack, micros }) => `${pack.secondText}.${String(Math.floor(micros / 1000)).padStart(3, '0')}Z`,
  recordedAt: ({ pack }) => pack.recordedAt,
  executionId: (_, names) => names.executionId,
  executionGroupId: (_, names) => names.executionGroupId,
  workflow: (_, names) => names.workflow,
  deploymentId: (_, names) => names.deploymentId,
  deploymentDisplayName: (_, names) => names.deploymentDisplayName,
  blueprintId: (_, names) => names.blueprintId,
  visibility: (_, names) => names.visibility,
  tenantName: (_, names) => names.tenantName,
  createdBy: (_, names) => names.createdBy,
};

/** A JSON array. */
export function itemsText(
  events: readonly Opened[],
  shape: Shape<EventField>,
  namesOf: (event: Opened) => Names,
): string {
  const members = Object.entries(shape).map(([wire, shown], at) => ({
    literal: `${at === 0 ? '{' : ','}${JSON.stringify(wire)}:`,
    write: writerOf(shown),
  }));
  let text = '[';
  let separator = '';
  for (const event of events) {
    const names = namesOf(event);
    text += separator;
    separator = ',';
    for (const { literal, write } of members) text += literal + write(event, names);
    text += members.length === 0 ? '{}' : '}';
  }
  return `${text}]`;
}

function writerOf(shown: Shown<EventField>): (event: Opened, names: Names) => string {
  if (typeof shown === 'string') {
    const value = VALUES[shown];
    if (shown === 'errorCauses') return (event, names) => String(value(event, names));
    return (event, names) => JSON.stringify(value(event, names));
  }
  if ('constant' in shown) {
    const text = JSON.stringify(shown.constant);
    return () => text;
  }
  const value = VALUES[shown.field];
  const words = new Map(Object.entries(shown.words).map(([text, word]) => [text, JSON.stringify(word)]));
  const otherwise = JSON.stringify(shown.otherwise ?? null);
  return (event, names) => words.get(String(value(event, names))) ?? otherwise;
}
