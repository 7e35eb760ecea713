"""Whether the execution was cancelled, and how a workflow says that it has ended for it."""

EXECUTION_CANCELLED_RESULT = 'execution_cancelled'
cancel_request = False


class ExecutionCancelled(Exception):
    """Raised by a workflow that has cleaned up after it was cancelled."""


def set_cancel_request():
    global cancel_request
    cancel_request = True


def has_cancel_request():
    return cancel_request
