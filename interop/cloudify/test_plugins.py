"""Plugins: wagons that are uploaded, found, downloaded, imported and deleted."""
import hashlib
import os
import tempfile
import zipfile

from cloudify_rest_client.exceptions import PluginInUseError

from harness import InteropTest, unique
from plain_wagon import wagon, wheel, write_plugin_yaml

def digest(path):
    with open(path, 'rb') as file:
        return hashlib.sha256(file.read()).hexdigest()


class PluginTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix='orrery-interop-')
        self.name = unique('interop-plugin')
        self.wagon = wagon(self.folder, self.name, '1.2.3')
        self.yaml = write_plugin_yaml(self.folder, self.name, '1.2.3')

    def both(self):
        path = os.path.join(self.folder, 'both.zip')
        with zipfile.ZipFile(path, 'w') as archive:
            archive.write(self.wagon, os.path.basename(self.wagon))
            archive.write(self.yaml, 'plugin.yaml')
        return path

    def send(self, path):
        plugin = self.client.plugins.upload(path)
        self.addCleanup(self._forget, lambda: self.client.plugins.delete(plugin.id, force=True))
        return plugin

    def test_a_wagon_is_read_and_comes_back_as_it_was(self):
        plugin = self.send(self.wagon)
        self.assertEqual((plugin.package_name, plugin.package_version), (self.name, '1.2.3'))
        self.assertEqual((plugin.supported_platform, plugin.archive_name), ('any', os.path.basename(self.wagon)))
        self.assertEqual(plugin.wheels, [wheel(self.name, '1.2.3')[0]])
        found = self.client.plugins.list(package_name=self.name)
        self.assertEqual([one.id for one in found], [plugin.id])
        down = self.client.plugins.download(plugin.id, os.path.join(self.folder, 'down.wgn'))
        self.assertEqual(digest(down), digest(self.wagon))
        self.assert_refused(409, 'conflict_error', self.client.plugins.upload, self.wagon)
        self.client.plugins.delete(plugin.id)
        self.assert_refused(404, 'not_found_error', self.client.plugins.get, plugin.id)

    def test_what_is_no_wagon_is_refused(self):
        self.assert_refused(400, 'invalid_plugin_error', self.client.plugins.upload, self.yaml)

    def test_a_plugin_is_imported_and_kept_while_it_is_used(self):
        plugin = self.send(self.both())
        path = os.path.join(self.folder, 'blueprint.yaml')
        with open(path, 'w') as file:
            file.write('tosca_definitions_version: cloudify_dsl_1_3\n'
                       'imports:\n  - cloudify/types/types.yaml\n  - plugin:{0}?version=>1\n'
                       'node_templates:\n  thing: {{type: {0}.Thing}}\n'.format(self.name))
        blueprint = unique('bp')
        uploaded = self.client.blueprints.upload(path, blueprint)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint, force=True))
        self.assertEqual(uploaded.plan['nodes'][0]['type'], self.name + '.Thing')
        with self.assertRaises(PluginInUseError):
            self.client.plugins.delete(plugin.id)
        self.client.blueprints.delete(blueprint)
        self.client.plugins.delete(plugin.id)

    def upload(self, version):
        """The plugin with a type that has an operation, so that blueprints run it."""
        wgn = wagon(self.folder, self.name, version)
        yaml = write_plugin_yaml(self.folder, self.name, version)
        with open(yaml, 'a') as file:
            file.write("    properties: {{made_by: {{default: '{0}'}}}}\n"
                       '    interfaces: {{cloudify.interfaces.lifecycle: {{create: {1}.{2}.nothing}}}}\n'.format(
                           version, self.name, self.name.replace('-', '_')))
        path = os.path.join(self.folder, 'plugin-{}.zip'.format(version))
        with zipfile.ZipFile(path, 'w') as archive:
            archive.write(wgn, os.path.basename(wgn))
            archive.write(yaml, 'plugin.yaml')
        return self.send(path)

    def test_the_deployments_of_a_blueprint_are_brought_to_a_newer_plugin(self):
        self.upload('1.0')
        path = os.path.join(self.folder, 'blueprint.yaml')
        with open(path, 'w') as file:
            file.write('tosca_definitions_version: cloudify_dsl_1_3\n'
                       'imports: [cloudify/types/types.yaml, "plugin:{0}"]\n'
                       'node_templates:\n  thing: {{type: {0}.Thing}}\n'.format(self.name))
        blueprint = unique('bp')
        deployment = unique('dep')
        self.client.blueprints.upload(path, blueprint)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint, force=True))
        self.client.deployments.create(blueprint, deployment)
        self.addCleanup(self._forget, lambda: self.client.deployments.delete(deployment, force=True))

        updates = self.client.plugins_update
        none = updates.update_plugins(blueprint)
        self.assertEqual(none.state, 'no_changes_required')
        self.assertEqual(self.wait(none.execution_id).status, 'terminated')

        self.upload('2.0')
        update = updates.update_plugins(blueprint, plugin_names=[self.name])
        self.assertEqual(update.state, 'executing_workflow')
        self.assertEqual(update.deployments_per_tenant, {'default_tenant': [deployment]})
        ended = self.wait(update.execution_id)
        self.assertEqual((ended.status, ended.error), ('terminated', ''))
        self.assertEqual(updates.get(update.id).state, 'successful')
        self.assertEqual(self.client.nodes.get(deployment, 'thing').properties['made_by'], '2.0')
        self.assertEqual(self.client.deployments.get(deployment).blueprint_id, blueprint)
        told = updates.list(blueprint_id=blueprint, sort='created_at', is_descending=True)
        self.assertEqual([one.id for one in told], [update.id, none.id])
        self.assertEqual({one['id'] for one in updates.dump([update.id])}, {update.id})
        self.assert_refused(400, 'illegal_action_error', updates.finalize_plugins_update, update.id)
        self.assert_refused(400, 'bad_parameters_error', updates.update_plugins, blueprint, plugin_names=['absent'])
        self.assert_refused(400, 'bad_parameters_error', updates.inject, blueprint, update_id='one')
