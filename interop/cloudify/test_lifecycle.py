"""From a blueprint to a running application and back, and what goes wrong on the way."""
import datetime
import os
import tempfile

from cloudify_rest_client.exceptions import (
    FunctionsEvaluationError,
    IllegalExecutionParametersError,
    InvalidExecutionUpdateStatus,
    MissingRequiredDeploymentInputError,
    UnknownDeploymentInputError,
    UnknownDeploymentSecretError,
)

from harness import InteropTest, client, unique


class WholeWayTest(InteropTest):
    def test_upload_deploy_install_events_outputs_uninstall_delete(self):
        blueprint, _ = self.upload()
        deployment, created = self.deploy(blueprint, {'message': 'hello'}, display_name='A name')
        self.assertEqual((created.id, created.blueprint_id, created.display_name), (deployment, blueprint, 'A name'))
        self.assertEqual(created.inputs, {'message': 'hello', 'loud': False})
        self.assertIn('install', [workflow.name for workflow in self.client.deployments.get(deployment).workflows])
        self.assert_nodes(deployment)

        execution = self.run_workflow(deployment, 'install')
        self.assertEqual((execution.workflow_id, execution.deployment_id), ('install', deployment))
        self.assertGreater(execution.total_operations, 0)
        self.assertEqual(execution.finished_operations, execution.total_operations)
        self.assertEqual(execution.status_display, 'completed')
        for instance in self.client.node_instances.list(deployment_id=deployment):
            self.assertEqual(instance.state, 'started')
        for instance in self.client.node_instances.list(deployment_id=deployment, node_id='speaker'):
            self.assertEqual(instance.runtime_properties['said'], 'hello')
            self.assertEqual(instance.runtime_properties['loud'], 'false')
        installed = self.client.deployments.get(deployment)
        self.assertEqual((installed.installation_status, installed.deployment_status), ('active', 'good'))
        self.assertEqual(installed.latest_execution_status, 'completed')

        self.assertEqual(self.client.deployments.outputs.get(deployment).outputs, {'message': 'hello'})
        self.assertEqual(self.client.deployments.capabilities.get(deployment).capabilities,
                         {'said': 'it says hello'})
        self.assert_events(execution.id)
        self.assert_refused(400, 'dependent_exists_error', self.client.deployments.delete, deployment)

        self.run_workflow(deployment, 'uninstall')
        for instance in self.client.node_instances.list(deployment_id=deployment):
            self.assertEqual(instance.state, 'deleted')
        self.client.deployments.delete(deployment)
        self.assert_refused(404, 'not_found_error', self.client.deployments.get, deployment)
        self.client.blueprints.delete(blueprint)
        self.assert_refused(404, 'not_found_error', self.client.blueprints.get, blueprint)

    def assert_nodes(self, deployment):
        nodes = {node.id: node for node in self.client.nodes.list(deployment_id=deployment)}
        self.assertEqual(sorted(nodes), ['base', 'speaker'])
        speaker = self.client.nodes.get(deployment, 'speaker')
        self.assertEqual(speaker.type_hierarchy[0], 'cloudify.nodes.Root')
        self.assertEqual(int(speaker.number_of_instances), 2)
        self.assertEqual(speaker.operations['cloudify.interfaces.lifecycle.start']['operation'], 'script_runner.tasks.run')
        self.assertEqual(speaker.relationships[0]['target_id'], 'base')
        instances = self.client.node_instances.list(deployment_id=deployment, node_id='speaker')
        self.assertEqual(sorted(one.index for one in instances), [1, 2])
        for instance in instances:
            self.assertEqual((instance.state, instance.version), ('uninitialized', 1))
            self.assertEqual(instance.relationships[0]['target_name'], 'base')

    def assert_events(self, execution):
        events = self.client.events.list(execution_id=execution, sort='timestamp')
        kinds = [event['event_type'] for event in events]
        self.assertEqual((kinds[0], kinds[-1]), ('workflow_started', 'workflow_succeeded'))
        self.assertEqual(kinds.count('task_succeeded'), 2)
        logs = self.client.events.list(execution_id=execution, include_logs=True, message='%SAYING hello%')
        self.assertEqual([log['type'] for log in logs], ['cloudify_log'] * 2)
        self.assertEqual(logs[0]['level'], 'info')
        first = self.client.events.list(execution_id=execution, include_logs=True, _size=3, sort='timestamp')
        second = self.client.events.list(execution_id=execution, include_logs=True, _size=3, _offset=3,
                                         sort='timestamp')
        ids = [event['_storage_id'] for event in first.items + second.items]
        self.assertEqual((len(ids), ids), (6, sorted(set(ids))))
        moment = datetime.datetime.utcnow() + datetime.timedelta(minutes=5)
        self.assertEqual(len(self.client.events.list(execution_id=execution, from_datetime=moment)), 0)
        self.assertEqual(len(self.client.events.list(execution_id=execution, to_datetime=moment)), len(events))
        by_node = self.client.events.list(execution_id=execution, node_id='speaker', event_type='task_succeeded')
        self.assertEqual(len(by_node), 2)

    def test_the_older_prefix_answers_deletions_with_what_was_deleted(self):
        self.client = client(version='v3')
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        api = self.client._client
        self.assertEqual(api.delete('/deployments/' + deployment, data={'ignore_live_nodes': True})['id'], deployment)
        self.assertEqual(api.delete('/blueprints/' + blueprint)['id'], blueprint)


