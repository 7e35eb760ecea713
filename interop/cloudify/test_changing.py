"""Deployments that change: updates, scaling, and what depends on what."""
import os
import tempfile

from cloudify_rest_client.exceptions import CloudifyClientError

from harness import InteropTest, unique

MORE = """tosca_definitions_version: cloudify_dsl_1_3
imports: [cloudify/types/types.yaml]
inputs:
  message: {type: string, default: hi}
node_templates:
  base:
    type: cloudify.nodes.Root
  more:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.depends_on, target: base}]
outputs:
  message: {value: {get_input: message}}
"""
LESS = MORE.replace("""  more:
    type: cloudify.nodes.Root
    relationships: [{type: cloudify.relationships.depends_on, target: base}]
""", '')


class ChangingTest(InteropTest):
    def upload_text(self, text):
        path = os.path.join(tempfile.mkdtemp(prefix='orrery-interop-'), 'blueprint.yaml')
        with open(path, 'w') as file:
            file.write(text)
        name = unique('bp')
        self.client.blueprints.upload(path, name)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(name, force=True))
        return name

    def installed(self):
        less, more = self.upload_text(LESS), self.upload_text(MORE)
        deployment, _ = self.deploy(less, {})
        self.run_workflow(deployment, 'install')
        return deployment, less, more


class UpdateTest(ChangingTest):
    def test_an_update_adds_nodes_and_takes_them_away_again(self):
        deployment, less, more = self.installed()
        update = self.client.deployment_updates.update_with_existing_blueprint(
            deployment, more, inputs={'message': 'changed'})
        self.assertEqual(self.wait(update.execution_id).status, 'terminated')
        update = self.client.deployment_updates.get(update.id)
        self.assertEqual((update.deployment_id, update.new_blueprint_id, update.old_blueprint_id),
                         (deployment, more, less))
        self.assertEqual(update.state, 'successful')
        self.assertIn(('add', 'node'), [(step['action'], step['entity_type']) for step in update.steps])
        nodes = self.client.nodes.list(deployment_id=deployment)
        self.assertEqual(sorted(node.id for node in nodes), ['base', 'more'])
        states = {one.node_id: one.state for one in self.client.node_instances.list(deployment_id=deployment)}
        self.assertEqual(states, {'base': 'started', 'more': 'started'})
        changed = self.client.deployments.get(deployment)
        self.assertEqual((changed.blueprint_id, changed.inputs['message']), (more, 'changed'))

        back = self.client.deployment_updates.update_with_existing_blueprint(deployment, less)
        self.assertEqual(self.wait(back.execution_id).status, 'terminated')
        nodes = self.client.nodes.list(deployment_id=deployment)
        self.assertEqual([node.id for node in nodes], ['base'])
        listed = self.client.deployment_updates.list(deployment_id=deployment)
        self.assertEqual(sorted(one.id for one in listed), sorted([update.id, back.id]))

    def test_a_preview_changes_nothing(self):
        deployment, less, more = self.installed()
        preview = self.client.deployment_updates.update_with_existing_blueprint(deployment, more, preview=True)
        self.assertIn('more', str(preview.steps))
        self.assertEqual(len(self.client.nodes.list(deployment_id=deployment)), 1)
        self.assertEqual(self.client.deployments.get(deployment).blueprint_id, less)


class ScalingTest(ChangingTest):
    def test_the_workflow_scale_makes_instances(self):
        deployment, _, _ = self.installed()
        self.run_workflow(deployment, 'scale', parameters={'scalable_entity_name': 'base', 'delta': 2})
        instances = self.client.node_instances.list(deployment_id=deployment, node_id='base')
        self.assertEqual([one.state for one in instances], ['started'] * 3)
        self.run_workflow(deployment, 'scale', parameters={'scalable_entity_name': 'base', 'delta': -2})
        self.assertEqual(len(self.client.node_instances.list(deployment_id=deployment, node_id='base')), 1)

    def test_heal_brings_an_instance_back(self):
        deployment, _, _ = self.installed()
        instance = self.client.node_instances.list(deployment_id=deployment)[0]
        self.run_workflow(deployment, 'heal', parameters={'node_instance_id': instance.id})
        self.assertEqual(self.client.node_instances.get(instance.id).state, 'started')

    def test_a_modification_is_started_and_rolled_back(self):
        deployment, _, _ = self.installed()
        modifications = self.client.deployment_modifications
        started = modifications.start(deployment, {'base': {'instances': 2}})
        self.assertEqual(started.status, 'started')
        self.assertEqual(len(started.node_instances.added_and_related), 1)
        with self.assertRaises(CloudifyClientError):
            modifications.start(deployment, {'base': {'instances': 3}})
        self.assertEqual(modifications.rollback(started.id).status, 'rolledback')
        self.assertEqual(len(self.client.node_instances.list(deployment_id=deployment)), 1)
        finished = modifications.start(deployment, {'base': {'instances': 2}})
        self.assertEqual(modifications.finish(finished.id).status, 'finished')
        self.assertEqual(sorted(one.id for one in modifications.list(deployment)), sorted([started.id, finished.id]))


class DependencyTest(ChangingTest):
    def test_what_others_depend_on_is_not_deleted(self):
        blueprint = self.upload_text(LESS)
        source, _ = self.deploy(blueprint, {})
        target, _ = self.deploy(blueprint, {})
        dependencies = self.client.inter_deployment_dependencies
        made = dependencies.create('a.test', source, target)
        self.assertEqual((made.source_deployment_id, made.target_deployment_id), (source, target))
        found = dependencies.list(source_deployment_id=source)
        self.assertEqual([one.dependency_creator for one in found], ['a.test'])
        self.assert_refused(400, 'dependent_exists_error', self.client.deployments.delete, target)
        dependencies.delete('a.test', source, target)
        self.client.deployments.delete(target)
