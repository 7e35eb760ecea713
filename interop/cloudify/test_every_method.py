"""Every public method of the client, with the request that it sends first: methods.json beside this file, from which the
server's side is checked and docs/cloudify-client-calls.md is made. Asks no server. `python test_every_method.py` writes it."""
import asyncio
import inspect
import json
import logging
import os
import re
import tarfile
import tempfile
import unittest
from unittest import mock

from cloudify_rest_client import CloudifyClient
from cloudify_rest_client.client import HTTPClient

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'methods.json')
CLIENTS = ('cloudify_rest_client.', 'cloudify_async_client.')


class Sent(Exception):
    """Instead of an answer."""


class Entity(dict):
    """A record of a dump, with whatever is looked for in it."""

    def pop(self, key, *_):
        return dict.pop(self, key, 'ID')

    def __missing__(self, key):
        return 'ID'


def files():
    folder = tempfile.mkdtemp(prefix='orrery-interop-')
    text = os.path.join(folder, 'blueprint.yaml')
    with open(text, 'w') as file:
        file.write('tosca_definitions_version: cloudify_dsl_1_3\n')
    archive = os.path.join(folder, 'blueprint.tar.gz')
    with tarfile.open(archive, 'w:gz') as packed:
        packed.add(text, arcname='top/blueprint.yaml')
    return folder, text, archive


FOLDER, TEXT, ARCHIVE = files()
LOGGER = logging.getLogger('interop')
# Only what a method needs to send anything.
ARGUMENTS = {
    'agents.dump': {'deployment_ids': ['ID']},
    'agents.restore': {'entities': [Entity(name='ID', node_instance_id='ID')]},
    'blueprints.restore': {'path_func': lambda _: ARCHIVE},
    'blueprints.update': {'update_dict': {'labels': []}},
    'blueprints_filters.update': {'new_filter_rules': [{}]},
    'deployment_updates.restore': {'entities': [Entity(id='ID', deployment_id='ID')]},
    'deployments.restore': {'entities': [Entity(id='ID', blueprint_id='ID', workflows=[])], 'path_func': lambda _: None},
    'deployments_filters.update': {'new_filter_rules': [{}]},
    'events.dump': {'execution_ids': ['ID']},
    'events.restore': {'entities': [Entity(type='cloudify_log', message='ID')], 'source_type': 'executions', 'logger': LOGGER},
    'execution_groups.restore': {'entities': [Entity(id='ID', deployment_group_id='ID', workflow_id='ID')]},
    'execution_schedules.create': {'rrule': 'FREQ=DAILY', 'since': 'ID'},
    'execution_schedules.restore': {'entities': [Entity(
        id='ID', deployment_id='ID', workflow_id='ID', since='ID', rule={'rrule': 'FREQ=DAILY'})]},
    'executions.restore': {'entities': [Entity(id='ID', deployment_id='ID', workflow_id='ID')]},
    'executions.start': {'deployment_id': 'ID', 'workflow_id': 'ID'},
    'inter_deployment_dependencies.restore': {'entities': [Entity(dependency_creator='ID')]},
    'node_instances.dump': {'deployment_ids': ['ID']},
    'nodes.dump': {'deployment_ids': ['ID']},
    'operations.dump': {'execution_ids': ['ID']},
    'plugins.install': {'managers': ['ID']},
    'plugins.restore': {'path_func': lambda _: ARCHIVE},
    'plugins_update.restore': {'entities': [Entity(id='ID', blueprint_id='ID')]},
    'resources.delete_deployment_file': {'file_path': 'ID'},
    'resources.get_file': {'path': '/resources/blueprints/ID/ID/blueprint.yaml'},
    'resources.upload_deployment_file': {'target_file_path': 'ID'},
    'tasks_graphs.dump': {'execution_ids': ['ID'], 'operations': {}},
    'tasks_graphs.restore': {'entities': [Entity(name='ID')]},
    'tenants.restore': {'entities': [Entity(name='ID')]},
    'user_groups.restore': {'entities': [Entity(name='ID', role='ID')]},
    'users.restore': {'entities': [Entity(username='ID', role='ID')]},
    'secrets_providers.restore': {'entities': [Entity(name='ID', type='ID')]},
    'sites.restore': {'entities': [Entity(name='ID')]},
}


def argument(name):
    if name == 'entities':
        return [Entity(id='ID')]
    if name in ('data', 'ids', 'secrets_list'):
        return []
    if 'archive' in name:
        return ARCHIVE
    if 'path' in name or name in ('output_file', 'src_file'):
        return TEXT
    return FOLDER if name.endswith('_dir') else 'ID'


def given(name, method):
    special = ARGUMENTS.get(name, {})
    needed = {
        each: argument(each)
        for each, about in inspect.signature(method).parameters.items()
        if about.default is about.empty and about.kind is about.POSITIONAL_OR_KEYWORD
    }
    return {**needed, **special}


def methods():
    """(name, bound method), also of the clients that clients hold."""
    def below(name, client):
        for attribute, value in sorted(vars(client).items()):
            if not attribute.startswith('_') and attribute != 'api' and type(value).__module__.startswith(CLIENTS):
                if not isinstance(value, HTTPClient):
                    yield from below(name + [attribute], value)
        for attribute, value in inspect.getmembers(client, inspect.ismethod):
            # These open and close the line that the stream of the audit log needs.
            if name and not attribute.startswith('_') and attribute not in ('async_client', 'close'):
                yield '.'.join(name + [attribute]), value
    yield from below([], CloudifyClient(host='localhost', tenant='ID', username='ID', password='ID'))


def sent_by(name, method):
    """`METHOD /path?parameters {members}`, as it would be sent."""
    sent = []

    if inspect.iscoroutinefunction(method):
        async def stream(path, **__):
            sent.append('GET /' + path)
        method.__self__._client = mock.Mock(get=stream)
        asyncio.run(method())
        return sent[0]

    def record(_, requests_method, uri, data=None, params=None, url_prefix=True, **__):
        if uri == '/config' and params == {'scope': 'rest'}:
            return {}  # The limits of uploads, which it asks for before them.
        path = re.sub(r'//+', '/', uri.split('?')[0])
        if isinstance(data, str) and data.startswith('{'):
            data = json.loads(data)
        members = ' {%s}' % ', '.join(sorted(data)) if isinstance(data, dict) else ' BYTES'
        body = '' if data is None or data == {} else members
        words = sorted(set(params or {}) | set(re.findall(r'[?&](\w+)=', uri)))
        query = '?' + '&'.join(words) if words else ''
        root = '' if url_prefix else '^'
        sent.append('{} {}{}{}{}'.format(requests_method.__name__.upper(), root, path, query, body))
        raise Sent()

    with mock.patch.object(HTTPClient, 'do_request', record):
        try:
            result = method(**given(name, method))
            if inspect.isgenerator(result) or hasattr(result, '__next__'):
                next(result, None)
            elif hasattr(result, '__enter__'):
                result.__enter__()
        except Sent:
            pass
    return sent[0]


def table():
    return {name: sent_by(name, method) for name, method in methods()}


def written(calls):
    return json.dumps(calls, indent=2, sort_keys=True) + '\n'


class EveryMethodTest(unittest.TestCase):
    maxDiff = None

    def test_the_table_tells_each_method_and_what_it_sends(self):
        with open(TABLE) as file:
            self.assertEqual(json.load(file), table())


if __name__ == '__main__':
    with open(TABLE, 'w') as kept:
        kept.write(written(table()))
