/** Blueprints to be spoilt: all that the language's own tests and the examples have, and some that have much at once. */
import { readdirSync, readFileSync } from 'node:fs';
import { bundledTypesText } from '../../src/dsl/blueprint/bundled-types.js';

const SAMPLES = new URL('../../src/dsl/testdata/', import.meta.url);
const EXAMPLES = new URL('../../../../examples/', import.meta.url);

const HEAD = 'tosca_definitions_version: cloudify_dsl_1_5\nimports: [cloudify/types/types.yaml]\n';

const MUCH = `${HEAD}
description: A little of everything
dsl_definitions:
  shared: &shared {connection_type: all_to_one}
inputs:
  count: {type: integer, default: 2, constraints: [{in_range: [1, 9]}, {valid_values: [1, 2, 3]}]}
  names: {type: list, item_type: string, default: [a, b]}
  place: {type: site, default: {street: {name: Long}}}
  secret: {default: {get_secret: word}, hidden: true}
  pick: {type: node_id, required: false, constraints: [{name_pattern: {starts_with: w}}]}
data_types:
  street: {properties: {name: {type: string}, number: {type: integer, default: 1}}}
  site: {properties: {street: {type: street, default: {name: Short}}, open: {default: false, type: boolean}}}
  branch: {derived_from: site, properties: {street: {type: street, default: {number: 2}}}}
plugins:
  tool: {executor: central_deployment_agent, package_name: tool, properties: {region: {type: string, value: {get_input: names}}}}
  old_script: {executor: host_agent, install: false}
node_types:
  worker:
    derived_from: cloudify.nodes.SoftwareComponent
    properties: {at: {type: branch}, list: {default: []}, use_external_resource: {type: boolean, default: false}}
    interfaces:
      cloudify.interfaces.lifecycle:
        create: {implementation: tool.make, inputs: {who: {type: string, default: {get_property: [SELF, at, street, name]}}}}
        start: {implementation: scripts/start.sh, executor: host_agent, max_retries: 3, retry_interval: 1}
relationships:
  linked:
    derived_from: cloudify.relationships.connected_to
    target_interfaces: {own: {say: {implementation: tool.say, inputs: {t: {default: {get_attribute: [TARGET, ip]}}}}}}
node_templates:
  vm: {type: cloudify.nodes.Compute, capabilities: {scalable: {properties: {default_instances: {get_input: count}}}}}
  web:
    type: worker
    properties: {at: {street: {name: {concat: [x, {get_input: [names, 0]}]}}}, list: [{get_attribute: [vm, ip]}]}
    interfaces: {cloudify.interfaces.lifecycle: {create: {inputs: {who: {string_upper: a}}}, start: {}}}
    relationships:
      - {type: cloudify.relationships.contained_in, target: vm}
      - {type: linked, target: db, properties: {<<: *shared}}
  db: {type: worker, relationships: [{type: cloudify.relationships.contained_in, target: vm}]}
groups: {all: {members: [vm, inner]}, inner: {members: [web, db]}}
policies: {grow: {type: cloudify.policies.scaling, targets: [inner], properties: {max_instances: UNBOUNDED}}}
workflows:
  mine: {mapping: tool.run, parameters: {n: {type: integer, default: 1, constraints: [{less_than: 5}]}}, is_cascading: true, availability_rules: {node_instances_active: [all]}}
outputs: {o: {value: {merge: [{a: {get_sys: [deployment, id]}}, {get_attributes_dict: [web, ip]}]}}}
capabilities: {c: {value: {get_capability: [{get_input: names}, x]}}}
labels: {l: {values: [{get_input: [names, 1]}, b]}}
blueprint_labels: {l: {values: [b]}}
resource_tags: {t: {get_environment_capability: [zone, 0]}}
deployment_settings: {display_name: {concat: [d, {get_input: count}]}, default_schedules: {s: {workflow: mine, since: '+4 hours', recurrence: 1 day}}}
`;

const IMPORTING = `tosca_definitions_version: cloudify_dsl_1_5
imports: [cloudify/types/types.yaml, 'ns--parts.yaml', 'a--blueprint:other', {'plugin:tool?version=>=1': {region: here}}]
inputs: {mine: {default: {get_input: ns--count}}}
node_templates: {more: {type: ns--worker, properties: {at: {street: {name: n}}}, relationships: [{type: cloudify.relationships.contained_in, target: ns--vm}]}}
`;

/** What a plugin brings. */
export const PLUGIN = `tosca_definitions_version: cloudify_dsl_1_5
plugins: {tool: {executor: central_deployment_agent, package_name: tool, properties: {region: {type: string}}}}
node_types: {tool.Thing: {derived_from: cloudify.nodes.Root, interfaces: {cloudify.interfaces.lifecycle: {create: tool.make}}}}
workflows: {look: {mapping: tool.look, parameters: {deep: {type: boolean, default: false}}}}
`;

/** Texts to begin with: more of those that mean something than of those that are wrong already. */
export function blueprintSamples(): string[] {
  const samples = readdirSync(SAMPLES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) =>
      readdirSync(new URL(`${entry.name}/`, SAMPLES)).map((name) => `${entry.name}/${name}`),
    )
    .map((path) => readFileSync(new URL(path, SAMPLES), 'utf8'));
  const examples = ['hello-world/blueprint.yaml', 'three-tier/blueprint.yaml', 'three-tier/types.yaml'].map(
    (path) => readFileSync(new URL(path, EXAMPLES), 'utf8'),
  );
  const sound = [...examples, MUCH, MUCH, IMPORTING, IMPORTING];
  const often = Array.from({ length: 8 }, () => sound).flat();
  return [...samples, ...often, bundledTypesText('types/types.yaml', 3)!];
}

/** What is imported by the names the samples use, unspoilt. */
export const PARTS = MUCH.replace(/^(?:policies|deployment_settings): .*$/gm, '');