class DeploymentTest(InteropTest):
    def test_inputs_are_checked_before_anything_is_stored(self):
        blueprint, _ = self.upload()
        name = unique('dep')
        with self.assertRaises(MissingRequiredDeploymentInputError) as caught:
            self.client.deployments.create(blueprint, name, inputs={})
        self.assertIn('message', str(caught.exception))
        with self.assertRaises(UnknownDeploymentInputError):
            self.client.deployments.create(blueprint, name, inputs={'message': 'x', 'nope': 1})
        self.assert_refused(400, 'deployment_creation_error', self.client.deployments.create,
                            blueprint, name, inputs={'message': 'x', 'loud': 'perhaps'})
        self.assert_refused(404, 'not_found_error', self.client.deployments.create, 'no-such-blueprint', name)
        self.assert_refused(404, 'not_found_error', self.client.deployments.get, name)

    def test_an_id_that_is_taken(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        error = self.assert_refused(409, 'conflict_error', self.client.deployments.create,
                                    blueprint, deployment, inputs={'message': 'x'})
        self.assertIn('already exists', str(error))

    def test_lists_filters_and_labels(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint, labels=[{'env': 'test'}])
        other, _ = self.deploy(blueprint)
        found = self.client.deployments.list(blueprint_id=blueprint, _include=['id', 'labels'], sort='created_at')
        self.assertEqual([one.id for one in found], [deployment, other])
        self.assertEqual(found[0].labels[0]['value'], 'test')
        self.assertEqual(len(self.client.deployments.list(_search=deployment)), 1)
        updated = self.client.deployments.update_labels(deployment, [{'env': 'other'}])
        self.assertEqual([label['value'] for label in updated.labels], ['other'])

    def test_functions_are_evaluated_on_request(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        instance = self.client.node_instances.list(deployment_id=deployment, node_id='speaker')[0]
        evaluated = self.client.evaluate.functions(
            deployment, {'self': instance.id},
            {'id': {'get_attribute': ['SELF', 'node_instance_id']}, 'text': {'get_input': 'message'}})
        self.assertEqual(evaluated.payload, {'id': instance.id, 'text': 'hello'})
        with self.assertRaises(FunctionsEvaluationError):
            self.client.evaluate.functions(deployment, {}, {'x': {'get_property': ['nowhere', 'x']}})


class ExecutionTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.blueprint, _ = self.upload()
        self.deployment, _ = self.deploy(self.blueprint)

    def operate(self, operation, **arguments):
        parameters = {'operation': operation, 'node_ids': ['speaker']}
        return self.client.executions.start(self.deployment, 'execute_operation', parameters=parameters, **arguments)

    def test_a_start_is_refused_with_the_error_that_says_why(self):
        start = self.client.executions.start
        self.assert_refused(404, 'not_found_error', start, 'no-such-deployment', 'install')
        self.assert_refused(400, 'nonexistent_workflow_error', start, self.deployment, 'nope')
        with self.assertRaises(IllegalExecutionParametersError):
            start(self.deployment, 'execute_operation')
        with self.assertRaises(IllegalExecutionParametersError):
            start(self.deployment, 'install', parameters={'nope': 1})
        self.assert_refused(400, 'bad_parameters_error', start, self.deployment, 'install', parameters=['x'])

    def test_a_failing_operation_fails_the_execution_and_its_events_say_why(self):
        failed = self.wait(self.operate('maintenance.fail').id)
        self.assertEqual(failed.status, 'failed')
        self.assertIn('maintenance.fail', failed.error)
        events = self.client.events.list(execution_id=failed.id, event_type='task_failed')
        self.assertTrue(events[0]['error_causes'])
        output = self.client.events.list(execution_id=failed.id, include_logs=True, message='%meant to fail%')
        self.assertTrue(len(output))
        self.assertEqual(self.client.deployments.get(self.deployment).deployment_status, 'requires_attention')

    def test_one_execution_at_a_time_and_what_is_cancelled_stops(self):
        running = self.operate('maintenance.sleep')
        self.wait(running.id, ('started',))
        self.assert_refused(400, 'existing_running_execution_error', self.operate, 'maintenance.sleep')
        queued = self.operate('maintenance.fail', queue=True)
        self.assertEqual(queued.status, 'queued')
        self.assert_refused(400, 'dependent_exists_error', self.client.deployments.delete, self.deployment, force=True)
        self.assertIn(self.client.executions.cancel(running.id).status, ('cancelling', 'cancelled'))
        self.assertEqual(self.wait(running.id).status, 'cancelled')
        self.assertEqual(self.wait(queued.id).status, 'failed')
        self.assert_refused(400, 'illegal_action_error', self.client.executions.cancel, running.id)
        with self.assertRaises(InvalidExecutionUpdateStatus):
            self.client.executions.update(running.id, 'started')

    def test_kill_ends_at_once_and_resume_goes_on(self):
        running = self.operate('maintenance.sleep')
        self.wait(running.id, ('started',))
        self.client.executions.cancel(running.id, kill=True)
        self.assertEqual(self.wait(running.id).status, 'cancelled')
        resumed = self.client.executions.resume(running.id, force=True)
        self.assertEqual(resumed.id, running.id)
        self.wait(running.id, ('started',))
        self.client.executions.cancel(running.id, kill=True)
        self.wait(running.id)

    def test_a_dry_run_touches_nothing(self):
        self.run_workflow(self.deployment, 'install', dry_run=True)
        states = {one.state for one in self.client.node_instances.list(deployment_id=self.deployment)}
        self.assertEqual(states, {'uninitialized'})

    def test_executions_are_listed_by_what_they_are(self):
        execution = self.run_workflow(self.deployment, 'install')
        found = self.client.executions.list(deployment_id=self.deployment, workflow_id='install', status='terminated')
        self.assertEqual([one.id for one in found], [execution.id])
        self.assertEqual(len(self.client.executions.list(deployment_id=self.deployment, status='failed')), 0)


class NodeInstanceTest(InteropTest):
    def test_an_update_replaces_properties_and_an_older_version_is_a_conflict(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        instance = self.client.node_instances.list(deployment_id=deployment, node_id='base')[0]
        changed = self.client.node_instances.update(instance.id, version=1, runtime_properties={'a': {'b': None}})
        self.assertEqual((changed.version, changed.runtime_properties), (2, {'a': {'b': None}}))
        changed = self.client.node_instances.update(instance.id, version=5, state='started',
                                                    runtime_properties={'c': 1})
        self.assertEqual((changed.version, changed.state, changed.runtime_properties), (3, 'started', {'c': 1}))
        self.assert_refused(409, 'conflict_error', self.client.node_instances.update, instance.id, version=1,
                            state='stopped')
        forced = self.client.node_instances.update(instance.id, version=1, state='stopped', force=True)
        self.assertEqual(forced.state, 'stopped')


class SecretTest(InteropTest):
    def test_a_secret_is_made_read_changed_and_deleted(self):
        key = unique('key')
        self.client.secrets.create(key, 'one')
        self.addCleanup(self._forget, lambda: self.client.secrets.delete(key))
        self.assertEqual(self.client.secrets.get(key).value, 'one')
        self.assert_refused(409, 'conflict_error', self.client.secrets.create, key, 'two')
        self.client.secrets.create(key, 'two', update_if_exists=True)
        self.client.secrets.update(key, 'three')
        self.assertEqual(self.client.secrets.get(key).value, 'three')
        listed = self.client.secrets.list(key=key)
        self.assertEqual(len(listed), 1)
        self.assertNotIn('value', listed[0])
        self.client.secrets.delete(key)
        self.assert_refused(404, 'not_found_error', self.client.secrets.get, key)

    def test_a_blueprint_that_asks_for_a_secret_that_is_not_there_cannot_be_deployed(self):
        key = unique('absent')
        path = os.path.join(tempfile.mkdtemp(prefix='orrery-interop-'), 'blueprint.yaml')
        with open(path, 'w') as file:
            file.write(
                'tosca_definitions_version: cloudify_dsl_1_3\n'
                'imports: [cloudify/types/types.yaml]\n'
                'node_templates:\n  node:\n    type: cloudify.nodes.Root\n'
                'outputs:\n  secret:\n    value: {{ get_secret: {} }}\n'.format(key))
        blueprint = unique('bp')
        self.client.blueprints.upload(path, blueprint)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint))
        with self.assertRaises(UnknownDeploymentSecretError):
            self.client.deployments.create(blueprint, unique('dep'))
        self.client.secrets.create(key, 'value')
        self.addCleanup(self._forget, lambda: self.client.secrets.delete(key))
        deployment, _ = self.deploy(blueprint, {})
        self.assertEqual(self.client.deployments.outputs.get(deployment).outputs, {'secret': 'value'})
