"""`from cloudify import ctx` for Python scripts of a blueprint, over the same door as the `ctx` command.

What the operation is made of is asked for once, at import. Runtime properties are an ordinary dict here; they go back
when the script ends, or at `ctx.instance.update()`. An exception that ends the script becomes the operation's failure.
Only what scripts commonly use is here; the plugin development kit of the same name is not.
"""
import atexit
import copy
import logging
import sys
import traceback

from . import exceptions
from ._door import StopOperation, ask


class _ReadOnly(dict):
    """Properties: whoever writes them is told, instead of being forgotten."""

    def _refuse(self, *_args, **_kwargs):
        raise exceptions.NonRecoverableError('Cannot override read only properties')

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = _refuse


class _Plain:
    """Attributes of a mapping; mappings in it likewise, except those named as data."""

    _data = ('properties', 'runtime_properties', 'workflow_parameters')

    def __init__(self, values):
        for name, value in values.items():
            if isinstance(value, dict) and name not in self._data:
                value = _Plain(value)
            elif name == 'properties':
                value = _ReadOnly(value)
            elif name in ('relationships', 'scaling_groups'):
                value = [_Plain(one) for one in value]
            setattr(self, name, value)


class _Instance(_Plain):
    def __init__(self, values, door):
        super().__init__(values)
        self._door = door
        self._saved = copy.deepcopy(self.runtime_properties)

    def _send(self):
        if self.runtime_properties != self._saved:
            ask('python', 'save', {self.id: self.runtime_properties})
            self._saved = copy.deepcopy(self.runtime_properties)

    def update(self, on_conflict=None):
        self._send()
        ask(*self._door, 'update')

    def refresh(self, force=False):
        self._send()
        ask(*self._door, 'refresh', force)
        self.runtime_properties = ask(*self._door, 'runtime-properties')
        self._saved = copy.deepcopy(self.runtime_properties)


class _Side:
    def __init__(self, values, door):
        self.node = _Plain(values['node'])
        self.instance = _Instance(values['instance'], door + ('instance',))


class _Operation(_Plain):
    def retry(self, message=None, retry_after=None):
        ask('operation', 'retry', message, retry_after)


class _Handler(logging.Handler):
    def emit(self, record):
        level = record.levelname.lower()
        level = level if level in ('debug', 'info', 'warning', 'error', 'critical') else 'info'
        # A value of its own, so that a % in the text is not taken for a place to fill.
        ask('logger', level, '%s', self.format(record))


class _Agent:
    def init_script(self, agent_config=None):
        return ask('agent', 'init-script')


class _Capabilities:
    def __getitem__(self, key):
        return ask('capabilities', key)


class _Context:
    def __init__(self):
        values = ask('python', 'snapshot')
        self._instances = []
        for name, value in values.items():
            if name in ('source', 'target'):
                value = _Side(value, (name,))
                self._instances.append(value.instance)
            elif name == 'instance':
                value = _Instance(value, ('instance',))
                self._instances.append(value)
            elif name == 'operation':
                value = _Operation(value)
            elif isinstance(value, dict) and name != 'workflow_parameters':
                value = _Plain(value)
            setattr(self, name, value)
        self.capabilities = _Capabilities()
        self.agent = _Agent()
        self.logger = logging.getLogger('ctx')
        self.logger.setLevel(logging.DEBUG)
        self.logger.propagate = False
        self.logger.addHandler(_Handler())

    def __getattr__(self, name):
        if name in ('node', 'instance', 'source', 'target'):
            raise exceptions.NonRecoverableError(
                'ctx.{} is not there in a {} context'.format(name, self.__dict__.get('type')))
        raise AttributeError(name)

    def send_event(self, message):
        ask('send-event', message)

    def returns(self, value):
        # Named, because a mapping at the end of a call would be taken for its named arguments.
        ask('python', 'returns', {'value': value})

    def abort_operation(self, message=None):
        self._stop('abort-operation', message)

    def retry_operation(self, message=None, retry_after=None):
        self._stop('retry-operation', message, retry_after)

    def _stop(self, *words):
        try:
            ask(*words)
        except StopOperation:
            pass

    def get_resource(self, resource_path):
        return ask('get-resource', resource_path)

    def get_resource_and_render(self, resource_path, template_variables=None):
        return ask('get-resource-and-render', resource_path, template_variables or {})

    def download_resource(self, resource_path, target_path=None):
        return ask('download-resource', resource_path, target_path)

    def download_resource_and_render(self, resource_path, target_path=None, template_variables=None):
        return ask('download-resource-and-render', resource_path, target_path, template_variables or {})

    def _send(self):
        for instance in self._instances:
            instance._send()


ctx = _Context()


def _raised(kind, error, trace):
    sys.__excepthook__(kind, error, trace)
    if not issubclass(kind, Exception):
        return
    text = ''.join(traceback.format_exception(kind, error, trace))
    ask('python', 'raised', {
        'type': kind.__name__,
        'message': str(error),
        'traceback': text,
        'retryable': not isinstance(error, exceptions.NonRecoverableError),
        'retry_after': getattr(error, 'retry_after', None),
    })


sys.excepthook = _raised
atexit.register(ctx._send)
