"""`from cloudify.workflows import ctx`: the ctx of a workflow, for plugins whose wagon brings no cloudify-common.

Only what simple workflows use is here: nodes and instances, operations, states, events, and a graph of tasks.
"""
from . import api  # noqa: F401
from .context import Context

_current = None


class _Proxy:
    def __init__(self, of):
        self._of = of

    def __getattr__(self, name):
        if _current is None:
            raise RuntimeError('there is no workflow here: cloudify.workflows.ctx works only inside one')
        return getattr(self._of(_current), name)


class _Parameters(dict):
    """Parameters by key or, where the name allows it, as attributes."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


ctx = _Proxy(lambda current: current)
parameters = _Proxy(lambda current: current.parameters)


def _begin(values, inputs, wishes, handler, failure_of):
    """Called by the host, once."""
    global _current
    _current = Context(values, _Parameters(inputs), wishes, handler, failure_of)
    return _current
