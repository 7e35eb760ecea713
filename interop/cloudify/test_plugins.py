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
