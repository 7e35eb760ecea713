"""Plugins in Python, unmodified: one of ours that uses what plugins use, and published ones."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cloudify'))

from harness import InteropTest, client, unique  # noqa: E402
from published import COMMON, blueprint, bundle, published_source, wagon  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
UTILITIES = os.environ.get('ORRERY_INTEROP_UTILITIES')


class PluginTest(InteropTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='orrery-interop-plugins-')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        archive = bundle(cls.wagon(), cls.yaml(), cls.folder)
        plugin = client().plugins.upload(archive)
        cls.addClassCleanup(lambda: client().plugins.delete(plugin.id, force=True))
        cls.plugin = plugin

    def deployed(self, files, inputs=None):
        name = unique('plugins')
        self.client.blueprints.upload(blueprint(self.folder, files), name)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(name, force=True))
        self.client.deployments.create(name, name, inputs=inputs or {})
        self.addCleanup(self._forget, lambda: self.client.deployments.delete(name, force=True))
        return name

    def operation(self, deployment, operation, node, expect='terminated', **kwargs):
        return self.run_workflow(deployment, 'execute_operation', expect, parameters={
            'operation': operation, 'node_ids': [node], **kwargs})

    def properties(self, deployment, node):
        [instance] = self.client.node_instances.list(deployment_id=deployment, node_id=node)
        return instance.runtime_properties

    def told(self, execution):
        found = self.client.events.list(execution_id=execution.id, include_logs=True, _size=1000)
        return [(one['type'], one.get('level'), one['message']) for one in found]


class ProbeTest(PluginTest):
    """Against cloudify-common, of which the wagon brings the published release."""

    BLUEPRINT = """tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, plugin:orrery-probe-plugin]
inputs: { word: { default: world } }
resource_tags: { team: web }
node_templates:
  host:
    type: cloudify.nodes.Compute
    properties: { ip: 10.1.2.3, agent_config: { install_method: none } }
  base: { type: probe.Node }
  one:
    type: probe.Node
    relationships:
      - { type: probe.connected, target: base }
      - { type: cloudify.relationships.contained_in, target: host }
