"""Runs the code of one workflow of a Cloudify plugin: the part of the host that host.py loads for it.

The function of the plugin gets the `ctx` of workflows. Whatever it wants done to the deployment is a wish that goes to the
worker, which stores it, carries it out, and answers; nothing is done from here. A thread listens for the answers. Every wish
has a key that is the same whenever the function is run again: the id of its step in a kept graph, or else what it wants and
how often the same was wanted before. What was done under a key is answered at once, and not done again.

Where `cloudify-common` is installed beside the plugin, `ctx` and the task graph are its own, with a handler that talks to the
worker instead of a message broker. Without it a small package of the same name takes its place.
"""
import collections
import hashlib
import http.client
import importlib
import importlib.util
import json
import logging
import os
import sys
import threading
import types

LEVELS = ('debug', 'info', 'warning', 'error', 'critical')
ENDED = ('succeeded', 'failed')


class Cancelled(Exception):
    """The function has ended because it was told to."""


class Wishes:
    """What was asked of the worker and is not answered yet."""

    def __init__(self, ask):
        self.ask = ask
        self.stopped = None
        self._waiting = {}
        self._seen = collections.Counter()
        self._lock = threading.Lock()
        self._on_stop = []

    def listen(self):
        threading.Thread(target=self._listen, name='Answers', daemon=True).start()

    def on_stop(self, told):
        """`told` is called with why, once, when the execution is cancelled."""
        self._on_stop.append(told)

    def key(self, *words):
        """The same for the n-th wish of its kind in every run."""
        text = json.dumps(words, sort_keys=True, allow_nan=False)
        base = hashlib.sha256(text.encode('utf-8')).hexdigest()[:32]
        with self._lock:
            self._seen[base] += 1
            return '{} {}'.format(base, self._seen[base])

    def wish(self, wish, answered):
        """`answered` is called with the answer, by the thread that listens."""
        with self._lock:
            self._waiting[wish['key']] = answered
        self.ask('workflow', 'ask', [wish])

    def wait(self, wish):
        """The result. Raises what the worker says."""
        came = threading.Event()
        answers = []

        def answered(answer):
            answers.append(answer)
            came.set()

        self.on_stop(lambda _why: came.set())
        if self.stopped is None:
            self.wish(wish, answered)
            came.wait()
        if not answers:
            raise Cancelled()
        if answers[0]['kind'] == 'failed':
            raise RuntimeError(answers[0]['failure']['message'])
        return answers[0]['result']

    def _listen(self):
        while True:
            try:
                told = self.ask('workflow', 'answers')
            except (OSError, http.client.HTTPException):
                os._exit(1)  # The worker is gone. Whoever takes the execution over has a process of its own.
            for answer in told['answers']:
                with self._lock:
                    answered = self._waiting.pop(answer['key'], None)
                if answered is not None:
                    answered(answer)
            if told['stop'] is not None:
                self.stopped = told['stop']
                for on_stop in list(self._on_stop):
                    on_stop(told['stop'])
                return


class LineHandler(logging.Handler):
    """Log records become log events of the workflow, or of it about an instance."""

    def __init__(self, ask, instance=None):
        super().__init__()
        self._ask = ask
        self._instance = instance

    def emit(self, record):
        level = record.levelname.lower()
        self._ask('workflow', 'log', level if level in LEVELS else 'info', self.format(record), self._instance)


def relation_of(context):
    """Of an operation's context: the instance that is the source or alone, which side runs, and the other end."""
    related = context.get('related')
    if not related:
        return context['node_id'], 'node', None
    if related['is_target']:
        return context['node_id'], 'source', related['node_id']
    return related['node_id'], 'target', context['node_id']


def failure_of(failure, exceptions, final):
    """What the worker says of an operation, as an exception. `final`: it has been tried as often as it may."""
    message = failure['message']
    if failure['type'] == 'OperationRetry' and not final:
        return exceptions.OperationRetry(message, retry_after=failure.get('retryAfter'))
    if failure.get('retryable') and not final:
        return exceptions.RecoverableError(message, retry_after=failure.get('retryAfter'))
    return exceptions.NonRecoverableError(message)


def error_of(failure):
    """The same in the form that cloudify-common keeps of a failed task."""
    causes = failure.get('causes') or [{'type': failure['type'], 'message': failure['message']}]
    causes = [{'traceback': '', **one} for one in causes]
    return {
        'message': failure['message'],
        'exception_type': failure['type'],
        'traceback': causes[0]['traceback'],
        'known_exception_type': 'NonRecoverableError',
        'known_exception_type_args': [failure['message']],
        'known_exception_type_kwargs': {'causes': causes},
        'append_message': False,
    }


