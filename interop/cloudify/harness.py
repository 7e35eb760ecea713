"""What the tests share: clients of the server under test, archives of the blueprint, waiting for ends."""
import os
import tarfile
import tempfile
import time
import unittest
import uuid
import zipfile

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.exceptions import CloudifyClientError

HERE = os.path.dirname(os.path.abspath(__file__))
BLUEPRINT = os.path.join(HERE, 'blueprint', 'blueprint.yaml')
ENDED = ('terminated', 'failed', 'cancelled')


def client(username='admin', password=None, tenant='default_tenant', token=None, version='v3.1'):
    """A client as its users make one. With a token, it signs in by that alone."""
    arguments = {
        'host': os.environ['ORRERY_INTEROP_HOST'],
        'port': int(os.environ['ORRERY_INTEROP_PORT']),
        'api_version': version,
        'tenant': tenant,
    }
    if token is not None:
        arguments['token'] = token
    else:
        arguments['username'] = username
        arguments['password'] = password or os.environ['ORRERY_INTEROP_PASSWORD']
    return CloudifyClient(**arguments)


def unique(prefix):
    return '{}-{}'.format(prefix, uuid.uuid4().hex[:8])


def archive(kind, folder=None, source=None):
    """The path of an archive with one top folder; `kind` as tarfile names it, or zip."""
    source = source or os.path.dirname(BLUEPRINT)
    folder = folder or tempfile.mkdtemp(prefix='orrery-interop-')
    path = os.path.join(folder, 'blueprint.' + kind)
    if kind == 'zip':
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as packed:
            for parent, _, names in os.walk(source):
                for name in names:
                    full = os.path.join(parent, name)
                    packed.write(full, os.path.join('top', os.path.relpath(full, source)))
    else:
        mode = {'tar': 'w', 'tar.gz': 'w:gz', 'tar.bz2': 'w:bz2'}[kind]
        with tarfile.open(path, mode) as packed:
            packed.add(source, arcname='top')
    return path


class InteropTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.client = client()

    def upload(self, **arguments):
        """A blueprint that goes when the test ends."""
        blueprint = unique('bp')
        uploaded = self.client.blueprints.upload(BLUEPRINT, blueprint, **arguments)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint, force=True))
        return blueprint, uploaded

    def deploy(self, blueprint, inputs=None, **arguments):
        """A deployment that goes when the test ends, before its blueprint."""
        deployment = unique('dep')
        created = self.client.deployments.create(
            blueprint, deployment, inputs={'message': 'hello'} if inputs is None else inputs, **arguments)
        self.addCleanup(self._forget, lambda: self.client.deployments.delete(deployment, force=True))
        return deployment, created

    def run_workflow(self, deployment, workflow, expect='terminated', **arguments):
        execution = self.client.executions.start(deployment, workflow, **arguments)
        ended = self.wait(execution.id)
        self.assertEqual(ended.status, expect, ended.error)
        return ended

    def wait(self, execution, states=ENDED, seconds=90):
        deadline = time.time() + seconds
        while True:
            found = self.client.executions.get(execution)
            if found.status in states:
                return found
            if time.time() > deadline:
                self.fail('execution {} is still {}'.format(execution, found.status))
            time.sleep(0.05)

    def assert_refused(self, status, code, call, *args, **kwargs):
        """The call fails with this status and code; gives the error."""
        with self.assertRaises(CloudifyClientError) as caught:
            call(*args, **kwargs)
        self.assertEqual((caught.exception.status_code, caught.exception.error_code), (status, code))
        return caught.exception

    @staticmethod
    def _forget(delete):
        try:
            delete()
        except CloudifyClientError as error:
            if error.status_code != 404:
                raise
