"""Workflows as plugins write them."""
from cloudify.decorators import workflow
from cloudify.plugins import lifecycle
from cloudify.plugins import workflows as theirs
from cloudify.workflows import ctx as workctx
from cloudify.workflows import api
from cloudify.workflows.tasks import HandlerResult
from cloudify.workflows.tasks_graph import make_or_get_graph


def named(name):
    node = workctx.get_node(name)
    return sorted(node.instances, key=lambda one: one.id)


@workflow
def in_a_row(ctx, words, **_):
    ctx.logger.info('in a row')
    for word in words:
        [one] = named('one')
        got = one.execute_operation('flows.note', kwargs={'word': word}, allow_kwargs_override=True).get()
        assert got == word, got
    [one] = named('one')
    assert one.execute_operation('flows.note').get() == 'declared word'
    ctx.refresh_node_instances()
    assert len(ctx.get_node_instance(one.id).runtime_properties['marks']) >= len(words)
    one.set_state('configured').get()
    assert one.get_state().get() == 'configured'
    one.send_event('an event of the node').get()
    ctx.send_event('an event of the workflow').get()


@workflow
def as_a_graph(ctx, **_):
    graph = ctx.graph_mode()
    sequence = graph.sequence()
    [one], [base] = named('one'), named('base')
    told = {'allow_kwargs_override': True}
    sequence.add(
        base.send_event('first'),
        base.execute_operation('flows.note', kwargs={'word': 'first'}, **told),
        one.execute_operation('flows.note', kwargs={'word': 'second'}, **told),
    )
    group = graph.subgraph('group')
    inner = group.sequence()
    inner.add(one.execute_operation('flows.note', kwargs={'word': 'third'}, **told), one.set_state('started'))
    sequence.add(group)
    sequence.add(ctx.local_task(lambda: 'local', name='a_local_task'))
    graph.execute()


@workflow
def both_sides(ctx, **_):
    [one] = named('one')
    [link] = one.relationships
    assert link.execute_source_operation('flows.meet').get() == 'source'
    assert link.execute_target_operation('flows.meet').get() == 'target'


@workflow
def handled(ctx, **_):
    graph = ctx.graph_mode()
    [one] = named('one')
    task = one.execute_operation('flows.refuse')
    after = one.execute_operation('flows.note', kwargs={'word': 'after'}, allow_kwargs_override=True)

    def on_failure(failed):
        ctx.logger.info('handling %s', failed.async_result.result)
        return HandlerResult.ignore()

    task.on_failure = on_failure
    graph.add_task(task)
    graph.add_task(after)
    graph.add_dependency(after, task)
    graph.execute()


@workflow
def unhandled(ctx, **_):
    graph = ctx.graph_mode()
    [one] = named('one')
    graph.add_task(one.execute_operation('flows.refuse'))
    graph.execute()


@workflow
def faltering(ctx, **_):
    [one] = named('one')
    assert one.execute_operation('flows.falter').get() == 1


@workflow
def their_install(ctx, **_):
    theirs.install(ctx=ctx)


@workflow
def their_uninstall(ctx, **_):
    theirs.uninstall(ctx=ctx)


@workflow
def waiting(ctx, **_):
    [one] = named('one')
    try:
        one.execute_operation('flows.wait').get()
    except api.ExecutionCancelled:
        ctx.logger.info('cleaning up: %s', api.has_cancel_request())
        raise


@make_or_get_graph
def _resumed_graph(ctx):
    graph = ctx.graph_mode()
    sequence = graph.sequence()
    [one], [base] = named('one'), named('base')
    sequence.add(
        one.send_event('kept'),
        one.execute_operation('flows.note', kwargs={'word': 'kept'}, allow_kwargs_override=True),
        base.execute_operation('flows.refuse'),
        one.execute_operation('flows.note', kwargs={'word': 'last'}, allow_kwargs_override=True),
    )
    return graph


@workflow(resumable=True)
def resumed(ctx, fails, **_):
    _resumed_graph(ctx, name='resumed').execute()


@workflow
def scaled(ctx, **_):
    modification = ctx.deployment.start_modification({'one': {'instances': 2}})
    graph = ctx.graph_mode()
    added = set(one for one in modification.added.node_instances if one.modification == 'added')
    related = set(modification.added.node_instances) - added
    lifecycle.install_node_instances(graph=graph, node_instances=added, related_nodes=related)
    modification.finish()


@workflow
def asking(ctx, **_):
    ctx.logger.info('asked: %s', ctx.get_secret('word')['value'])
    ctx.logger.info('status: %s', ctx.get_execution().status)
