"""The manager as its keepers see it: health, cluster, maintenance, who may do what, and who did."""
from cloudify_rest_client.exceptions import MaintenanceModeActiveError, NotModifiedError

from harness import InteropTest, client, unique


class ClusterTest(InteropTest):
    def test_all_is_well(self):
        self.assertEqual(self.client.cluster_status.get_status()['status'], 'OK')

    def test_managers_brokers_and_databases_are_listed(self):
        managers = self.client.manager.get_managers()
        self.assertEqual(len(managers), 1)
        self.assertTrue(managers[0]['hostname'] and managers[0]['version'])
        self.assertIsNotNone(self.client.manager.get_brokers().items)
        self.assertIsNotNone(self.client.manager.get_db_nodes().items)


class MaintenanceTest(InteropTest):
    def test_a_closed_manager_answers_nothing_but_what_opens_it(self):
        mode = self.client.maintenance_mode
        self.assertEqual(mode.status().status, 'deactivated')
        self.addCleanup(self.open)
        self.assertIn(mode.activate().status, ('activating', 'activated'))
        with self.assertRaises(NotModifiedError):
            mode.activate()
        while mode.status().status != 'activated':
            pass
        with self.assertRaises(MaintenanceModeActiveError):
            self.client.blueprints.list()
        self.assertEqual(mode.deactivate().status, 'deactivated')
        self.assertIsNotNone(self.client.blueprints.list().items)

    def open(self):
        try:
            self.client.maintenance_mode.deactivate()
        except NotModifiedError:
            pass


class RightsTest(InteropTest):
    def test_permissions_are_told_by_role(self):
        found = self.client.permissions.list(role='viewer')
        self.assertIn('deployment_list', [one['permission'] for one in found])
        self.assertNotIn('deployment_delete', [one['permission'] for one in found])

    def test_the_trail_tells_who_did_what(self):
        key = unique('audited')
        self.client.secrets.create(key, 'value')
        self.addCleanup(self._forget, lambda: self.client.secrets.delete(key))
        found = self.client.auditlog.list(creator_name='admin', since=None)
        self.assertTrue(any(one['operation'] == 'create' for one in found))

    def test_settings_are_told_and_changed(self):
        names = [one.name for one in self.client.manager.get_config(scope='workflow')]
        self.assertIn('subgraph_retries', names)

    def test_nobody_else_reads_what_is_private(self):
        user = unique('user')
        self.client.users.create(user, 'password-1', 'default')
        self.client.tenants.add_user(user, 'default_tenant', 'user')
        self.addCleanup(self._forget, lambda: self.client.users.delete(user))
        self.addCleanup(self._forget, lambda: self.client.tenants.remove_user(user, 'default_tenant'))
        key = unique('key')
        self.client.secrets.create(key, 'mine', visibility='private')
        self.addCleanup(self._forget, lambda: self.client.secrets.delete(key))
        theirs = client(user, 'password-1')
        self.assert_refused(404, 'not_found_error', theirs.secrets.get, key)
        self.client.secrets.set_visibility(key, 'tenant')
        self.assertEqual(theirs.secrets.get(key).value, 'mine')
