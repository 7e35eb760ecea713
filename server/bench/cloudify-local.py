"""Installs a blueprint of so many nodes with the local engine of the published cloudify-common, in memory, and prints the
seconds that it took. The same shape as in install.bench.ts: every node after the first ten depends on another, ten to one.

    python3 cloudify-local.py 1000
"""
import logging
import os
import sys
import tempfile
import time
import types

HEAD = """tosca_definitions_version: cloudify_dsl_1_3
plugins:
  bench: {executor: central_deployment_agent, install: false}
relationships:
  cloudify.relationships.depends_on:
    properties: {connection_type: {default: all_to_all}}
node_types:
  cloudify.nodes.Root:
    interfaces:
      cloudify.interfaces.lifecycle:
        create: bench.bench_operations.noop
        configure: bench.bench_operations.noop
        start: bench.bench_operations.noop
workflows:
  install: bench.bench_operations.install
node_templates:
"""


def main(count):
    from cloudify.decorators import operation
    from cloudify.plugins import workflows
    from cloudify.workflows import local

    module = types.ModuleType('bench_operations')

    @operation
    def noop(**_):
        return None

    module.noop = noop
    module.install = workflows.install
    sys.modules['bench_operations'] = module

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'blueprint.yaml')
        with open(path, 'w') as blueprint:
            blueprint.write(HEAD)
            for index in range(count):
                blueprint.write('  n%d:\n    type: cloudify.nodes.Root\n' % index)
                if index >= 10:
                    blueprint.write(
                        '    relationships: [{type: cloudify.relationships.depends_on, target: n%d}]\n' % (index // 10))
        environment = local.init_env(path)
        logging.disable(logging.CRITICAL)
        said, sys.stdout = sys.stdout, open(os.devnull, 'w')
        begin = time.monotonic()
        environment.execute('install', task_retries=0)
        seconds = time.monotonic() - begin
        sys.stdout = said
        states = [instance['state'] for instance in environment.storage.get_node_instances()]
        if states != ['started'] * count:
            raise SystemExit('not installed: %s' % set(states))
        sys.stdout.write('\n%.6f\n' % seconds)


main(int(sys.argv[1]))
