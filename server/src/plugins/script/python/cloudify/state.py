"""The operation's inputs, as a script sees them: `from cloudify.state import ctx_parameters as inputs`."""
from . import ctx
from ._door import ask


class _Parameters(dict):
    """Inputs by key or, where the name allows it, as attributes."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _Current:
    def get_ctx(self):
        return ctx

    def get_parameters(self):
        return ctx_parameters


ctx_parameters = _Parameters(ask('python', 'inputs'))
current_ctx = _Current()
