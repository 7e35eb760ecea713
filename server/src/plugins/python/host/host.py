"""Runs one operation of a Cloudify plugin: the only thing a plugin's process is started with.

The worker is asked over CTX_SOCKET_URL (JSON over HTTP on this machine) what to run; the function of the plugin is
called with its inputs and `ctx`; what it returned or raised goes back the same way. Where `cloudify-common` is
installed beside the plugin, `ctx` is its own CloudifyContext, with an endpoint that asks the worker instead of the
REST API: logs, events, files and runtime properties then go through the engine, which writes them once and only while
it holds the execution. Plugin code that makes its own REST client finds the API through the usual environment.
Without `cloudify-common` a small package of the same name takes its place, with what simple plugins use.
"""
import http.client
import importlib
import importlib.util
import inspect
import json
import logging
import os
import sys
import tempfile
import threading
import traceback
from urllib.parse import urlsplit

DOOR = urlsplit(os.environ['CTX_SOCKET_URL'])
LEVELS = ('debug', 'info', 'warning', 'error', 'critical')


class Refused(Exception):
    """The worker's answer to a question it could not answer; `kind` is an exception's name."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class NotThere(Exception):
    """The plugin has not what the blueprint names."""


# Plugins ask from any thread, and fork: a connection belongs to one thread of one process.
_kept = threading.local()


def connection():
    if getattr(_kept, 'owner', None) != os.getpid():
        # Never through a proxy: the address is on this machine.
        _kept.connection = http.client.HTTPConnection(DOOR.hostname, DOOR.port)
        _kept.owner = os.getpid()
    return _kept.connection


def ask(*args):
    body = json.dumps({'args': args}, allow_nan=False).encode('utf-8')
    door = connection()
    try:
        door.request('POST', DOOR.path, body, {'Content-Type': 'application/json'})
        reply = json.loads(door.getresponse().read().decode('utf-8'))
    except BaseException:
        door.close()
        raise
    payload = reply['payload']
    if reply['type'] == 'result':
        return payload
    raise Refused(payload.get('type', 'RuntimeError'), payload['message'])


class EventHandler(logging.Handler):
    """Log records become log events of the operation."""

    def emit(self, record):
        level = record.levelname.lower()
        # A value of its own, so that a % in the text is not taken for a place to fill.
        ask('logger', level if level in LEVELS else 'info', '%s', self.format(record))


def listen_to_libraries():
    """What libraries log from `info` on is told too; their chatter below that is not."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handler = EventHandler()
    handler.setFormatter(logging.Formatter('%(name)s: %(message)s'))
    root.addHandler(handler)
    logging.getLogger('ctx').propagate = False


def find_function(name):
    module_name, _, function_name = name.rpartition('.')
    try:
        found = importlib.util.find_spec(module_name) if module_name else None
    except ModuleNotFoundError as error:
        if not (module_name + '.').startswith((error.name or '?') + '.'):
            raise
        found = None
    if found is None:
        raise NotThere('the plugin has no module {!r} (operation function {})'.format(module_name, name))
    function = getattr(importlib.import_module(module_name), function_name, None)
    if not callable(function):
        raise NotThere('module {!r} of the plugin has no function {!r}'.format(module_name, function_name))
    return function


def sendable(properties, instance):
    """What JSON cannot say is named, rather than failing somewhere on the way."""
    for name, value in properties.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise NotStorable('runtime property {!r} of {} cannot be stored: {}'.format(name, instance, error)) from None
    return dict(properties)


class NotStorable(Exception):
    """A value that is no JSON; trying again would give it again."""


class OwnContext:
    """`ctx` of the small package, for plugins whose wagon brings no cloudify-common."""

    def __init__(self, call):
        sys.path.append(call['fallback'])
        self._call = call
        self.exceptions = importlib.import_module('cloudify.exceptions')
        package = importlib.import_module('cloudify')
        self.ctx = package.ctx
        self.ctx.plugin = package._Plain(call['context']['plugin'])
        for name in ('execution_token', 'rest_host', 'rest_port', 'task_name', 'timeout'):
            setattr(self.ctx, name, call['context'][name])
        self.ctx.logger.handlers = [EventHandler()]

    def run(self):
        function = find_function(self._call['context']['task_name'])
        try:
            return function(**{**self._call['inputs'], 'ctx': self.ctx})
        finally:
            for instance in self.ctx._instances:
                sendable(instance.runtime_properties, instance.id)
            self.ctx._send()


