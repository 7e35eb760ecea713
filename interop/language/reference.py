"""Parses blueprints with the published parser (`dsl_parser` of the package cloudify-common).

Reads one JSON document from standard input:

    {"types": FOLDER, "imports": [[PATTERN, FILE or null]], "jobs": [{"root": ..., "file": ..., "out": ...}]}

`types` is the folder that holds `cloudify/types/types.yaml`. An import that is no file is looked up by the first
pattern that matches it whole. Each job's outcome is written to `out`: {"plan": ...} or {"error": ..., "code": ...}.

The parser looks for imports in the folder it runs in, which is an empty one. A blueprint whose import it does not find
is parsed once more in `root`, the top of the archive; such an outcome also has {"refused": what it said before}.
"""
import json
import os
import re
import sys

from cloudify.exceptions import InvalidBlueprintImport
from dsl_parser import exceptions, parser
from dsl_parser.import_resolver.abstract_import_resolver import (
    AbstractImportResolver,
    is_remote_resource,
    read_import,
)


class Stored(AbstractImportResolver):
    """Answers imports from files at hand; the network is never asked."""

    def __init__(self, imports):
        self._imports = [(re.compile(pattern), path) for pattern, path in imports]

    def resolve(self, import_url, dsl_version=None):
        for pattern, path in self._imports:
            if pattern.fullmatch(import_url) and path is not None:
                with open(edition_of(path, dsl_version), encoding='utf-8') as stored:
                    return stored.read()
        raise exceptions.DSLParsingLogicException(13, 'Import failed: no stored text for %s' % import_url)

    def fetch_import(self, import_url, **kwargs):
        if import_url.startswith('file:'):
            return read_import(import_url)
        if import_url.startswith('resource:') or is_remote_resource(import_url):
            return self.resolve(import_url, kwargs.get('dsl_version'))
        return read_import(import_url)

    def retrieve_plugin(self, import_url, **kwargs):
        raise InvalidBlueprintImport('plugins have no records here')


def edition_of(path, dsl_version):
    """`plugin_1_4.yaml` beside `plugin.yaml` for blueprints of 1_4."""
    stem, extension = os.path.splitext(path)
    edition = '%s_%s%s' % (stem, dsl_version, extension)
    return edition if os.path.exists(edition) else path


def as_json(value):
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, 'items'):
        return dict(value)
    return str(value)


def outcome_of(path, types, resolver):
    with open(path, encoding='utf-8') as blueprint:
        text = blueprint.read()
    try:
        plan = parser.parse(text, resources_base_path=types, dsl_location=path, resolver=resolver)
        return {'plan': plan}
    except exceptions.DSLParsingException as error:
        return {
            'error': str(error),
            'kind': type(error).__name__,
            'code': getattr(error, 'err_code', None),
        }
    except Exception as error:  # the parser lets plain Python errors through for some mistakes
        return {'error': str(error), 'kind': type(error).__name__, 'code': None}


def outcome_of_job(job, types, resolver):
    outcome = outcome_of(job['file'], types, resolver)
    if outcome.get('code') != 13 or 'resource:' not in outcome['error']:
        return outcome
    nowhere = os.getcwd()
    os.chdir(job['root'])
    try:
        return {**outcome_of(job['file'], types, resolver), 'refused': outcome['error']}
    finally:
        os.chdir(nowhere)


def main():
    task = json.load(sys.stdin)
    resolver = Stored(task['imports'])
    for job in task['jobs']:
        outcome = outcome_of_job(job, task['types'], resolver)
        partial = job['out'] + '.part'
        with open(partial, 'w', encoding='utf-8') as out:
            json.dump(outcome, out, default=as_json, sort_keys=False)
        os.replace(partial, job['out'])


if __name__ == '__main__':
    main()