def stand_in_for_parser():
    """cloudify-common imports its parser of blueprints, which needs packages that cloudify-common does not ask for (`networkx`,
    `pkg_resources`): a manager has them beside it. Of all that, workflows use two functions, which the worker makes needless:
    it evaluates and checks inputs itself."""
    try:
        importlib.import_module('dsl_parser.functions')
        importlib.import_module('dsl_parser.utils')
        return
    except ImportError:
        package = importlib.import_module('dsl_parser')
    functions, utils = types.ModuleType('dsl_parser.functions'), types.ModuleType('dsl_parser.utils')
    functions.get_function = lambda _value: None
    utils.parse_simple_type_value = lambda value, _type: (value, True)
    for module in (functions, utils):
        sys.modules[module.__name__] = module
        setattr(package, module.__name__.split('.')[-1], module)


class CommonWorkflow:
    """`ctx` and task graph of cloudify-common."""

    def __init__(self, host, call, more, wishes):
        self._host, self._call, self._more, self._wishes = host, call, more, wishes
        module = importlib.import_module
        stand_in_for_parser()
        self.exceptions = module('cloudify.exceptions')
        self._state = module('cloudify.state')
        self._tasks = module('cloudify.workflows.tasks')
        self._api = module('cloudify.workflows').api
        self._context = module('cloudify.workflows.workflow_context')
        module('cloudify.context').ManagerEndpoint = host.worker_endpoint(self.exceptions)
        self._context.RemoteCloudifyWorkflowContextHandler = self._handler()
        self._take_over_tasks()
        wishes.on_stop(self._stop)

    def run(self):
        context = {**self._call['context'], **self._more, 'resume': self._more['resumed'], 'local': False}
        ctx = self._context.CloudifyWorkflowContext(context)
        inputs = {**self._call['inputs'], 'ctx': ctx}
        with self._state.current_workflow_ctx.push(ctx, inputs):
            function = self._host.find_function(context['task_name'])
            declare(function, self._host.ask, self._more, self._host.NotThere)
            with ctx.internal.local_tasks_processor:
                try:
                    result = function(**inputs)
                    if not ctx.internal.graph_mode:
                        for task in ctx.internal.task_graph.tasks:
                            task.async_result.get()
                except self._api.ExecutionCancelled:
                    raise Cancelled() from None
        if result == self._api.EXECUTION_CANCELLED_RESULT:
            raise Cancelled()

    def _stop(self, why):
        api = self._api
        name = 'set_kill_request' if why == 'killed' else 'set_cancel_request'
        if hasattr(api, name):
            getattr(api, name)()
        else:
            api.cancel_request = True

    def _handler(workflow):
        common, ask = workflow._context, workflow._host.ask
        from cloudify_rest_client.node_instances import NodeInstance
        from cloudify_rest_client.nodes import Node

        class Kept(dict):
            """What the REST client gives for graphs and their operations: a mapping whose names are attributes too."""

            __getattr__ = dict.__getitem__

        class WorkerHandler(common.RemoteCloudifyWorkflowContextHandler):
            @property
            def bootstrap_context(self):
                return {}

            def cleanup(self, *_args, **_named):
                pass

            def get_node_logging_handler(self, workflow_node_instance):
                return LineHandler(ask, workflow_node_instance.id)

            def get_context_logging_handler(self):
                return LineHandler(ask)

            def get_send_task_event_func(self, task):
                return workflow._tell_of_task

            def send_workflow_event(self, event_type, message=None, args=None, additional_context=None):
                ask('workflow', 'event', event_type, str(message))

            def get_nodes(self):
                return [Node(one) for one in ask('workflow', 'nodes')]

            def get_node_instances(self):
                return [NodeInstance(one) for one in ask('workflow', 'instances')]

            def get_plugin(self, plugin):
                return plugin

            def get_plugin_properties(self, *_args, **_named):
                return {}  # The worker has them.

            def evaluate_functions(self, deployment_id, ctx, payload):
                return ask('host', 'evaluate', {'payload': payload})

            def download_deployment_resource(self, resource_path, target_path=None, **_named):
                target = None if target_path is None else os.path.abspath(target_path)
                return ask('download-resource', resource_path, target)

            def send_task(self, *_args, **_named):
                pass  # Who waits for the result has asked for it.

            def wait_for_result(self, *args, **_named):
                workflow._wish_for(next(one for one in args if isinstance(one, workflow._tasks.WorkflowTask)))

            def get_tasks_graph(self, execution_id, name):
                found = ask('workflow', 'graph', name)
                return None if found is None else Kept(found)

            def store_tasks_graph(self, execution_id, name, operations):
                kept = ask('workflow', 'keep', name, [])
                steps = [workflow._step(one) for one in operations or []]
                for first in range(0, len(steps), 200):
                    ask('workflow', 'add', kept['id'], steps[first:first + 200])
                return kept

            def store_operation(self, graph_id, dependencies, id, name, type, parameters, **_named):
                step = {'id': id, 'name': name, 'type': type, 'dependencies': dependencies, 'parameters': parameters}
                ask('workflow', 'add', graph_id, [workflow._step(step)])

            def get_operations(self, graph_id):
                return [Kept(one, containing_subgraph=one['parameters'].get('containing_subgraph'))
                        for one in ask('workflow', 'steps', graph_id)]

            def update_operation(self, operation_id, state, result=None, exception=None):
                if state in ENDED and operation_id not in workflow._carried:
                    ask('workflow', 'state', operation_id, state)

            def _update_operation_inputs(self, *_args, **_named):
                raise workflow.exceptions.NonRecoverableError('an update of the deployment is the engine\'s')

            def remove_operation(self, operation_id):
                ask('workflow', 'remove', operation_id)

        return WorkerHandler

    @staticmethod
    def _step(one):
        try:
            parameters = json.loads(json.dumps(one['parameters'], allow_nan=False))
        except (TypeError, ValueError) as error:
            raise RuntimeError('{} cannot be kept in a graph: {}'.format(one['name'], error)) from None
        return {
            'id': one['id'],
            'name': one['name'],
            'type': one['type'],
            'dependencies': list(one['dependencies'] or []),
            'parameters': parameters,
        }

    def _take_over_tasks(workflow):
        """Tasks of cloudify-common that would ask others are done by the worker."""
        tasks, wishes, ask = workflow._tasks, workflow._wishes, workflow._host.ask
        workflow._carried = set()

        def set_queue(task):
            task._task_queue = task._task_target = 'worker'

        def set_state(task):
            wanted = {'kind': 'state', 'instance': task.kwargs['node_instance_id'], 'state': task.kwargs['state']}
            return workflow._grant(task, wanted)

        def send_event(task):
            wanted = {'kind': 'event', 'instance': task.kwargs['node_instance_id'], 'message': str(task.kwargs['event'])}
            return workflow._grant(task, wanted)

        def get_state(task):
            wanted = task.kwargs['node_instance_id']
            return next(one['state'] for one in ask('workflow', 'instances') if one['id'] == wanted)

        def update_status(task):
            message = 'the status of an execution is the engine\'s: it cannot be set to {!r}'
            raise workflow.exceptions.NonRecoverableError(message.format(task.kwargs['status']))

        tasks.RemoteWorkflowTask._set_queue_kwargs = set_queue
        for name, does in (('SetNodeInstanceStateTask', set_state), ('SendNodeEventTask', send_event),
                           ('GetNodeInstanceStateTask', get_state), ('UpdateExecutionStatusTask', update_status)):
            kind = getattr(tasks, name, None)
            if kind is not None:
                kind.remote = does

        # In a dry run the worker does nothing either, and tells the same as in every other.
        whole = workflow._context.CloudifyWorkflowContext
        execute = whole.execute_task

        def execute_task(ctx, *args, **named):
            dry, ctx._context['dry_run'] = ctx.dry_run, False
            try:
                return execute(ctx, *args, **named)
            finally:
                ctx._context['dry_run'] = dry

        whole.execute_task = execute_task

    def _grant(self, task, wanted):
        stored = getattr(task, 'stored', False)
        key = 'step ' + task.id if stored else self._wishes.key(*sorted(wanted.items()))
        self._carried.add(task.id)
        try:
            return self._wishes.wait({**wanted, 'key': key})
        except Cancelled:
            raise self._api.ExecutionCancelled() from None

    def _tell_of_task(self, task, event_type, message, additional_context=None):
        if task.is_local():  # Of the others the engine tells.
            self._host.ask('workflow', 'event', event_type, message)

    def _wish_for(self, task):
        """An operation: what its task says in the words of the plan, the worker knows the rest."""
        context = task.cloudify_context
        if not context.get('node_id'):
            raise self.exceptions.NonRecoverableError(
                '{}: only operations of node instances are carried out for a workflow'.format(task.name))
        instance, side, target = relation_of(context)
        operation = context['operation']['name']
        decided_here = task.on_failure is not None
        wish = {
            'kind': 'operation',
            'operation': operation,
            'instance': instance,
            'side': side,
            'target': target,
            'parameters': self._given(task, operation, side, instance, target),
            'max_retries': 0 if decided_here else task.total_retries,
            'retry_interval': task.retry_interval,
        }
        stored = getattr(task, 'stored', False)
        key = 'step ' + task.id if stored else self._wishes.key(operation, instance, side, target, wish['parameters'])
        self._carried.add(task.id)
        self._wishes.wish({**wish, 'key': key}, lambda answer: self._answered(task, answer, final=not decided_here))

    def _given(self, task, operation, side, instance, target):
        """Inputs that the workflow gives; those as declared are the worker's to evaluate."""
        given = {name: value for name, value in task.kwargs.items() if name != '__cloudify_context'}
        owner = task.workflow_context.get_node_instance(instance)
        declared = {}
        if owner is not None and side == 'node':
            declared = owner.node.operations.get(operation, {})
        elif owner is not None:
            link = owner.node.get_relationship(task.workflow_context.get_node_instance(target).node_id)
            if link is not None:
                declared = (link.source_operations if side == 'source' else link.target_operations).get(operation, {})
        inputs = declared.get('inputs') or {}
        given = {name: value for name, value in given.items() if name not in inputs or inputs[name] != value}
        try:
            return json.loads(json.dumps(given, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise self.exceptions.NonRecoverableError(
                'what {} is given cannot be sent: {}'.format(operation, error)) from None

    def _answered(self, task, answer, final):
        if task.is_terminated:
            return
        ctx = task.workflow_context
        with self._state.current_workflow_ctx.push(ctx):
            if answer['kind'] == 'done':
                task.set_state(self._tasks.TASK_SUCCEEDED, result=answer['result'])
                task.async_result.result = answer['result']
                return
            error = failure_of(answer['failure'], self.exceptions, final)
            again = isinstance(error, self.exceptions.OperationRetry)
            task.error = error_of(answer['failure'])
            task.set_state(self._tasks.TASK_RESCHEDULED if again else self._tasks.TASK_FAILED, exception=error)
            task.async_result.result = error


class OwnWorkflow:
    """`ctx` of the small package, for plugins whose wagon brings no cloudify-common."""

    def __init__(self, host, call, more, wishes):
        self._host, self._call, self._more, self._wishes = host, call, more, wishes
        sys.path.append(call['fallback'])
        self.exceptions = importlib.import_module('cloudify.exceptions')
        self._package = importlib.import_module('cloudify.workflows')
        wishes.on_stop(lambda _why: self._package.api.set_cancel_request())

    def run(self):
        package = self._package
        context = {**self._call['context'], **self._more}
        ctx = package._begin(context, self._call['inputs'], self._wishes, LineHandler, failure_of)
        function = self._host.find_function(context['task_name'])
        declare(function, self._host.ask, self._more, self._host.NotThere)
        try:
            result = function(**{**self._call['inputs'], 'ctx': ctx})
            ctx._finish()
        except (package.api.ExecutionCancelled, Cancelled):
            raise Cancelled() from None
        if result == package.api.EXECUTION_CANCELLED_RESULT:
            raise Cancelled()


def declare(function, ask, more, not_there):
    """Only code that says so is run again without somebody's word for it."""
    resumable = getattr(function, 'resumable', False) is True
    ask('workflow', 'declare', resumable)
    if more['broken_off'] and not resumable:
        raise not_there('Cannot resume - workflow not resumable: {}'.format(function))


def run(host, call, known):
    """Called by host.py. `known` gets the exceptions of the package that is there."""
    wishes = Wishes(host.ask)
    wishes.listen()
    more = host.ask('workflow', 'call')
    there = importlib.util.find_spec('cloudify') is not None and importlib.util.find_spec('cloudify.context')
    workflow = (CommonWorkflow if there else OwnWorkflow)(host, call, more, wishes)
    for name in ('OperationRetry', 'NonRecoverableError', 'StopAgent'):
        setattr(known, name, getattr(workflow.exceptions, name, ()))
    try:
        workflow.run()
    except Cancelled:
        host.ask('workflow', 'cancelled')
