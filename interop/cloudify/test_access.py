"""Version and status, signing in, tokens, tenants, users and groups."""
from cloudify_rest_client.exceptions import ForbiddenError, UserUnauthorizedError

from harness import InteropTest, client, unique


class ManagerTest(InteropTest):
    def test_version_is_told_without_a_prefix(self):
        version = self.client.manager.get_version()
        self.assertEqual(version['edition'], 'community')
        self.assertRegex(version['version'], r'^\d+\.\d+')

    def test_status_is_told_as_each_prefix_tells_it(self):
        self.assertEqual(self.client.manager.get_status()['status'], 'OK')
        older = client(version='v3').manager.get_status()
        self.assertEqual(older['status'], 'running')
        self.assertTrue(all(service['instances'] for service in older['services']))

    def test_settings_of_a_scope(self):
        names = [setting.name for setting in self.client.manager.get_config(scope='workflow')]
        self.assertIn('task_retries', names)


class SignInTest(InteropTest):
    def test_a_wrong_password_is_unauthorized(self):
        with self.assertRaises(UserUnauthorizedError) as caught:
            client(password='wrong').blueprints.list()
        self.assertEqual(caught.exception.status_code, 401)

    def test_an_unknown_tenant_is_forbidden(self):
        with self.assertRaises(ForbiddenError):
            client(tenant='nowhere').blueprints.list()

    def test_a_request_that_needs_a_tenant_and_names_none_is_forbidden(self):
        with self.assertRaises(ForbiddenError):
            client(tenant=None).blueprints.list()

    def test_a_token_signs_in_until_it_is_deleted(self):
        token = self.client.tokens.create(description='interop')
        by_token = client(token=token.value)
        self.assertEqual(len(by_token.tokens.list(id=token.id)), 1)
        self.assertTrue(by_token.tokens.get(token.id).value.endswith('********'))
        self.client.tokens.delete(token.id)
        with self.assertRaises(UserUnauthorizedError):
            by_token.blueprints.list()


class TenantTest(InteropTest):
    def test_what_is_in_one_tenant_is_not_in_another(self):
        tenant, user = unique('tenant'), unique('user')
        self.client.tenants.create(tenant)
        self.client.users.create(user, 'password-1', 'default')
        blueprint, _ = self.upload()
        with self.assertRaises(ForbiddenError):
            client(user, 'password-1', tenant).blueprints.list()
        self.client.tenants.add_user(user, tenant, 'user')
        theirs = client(user, 'password-1', tenant)
        self.assertEqual(theirs.blueprints.list().items, [])
        self.assert_refused(404, 'not_found_error', theirs.blueprints.get, blueprint)
        with self.assertRaises(ForbiddenError):
            theirs.users.list()
        self.assertEqual([one.name for one in theirs.tenants.list()], [tenant])
        self.assertEqual(theirs.users.get_self().username, user)
        self.client.tenants.update_user(user, tenant, 'viewer')
        with self.assertRaises(ForbiddenError):
            theirs.secrets.create('key', 'value')
        self.client.tenants.remove_user(user, tenant)
        self.client.users.delete(user)
        self.client.tenants.delete(tenant)
        self.assertNotIn(tenant, [one.name for one in self.client.tenants.list()])

    def test_groups_bring_their_members_into_tenants(self):
        tenant, user, group = unique('tenant'), unique('user'), unique('group')
        self.client.tenants.create(tenant)
        self.client.users.create(user, 'password-1', 'default')
        self.client.user_groups.create(group, 'default')
        self.client.user_groups.add_user(user, group)
        self.client.tenants.add_user_group(group, tenant, 'manager')
        self.assertEqual(client(user, 'password-1', tenant).blueprints.list().items, [])
        self.assertEqual(self.client.user_groups.get(group).users, 1)
        self.client.tenants.remove_user_group(group, tenant)
        self.client.user_groups.delete(group)
        self.client.users.delete(user)
        self.client.tenants.delete(tenant)

    def test_users_change_their_password_and_may_be_shut_out(self):
        user = unique('user')
        self.client.users.create(user, 'password-1', 'default')
        client(user, 'password-1', None).users.set_password(user, 'password-2')
        with self.assertRaises(UserUnauthorizedError):
            client(user, 'password-1', None).users.get_self()
        self.client.users.deactivate(user)
        with self.assertRaises(UserUnauthorizedError):
            client(user, 'password-2', None).users.get_self()
        self.client.users.activate(user)
        self.assertEqual(self.client.users.set_role(user, 'sys_admin').role, 'sys_admin')
        self.client.users.delete(user)
