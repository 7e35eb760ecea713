"""Nodes, node instances and the rest of `ctx`, as the worker tells of them."""
import logging
import threading

from .. import _Plain, exceptions
from . import api
from .tasks import Task
from .tasks_graph import TaskDependencyGraph


class Node:
    def __init__(self, ctx, told):
        self._ctx = ctx
        self.id = told['id']
        self.type = told['type']
        self.type_hierarchy = told['type_hierarchy']
        self.properties = told['properties']
        self.operations = told['operations']
        self.plugins = told['plugins']
        self.host_id = told['host_id']
        self.number_of_instances = told['number_of_instances']
        self._relationships = {one['target_id']: Relationship(ctx, one) for one in told['relationships']}

    @property
    def relationships(self):
        return iter(self._relationships.values())

    @property
    def instances(self):
        return iter([one for one in self._ctx.node_instances if one.node_id == self.id])

    @property
    def host_node(self):
        return self._ctx.get_node(self.host_id)

    def get_relationship(self, target_id):
        return self._relationships.get(target_id)

    def has_operation(self, name):
        return bool(self.operations.get(name, {}).get('operation'))


class Relationship:
    def __init__(self, ctx, told):
        self._ctx = ctx
        self._hierarchy = told['type_hierarchy']
        self.type = told['type']
        self.target_id = told['target_id']
        self.properties = told['properties']
        self.source_operations = told['source_operations']
        self.target_operations = told['target_operations']

    @property
    def target_node(self):
        return self._ctx.get_node(self.target_id)

    def is_derived_from(self, other):
        return other in self._hierarchy


class RelationshipInstance:
    def __init__(self, ctx, source, told):
        self._ctx = ctx
        self.node_instance = source
        self.source_id = source.id
        self.target_id = told['target_id']
        self.type = told['type']
        self.relationship = source.node.get_relationship(told['target_name'])

    @property
    def target_node_instance(self):
        return self._ctx.get_node_instance(self.target_id)

    def execute_source_operation(self, operation, kwargs=None, allow_kwargs_override=False, **_more):
        return self._execute('source', self.relationship.source_operations, operation, kwargs, allow_kwargs_override)

    def execute_target_operation(self, operation, kwargs=None, allow_kwargs_override=False, **_more):
        return self._execute('target', self.relationship.target_operations, operation, kwargs, allow_kwargs_override)

    def _execute(self, side, table, operation, kwargs, override):
        at = {'instance': self.source_id, 'side': side, 'target': self.target_id}
        return self._ctx._operation(at, table, operation, kwargs, override)


class Instance:
    def __init__(self, ctx, told):
        self._ctx = ctx
        self.id = told['id']
        self.node_id = told['node_id']
        self.state = told['state']
        self.host_id = told['host_id']
        self.index = told['index']
        self.runtime_properties = told['runtime_properties']
        self.scaling_groups = told['scaling_groups']
        self.node = ctx.get_node(self.node_id)
        self._relationships = [RelationshipInstance(ctx, self, one) for one in told['relationships']]
        self.logger = ctx._logger_of(self.id)

    def __repr__(self):
        return '<Instance {} ({})>'.format(self.id, self.state)

    @property
    def relationships(self):
        return iter(self._relationships)

    @property
    def contained_instances(self):
        contained = 'cloudify.relationships.contained_in'
        return [one for one in self._ctx.node_instances
                if any(link.target_id == self.id and link.relationship.is_derived_from(contained)
                       for link in one.relationships)]

    def get_contained_subgraph(self):
        found = {self}
        for child in self.contained_instances:
            found |= child.get_contained_subgraph()
        return found

    def execute_operation(self, operation, kwargs=None, allow_kwargs_override=False, **_more):
        at = {'instance': self.id, 'side': 'node', 'target': None}
        return self._ctx._operation(at, self.node.operations, operation, kwargs, allow_kwargs_override)

    def set_state(self, state):
        return self._ctx._granted('set_state', {'kind': 'state', 'instance': self.id, 'state': state})

    def send_event(self, event, additional_context=None):
        return self._ctx._granted('send_event', {'kind': 'event', 'instance': self.id, 'message': str(event)})

    def get_state(self):
        return self._ctx.local_task(lambda: next(
            one['state'] for one in self._ctx._ask('workflow', 'instances') if one['id'] == self.id))