"""

    @classmethod
    def wagon(cls):
        return wagon(os.path.join(HERE, 'probe'), cls.folder, '-a', '-c {}'.format(cls.constraint()))

    @classmethod
    def constraint(cls):
        path = os.path.join(cls.folder, 'constraints.txt')
        with open(path, 'w') as file:
            file.write(COMMON + '\n')
        return path

    @classmethod
    def yaml(cls):
        with open(os.path.join(HERE, 'probe', 'plugin.yaml')) as file:
            return file.read()

    def setUp(self):
        super().setUp()
        self.deployment = self.deployed({
            'blueprint.yaml': self.BLUEPRINT,
            'motd.txt': 'Be kind',
            'conf/site/a.conf': 'a',
            'conf/site/deep/b.conf': 'b',
            'conf/other': 'c',
            'template.txt': '{% for n in [1, 2] %}{{ who }}{{ n }} {% endfor %}{{ ctx.node.id }}',
        })
        self.run_workflow(self.deployment, 'install')

    def test_everything_a_plugin_sees(self):
        [base] = self.client.node_instances.list(deployment_id=self.deployment, node_id='base')
        execution = self.operation(self.deployment, 'probe.look', 'one')
        seen = self.properties(self.deployment, 'one')['seen']
        [one] = self.client.node_instances.list(deployment_id=self.deployment, node_id='one')
        self.assertEqual(seen, {
            'type': 'node-instance',
            'node': ['one', 'probe.Node', 'cloudify.nodes.Root', 'world'],
            'instance': [one.id, 1, '10.1.2.3'],
            'operation': ['probe.look', 0, 1],
            'deployment': [self.deployment, self.deployment, 'default_tenant', 'execute_operation',
                           'admin', {'team': 'web'}],
            'plugin': ['probe', 'orrery-probe-plugin', '1.0', {}],
            'workdir': True,
            'parameters': 'hello world',
            'related': ['probe.connected', 'cloudify.relationships.depends_on', 'base', base.id, base.id],
            'file': 'Be kind',
            'rendered': 'you1 you2 one',
            'downloaded': 'me1 me2 one',
            'directory': ['site/a.conf', 'site/deep/b.conf'],
        })
        told = self.told(execution)
        self.assertIn(('cloudify_log', 'info', 'looking around: hello world'), told)
        self.assertIn(('cloudify_log', 'warning', 'a.library: a library speaks'), told)
        self.assertIn(('cloudify_event', None, 'an event of the plugin'), told)

    def test_both_sides_of_a_relationship_are_written(self):
        [base] = self.client.node_instances.list(deployment_id=self.deployment, node_id='base')
        self.assertEqual(self.properties(self.deployment, 'one')['target'], base.id)
        self.assertEqual(base.runtime_properties['source'], ['one', 'relationship-instance'])

    def test_properties_are_saved_when_it_asks_and_when_it_ends(self):
        self.operation(self.deployment, 'probe.saves_early', 'one')
        found = self.properties(self.deployment, 'one')
        self.assertEqual((found['early'], found['merged'], found['late']), (2, True, True))
        self.assertEqual(found['stored_meanwhile'], {'early': 2, 'late': False})

    def test_its_rest_client_acts_for_the_execution_and_no_further(self):
        execution = self.operation(self.deployment, 'probe.uses_rest', 'one')
        found = self.properties(self.deployment, 'one')['rest']
        self.assertEqual(found, {
            'secret_length': len('a secret of the probe'),
            'nodes': ['base', 'host', 'one'],
            'execution': 'started',
            'refused': found['refused'],
        })
        self.assertIn('refused', found)
        self.assertNotIn('intruder', [user.username for user in self.client.users.list()])
        self.assertFalse(any('a secret of the probe' in message for _, _, message in self.told(execution)))
        self.client.secrets.delete('probe-secret')

    def test_what_fails_is_tried_again(self):
        execution = self.operation(self.deployment, 'probe.fails_twice', 'one')
        self.assertEqual(self.properties(self.deployment, 'one')['tries'], 3)
        kinds = [event['event_type'] for event in self.client.events.list(execution_id=execution.id)]
        self.assertEqual((kinds.count('task_failed'), kinds.count('task_rescheduled')), (1, 1))

    def test_what_cannot_succeed_is_not_tried_again(self):
        for operation, message in (('gives_up', 'there is no file: 404'),
                                   ('writes_properties', 'Cannot override read only properties')):
            ended = self.operation(self.deployment, 'probe.' + operation, 'one', expect='failed')
            self.assertIn(message, ended.error)
            kinds = [event['event_type'] for event in self.client.events.list(execution_id=ended.id)]
            self.assertEqual((kinds.count('task_failed'), kinds.count('task_rescheduled')), (1, 0))


class PublishedScriptRunnerTest(PluginTest):
    """The script runner as cloudify-common publishes it, in the place of the one that is built in."""

    YAML = """plugins:
  runner: { executor: central_deployment_agent, package_name: cloudify-common }
"""
    BLUEPRINT = """tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, plugin:cloudify-common]
node_templates:
  one:
    type: cloudify.nodes.Root
    interfaces:
      cloudify.interfaces.lifecycle:
        create:
          implementation: runner.script_runner.tasks.run
          inputs: { script_path: scripts/create.sh, colour: red }
        configure:
          implementation: runner.script_runner.tasks.run
          inputs: { script_path: scripts/configure.py, ports: [80, 443] }
        start:
          implementation: runner.script_runner.tasks.run
          retry_interval: 0
          inputs: { script_source: 'ctx logger info "try $(ctx operation retry-number)"; test "$(ctx operation retry-number)" = 1' }
"""
    SHELL = """#!/bin/bash -e
