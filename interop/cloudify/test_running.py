"""What the engine did, looked at by today's client: graphs of tasks, their operations, and agents told of."""
from harness import InteropTest, unique


class RunningTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.blueprint, _ = self.upload()
        self.deployment, _ = self.deploy(self.blueprint)

    def test_graphs_and_operations_of_an_execution_are_told(self):
        execution = self.run_workflow(self.deployment, 'install')
        self.addCleanup(self._forget, lambda: self.run_workflow(self.deployment, 'uninstall'))
        graphs = self.client.tasks_graphs.list(execution.id)
        self.assertEqual({graph['execution_id'] for graph in graphs}, {execution.id})
        operations = self.client.operations.list(graph_id=graphs[0].id)
        self.assertEqual({operation.state for operation in operations}, {'succeeded'})
        self.assertEqual({operation['tasks_graph_id'] for operation in operations}, {graphs[0].id})
        known = {operation.id for operation in operations}
        self.assertTrue(all(known.issuperset(operation.dependencies) for operation in operations))
        everything = self.client.operations.list(execution_id=execution.id)
        self.assertGreaterEqual(len(everything), len(operations))

    def test_agents_are_told_of_and_listed(self):
        instance = self.client.node_instances.list(deployment_id=self.deployment)[0].id
        name = unique('agent')
        self.client.agents.create(name, instance, ip='10.0.0.1', install_method='remote', state='started')
        found = [agent for agent in self.client.agents.list() if agent.name == name]
        self.assertEqual([agent.deployment for agent in found], [self.deployment])
