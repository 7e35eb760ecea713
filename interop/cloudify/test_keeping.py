"""Snapshots, and secrets that move from one manager to another."""
import os
import tempfile
import zipfile

from harness import InteropTest, unique


class SnapshotTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.snapshot = unique('snap')
        self.folder = tempfile.mkdtemp(prefix='orrery-interop-')

    def create(self):
        execution = self.client.snapshots.create(self.snapshot, include_credentials=True)
        self.addCleanup(self._forget, lambda: self.client.snapshots.delete(self.snapshot))
        self.assertEqual(execution.workflow_id, 'create_snapshot')
        self.assertEqual(self.wait(execution.id).status, 'terminated')

    def test_it_is_made_listed_downloaded_uploaded_and_deleted(self):
        self.create()
        self.assertEqual(self.client.snapshots.get(self.snapshot).status, 'created')
        self.assertIn(self.snapshot, [one.id for one in self.client.snapshots.list()])
        path = self.client.snapshots.download(self.snapshot, os.path.join(self.folder, 'one.zip'))
        self.assertIsNone(zipfile.ZipFile(path).testzip())
        other = unique('snap')
        uploaded = self.client.snapshots.upload(path, other)
        self.assertEqual((uploaded.id, uploaded.status), (other, 'uploaded'))
        again = self.client.snapshots.download(other, os.path.join(self.folder, 'two.zip'))
        with open(path, 'rb') as first, open(again, 'rb') as second:
            self.assertEqual(first.read(), second.read())
        self.client.snapshots.delete(other)
        self.assert_refused(404, 'not_found_error', self.client.snapshots.get, other)

    def test_a_manager_that_is_full_is_not_overwritten(self):
        self.upload()
        self.create()
        execution = None
        try:
            execution = self.client.snapshots.restore(self.snapshot)
        except Exception as error:
            self.assertEqual(error.status_code, 400)
        if execution is not None:
            self.assertEqual(self.wait(execution.id).status, 'failed')


class SecretsThatMoveTest(InteropTest):
    def test_exported_secrets_are_imported_again(self):
        key = unique('key')
        self.client.secrets.create(key, 'what is kept')
        self.addCleanup(self._forget, lambda: self.client.secrets.delete(key))
        exported = self.client.secrets.export(_passphrase='a long passphrase')
        mine = [one for one in exported if one['key'] == key]
        self.assertEqual(len(mine), 1)
        self.assertNotIn('what is kept', str(exported))
        self.client.secrets.update(key, 'changed')
        refused = self.client.secrets.import_secrets(mine, passphrase='a long passphrase')
        self.assertIn(key, str(refused.get('colliding_secrets')))
        self.client.secrets.import_secrets(mine, passphrase='a long passphrase', override_collisions=True)
        self.assertEqual(self.client.secrets.get(key).value, 'what is kept')