ctx logger info "hello from $(ctx node name)"
ctx instance runtime-properties colour "$colour"
echo printed
"""
    PYTHON = """from cloudify import ctx
from cloudify.state import ctx_parameters as inputs
ctx.instance.runtime_properties['ports'] = inputs['ports'] + [8080]
ctx.returns('configured')
"""

    @classmethod
    def wagon(cls):
        return wagon(published_source(COMMON, cls.folder), cls.folder)

    @classmethod
    def yaml(cls):
        return cls.YAML

    def test_scripts_run_and_are_tried_again(self):
        deployment = self.deployed({
            'blueprint.yaml': self.BLUEPRINT,
            'scripts/create.sh': self.SHELL,
            'scripts/configure.py': self.PYTHON,
        })
        execution = self.run_workflow(deployment, 'install')
        found = self.properties(deployment, 'one')
        self.assertEqual((found['colour'], found['ports']), ('red', [80, 443, 8080]))
        messages = [message for _, _, message in self.told(execution)]
        # `ctx` prints nothing for the number 0.
        for line in ('hello from one', '<out> printed', 'try ', 'try 1'):
            self.assertIn(line, messages)
        kinds = [event['event_type'] for event in self.client.events.list(execution_id=execution.id)]
        self.assertEqual(kinds.count('task_failed'), 1)


@unittest.skipUnless(UTILITIES, 'ORRERY_INTEROP_UTILITIES names no folder with the source of cloudify-utilities-plugin 1.26')
class UtilitiesTest(PluginTest):
    """The vendor's utilities plugin, which no package index has: files, secrets and keys."""

    BLUEPRINT = """tosca_definitions_version: cloudify_dsl_1_4
imports: [cloudify/types/types.yaml, plugin:cloudify-utilities-plugin]
inputs: { path: {}, owner: {} }
node_templates:
  file:
    type: cloudify.nodes.File
    properties:
      resource_config:
        resource_path: template.txt
        file_path: { get_input: path }
        owner: { get_input: owner }
        mode: 600
        template_variables: { who: you }
        use_sudo: false
  writer:
    type: cloudify.nodes.secrets.Writer
    properties: { entries: { utilities-word: swordfish } }
  reader:
    type: cloudify.nodes.secrets.Reader
    properties: { keys: [utilities-word] }
    relationships: [{ type: cloudify.relationships.depends_on, target: writer }]
  key:
    type: cloudify.nodes.keys.RSAKey
    properties:
      key_name: utilities-key
      use_secret_store: true
      resource_config: { key_name: utilities-key, algorithm: RSA, bits: 2048, openssh_format: true }
"""

    @classmethod
    def wagon(cls):
        return wagon(UTILITIES, cls.folder, '-a', COMMON)

    @classmethod
    def yaml(cls):
        with open(os.path.join(UTILITIES, 'plugin.yaml')) as file:
            return file.read()

    def test_files_secrets_and_keys(self):
        import getpass
        path = os.path.join(self.folder, 'a-file')
        deployment = self.deployed({
            'blueprint.yaml': self.BLUEPRINT,
            'template.txt': 'for {{ who }}',
        }, {'path': path, 'owner': getpass.getuser()})
        execution = self.run_workflow(deployment, 'install')
        with open(path) as file:
            self.assertEqual(file.read(), 'for you')
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(self.client.secrets.get('utilities-word').value, 'swordfish')
        self.assertIn('utilities-word', str(self.properties(deployment, 'reader')))
        public = self.client.secrets.get('utilities-key_public').value
        self.assertTrue(public.startswith('ssh-rsa '), public)
        self.assertGreater(len(self.told(execution)), 0)
        self.run_workflow(deployment, 'uninstall')
        self.assertFalse(os.path.exists(path))
        self.assertEqual([one.key for one in self.client.secrets.list() if one.key.startswith('utilities')], [])


if __name__ == '__main__':
    unittest.main()
