"""Schedules, sites, stored filters, labels, searches and summaries, by today's client."""
import datetime

from cloudify_rest_client.exceptions import InvalidFilterRule

from harness import InteropTest, unique


class CollectionTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.blueprint, self.uploaded = self.upload()
        self.deployment, _ = self.deploy(self.blueprint, labels=[{'interop': self.blueprint}])

    def test_an_upload_has_an_execution_that_has_ended(self):
        execution = self.client.blueprints.get(self.blueprint).upload_execution
        self.assertEqual((execution['workflow_id'], execution['status']), ('upload_blueprint', 'terminated'))
        self.assertEqual(self.client.executions.get(execution['id']).id, execution['id'])

    def test_a_schedule_is_made_changed_and_deleted(self):
        since = datetime.datetime(2099, 1, 5, 9, 30)
        made = self.client.execution_schedules.create(
            'nightly', self.deployment, 'install', since=since, recurrence='1 week', weekdays=['mo', 'fr'], slip=5,
            execution_arguments={'allow_custom_parameters': False, 'force': False})
        self.assertEqual(made.next_occurrence, '2099-01-05T09:30:00.000Z')
        changed = self.client.execution_schedules.update('nightly', self.deployment, enabled=False, stop_on_fail=True)
        self.assertEqual((changed.enabled, changed.stop_on_fail), (False, True))
        self.assertEqual(len(self.client.execution_schedules.list(deployment_id=self.deployment)), 1)
        self.assertEqual(self.client.execution_schedules.get('nightly', self.deployment).id, 'nightly')
        self.client.execution_schedules.delete('nightly', self.deployment)
        self.assert_refused(404, 'not_found_error', self.client.execution_schedules.get, 'nightly', self.deployment)

    def test_a_site_is_made_and_a_deployment_stands_at_it(self):
        name = unique('site')
        self.client.sites.create(name, '32.071072,34.787274')
        self.addCleanup(self._forget, lambda: self.client.sites.delete(name))
        self.client.deployments.set_site(self.deployment, site_name=name)
        self.assertEqual(self.client.deployments.get(self.deployment).site_name, name)
        self.client.deployments.set_site(self.deployment, detach_site=True)
        self.assertIsNone(self.client.deployments.get(self.deployment).site_name)
        self.assertEqual(self.client.sites.update(name, location='1,2')['location'], '1, 2')
        self.assertIn(name, [site.name for site in self.client.sites.list()])

    def test_filters_labels_searches_and_summaries(self):
        rules = [{'key': 'interop', 'values': [self.blueprint], 'operator': 'any_of', 'type': 'label'}]
        name = unique('filter')
        self.client.deployments_filters.create(name, rules)
        self.addCleanup(self._forget, lambda: self.client.deployments_filters.delete(name))
        self.assertEqual(self.client.deployments_filters.get(name).labels_filter_rules, rules)
        self.assertEqual([one.id for one in self.client.deployments.list(filter_id=name)], [self.deployment])
        self.assertEqual([one.id for one in self.client.deployments.list(filter_rules=rules)], [self.deployment])
        found = self.client.deployments.list(constraints={'labels': [{'interop': self.blueprint}]})
        self.assertEqual([one.id for one in found], [self.deployment])
        with self.assertRaises(InvalidFilterRule):
            self.client.deployments.list(filter_rules=[dict(rules[0], operator='like')])
        self.assertIn('interop', self.client.deployments_labels.list_keys().items)
        self.assertIn(self.blueprint, self.client.deployments_labels.list_key_values('interop').items)
        self.assertIn('csys-obj-parent', self.client.deployments_labels.get_reserved_labels_keys().items)
        counted = self.client.summary.deployments.get('blueprint_id', 'visibility')
        mine = [item for item in counted.items if item['blueprint_id'] == self.blueprint]
        self.assertEqual(mine[0]['deployments'], 1)
        self.assertIn('install', [workflow.name for workflow in self.client.workflows.list(filter_id=name)])
