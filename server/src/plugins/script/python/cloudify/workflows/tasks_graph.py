"""A graph of tasks: each begins when those it depends on have ended well."""
import queue
import threading
import time

from . import api
from .tasks import HandlerResult, Task


class _Sequence:
    """Tasks, or lists of tasks, one after the other."""

    def __init__(self, graph):
        self._graph = graph
        self._last = []

    def add(self, *tasks):
        for fresh in tasks:
            fresh = list(fresh) if isinstance(fresh, (list, tuple)) else [fresh]
            for task in fresh:
                self._graph.add_task(task)
                for before in self._last:
                    self._graph.add_dependency(task, before)
            self._last = fresh or self._last


class TaskDependencyGraph:
    def __init__(self, ctx):
        self.ctx = ctx
        self._tasks = {}
        self._before = {}
        self._ended = queue.Queue()

    @property
    def tasks(self):
        return list(self._tasks.values())

    def add_task(self, task):
        self._tasks[task.id] = task
        self._before.setdefault(task.id, set())

    def get_task(self, task_id):
        return self._tasks.get(task_id)

    def remove_task(self, task):
        self._tasks.pop(task.id, None)
        self._before.pop(task.id, None)
        for before in self._before.values():
            before.discard(task.id)

    def add_dependency(self, src_task, dst_task):
        for task in (src_task, dst_task):
            if task.id not in self._tasks:
                raise RuntimeError('{} is not in the graph'.format(task))
        self._before[src_task.id].add(dst_task.id)

    def remove_dependency(self, src_task, dst_task):
        self._before[src_task.id].discard(dst_task.id)

    def sequence(self):
        return _Sequence(self)

    def subgraph(self, name):
        task = SubgraphTask(self, name)
        self.add_task(task)
        return task

    def execute(self):
        """Until all have ended, or one has failed and those that ran have ended."""
        running, failed, since = set(), [], None
        while True:
            if api.has_cancel_request():
                raise api.ExecutionCancelled()
            if not failed:
                for task in [one for one in self.tasks if one.id not in running and not self._before[one.id]]:
                    running.add(task.id)
                    task.async_result.on_result(lambda _result, task=task: self._ended.put(task))
                    task.apply_async()
            if not running or (failed and time.time() - since > self.ctx.wait_after_fail):
                break
            try:
                task = self._ended.get(timeout=0.2)
            except queue.Empty:
                continue
            running.discard(task.id)
            error = self._settle(task)
            if error is not None:
                failed.append(error)
                since = since or time.time()
        if failed:
            raise RuntimeError('\n'.join(failed))

    def _settle(self, task):
        """A text: why the graph fails."""
        if task.id not in self._tasks:
            return None
        verdict = task.verdict()
        group = task.containing_subgraph
        if verdict.action == HandlerResult.HANDLER_RETRY:
            self._later(task, verdict)
            return None
        if verdict.action == HandlerResult.HANDLER_FAIL:
            why = 'Task failed: {}: {}'.format(task, task.async_result.result)
            if group is None:
                return why
            group.fail(task, RuntimeError(why))
        self.remove_task(task)
        if group is not None:
            group.ended(task)
        return None

    def _later(self, task, verdict):
        """In place of the task the same again, after a while."""
        fresh = task.again()
        self.add_task(fresh)
        waits = threading.Event()
        self._before[fresh.id].add(waits)
        for before in self._before.values():
            if task.id in before:
                before.add(fresh.id)
        if task.containing_subgraph is not None:
            task.containing_subgraph.replace(task, fresh)
        self.remove_task(task)
        pause = task.retry_interval if verdict.retry_after is None else verdict.retry_after
        timer = threading.Timer(pause, lambda: self._before.get(fresh.id, set()).discard(waits))
        timer.daemon = True
        timer.start()


class SubgraphTask(Task):
    """Tasks that begin when it does, and of which it is made."""

    def __init__(self, graph, name):
        super().__init__(graph.ctx, name, lambda _task: self._begin())
        self.total_retries = 0
        self.graph = graph
        self.tasks = {}
        self.failed_task = None

    def add_task(self, task):
        self.graph.add_task(task)
        self.graph.add_dependency(task, self)
        self.tasks[task.id] = task
        task.containing_subgraph = self

    def add_dependency(self, src_task, dst_task):
        self.graph.add_dependency(src_task, dst_task)

    def sequence(self):
        return _Sequence(self)

    def subgraph(self, name):
        task = SubgraphTask(self.graph, name)
        self.add_task(task)
        return task

    def _begin(self):
        for task in self.tasks.values():
            self.graph.remove_dependency(task, self)
        if not self.tasks:
            self.end()

    def replace(self, task, fresh):
        self.tasks[fresh.id] = fresh

    def fail(self, task, error):
        if self.failed_task is None:
            self.failed_task = task
            for other in list(self.tasks.values()):
                if other.get_state() == 'pending':
                    self.graph.remove_task(other)
            self.end(error=error)

    def ended(self, task):
        self.tasks.pop(task.id, None)
        if not self.tasks and self.failed_task is None:
            self.end()
