"""The client of the years when /api/v3 was new, over the whole way, through /api/v3."""
import os
import shutil
import sys
import tempfile
import time
import unittest
import uuid

import python2_names  # noqa: F401, before the client
from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError, UserUnauthorizedError

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'cloudify'))
from plain_wagon import wagon  # noqa: E402

BLUEPRINT = os.path.join(HERE, '..', 'cloudify', 'blueprint', 'blueprint.yaml')
PASSWORD = os.environ['ORRERY_INTEROP_PASSWORD']


def client(username='admin', password=PASSWORD, tenant='default_tenant', **arguments):
    if 'token' not in arguments:
        arguments.update(username=username, password=password)
    return CloudifyClient(
        host=os.environ['ORRERY_INTEROP_HOST'], port=int(os.environ['ORRERY_INTEROP_PORT']),
        api_version='v3', tenant=tenant, **arguments)


def unique(prefix):
    return '{}-{}'.format(prefix, uuid.uuid4().hex[:8])


class OlderClientTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.client = client()
        self.folder = tempfile.mkdtemp(prefix='orrery-interop-')
        self.addCleanup(shutil.rmtree, self.folder)

    def upload(self):
        name = unique('bp')
        uploaded = self.client.blueprints.upload(BLUEPRINT, name)
        return name, uploaded

    def deploy(self):
        blueprint, _ = self.upload()
        name = unique('dep')
        created = self.client.deployments.create(blueprint, name, inputs={'message': 'hello'})
        return blueprint, name, created

    def wait(self, execution, states=('terminated', 'failed', 'cancelled'), seconds=90):
        deadline = time.time() + seconds
        while True:
            found = self.client.executions.get(execution)
            if found.status in states:
                return found
            if time.time() > deadline:
                self.fail('execution {} is still {}'.format(execution, found.status))
            time.sleep(0.1)

    def assert_refused(self, status, code, call, *arguments):
        with self.assertRaises(CloudifyClientError) as caught:
            call(*arguments)
        self.assertEqual((caught.exception.status_code, caught.exception.error_code), (status, code))


class MainWayTest(OlderClientTest):
    def test_upload_deploy_install_events_outputs_uninstall_delete(self):
        blueprint, deployment, created = self.deploy()
        self.assertEqual((created['id'], created['blueprint_id']), (deployment, blueprint))
        self.assertEqual(created['inputs'], {'message': 'hello', 'loud': False})
        whole = self.client.deployments.get(deployment)
        self.assertIn('install', [workflow.name for workflow in whole.workflows])
        started = self.start(deployment, 'install')
        ended = self.wait(started['id'])
        self.assertEqual((ended.status, ended.error), ('terminated', ''))
        self.assertEqual(self.client.deployments.outputs.get(deployment).outputs, {'message': 'hello'})

        nodes = self.client.nodes.list(deployment_id=deployment)
        self.assertEqual(sorted(node['id'] for node in nodes), ['base', 'speaker'])
        instances = self.client.node_instances.list(deployment_id=deployment, node_id='speaker')
        self.assertEqual([one['runtime_properties']['said'] for one in instances], ['hello', 'hello'])

        events, total = self.client.events.get(ended.id, 0, 1000, True)
        self.assertEqual(len(events), total)
        self.assertEqual(events[0]['event_type'], 'workflow_started')
        self.assertIn('saying hello', [event['message'] for event in events])
        listed = self.client.events.list(include_logs=True, message='saying hello', deployment_id=deployment)
        self.assertEqual(len(listed.items), 2)

        self.assert_refused(400, 'dependent_exists_error', self.client.deployments.delete, deployment)
        self.assertEqual(self.wait(self.start(deployment, 'uninstall')['id']).status, 'terminated')
        self.assertEqual(self.client.deployments.delete(deployment)['id'], deployment)
        self.assertEqual(self.client.blueprints.delete(blueprint)['id'], blueprint)
        self.assert_refused(404, 'not_found_error', self.client.blueprints.get, blueprint)

    def start(self, deployment, workflow, **arguments):
        """A deployment that is just being made is not ready yet."""
        for _ in range(100):
            try:
                return self.client.executions.start(deployment, workflow, **arguments)
            except CloudifyClientError as error:
                if 'creation' not in (error.error_code or ''):
                    raise
                time.sleep(0.1)
        self.fail('{} was not ready'.format(deployment))

    def test_what_is_cancelled_stops(self):
        _, deployment, _ = self.deploy()
        started = self.start(deployment, 'execute_operation', parameters={'operation': 'maintenance.sleep'})
        self.wait(started['id'], ('started',))
        self.assert_refused(
            400, 'existing_running_execution_error', self.client.executions.start, deployment, 'install')
        self.client.executions.cancel(started['id'], force=True)
        self.assertEqual(self.wait(started['id']).status, 'cancelled')
        self.assertEqual(self.client.deployments.delete(deployment, ignore_live_nodes=True)['id'], deployment)

    def test_lists_are_chosen_sorted_and_paged(self):
        names = sorted(self.upload()[0] for _ in range(3))
        found = self.client.blueprints.list(_include=['id'], id=names, sort='id', is_descending=True)
        self.assertEqual([one['id'] for one in found], names[::-1])
        self.assertEqual([list(one) for one in found], [['id']] * 3)
        page = self.client.blueprints.list(id=names, sort='id', _size=1, _offset=1)
        self.assertEqual([one['id'] for one in page], names[1:2])
        self.assertEqual(page.metadata.pagination.total, 3)

    def test_a_download_holds_the_blueprint(self):
        name, uploaded = self.upload()
        self.assertEqual(uploaded['main_file_name'], 'blueprint.yaml')
        self.assertEqual(len(uploaded['plan']['nodes']), 2)
        path = self.client.blueprints.download(name, os.path.join(self.folder, 'down'))
        self.assertGreater(os.path.getsize(path), 500)

    def test_an_instance_is_changed_by_who_read_it_last(self):
        _, deployment, _ = self.deploy()
        instances = []
        while not instances:
            instances = self.client.node_instances.list(deployment_id=deployment, node_id='base').items
        instance = self.client.node_instances.get(instances[0]['id'])
        changed = self.client.node_instances.update(
            instance.id, version=instance.version, runtime_properties={'key': 'value'}, state='started')
        self.assertEqual(changed['runtime_properties'], {'key': 'value'})
        self.assert_refused(
            409, 'conflict_error', self.client.node_instances.update, instance.id, None, {'key': 'late'}, 0)


