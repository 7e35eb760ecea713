/** The sections of a blueprint: since when, how each must look, and how several files' worth of one become one. */
import { dataTypeShape } from './elements/data-types.js';
import { groupShape } from './elements/groups.js';
import { inputShape } from './elements/inputs.js';
import { labelShape } from './elements/labels.js';
import { nodeTemplateShape } from './elements/node-templates.js';
import { nodeTypeShape } from './elements/node-types.js';
import { pluginShape } from './elements/plugins.js';
import { policyShape, policyTriggerShape, policyTypeShape } from './elements/policies.js';
import { relationshipTypeShape } from './elements/relationship-types.js';
import { settingsShape } from './elements/settings.js';
import { uploadsShape } from './elements/uploads.js';
import { valueShape } from './elements/values.js';
import { workflowShape } from './elements/workflows.js';
import { anything, dict, dictOrList, type Shape, text } from './shape.js';

export interface SectionRule {
  /** First version `1_X` that has the section. */
  readonly since: number;
  /**
   * What happens when several files have it. `names`: merged by name, a name twice is an error. `first-name`: merged
   * by name, the first wins. `first`: the first file's wins. `once`: an error. `own`: an import's is ignored.
   */
  readonly merge: 'names' | 'first-name' | 'first' | 'once' | 'own';
  /** Before this version `names` and `first-name` are `once`. */
  readonly mergeSince?: number;
  /** Of each entry, for sections of names; else of the whole. */
  readonly shape: Shape;
}

export const SECTION_RULES = {
  tosca_definitions_version: { since: 0, merge: 'own', shape: anything },
  description: { since: 2, merge: 'first', shape: text },
  metadata: { since: 0, merge: 'first', shape: dict },
  imports: { since: 0, merge: 'own', shape: anything },
  dsl_definitions: { since: 2, merge: 'own', shape: dictOrList },
  inputs: { since: 0, merge: 'names', mergeSince: 3, shape: inputShape },
  plugins: { since: 0, merge: 'names', shape: pluginShape },
  data_types: { since: 2, merge: 'names', shape: dataTypeShape },
  node_types: { since: 0, merge: 'names', shape: nodeTypeShape },
  relationships: { since: 0, merge: 'names', shape: relationshipTypeShape },
  node_templates: { since: 0, merge: 'names', mergeSince: 3, shape: nodeTemplateShape },
  groups: { since: 0, merge: 'names', shape: groupShape },
  policies: { since: 3, merge: 'once', shape: policyShape },
  policy_types: { since: 0, merge: 'names', shape: policyTypeShape },
  policy_triggers: { since: 0, merge: 'names', shape: policyTriggerShape },
  workflows: { since: 0, merge: 'names', shape: workflowShape },
  outputs: { since: 0, merge: 'names', mergeSince: 3, shape: valueShape },
  capabilities: { since: 0, merge: 'names', mergeSince: 3, shape: valueShape },
  labels: { since: 0, merge: 'first-name', mergeSince: 3, shape: labelShape },
  blueprint_labels: { since: 0, merge: 'first-name', mergeSince: 3, shape: labelShape },
  resource_tags: { since: 3, merge: 'first-name', shape: anything },
  deployment_settings: { since: 0, merge: 'once', shape: settingsShape },
  interfaces: { since: 0, merge: 'own', shape: dict },
  upload_resources: { since: 0, merge: 'own', shape: uploadsShape },
  node_filters: { since: 0, merge: 'own', shape: anything },
  // Ours, in the source of a blueprint that others import: what it imports itself.
  imported_blueprints: { since: 0, merge: 'own', shape: anything },
  namespaces_mapping: { since: 0, merge: 'own', shape: anything },
} as const satisfies Readonly<Record<string, SectionRule>>;

export type SectionName = keyof typeof SECTION_RULES;

/** Sections that are tables of names. */
export const NAMED: readonly SectionName[] = (Object.keys(SECTION_RULES) as SectionName[]).filter((name) => {
  const rule: SectionRule = SECTION_RULES[name];
  return rule.merge === 'names' || rule.merge === 'first-name' || name === 'policies';
});

export function ruleOf(name: string): SectionRule | null {
  return Object.hasOwn(SECTION_RULES, name) ? SECTION_RULES[name as SectionName] : null;
}