class CommonContext:
    """`ctx` of cloudify-common, told by the worker."""

    def __init__(self, call):
        self._call = call
        context = importlib.import_module('cloudify.context')
        self.exceptions = importlib.import_module('cloudify.exceptions')
        self._state = importlib.import_module('cloudify.state')
        context.ManagerEndpoint = worker_endpoint(self.exceptions)
        context.PluginContext.prefix = property(lambda _plugin: sys.prefix)
        agent = getattr(context, 'CloudifyAgentContext', None)
        if agent is not None:
            agent.init_script = lambda _agent, agent_config=None: ask('agent', 'init-script')
        self.ctx = context.CloudifyContext(call['context'])

    def run(self):
        ctx, inputs = self.ctx, {**self._call['inputs'], 'ctx': self.ctx}
        with self._state.current_ctx.push(ctx, inputs):
            function = find_function(self._call['context']['task_name'])
            try:
                result = function(**inputs)
            except BaseException:
                try:
                    self._save()
                except Exception as error:  # The operation's own failure matters more.
                    ctx.logger.error('runtime properties were not saved: %s', error)
                raise
            self._save()
            retry = getattr(ctx.operation, '_operation_retry', None)
            if retry is not None:
                raise retry
            return result

    def _save(self):
        """What changed goes to the worker, which stores it together with the outcome."""
        ctx = self.ctx
        if ctx.type == 'node-instance':
            instances = [ctx.instance]
        elif ctx.type == 'relationship-instance':
            instances = [ctx.source.instance, ctx.target.instance]
        else:
            instances = []
        for instance in instances:
            kept = instance._node_instance
            if kept is not None and kept.dirty:
                ask('python', 'save', {kept.id: sendable(kept.runtime_properties, kept.id)})


def worker_endpoint(exceptions):
    """An endpoint of cloudify-common whose answers come from the worker; what is not here goes to the REST API."""
    from cloudify import endpoint, manager
    from cloudify_rest_client.exceptions import CloudifyClientError
    from cloudify_rest_client.nodes import Node

    known = inspect.signature(manager.NodeInstance.__init__).parameters

    def question(*args):
        try:
            return ask(*args)
        except Refused as refused:
            if refused.kind == 'ConflictError':
                raise CloudifyClientError(str(refused), status_code=409) from None
            if refused.kind == 'HttpException':
                raise exceptions.HttpException(str(args[-1]), 404, str(refused)) from None
            if refused.kind == 'NonRecoverableError':
                raise exceptions.NonRecoverableError(str(refused)) from None
            raise exceptions.RecoverableError('{}: {}'.format(refused.kind, refused)) from None

    class WorkerEndpoint(endpoint.ManagerEndpoint):
        def get_node(self, node_id, instance_context=None):
            return Node(question('host', 'node', node_id, instance_context))

        def get_node_instance(self, node_instance_id):
            told = question('host', 'instance', node_instance_id)
            own = {name: value for name, value in told.items() if name in known}
            return manager.NodeInstance(node_instance_id, **own)

        def update_node_instance(self, node_instance):
            properties = sendable(node_instance.runtime_properties, node_instance.id)
            question('python', 'save', {node_instance.id: properties})
            question('host', 'update', node_instance.id)

        def get_resource(self, blueprint_id, deployment_id, resource_path, template_variables=None):
            place = question('download-resource', resource_path)
            with open(place, 'rb') as file:
                content = file.read()
            os.unlink(place)
            return self._render_resource_if_needed(resource=content, template_variables=template_variables)

        def download_resource(self, blueprint_id, deployment_id, resource_path, logger, target_path=None,
                              template_variables=None):
            target = None if target_path is None else os.path.abspath(target_path)
            place = question('download-resource', resource_path, target)
            logger.info('Downloaded %s to %s', resource_path, place)
            return self._render_resource_if_needed(
                resource=place, template_variables=template_variables, download=True)

        def download_directory(self, blueprint_id, deployment_id, resource_path, logger, target_path=None,
                               preview_only=False):
            paths = question('host', 'files', resource_path)
            if not paths:
                raise exceptions.HttpException(resource_path, 404, 'the blueprint has no such folder with files in it')
            if preview_only:
                return paths
            top = tempfile.mkdtemp()
            for path in paths:
                # As it was: below the folder's own name, without what leads to the first folder.
                target = os.path.join(top, path.split('/', 1)[-1])
                os.makedirs(os.path.dirname(target), exist_ok=True)
                question('download-resource', path, target)
            logger.info('Downloaded %d files of %s to %s', len(paths), resource_path, top)
            return top

        def get_logging_handler(self):
            return EventHandler()

        def send_plugin_event(self, message=None, args=None, additional_context=None):
            question('send-event', '' if message is None else str(message))

        def evaluate_functions(self, payload):
            return question('host', 'evaluate', {'payload': payload})

        def get_workdir(self):
            return os.environ['AGENT_WORK_DIR']

        def update_operation(self, operation_id, state):
            pass  # The engine knows.

    return WorkerEndpoint