class HouseTest(OlderClientTest):
    def test_version_and_status(self):
        self.assertEqual(self.client.manager.get_version()['edition'], 'community')
        status = self.client.manager.get_status()
        self.assertEqual(status['status'], 'running')
        self.assertTrue(all(service['instances'] for service in status['services']))

    def test_a_token_signs_in(self):
        token = self.client.tokens.get()
        self.assertEqual(token.role, 'admin')
        self.assertIsNotNone(client(token=token.value).blueprints.list().items)
        with self.assertRaises(UserUnauthorizedError):
            client(password='wrong').blueprints.list()

    def test_secrets(self):
        key = unique('key')
        self.assertEqual(self.client.secrets.create(key, 'one')['value'], 'one')
        self.assertEqual(self.client.secrets.update(key, 'two')['value'], 'two')
        self.assertEqual(self.client.secrets.get(key).value, 'two')
        listed = self.client.secrets.list(key=key)
        self.assertEqual([(one['key'], one.get('value')) for one in listed], [(key, None)])
        self.assertEqual(self.client.secrets.delete(key)['key'], key)

    def test_tenants_users_and_groups(self):
        tenant, user, group = unique('tenant'), unique('user'), unique('group')
        tenants, users, groups = self.client.tenants, self.client.users, self.client.user_groups
        # Later editions of this client also name a role.
        role = ['user'] if 'role' in tenants.add_user.__code__.co_varnames else []
        self.assertEqual(tenants.create(tenant)['name'], tenant)
        self.assertEqual(users.create(user, 'password-1', 'user')['username'], user)
        groups.create(group, *(['user'] if 'role' in groups.create.__code__.co_varnames[:3] else []))
        self.assertEqual(tenants.add_user(user, tenant, *role)['users'], [user])
        self.assertEqual(client(user, 'password-1', tenant).blueprints.list().items, [])
        self.assertEqual(tenants.remove_user(user, tenant)['users'], [])
        self.assertEqual(groups.add_user(user, group)['users'], [user])
        add, remove = (getattr(tenants, name, None) or getattr(tenants, name.replace('user_', ''))
                       for name in ('add_user_group', 'remove_user_group'))
        self.assertEqual(add(group, tenant, *role)['groups'], [group])
        self.assertEqual(users.get(user)['groups'], [group])
        self.assertEqual(client(user, 'password-1', tenant).blueprints.list().items, [])
        self.assertEqual(remove(group, tenant)['groups'], [])
        self.assertEqual(groups.remove_user(user, group)['users'], [])
        self.assertEqual(users.set_role(user, 'administrator')['role'], 'administrator')
        users.set_password(user, 'password-2')
        self.assertIn(tenant, [one['name'] for one in client(user, 'password-2').tenants.list()])
        self.assertFalse(users.deactivate(user)['active'])
        self.assertTrue(users.activate(user)['active'])
        for deletion, name in ((groups.delete, group), (users.delete, user), (tenants.delete, tenant)):
            self.assertIn(name, deletion(name).values())


class KeptTest(OlderClientTest):
    def test_plugins(self):
        name = unique('old-plugin')
        path = wagon(self.folder, name, '1.0')
        plugin = self.client.plugins.upload(path)
        self.assertEqual((plugin['package_name'], plugin['archive_name']), (name, os.path.basename(path)))
        self.assertEqual([one['id'] for one in self.client.plugins.list(package_name=name)], [plugin['id']])
        down = self.client.plugins.download(plugin['id'], os.path.join(self.folder, 'down.wgn'))
        with open(path, 'rb') as sent, open(down, 'rb') as received:
            self.assertEqual(sent.read(), received.read())
        self.assertEqual(self.client.plugins.delete(plugin['id'])['id'], plugin['id'])

    def test_snapshots(self):
        name = unique('snap')
        execution = self.client.snapshots.create(name, include_metrics=False, include_credentials=True)
        self.assertEqual(execution['workflow_id'], 'create_snapshot')
        self.assertEqual(self.wait(execution['id']).status, 'terminated')
        self.assertEqual(self.client.snapshots.get(name)['status'], 'created')
        self.assertIn(name, [one['id'] for one in self.client.snapshots.list()])
        path = self.client.snapshots.download(name, os.path.join(self.folder, 'snapshot.zip'))
        self.assertEqual(self.client.snapshots.delete(name)['id'], name)
        self.assertEqual(self.client.snapshots.upload(path, name)['status'], 'uploaded')
        self.assertEqual(self.client.snapshots.delete(name)['id'], name)

    def test_the_cluster_is_of_one_until_it_is_made(self):
        self.assertFalse(self.client.cluster.status().initialized)
