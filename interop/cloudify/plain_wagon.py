"""Wagons as the program wagon makes them, without it."""
import io
import json
import os
import tarfile
import zipfile

PLUGIN_YAML = """plugins:
  {name}:
    executor: central_deployment_agent
    package_name: {name}
    package_version: '{version}'
node_types:
  {name}.Thing:
    derived_from: cloudify.nodes.Root
"""


def wheel(name, version):
    """The bytes of a wheel with one module that does nothing."""
    module = name.replace('-', '_')
    info = '{}-{}.dist-info'.format(module, version)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr(module + '.py', 'def nothing(**_):\n    pass\n')
        archive.writestr(info + '/METADATA', 'Metadata-Version: 2.1\nName: {}\nVersion: {}\n'.format(name, version))
        archive.writestr(info + '/WHEEL', 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        archive.writestr(info + '/RECORD', '')
    return '{}-{}-py3-none-any.whl'.format(module, version), packed.getvalue()


def wagon(folder, name, version):
    """The path of a wagon, as the program wagon would make it."""
    wheel_name, content = wheel(name, version)
    archive_name = '{}-{}-py3-none-any.wgn'.format(name.replace('-', '_'), version)
    package = {
        'created_by_wagon_version': '1.0.3', 'archive_name': archive_name, 'package_name': name,
        'package_version': version, 'package_source': name, 'supported_platform': 'any',
        'supported_python_versions': ['py3'], 'wheels': [wheel_name], 'excluded_wheels': [],
        'build_server_os_properties': {
            'distribution': 'debian', 'distribution_version': '12', 'distribution_release': 'bookworm'},
    }
    path = os.path.join(folder, archive_name)
    with tarfile.open(path, 'w:gz') as archive:
        for inner, data in (('package.json', json.dumps(package).encode()), ('wheels/' + wheel_name, content)):
            entry = tarfile.TarInfo('{}/{}'.format(name, inner))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def write_plugin_yaml(folder, name, version):
    path = os.path.join(folder, 'plugin.yaml')
    with open(path, 'w') as file:
        file.write(PLUGIN_YAML.format(name=name, version=version))
    return path
