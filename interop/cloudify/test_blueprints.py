"""Uploads in every form the client knows, lists, downloads, and what is refused."""
import functools
import http.server
import os
import tempfile
import threading
import time
import unittest

from cloudify_rest_client.exceptions import NoSuchIncludeFieldError

from harness import BLUEPRINT, InteropTest, archive, client, unique

try:
    import bz2
except ImportError:
    bz2 = None


class UploadTest(InteropTest):
    def publish(self, path, **arguments):
        blueprint = unique('bp')
        uploaded = self.client.blueprints.publish_archive(path, blueprint, 'blueprint.yaml', **arguments)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint, force=True))
        return blueprint, uploaded

    def test_a_folder(self):
        progress = []
        blueprint, uploaded = self.upload(progress_callback=lambda read, total: progress.append((read, total)))
        self.assertEqual((uploaded.id, uploaded.state), (blueprint, 'uploaded'))
        self.assertEqual(uploaded.main_file_name, 'blueprint.yaml')
        self.assertEqual(sorted(node['name'] for node in uploaded.plan['nodes']), ['base', 'speaker'])
        self.assertEqual(uploaded.plan['inputs']['message'], {'type': 'string'})
        self.assertTrue(progress)

    def test_archives_of_every_kind(self):
        for kind in ('zip', 'tar', 'tar.gz'):
            with self.subTest(kind):
                _, uploaded = self.publish(archive(kind))
                self.assertEqual(uploaded.state, 'uploaded')

    @unittest.skipIf(bz2 is None, 'this Python has no bz2')
    def test_a_bzip2_archive(self):
        _, uploaded = self.publish(archive('tar.bz2'))
        self.assertEqual(uploaded.state, 'uploaded')

    def test_the_older_form_names_everything_in_the_query_and_streams_the_archive(self):
        blueprint = unique('bp')
        uploaded = self.client.blueprints.upload(BLUEPRINT, blueprint, legacy=True)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint))
        self.assertEqual(uploaded.state, 'uploaded')

    def test_a_url(self):
        folder = tempfile.mkdtemp(prefix='orrery-interop-')
        archive('zip', folder)
        handler = functools.partial(QuietHandler, directory=folder)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        base = 'http://127.0.0.1:{}'.format(server.server_port)
        _, uploaded = self.publish(base + '/blueprint.zip')
        self.assertEqual(uploaded.state, 'uploaded')
        self.assert_refused(400, 'bad_parameters_error', self.client.blueprints.publish_archive,
                            base + '/absent.zip', unique('bp'), 'blueprint.yaml')

    def test_a_url_into_a_private_network_is_not_fetched(self):
        self.assert_refused(400, 'bad_parameters_error', self.client.blueprints.publish_archive,
                            'http://10.255.255.1/x.zip', unique('bp'), 'blueprint.yaml')

    def test_without_waiting_the_state_tells_when_it_is_there(self):
        blueprint = unique('bp')
        self.client.blueprints.upload(BLUEPRINT, blueprint, async_upload=True)
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint, force=True))
        deadline = time.time() + 30
        while self.client.blueprints.get(blueprint, _include=['state']).state != 'uploaded':
            self.assertLess(time.time(), deadline)
            time.sleep(0.05)

    def test_validation_keeps_nothing(self):
        blueprint = unique('bp')
        self.client.blueprints.validate(BLUEPRINT, blueprint)
        self.assert_refused(404, 'not_found_error', self.client.blueprints.get, blueprint)

    def test_a_download_is_byte_for_byte_what_was_sent(self):
        path = archive('tar.gz')
        blueprint, _ = self.publish(path)
        target = tempfile.mkdtemp(prefix='orrery-interop-')
        saved = self.client.blueprints.download(blueprint, target)
        self.assertEqual(os.path.basename(saved), blueprint + '.tar.gz')
        with open(path, 'rb') as sent, open(saved, 'rb') as received:
            self.assertEqual(sent.read(), received.read())

    def test_labels_are_given_at_once_and_later(self):
        blueprint, uploaded = self.upload(labels=[{'env': 'test'}, {'team': ['a', 'b']}])
        pairs = sorted((label['key'], label['value']) for label in uploaded['labels'])
        self.assertEqual(pairs, [('env', 'test'), ('team', 'a'), ('team', 'b')])
        updated = self.client.blueprints.update(blueprint, {'labels': [{'env': 'other'}]})
        self.assertEqual([label['value'] for label in updated['labels']], ['other'])


