"""What a workflow wants done: tasks, their results, and what is to become of one that failed."""
import threading
import uuid

from .. import exceptions
from . import api

TASK_PENDING, TASK_STARTED = 'pending', 'started'
TASK_SUCCEEDED, TASK_FAILED, TASK_RESCHEDULED = 'succeeded', 'failed', 'rescheduled'


class HandlerResult:
    """What an `on_success` or `on_failure` answers."""

    HANDLER_RETRY = 'handler_retry'
    HANDLER_FAIL = 'handler_fail'
    HANDLER_IGNORE = 'handler_ignore'
    HANDLER_CONTINUE = 'handler_continue'

    def __init__(self, action, ignore_total_retries=False, retry_after=None):
        self.action = action
        self.ignore_total_retries = ignore_total_retries
        self.retry_after = retry_after

    @classmethod
    def retry(cls, ignore_total_retries=False, retry_after=None):
        return cls(cls.HANDLER_RETRY, ignore_total_retries, retry_after)

    @classmethod
    def fail(cls):
        return cls(cls.HANDLER_FAIL)

    @classmethod
    def ignore(cls):
        return cls(cls.HANDLER_IGNORE)

    @classmethod
    def cont(cls):
        return cls(cls.HANDLER_CONTINUE)


class WorkflowTaskResult:
    """What will have come of a task."""

    def __init__(self, task):
        self.task = task
        self._came = threading.Event()
        self._told = []
        self.result = None

    def _set(self, result):
        self.result = result
        self._came.set()
        for told in self._told:
            told(result)

    def on_result(self, told):
        self._told.append(told)
        if self._came.is_set():
            told(self.result)

    def get(self):
        while not self._came.wait(0.2):
            if api.has_cancel_request():
                raise api.ExecutionCancelled()
        if self.task.get_state() != TASK_SUCCEEDED:
            raise self.result
        return self.result


class Task:
    """Something to do; `does(task)` begins it, and ends it later by `task.end`."""

    def __init__(self, ctx, name, does, info=None):
        self.id = str(uuid.uuid4())
        self.name = name
        self.info = info
        self.on_success = None
        self.on_failure = None
        self.total_retries = ctx.task_retries
        self.retry_interval = ctx.task_retry_interval
        self.current_retries = 0
        self.containing_subgraph = None
        self.workflow_context = ctx
        self.async_result = WorkflowTaskResult(self)
        self._does = does
        self._state = TASK_PENDING

    def __str__(self):
        return '{}({})'.format(self.name, self.info or '')

    def get_state(self):
        return self._state

    def apply_async(self):
        self._state = TASK_STARTED
        self._does(self)
        return self.async_result

    def end(self, result=None, error=None):
        again = isinstance(error, exceptions.OperationRetry)
        self._state = TASK_SUCCEEDED if error is None else TASK_RESCHEDULED if again else TASK_FAILED
        self.async_result._set(result if error is None else error)

    def verdict(self):
        """What is to become of it now that it has ended."""
        if self._state == TASK_SUCCEEDED:
            return self.on_success(self) if self.on_success else HandlerResult.cont()
        if self._state == TASK_RESCHEDULED:
            verdict = HandlerResult.retry(retry_after=self.async_result.result.retry_after)
        else:
            verdict = self.on_failure(self) if self.on_failure else HandlerResult.fail()
        used_up = 0 <= self.total_retries <= self.current_retries and not verdict.ignore_total_retries
        if verdict.action == HandlerResult.HANDLER_RETRY and used_up:
            return HandlerResult.fail()
        return verdict

    def again(self):
        """The same once more."""
        task = Task(self.workflow_context, self.name, self._does, self.info)
        for name in ('on_success', 'on_failure', 'total_retries', 'retry_interval', 'containing_subgraph'):
            setattr(task, name, getattr(self, name))
        task.current_retries = self.current_retries + 1
        return task