class Context:
    def __init__(self, values, parameters, wishes, handler, failure_of):
        self._wishes = wishes
        self._ask = wishes.ask
        self._handler = handler
        self._failure_of = failure_of
        self._graph = None
        self._begun = []
        self.parameters = parameters
        self.execution_id = values['execution_id']
        self.workflow_id = values['workflow_id']
        self.execution_creator_username = values['execution_creator_username']
        self.execution_token = values['execution_token']
        self.tenant = values['tenant']
        self.tenant_name = values['tenant']['name']
        self.dry_run = values['dry_run']
        self.resume = values['resumed']
        self.task_retries = values['task_retries']
        self.task_retry_interval = values['task_retry_interval']
        self.wait_after_fail = 600
        self.local = False
        self.blueprint = _Plain({'id': values['blueprint_id']})
        self.deployment = _Plain({
            'id': values['deployment_id'],
            'display_name': values['deployment_display_name'],
            'creator': values['deployment_creator'],
        })
        self.logger = self._logger_of(None)
        self.refresh_node_instances()

    def _logger_of(self, instance):
        logger = logging.getLogger('workflow.{}'.format(instance or ''))
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.handlers = [self._handler(self._ask, instance)]
        return logger

    def refresh_node_instances(self):
        self._nodes = {one['id']: Node(self, one) for one in self._ask('workflow', 'nodes')}
        self._instances = {one['id']: Instance(self, one) for one in self._ask('workflow', 'instances')}

    @property
    def nodes(self):
        return iter(self._nodes.values())

    @property
    def node_instances(self):
        return iter(self._instances.values())

    def get_node(self, node_id):
        return self._nodes.get(node_id)

    def get_node_instance(self, node_instance_id):
        return self._instances.get(node_instance_id)

    def graph_mode(self):
        if self._begun:
            raise RuntimeError('Cannot switch to graph mode when tasks have already been executed')
        self._graph = self._graph or TaskDependencyGraph(self)
        return self._graph

    def has_cancel_request(self):
        return api.has_cancel_request()

    def send_event(self, event, event_type='workflow_stage', args=None, additional_context=None):
        return self._granted('send_event', {'kind': 'event', 'instance': None, 'message': str(event)})

    def get_resource(self, resource_path):
        return self._ask('get-resource', resource_path)

    def download_resource(self, resource_path, target_path=None):
        return self._ask('download-resource', resource_path, target_path)

    def local_task(self, local_task, node=None, info=None, kwargs=None, name=None, **_more):
        """A function of the workflow's own, run beside it."""

        def does(task):
            def work():
                try:
                    task.end(local_task(**(kwargs or {})))
                except Exception as error:
                    task.end(error=error)

            threading.Thread(target=work, daemon=True).start()

        return self._process(Task(self, name or local_task.__name__, does, info))

    def _process(self, task):
        if self._graph is not None:
            return task
        self._begun.append(task)
        return task.apply_async()

    def _granted(self, name, wanted):
        def does(task):
            key = self._wishes.key(*sorted(wanted.items(), key=str))
            self._wishes.wish({**wanted, 'key': key}, lambda answer: self._answered(task, answer))

        return self._process(Task(self, name, does))

    def _operation(self, at, table, operation, kwargs, override):
        declared = table.get(operation, {})
        given = dict(kwargs or {})
        if not declared.get('operation'):
            return self._process(Task(self, 'NOP', lambda task: task.end()))
        clash = sorted(set(given) & set(declared['inputs']))
        if clash and not override:
            raise RuntimeError(
                'Duplicate definition of {} in operation properties and in kwargs. To allow redefinition, '
                'pass "allow_kwargs_override" to "execute_operation"'.format(clash[0]))

        def does(task):
            wanted = {
                **at,
                'kind': 'operation',
                'operation': operation,
                'parameters': given,
                'max_retries': 0 if task.on_failure else task.total_retries,
                'retry_interval': task.retry_interval,
            }
            key = self._wishes.key(operation, at['instance'], at['side'], at['target'], given)
            self._wishes.wish({**wanted, 'key': key}, lambda answer: self._answered(task, answer))

        task = Task(self, declared['operation'], does, '{}: {}'.format(at['instance'], operation))
        if declared['max_retries'] is not None:
            task.total_retries = declared['max_retries']
        if declared['retry_interval'] is not None:
            task.retry_interval = declared['retry_interval']
        return self._process(task)

    def _answered(self, task, answer):
        if answer['kind'] == 'done':
            task.end(answer['result'])
        else:
            task.end(error=self._failure_of(answer['failure'], exceptions, task.on_failure is None))

    def _finish(self):
        """What was begun and not waited for is waited for now."""
        for task in self._begun:
            task.async_result.get()
