/** Rules: a condition action and what runs for all that it finds (specs: cloudbolt.md §5.10). */
import type { RuleField } from '../../ordering/condition-rules.js';
import { addRemoval, exportLink } from './actions.js';
import { wireTime } from './dates.js';
import { globalId } from './hrefs.js';
import { boolean, integer, relation, text, time } from './paths.js';
import { addCollection, type Collection, type Mounting } from './resource.js';

interface RuleRow {
  readonly number: number;
  readonly code: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly schedule: string | null;
  readonly nextAt: string | null;
  readonly condition: number | null;
  readonly conditionCode: string | null;
  readonly conditionName: string | null;
  readonly action: number | null;
  readonly actionCode: string | null;
  readonly actionName: string | null;
}

export const RULES: Collection<RuleField, RuleRow> = {
  name: 'rules',
  tag: 'Actions',
  thing: 'rule',
  paths: {
    id: integer('number'),
    pk: integer('number'),
    'global-id': text('code'),
    name: text('name'),
    description: text('description'),
    enabled: boolean('enabled'),
    schedule: text('schedule'),
    'next-run-date': time('nextAt'),
    condition: relation('actions', 'condition', 'conditionCode', 'conditionName'),
    action: relation('actions', 'action', 'actionCode', 'actionName'),
  },
  reads: [
    ...(['number', 'code', 'name', 'description', 'enabled', 'schedule', 'nextAt'] as const),
    ...(['condition', 'conditionCode'] as const),
    ...(['conditionName', 'action', 'actionCode', 'actionName'] as const),
  ],
  title: ({ name }) => name,
  thin: ({ name, number }) => ({ name, id: String(number) }),
  list: (core, caller, query) => core.conditionRules.list(caller, query),
  item: async ({ hrefs, row }) => {
    const to = (number: number | null, code: string | null, title: string | null) =>
      hrefs.toOne('actions', number === null ? null : { number, code, title: title! });
    return {
      _links: {
        self: hrefs.link('rules', { ...row, title: row.name }),
        condition: to(row.condition, row.conditionCode, row.conditionName),
        action: to(row.action, row.actionCode, row.actionName),
        actions: [
          exportLink(hrefs, 'rules', row, row.name),
          ...(row.enabled && row.condition !== null && row.action !== null
            ? [{ run: { href: hrefs.action('rules', row, 'run'), title: `Run '${row.name}'` } }]
            : []),
        ],
      },
      name: row.name,
      id: String(row.number),
      'global-id': globalId('rules', row),
      description: row.description,
      enabled: row.enabled,
      schedule: row.schedule,
      'next-run-date': wireTime(row.nextAt),
      condition: row.conditionName,
      action: row.actionName,
    };
  },
};

export function addRules(mounting: Mounting): void {
  addCollection(mounting, RULES);
  addRemoval(mounting, 'rules', 'rule', 'Actions', (caller, key) =>
    mounting.core.conditionRules.remove(caller, key),
  );
}
