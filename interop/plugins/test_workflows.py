"""Workflows of plugins, unmodified: the task graphs and the lifecycle of the published cloudify-common, on our engine."""
import os
import time
import unittest

import test_running
from published import wagon

BLUEPRINT = """tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, plugin:orrery-flows-plugin]
node_templates:
  base: { type: flows.Node }
  one:
    type: flows.Node
    capabilities: { scalable: { properties: { default_instances: 1, max_instances: 5 } } }
    relationships: [{ type: flows.connected, target: base }]
"""


class WorkflowTest(test_running.PluginTest):
    @classmethod
    def wagon(cls):
        return wagon(os.path.join(test_running.HERE, 'flows'), cls.folder, '-a', '-c {}'.format(test_running.ProbeTest.constraint.__func__(cls)))

    @classmethod
    def yaml(cls):
        with open(os.path.join(test_running.HERE, 'flows', 'plugin.yaml')) as file:
            return file.read()

    def setUp(self):
        super().setUp()
        self.deployment = self.deployed({'blueprint.yaml': BLUEPRINT})

    def marks(self, node='one'):
        return self.properties(self.deployment, node).get('marks')

    def messages(self, execution):
        return [message for _type, _level, message in self.told(execution)]

    def test_operations_one_after_the_other(self):
        execution = self.run_workflow(self.deployment, 'in_a_row', parameters={'words': ['a', 'b']})
        self.assertEqual(self.marks(), ['a', 'b', 'declared word'])
        self.assertEqual((execution.total_operations, execution.finished_operations), (3, 3))
        messages = self.messages(execution)
        for message in ('in a row', "Task succeeded 'flows.tasks.note' - b", 'an event of the node', 'an event of the workflow'):
            self.assertIn(message, messages)

    def test_a_graph_with_a_subgraph_and_a_local_task(self):
        execution = self.run_workflow(self.deployment, 'as_a_graph')
        self.assertEqual((self.marks('base'), self.marks()), (['first'], ['second', 'third']))
        messages = self.messages(execution)
        order = [messages.index(one) for one in (
            'first', "Task succeeded 'flows.tasks.note' - first", "Task succeeded 'flows.tasks.note' - second",
            "Task succeeded 'flows.tasks.note' - third", "Task succeeded 'a_local_task' - local")]
        self.assertEqual(order, sorted(order))

    def test_both_sides_of_a_relationship(self):
        self.run_workflow(self.deployment, 'both_sides')
        [base] = self.client.node_instances.list(deployment_id=self.deployment, node_id='base')
        self.assertEqual(self.properties(self.deployment, 'one')['met'], base.id)

    def test_a_failure_that_the_workflow_handles(self):
        execution = self.run_workflow(self.deployment, 'handled')
        self.assertEqual(self.marks(), ['after'])
        self.assertIn('handling never', self.messages(execution))

    def test_a_failure_that_it_does_not_handle(self):
        execution = self.run_workflow(self.deployment, 'unhandled', 'failed')
        self.assertRegex(execution.error, r'^Task failed: flows.tasks.refuse \(one_\w+:flows.refuse\): NonRecoverableError `never`')

    def test_the_engine_tries_again(self):
        execution = self.run_workflow(self.deployment, 'faltering')
        self.assertIn("Task failed 'flows.tasks.falter' -> not yet [retry_after=0]", self.messages(execution))
        self.assertIn("Task succeeded 'flows.tasks.falter' - 1 [retry 1/2]", self.messages(execution))

    def test_the_published_install_and_uninstall(self):
        self.run_workflow(self.deployment, 'their_install')
        self.assertEqual((self.marks(), self.marks('base')), (['create', 'start'], ['create', 'start']))
        states = {one.state for one in self.client.node_instances.list(deployment_id=self.deployment)}
        self.assertEqual(states, {'started'})
        self.run_workflow(self.deployment, 'their_uninstall')
        states = {one.state for one in self.client.node_instances.list(deployment_id=self.deployment)}
        self.assertEqual(states, {'deleted'})

    def test_a_cancel(self):
        execution = self.client.executions.start(self.deployment, 'waiting')
        self.until(lambda: self.properties(self.deployment, 'one').get('waiting'))
        self.client.executions.cancel(execution.id)
        self.until(lambda: self.client.executions.get(execution.id).status == 'cancelled')
        self.assertIn('cleaning up: True', self.messages(execution))

    def test_a_kept_graph_is_gone_on_with(self):
        execution = self.run_workflow(self.deployment, 'resumed', 'failed')
        self.assertEqual(self.marks(), ['kept'])
        self.client.executions.resume(execution.id)
        self.until(lambda: self.client.executions.get(execution.id).status == 'failed')
        self.assertEqual(self.marks(), ['kept'], 'what had succeeded is not repeated')
        messages = self.messages(execution)
        self.assertEqual(messages.count("Task failed 'flows.tasks.refuse' -> never"), 2)
        self.assertEqual(messages.count('kept'), 1)

    def test_only_what_says_so_is_resumed(self):
        execution = self.run_workflow(self.deployment, 'unhandled', 'failed')
        with self.assertRaisesRegex(Exception, 'force'):
            self.client.executions.resume(execution.id)
        self.client.executions.resume(execution.id, force=True)
        self.until(lambda: self.client.executions.get(execution.id).status == 'failed')
        self.assertEqual(self.messages(execution).count("Task failed 'flows.tasks.refuse' -> never"), 2)

    def test_a_modification(self):
        self.run_workflow(self.deployment, 'scaled')
        instances = self.client.node_instances.list(deployment_id=self.deployment, node_id='one')
        self.assertEqual(sorted(one.state for one in instances), ['started', 'uninitialized'])

    def test_the_api_is_there(self):
        self.client.secrets.create('word', 'swordfish', update_if_exists=True)
        execution = self.run_workflow(self.deployment, 'asking')
        messages = self.messages(execution)
        self.assertIn('status: started', messages)

    def test_a_dry_run(self):
        execution = self.run_workflow(self.deployment, 'as_a_graph', dry_run=True)
        self.assertIsNone(self.marks())
        self.assertIn("Task succeeded 'flows.tasks.note' (dry run)", self.messages(execution))

    def until(self, holds, seconds=60):
        end = time.time() + seconds
        while not holds():
            self.assertLess(time.time(), end)
            time.sleep(0.1)


if __name__ == '__main__':
    unittest.main()
