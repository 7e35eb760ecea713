"""How a script reaches the operation it belongs to: JSON over HTTP to CTX_SOCKET_URL, as the `ctx` command does."""
import json
import os
import urllib.request


class StopOperation(Exception):
    """The answer to an abort or a retry: the operation has been told, the script should end."""


def ask(*args):
    url = os.environ.get('CTX_SOCKET_URL')
    if not url:
        raise RuntimeError('CTX_SOCKET_URL is not set: ctx works only inside a script operation')
    body = json.dumps({'args': list(args)}).encode('utf-8')
    request = urllib.request.Request(url, body, {'Content-Type': 'application/json'})
    # Never through a proxy: the address is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        reply = json.loads(answer.read().decode('utf-8'))
    payload = reply['payload']
    if reply['type'] == 'error':
        from . import exceptions
        kind = getattr(exceptions, payload['type'], None)
        if isinstance(kind, type):
            raise kind(payload['message'])
        raise RuntimeError('{}: {}'.format(payload['type'], payload['message']))
    if reply['type'] == 'stop_operation':
        raise StopOperation(payload['message'])
    return payload
