"""Operations that use what plugins use of cloudify-common; each remembers what it saw."""
import logging
import os

from cloudify import ctx
from cloudify.decorators import operation
from cloudify.exceptions import HttpException, NonRecoverableError, RecoverableError
from cloudify.manager import get_rest_client
from cloudify.state import ctx_parameters


@operation(resumable=True)
def look(ctx, greeting, **_):
    ctx.logger.info('looking around: %s', greeting)
    logging.getLogger('a.library').warning('a library speaks')
    ctx.send_event('an event of the plugin')
    related = ctx.instance.relationships[0] if ctx.instance.relationships else None
    ctx.instance.runtime_properties['seen'] = {
        'type': ctx.type,
        'node': [ctx.node.id, ctx.node.type, ctx.node.type_hierarchy[0], ctx.node.properties['evaluated']],
        'instance': [ctx.instance.id, ctx.instance.index, ctx.instance.host_ip],
        'operation': [ctx.operation.name, ctx.operation.retry_number, ctx.operation.max_retries],
        'deployment': [ctx.deployment.id, ctx.blueprint.id, ctx.tenant_name, ctx.workflow_id,
                       ctx.deployment.creator, ctx.deployment.resource_tags],
        'plugin': [str(ctx.plugin), ctx.plugin.package_name, ctx.plugin.package_version, ctx.plugin.properties],
        'workdir': os.path.isdir(ctx.plugin.workdir),
        'parameters': ctx_parameters['greeting'],
        'related': None if related is None else [
            related.type, related.type_hierarchy[0], related.target.node.id,
            related.target.instance.runtime_properties['mark'], ctx.capabilities['mark']],
        'file': ctx.get_resource('motd.txt').decode(),
        'rendered': ctx.get_resource_and_render('template.txt', {'who': 'you'}).decode(),
        'downloaded': open(ctx.download_resource_and_render('template.txt', template_variables={'who': 'me'})).read(),
        'directory': sorted(os.path.relpath(os.path.join(parent, name), folder)
                            for folder in [ctx.download_directory('conf/site')]
                            for parent, _, names in os.walk(folder) for name in names),
    }


@operation
def mark(**_):
    ctx.instance.runtime_properties['mark'] = ctx.instance.id


@operation
def saves_early(**_):
    ctx.instance.runtime_properties['early'] = 1
    ctx.instance.update()
    ctx.instance.refresh()
    ctx.instance.runtime_properties['early'] += 1
    ctx.instance.update(on_conflict=lambda mine, stored: {**stored, **mine, 'merged': True})
    ctx.instance.runtime_properties['late'] = True
    stored = get_rest_client().node_instances.get(ctx.instance.id).runtime_properties
    ctx.instance.runtime_properties['stored_meanwhile'] = {'early': stored['early'], 'late': 'late' in stored}


@operation
def uses_rest(**_):
    client = get_rest_client()
    client.secrets.create('probe-secret', 'a secret of the probe', update_if_exists=True)
    value = client.secrets.get('probe-secret').value
    ctx.instance.runtime_properties['rest'] = {
        'secret_length': len(value),
        'nodes': sorted(node.id for node in client.nodes.list(deployment_id=ctx.deployment.id)),
        'execution': client.executions.get(ctx.execution_id).status,
    }
    try:
        client.users.create('intruder', 'a password', 'sys_admin')
    except Exception as error:
        ctx.instance.runtime_properties['rest']['refused'] = type(error).__name__


@operation
def fails_twice(**_):
    tries = ctx.instance.runtime_properties.get('tries', 0) + 1
    ctx.instance.runtime_properties['tries'] = tries
    if tries == 1:
        raise RecoverableError('first time', retry_after=0)
    if tries == 2:
        return ctx.operation.retry('second time', retry_after=0)
    return {'tries': tries}


@operation
def gives_up(**_):
    try:
        ctx.get_resource('no/such/file')
    except HttpException as error:
        raise NonRecoverableError('there is no file: {}'.format(error.code))


@operation
def connects(**_):
    ctx.source.instance.runtime_properties['target'] = ctx.target.instance.id
    ctx.target.instance.runtime_properties['source'] = [ctx.source.node.name, ctx.type]


@operation
def writes_properties(**_):
    ctx.node.properties['evaluated'] = 'changed'
