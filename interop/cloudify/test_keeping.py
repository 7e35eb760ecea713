"""Snapshots."""
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
