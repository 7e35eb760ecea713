"""Operations that leave marks."""
import time

from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import NonRecoverableError, RecoverableError


@operation
def note(word=None, **_):
    marks = ctx.instance.runtime_properties.get('marks', [])
    ctx.instance.runtime_properties['marks'] = marks + [word or ctx.operation.name.split('.')[-1]]
    return word


@operation
def meet(**_):
    ctx.source.instance.runtime_properties['met'] = ctx.target.instance.id
    return ctx.operation.relationship


@operation
def refuse(**_):
    raise NonRecoverableError('never')


@operation
def falter(times, **_):
    if ctx.operation.retry_number < times:
        raise RecoverableError('not yet', retry_after=0)
    return ctx.operation.retry_number


@operation
def wait(**_):
    ctx.instance.runtime_properties['waiting'] = True
    ctx.instance.update()
    time.sleep(600)
