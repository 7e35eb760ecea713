"""What a manager keeps for those who look after it: log bundles, files of blueprints, the licence, LDAP."""
import json
import os
import tempfile
import urllib.error
import urllib.request
import zipfile

from harness import BLUEPRINT, InteropTest, unique
from cloudify_rest_client.exceptions import CloudifyClientError


class LogBundleTest(InteropTest):
    def create(self):
        bundle = unique('bundle')
        execution = self.client.log_bundles.create(bundle, queue=True)
        self.assertEqual(execution.workflow_id, 'create_log_bundle')
        self.assertEqual(self.wait(execution.id).status, 'terminated')
        return bundle

    def test_it_is_made_listed_downloaded_and_deleted(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        installed = self.run_workflow(deployment, 'install')
        secret = unique('secret')
        self.client.secrets.create(secret, 'canary-of-the-bundle')
        self.addCleanup(self._forget, lambda: self.client.secrets.delete(secret))
        bundle = self.create()
        told = self.client.log_bundles.get(bundle)
        self.assertEqual((told.id, told.status, told.error, told.created_by), (bundle, 'created', '', 'admin'))
        self.assertIn(bundle, [one.id for one in self.client.log_bundles.list()])
        path = os.path.join(tempfile.mkdtemp(prefix='orrery-interop-'), 'logs.zip')
        self.client.log_bundles.download(bundle, path)
        with zipfile.ZipFile(path) as packed:
            self.assertIsNone(packed.testzip())
            lines = packed.read('events/default_tenant.jsonl').decode().splitlines()
            executions = {json.loads(line).get('execution') for line in lines}
            self.assertIn(installed.id, executions)
            self.assertIn('audit.jsonl', packed.namelist())
            for name in packed.namelist():
                self.assertNotIn(b'canary-of-the-bundle', packed.read(name))
        self.client.log_bundles.delete(bundle)
        self.assert_refused(404, 'not_found_error', self.client.log_bundles.get, bundle)

    def test_one_that_is_taken_or_not_true_is_refused(self):
        bundle = self.create()
        self.addCleanup(self._forget, lambda: self.client.log_bundles.delete(bundle))
        self.assert_refused(409, 'conflict_error', self.client.log_bundles.create, bundle, queue=True)
        self.assert_refused(
            400, 'log_bundle_action_error', self.client.log_bundles.update_status, bundle, 'creating')
        self.client.log_bundles.update_status(bundle, 'created', error='looked at')
        self.assertEqual(self.client.log_bundles.get(bundle).error, 'looked at')


PNG = b'\x89PNG\r\n\x1a\n' + bytes(1000)


class FileServerTest(InteropTest):
    """Beside the API, as agents and workers fetch the files of blueprints."""

    def test_an_icon_is_a_file_of_the_blueprint(self):
        blueprint, _ = self.upload()
        path = os.path.join(tempfile.mkdtemp(prefix='orrery-interop-'), 'icon.png')
        with open(path, 'wb') as file:
            file.write(PNG)
        self.client.blueprints.upload_icon(blueprint, path)
        fetched = self.client.resources.get_file('/resources/blueprints/default_tenant/{}/icon.png'.format(blueprint))
        self.assertEqual(b''.join(fetched.bytes_stream()), PNG)
        self.client.blueprints.remove_icon(blueprint)
        self.assert_refused(404, 'not_found_error', self.client.resources.get_file,
                            '/resources/blueprints/default_tenant/{}/icon.png'.format(blueprint))

    def get(self, path, tenant='default_tenant', credentials=True):
        url = 'http://{}:{}/resources/{}'.format(
            os.environ['ORRERY_INTEROP_HOST'], os.environ['ORRERY_INTEROP_PORT'], path)
        headers = {'Tenant': tenant}
        if credentials:
            # The headers that the client itself would send.
            headers.update({
                name: value for name, value in self.client._client.headers.items()
                if name in ('Authorization', 'Authentication-Token')})
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    def test_a_file_is_told_byte_for_byte_and_a_folder_as_what_is_in_it(self):
        blueprint, _ = self.upload()
        place = 'blueprints/default_tenant/{}/'.format(blueprint)
        with open(BLUEPRINT, 'rb') as source:
            self.assertEqual(self.get(place + os.path.basename(BLUEPRINT)), (200, source.read()))
        status, body = self.get(place)
        self.assertEqual(status, 200)
        self.assertIn(os.path.basename(BLUEPRINT), json.loads(body)['files'])

    def test_it_is_told_to_nobody_else(self):
        blueprint, _ = self.upload()
        path = 'blueprints/default_tenant/{}/{}'.format(blueprint, os.path.basename(BLUEPRINT))
        self.assertEqual(self.get(path, credentials=False)[0], 401)
        self.assertEqual(self.get('blueprints/default_tenant/{}/nothing'.format(blueprint))[0], 404)
        for away in ('../../../etc/passwd', '%2e%2e/%2e%2e/etc/passwd'):
            self.assertEqual(self.get('blueprints/default_tenant/{}/{}'.format(blueprint, away))[0], 404)


class LicenseTest(InteropTest):
    def test_none_is_needed_and_none_is_kept(self):
        self.client.license.check()
        self.assertEqual(len(self.client.license.list()), 0)
        path = os.path.join(tempfile.mkdtemp(prefix='orrery-interop-'), 'license.yaml')
        with open(path, 'w') as written:
            written.write('license: {customer_id: somebody}\n')
        self.assert_refused(400, 'illegal_action_error', self.client.license.upload, path)
        self.assert_refused(404, 'not_found_error', self.client.license.delete)
        self.assertEqual(len(self.client.license.list()), 0)


class LdapTest(InteropTest):
    def test_it_is_not_set_up_and_says_why_it_cannot_be(self):
        self.assertEqual(self.client.ldap.get_status(), 'disabled')
        with self.assertRaises(CloudifyClientError) as refused:
            self.client.ldap.set('ldap://ldap.example:389', ldap_username='who', ldap_password='what')
        self.assertEqual((refused.exception.status_code, refused.exception.error_code), (400, 'illegal_action_error'))
        self.assertIn('LDAP is not supported', str(refused.exception))
        self.assertEqual(self.client.ldap.get_status(), 'disabled')


class OperationTest(InteropTest):
    def test_what_workflow_code_says_of_its_operations_is_kept_and_told(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        execution = self.client.executions.list(deployment_id=deployment)[0]
        graph = self.client.tasks_graphs.create(execution.id, unique('graph'), operations=[])
        operation = unique('operation')
        self.client.operations.create(operation, graph.id, 'one.two', 'RemoteWorkflowTask', {}, [])
        causes = [{'type': 'Oops', 'message': 'no room', 'traceback': ''}]
        self.client.operations.update(operation, 'failed', exception='no room', exception_causes=causes)
        told = self.client.operations.get(operation)
        self.assertEqual((told.state, told['exception'], told['exception_causes']), ('failed', 'no room', causes))
        self.client.operations.update(operation, 'succeeded', result={'answer': 42})
        self.assertEqual(self.client.operations.get(operation)['result'], {'answer': 42})
        messages = [one['message'] for one in self.client.events.list(execution_id=execution.id)]
        self.assertIn("Task failed 'one.two' -> no room", messages)


class UpdateOptionsTest(InteropTest):
    def test_plugins_and_statuses_are_looked_at_as_the_client_asks(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        self.run_workflow(deployment, 'install')
        update = self.client.deployment_updates.update_with_existing_blueprint(
            deployment, blueprint_id=blueprint, inputs={'message': 'again'},
            update_plugins=False, reevaluate_active_statuses=True)
        execution = self.wait(update.execution_id)
        self.assertEqual(execution.status, 'terminated', execution.error)
        self.assertEqual(
            (execution.parameters['update_plugins'], execution.parameters['reevaluate_active_statuses']), (False, True))
