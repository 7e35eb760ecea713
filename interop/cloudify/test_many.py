"""Many deployments at once: groups of them, executions over groups, and executions at their time."""
import datetime
import time

from harness import InteropTest, unique


class GroupTest(InteropTest):
    def setUp(self):
        super().setUp()
        self.blueprint, _ = self.upload()
        self.group = unique('group')
        self.groups = self.client.deployment_groups
        self.addCleanup(self._forget, lambda: self.groups.delete(
            self.group, delete_deployments=True, force=True))

    def wait_group(self, execution_group, seconds=120):
        deadline = time.time() + seconds
        while True:
            found = self.client.execution_groups.get(execution_group)
            if found.status in ('terminated', 'failed', 'cancelled'):
                return found
            if time.time() > deadline:
                self.fail('execution group {} is still {}'.format(execution_group, found.status))
            time.sleep(0.1)

    def test_a_group_makes_deployments_and_runs_workflows_over_them(self):
        made = self.groups.put(
            self.group, blueprint_id=self.blueprint, default_inputs={'message': 'to all'},
            labels=[{'fleet': self.group}], new_deployments=[{}, {'inputs': {'message': 'to one'}}])
        self.assertEqual(len(made.deployment_ids), 2)
        self.assertIn(self.group, [one['id'] for one in self.groups.list()])
        found = self.client.deployments.list(_group_id=self.group)
        self.assertEqual(sorted(one.id for one in found), sorted(made.deployment_ids))
        self.assertEqual(sorted(one.inputs['message'] for one in found), ['to all', 'to one'])
        self.assertEqual({label['value'] for one in found for label in one.labels if label['key'] == 'fleet'},
                         {self.group})

        started = self.client.execution_groups.start(self.group, 'install', concurrency=2)
        ended = self.wait_group(started.id)
        self.assertEqual((ended.status, len(ended.execution_ids)), ('terminated', 2))
        self.assertIn(started.id, [one['id'] for one in self.client.execution_groups.list()])
        events = self.client.events.list(execution_group_id=started.id, event_type='workflow_succeeded')
        self.assertEqual(len(events), 2)
        self.assertEqual(self.wait_group(self.client.execution_groups.start(self.group, 'uninstall').id).status,
                         'terminated')

    def test_deployments_join_and_leave(self):
        deployment, _ = self.deploy(self.blueprint)
        self.groups.put(self.group, description='a few')
        joined = self.groups.add_deployments(self.group, deployment_ids=[deployment])
        self.assertEqual(joined.deployment_ids, [deployment])
        self.assertIn(self.group, self.client.deployments.get(deployment).deployment_groups)
        left = self.groups.remove_deployments(self.group, deployment_ids=[deployment])
        self.assertEqual(left.deployment_ids, [])
        self.groups.delete(self.group)
        self.assert_refused(404, 'not_found_error', self.groups.get, self.group)
        self.assertEqual(self.client.deployments.get(deployment).id, deployment)


class ScheduleTest(InteropTest):
    def test_a_schedule_starts_what_it_says(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        name = unique('schedule')
        schedules = self.client.execution_schedules
        soon = datetime.datetime.utcnow() + datetime.timedelta(seconds=2)
        created = schedules.create(name, deployment, 'install', since=soon, count=1, recurrence='1 hours')
        self.assertEqual((created.id, created.workflow_id, created.enabled), (name, 'install', True))
        self.assertIn(name, [one.id for one in schedules.list(deployment_id=deployment)])
        deadline = time.time() + 150
        while not self.client.executions.list(deployment_id=deployment, workflow_id='install'):
            self.assertLess(time.time(), deadline, 'nothing was started')
            time.sleep(0.5)
        execution = self.client.executions.list(deployment_id=deployment, workflow_id='install')[0]
        self.assertEqual(self.wait(execution.id).status, 'terminated')
        schedules.delete(name, deployment)
        self.assert_refused(404, 'not_found_error', schedules.get, name, deployment)

    def test_a_schedule_is_changed_and_told_when_it_comes_next(self):
        blueprint, _ = self.upload()
        deployment, _ = self.deploy(blueprint)
        name = unique('schedule')
        schedules = self.client.execution_schedules
        start = datetime.datetime(2090, 1, 2, 3, 0)
        created = schedules.create(name, deployment, 'install', since=start, recurrence='2 days', count=3)
        self.assertEqual(created.next_occurrence, '2090-01-02T03:00:00.000Z')
        self.assertEqual(len(schedules.get(name, deployment)['all_next_occurrences']), 3)
        changed = schedules.update(name, deployment, since=start, recurrence='1 weeks', count=2, enabled=False)
        self.assertFalse(changed.enabled)
        self.assert_refused(400, 'bad_parameters_error', schedules.create, unique('schedule'), deployment,
                            'install', None, None, start, None, 'now and then')