class RefusedUploadTest(InteropTest):
    def broken(self, text):
        folder = tempfile.mkdtemp(prefix='orrery-interop-')
        path = os.path.join(folder, 'blueprint.yaml')
        with open(path, 'w') as file:
            file.write(text)
        return path

    def refuse(self, text):
        blueprint = unique('bp')
        self.addCleanup(self._forget, lambda: self.client.blueprints.delete(blueprint, force=True))
        error = self.assert_refused(400, 'invalid_blueprint_error', self.client.blueprints.upload,
                                    self.broken(text), blueprint)
        return blueprint, error

    def test_broken_yaml(self):
        self.refuse('tosca_definitions_version: [')

    def test_an_unknown_type_is_named_with_its_place(self):
        blueprint, error = self.refuse(
            'tosca_definitions_version: cloudify_dsl_1_3\n'
            'imports: [cloudify/types/types.yaml]\n'
            'node_templates:\n  vm:\n    type: no.such.Type\n')
        self.assertIn('no.such.Type', str(error))
        self.assertIn('blueprint.yaml:5', str(error))
        stored = self.client.blueprints.get(blueprint)
        self.assertIn(stored.state, ('invalid', 'failed_parsing'))
        self.assertIn('no.such.Type', stored['error'])
        again = self.client.blueprints.upload(BLUEPRINT, blueprint)
        self.assertEqual(again.state, 'uploaded')

    def test_something_that_is_no_archive(self):
        path = self.broken('just a text')
        self.assert_refused(400, 'bad_parameters_error', self.client.blueprints.publish_archive,
                            path, unique('bp'), 'blueprint.yaml')

    def test_an_id_that_is_taken_and_one_that_is_none(self):
        blueprint, _ = self.upload()
        error = self.assert_refused(409, 'conflict_error', self.client.blueprints.upload, BLUEPRINT, blueprint)
        self.assertIn('already exists', str(error))
        self.assert_refused(400, 'bad_parameters_error', self.client.blueprints.upload, BLUEPRINT, 'no good!')

    def test_deleting_what_is_in_use(self):
        blueprint, _ = self.upload()
        self.deploy(blueprint)
        self.assert_refused(400, 'dependent_exists_error', self.client.blueprints.delete, blueprint)


class ListTest(InteropTest):
    def test_pages_projection_order_and_search(self):
        prefix = unique('page')
        names = ['{}-{}'.format(prefix, number) for number in range(5)]
        for name in names:
            self.client.blueprints.upload(BLUEPRINT, name)
            self.addCleanup(self._forget, functools.partial(self.client.blueprints.delete, name))
        page = self.client.blueprints.list(_search=prefix, _include=['id'], sort='id', _size=2, _offset=1)
        self.assertEqual(page.items, [{'id': names[1]}, {'id': names[2]}])
        pagination = page.metadata.pagination
        self.assertEqual((pagination.total, pagination.offset, pagination.size), (5, 1, 2))
        backwards = self.client.blueprints.list(_search=prefix, sort='id', is_descending=True)
        self.assertEqual([one.id for one in backwards], names[::-1])
        either = self.client.blueprints.list(id=[names[0], names[3]], sort='id')
        self.assertEqual([one.id for one in either], [names[0], names[3]])
        nothing = self.client.blueprints.list(_search=prefix, _size=0)
        self.assertEqual((len(nothing), nothing.metadata.pagination.total), (0, 5))

    def test_a_blueprint_is_also_found_by_its_id_as_a_filter(self):
        blueprint, _ = self.upload()
        older = client(version='v3')
        found = older.blueprints.list(id=blueprint)
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].plan['nodes'])

    def test_an_unknown_field_is_refused_with_its_own_error(self):
        with self.assertRaises(NoSuchIncludeFieldError):
            self.client.blueprints.list(_include=['nope'])
        self.assert_refused(400, 'bad_parameters_error', self.client.blueprints.list, nope='x')


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
