"""Labels, stored filters, searches, summaries and sites: finding one's things again."""
from cloudify_rest_client.exceptions import CloudifyClientError, InvalidFilterRule

from harness import InteropTest, unique


def rule(key, values, operator='any_of', kind='label'):
    return {'key': key, 'values': values, 'operator': operator, 'type': kind}


class FindingTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.env = unique('env')
        self.blueprint, _ = self.upload(labels=[{'team': self.env}])
        self.first, _ = self.deploy(self.blueprint, labels=[{'env': self.env}, {'tier': 'web'}])
        self.second, _ = self.deploy(self.blueprint, labels=[{'env': self.env}, {'tier': 'db'}])

    def ids(self, found):
        return sorted(one['id'] for one in found)

    def test_labels_are_told(self):
        self.assertIn('env', self.client.deployments_labels.list_keys().items)
        self.assertIn(self.env, self.client.deployments_labels.list_key_values('env').items)
        self.assertIn(self.env, self.client.blueprints_labels.list_key_values('team').items)
        self.assertIn('csys-obj-parent', self.client.deployments_labels.get_reserved_labels_keys().items)

    def test_rules_find_deployments_and_blueprints(self):
        both = self.client.deployments.list(filter_rules=[rule('env', [self.env])])
        self.assertEqual(self.ids(both), sorted([self.first, self.second]))
        web = self.client.deployments.list(filter_rules=[rule('env', [self.env]), rule('tier', ['web'])])
        self.assertEqual(self.ids(web), [self.first])
        by_name = self.client.deployments.list(
            filter_rules=[rule('blueprint_id', [self.blueprint], kind='attribute')], _include=['id'])
        self.assertEqual(self.ids(by_name), sorted([self.first, self.second]))
        found = self.client.blueprints.list(filter_rules=[rule('team', [self.env])])
        self.assertEqual(self.ids(found), [self.blueprint])
        with self.assertRaises(InvalidFilterRule):
            self.client.deployments.list(filter_rules=[rule('env', [self.env], 'nothing')])

    def test_a_stored_filter_is_used_changed_and_deleted(self):
        name = unique('filter')
        filters = self.client.deployments_filters
        created = filters.create(name, [rule('env', [self.env])])
        self.assertEqual(created.id, name)
        self.assertEqual(self.ids(self.client.deployments.list(filter_id=name)), sorted([self.first, self.second]))
        filters.update(name, [rule('env', [self.env]), rule('tier', ['db'])])
        self.assertEqual(self.ids(self.client.deployments.list(filter_id=name)), [self.second])
        self.assertIn(name, [one.id for one in filters.list()])
        filters.delete(name)
        self.assert_refused(404, 'not_found_error', filters.get, name)

    def test_workflows_of_many_deployments(self):
        found = self.client.workflows.list(filter_rules=[rule('env', [self.env])])
        self.assertIn('install', [workflow.name for workflow in found])

    def test_a_summary_counts(self):
        counted = self.client.summary.deployments.get(_target_field='blueprint_id')
        self.assertIn({'blueprint_id': self.blueprint, 'deployments': 2}, counted.items)
        nodes = self.client.summary.nodes.get(_target_field='deployment_id', _sub_field='visibility')
        mine = [one for one in nodes if one['deployment_id'] == self.first]
        self.assertEqual(mine[0]['nodes'], 2)
        with self.assertRaises(CloudifyClientError):
            self.client.summary.deployments.get(_target_field='inputs')

    def test_a_site_is_where_deployments_are(self):
        site = unique('site')
        self.client.sites.create(site, '12.5, -7')
        self.addCleanup(self._forget, lambda: self.client.sites.delete(site))
        self.client.deployments.set_site(self.first, site_name=site)
        self.assertEqual(self.client.deployments.get(self.first).site_name, site)
        renamed = unique('site')
        self.client.sites.update(site, location='1, 2', new_name=renamed)
        self.addCleanup(self._forget, lambda: self.client.sites.delete(renamed))
        self.assertEqual(self.client.deployments.get(self.first).site_name, renamed)
        self.client.deployments.set_site(self.first, detach_site=True)
        self.assertIn(self.client.deployments.get(self.first).site_name, (None, ''))
        self.assert_refused(400, 'bad_parameters_error', self.client.sites.create, unique('site'), 'nowhere')
