"""The published command line, run as its users run it."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'cloudify'))
from plain_wagon import wagon, write_plugin_yaml  # noqa: E402

BLUEPRINT = os.path.join(HERE, '..', 'cloudify', 'blueprint', 'blueprint.yaml')
CFY = os.path.join(os.path.dirname(sys.executable), 'cfy')
# One command may take this long, in seconds; nothing waits for a person.
LIMIT = 180


def unique(prefix):
    return '{}-{}'.format(prefix, uuid.uuid4().hex[:8])


class CfyTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix='orrery-interop-cfy-')
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.use('default_tenant')

    @classmethod
    def use(cls, tenant):
        cls.cfy('profiles', 'use', os.environ['ORRERY_INTEROP_HOST'], '--rest-port', os.environ['ORRERY_INTEROP_PORT'],
                '--manager-username', 'admin', '--manager-password', os.environ['ORRERY_INTEROP_PASSWORD'],
                '--manager-tenant', tenant)

    @classmethod
    def cfy(cls, *arguments, **options):
        """What the command says. It must end with `code`."""
        env = dict(os.environ, CFY_WORKDIR=cls.home, HOME=cls.home, LC_ALL='C.UTF-8', PYTHONWARNINGS='ignore')
        done = subprocess.run([CFY] + list(arguments), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=LIMIT, universal_newlines=True)
        if done.returncode != options.get('code', 0):
            raise AssertionError('cfy {} ended with {}:\n{}'.format(
                ' '.join(arguments), done.returncode, done.stdout))
        return done.stdout

    @classmethod
    def told(cls, *arguments):
        """What the command tells as JSON."""
        return json.loads(cls.cfy('--json', *arguments))

    def upload(self):
        name = unique('bp')
        self.cfy('blueprints', 'upload', BLUEPRINT, '-b', name)
        return name


class ManagerTest(CfyTest):
    def test_the_profile_is_used(self):
        self.assertIn(os.environ['ORRERY_INTEROP_PORT'], self.cfy('profiles', 'list'))
        self.assertIn('Cloudify Manager', self.cfy('--version'))

    def test_the_manager_is_well(self):
        said = self.cfy('status')
        self.assertNotIn('not responding', said)
        self.assertIn('Active', said)
        self.assertIn('deactivated', self.cfy('maintenance-mode', 'status'))
        self.assertIn('admin', self.cfy('auditlog', 'list'))

    def test_a_wrong_password_is_told(self):
        said = self.cfy('profiles', 'set', '--manager-password', 'wrong', code=1)
        self.assertIn('unauthorized', said.lower())


class WholeWayTest(CfyTest):
    def test_upload_deploy_install_events_outputs_uninstall_delete(self):
        blueprint, deployment = self.upload(), unique('dep')
        self.assertIn(blueprint, [one['id'] for one in self.told('blueprints', 'list')])
        self.assertIn('leave traces', self.cfy('blueprints', 'get', blueprint))
        archive = os.path.join(self.home, 'archive.tar.gz')
        self.cfy('blueprints', 'download', blueprint, '-o', archive)
        self.assertGreater(os.path.getsize(archive), 500)

        self.cfy('deployments', 'create', deployment, '-b', blueprint, '-i', 'message=hello')
        self.assertIn(deployment, [one['id'] for one in self.told('deployments', 'list')])
        self.assertIn('Value: hello', self.cfy('deployments', 'inputs', deployment))

        said = self.cfy('executions', 'start', 'install', '-d', deployment)
        self.assertIn("Starting 'install' workflow execution", said)
        self.assertIn('saying hello', said)
        self.assertIn("'install' workflow execution succeeded", said)
        self.assertIn('Finished executing workflow install', said)

        self.assertIn('Value: hello', self.cfy('deployments', 'outputs', deployment))
        self.assertIn('it says hello', self.cfy('deployments', 'capabilities', deployment))
        instances = self.told('node-instances', 'list', '-d', deployment)
        self.assertEqual([one['state'] for one in instances], ['started'] * 3)
        self.assertIn('said', self.cfy('node-instances', 'get', instances[0]['id']) +
                      self.cfy('node-instances', 'get', instances[1]['id']))
        self.assertEqual(len(self.told('nodes', 'list', '-d', deployment)), 2)

        found = [one for one in self.told('executions', 'list', '-d', deployment) if one['workflow_id'] == 'install']
        self.assertEqual([one['status'] for one in found], ['completed'])
        execution = found[0]['id']
        self.assertEqual(self.told('executions', 'get', execution)['id'], execution)
        self.assertIn('saying hello', self.cfy('events', 'list', execution))

        self.cfy('executions', 'start', 'uninstall', '-d', deployment)
        self.cfy('deployments', 'delete', deployment)
        self.cfy('blueprints', 'delete', blueprint)
        self.assertNotIn(blueprint, [one['id'] for one in self.told('blueprints', 'list')])

    def test_install_and_uninstall_do_it_all_at_once(self):
        blueprint = unique('bp')
        self.assertIn('succeeded', self.cfy('install', BLUEPRINT, '-b', blueprint, '-d', blueprint, '-i', 'message=hi'))
        self.cfy('uninstall', blueprint)
        self.assertNotIn(blueprint, [one['id'] for one in self.told('deployments', 'list')])

    def test_a_deployment_is_updated(self):
        blueprint, deployment = self.upload(), unique('dep')
        self.cfy('deployments', 'create', deployment, '-b', blueprint, '-i', 'message=hello')
        self.cfy('executions', 'start', 'install', '-d', deployment)
        said = self.cfy('deployments', 'update', deployment, '-b', blueprint, '-i', 'message=changed')
        self.assertIn('Successfully updated deployment', said)
        self.assertIn('Value: changed', self.cfy('deployments', 'inputs', deployment))
        self.cfy('uninstall', deployment)

    def test_an_execution_is_cancelled(self):
        blueprint, deployment = self.upload(), unique('dep')
        self.cfy('deployments', 'create', deployment, '-b', blueprint, '-i', 'message=hello')
        said = self.cfy('executions', 'start', 'execute_operation', '-d', deployment, '-p',
                        'operation=maintenance.sleep', '--timeout', '3', code=1)
        self.assertIn('Timed out', said)
        running = [one['id'] for one in self.told('executions', 'list', '-d', deployment)
                   if one['workflow_id'] == 'execute_operation']
        self.cfy('executions', 'cancel', running[0], '-k')
        for _ in range(30):
            if self.told('executions', 'get', running[0])['status'] == 'cancelled':
                break
        else:
            self.fail('it was not cancelled')

    def test_what_is_wrong_is_told(self):
        said = self.cfy('deployments', 'create', unique('dep'), '-b', 'nowhere', code=1)
        self.assertIn('404', said)
        self.assertIn('not found', said)


class HouseTest(CfyTest):
    def test_secrets(self):
        key = unique('key')
        self.cfy('secrets', 'create', key, '-s', 'one')
        self.assertIn('one', self.cfy('secrets', 'get', key))
        self.cfy('secrets', 'update', key, '-s', 'two')
        self.assertIn('two', self.cfy('secrets', 'get', key))
        self.assertIn(key, [one['key'] for one in self.told('secrets', 'list')])
        self.cfy('secrets', 'delete', key)
        self.assertIn('was not found', self.cfy('secrets', 'get', key))

    def test_secrets_are_exported_and_imported(self):
        key, path = unique('key'), os.path.join(self.home, 'secrets.json')
        self.cfy('secrets', 'create', key, '-s', 'what is kept')
        self.cfy('secrets', 'export', '-o', path, '-p', 'a long passphrase')
        with open(path) as file:
            exported = file.read()
        self.assertIn(key, exported)
        self.assertNotIn('what is kept', exported)
        self.cfy('secrets', 'delete', key)
        self.cfy('secrets', 'import', '-i', path, '-p', 'a long passphrase', '--override-collisions')
        self.assertIn('what is kept', self.cfy('secrets', 'get', key))
        self.cfy('secrets', 'delete', key)

    def test_users_tenants_and_groups(self):
        user, tenant, group = unique('user'), unique('tenant'), unique('group')
        self.cfy('users', 'create', user, '-p', 'password-1', '-r', 'default')
        self.cfy('tenants', 'create', tenant)
        self.cfy('tenants', 'add-user', user, '-t', tenant, '-r', 'user')
        self.cfy('user-groups', 'create', group, '-r', 'default')
        self.cfy('user-groups', 'add-user', user, '-g', group)
        self.cfy('tenants', 'add-user-group', group, '-t', tenant, '-r', 'viewer')
        self.assertIn(user, [one['username'] for one in self.told('users', 'list')])
        self.assertIn(tenant, [one['name'] for one in self.told('tenants', 'list')])
        self.assertIn(group, self.cfy('user-groups', 'list', '--get-data'))
        self.assertIn(user, self.cfy('tenants', 'get', tenant, '--get-data'))
        self.cfy('tenants', 'remove-user-group', group, '-t', tenant)
        self.cfy('tenants', 'remove-user', user, '-t', tenant)
        self.cfy('user-groups', 'remove-user', user, '-g', group)
        self.cfy('user-groups', 'delete', group)
        self.cfy('users', 'delete', user)
        self.cfy('tenants', 'delete', tenant)

    def test_tokens(self):
        token = self.told('tokens', 'create', '--description', 'interop')
        self.assertIn(token['id'], [one['id'] for one in self.told('tokens', 'list')])
        self.cfy('tokens', 'delete', token['id'])


class KeptTest(CfyTest):
    def test_plugins(self):
        name = unique('cfy-plugin')
        self.cfy('plugins', 'upload', wagon(self.home, name, '1.0'),
                 '-y', write_plugin_yaml(self.home, name, '1.0'))
        found = [one for one in self.told('plugins', 'list') if one['package_name'] == name]
        self.assertEqual([one['package_version'] for one in found], ['1.0'])
        plugin = found[0]['id']
        self.assertIn(name, self.cfy('plugins', 'get', plugin))
        path = os.path.join(self.home, 'down.wgn')
        self.cfy('plugins', 'download', plugin, '-o', path)
        self.assertGreater(os.path.getsize(path), 500)
        self.cfy('plugins', 'delete', plugin)
        self.assertNotIn(plugin, [one['id'] for one in self.told('plugins', 'list')])

    def test_snapshots(self):
        snapshot = unique('snap')
        self.cfy('snapshots', 'create', snapshot)
        for _ in range(60):
            found = [one for one in self.told('snapshots', 'list') if one['id'] == snapshot]
            if found[0]['status'] != 'creating':
                break
        self.assertEqual(found[0]['status'], 'created')
        path = os.path.join(self.home, 'snapshot.zip')
        self.cfy('snapshots', 'download', snapshot, '-o', path)
        self.assertIsNone(zipfile.ZipFile(path).testzip())
        self.cfy('snapshots', 'delete', snapshot)
        self.cfy('snapshots', 'upload', path, '-s', snapshot)
        self.assertIn(snapshot, [one['id'] for one in self.told('snapshots', 'list')])
        self.cfy('snapshots', 'delete', snapshot)