def verdict_of(error, exceptions, text):
    """A failure as the engine takes it: its name, whether trying again may help, and when."""
    said = {
        'type': type(error).__name__,
        'message': str(error) or type(error).__name__,
        'traceback': text,
        'retryable': True,
        'retry_after': getattr(error, 'retry_after', None),
        'causes': [one for one in getattr(error, 'causes', None) or [] if isinstance(one, dict)],
    }
    if isinstance(error, (NotThere, NotStorable)):
        return {**said, 'type': 'NonRecoverableError', 'traceback': '', 'retryable': False}
    if isinstance(error, ImportError) and (error.name or '').split('.')[0].startswith('cloudify'):
        help = '{}: is cloudify-common of the right version in the wagon, or in the folder ORRERY_PYTHON_WHEELS?'
        return {**said, 'message': help.format(error), 'retryable': False}
    if exceptions is None:
        return {**said, 'retryable': False}
    if isinstance(error, exceptions.OperationRetry):
        return {**said, 'type': 'OperationRetry'}
    final = [getattr(exceptions, name, ()) for name in ('NonRecoverableError', 'StopAgent')]
    if isinstance(error, (SyntaxError, ImportError)) or any(isinstance(error, kind) for kind in final):
        return {**said, 'retryable': False}
    return said


def plain_causes(said):
    try:
        json.dumps(said, allow_nan=False)
    except (TypeError, ValueError):
        said = {**said, 'causes': []}
    return said


class Known:
    """The exceptions of the package that is there, as soon as it is known which."""

    OperationRetry = NonRecoverableError = StopAgent = ()


def workflows():
    """The part of the host that runs the code of workflows."""
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'workflow.py')
    spec = importlib.util.spec_from_file_location('host_workflow', place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    call = ask('host', 'call')
    exceptions = None
    try:
        listen_to_libraries()
        if os.environ['REST_PROTOCOL'] == 'https' and not os.path.isfile(os.environ['LOCAL_REST_CERT_FILE']):
            import ssl
            paths = ssl.get_default_verify_paths()
            os.environ['LOCAL_REST_CERT_FILE'] = paths.cafile or paths.openssl_cafile
        if call['context']['type'] == 'workflow':
            exceptions = Known
            value = workflows().run(sys.modules[__name__], call, Known)
        else:
            there = importlib.util.find_spec('cloudify') is not None and importlib.util.find_spec('cloudify.context')
            operation = CommonContext(call) if there else OwnContext(call)
            exceptions = operation.exceptions
            value = operation.run()
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise NotStorable('what the operation returned cannot be stored: {}'.format(error)) from None
    except BaseException as error:
        # Without the frames of the host: they say nothing about the plugin.
        trace = error.__traceback__
        while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == os.path.dirname(__file__):
            trace = trace.tb_next
        text = ''.join(traceback.format_exception(type(error), error, trace))
        if getattr(error, 'hide_traceback', False):
            text = ''
        ask('python', 'raised', plain_causes(verdict_of(error, exceptions, text)))
        return
    # Named, because a mapping at the end of a call would be taken for its named arguments.
    ask('python', 'returns', {'value': value})


if __name__ == '__main__':
    main()
